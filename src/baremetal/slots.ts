// Slots for what loads the provisioning network (agent inspection, deploying, cleaning): so many nodes at once, the others in line.

/**
 * Counted in this process alone; after a restart the statuses say who has one (`take`). Whoever holds a slot or stands in line and
 * loses its use for it (done, failed, deleted, paused) must `free`, or it keeps the slot or its place. Deleting needs no slot.
 */
export interface Slots {
  /**
   * True when `key` has a slot, now or from before. False: it stands in line, at the end if it was not there, and hears through
   * `onFree` when its turn has come; first come, first served.
   */
  tryTake(key: string): boolean;
  /** Gives `key` a slot though there may be none left: its work is under way already. */
  take(key: string): void;
  /** Gives back the slot or the place in line; nothing for a key that has neither. */
  free(key: string): void;
  /** `listener` gets each key whose turn has come, maybe more than once: `tryTake` succeeds for it now. */
  onFree(listener: (key: string) => void): void;
  /** Who has a slot, longest first. */
  holders(): readonly string[];
  /** The line, first one first. */
  waiting(): readonly string[];
}

/** `most` at once, at least 1. */
export function createSlots(most: number): Slots {
  const held = new Set<string>();
  const line = new Set<string>();
  const listeners: ((key: string) => void)[] = [];

  /** Those in line for whom there is a slot. */
  const called = (): readonly string[] => (held.size >= most ? [] : [...line].slice(0, most - held.size));
  const take = (key: string): void => {
    line.delete(key);
    held.add(key);
  };

  return {
    tryTake(key) {
      if (held.has(key)) return true;
      line.add(key);
      if (!called().includes(key)) return false;
      take(key);
      return true;
    },
    take,
    free(key) {
      const had = held.delete(key);
      if (!line.delete(key) && !had) return;
      for (const next of called()) for (const listener of listeners) listener(next);
    },
    onFree: (listener) => void listeners.push(listener),
    holders: () => [...held],
    waiting: () => [...line],
  };
}
