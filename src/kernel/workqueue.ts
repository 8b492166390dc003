// The keys that wait for a worker. Its laws (checked against a model in the tests):
//
// - A key is held by one worker at most, and stands in the queue once at most.
// - A key added while it is held runs exactly once more, after it was done. No addition is lost.
// - Of several additions the earliest time and the highest priority count.
// - Who is first in a priority is served first; low priority waits until nothing else is ready.
// - After `shutdown` nothing is handed out any more, and what is held is waited for.
import type { Clock } from './clock.ts';
import { createDelayLine } from './delay-line.ts';

/** `low` is for what nobody waits for (the first list, the slow pass), so that fresh edits overtake it. */
export type Priority = 'normal' | 'low';

export interface AddOptions {
  readonly afterMs?: number;
  readonly priority?: Priority;
}

/** Hears of what happens, for metrics. */
export interface QueueObserver {
  added(): void;
  taken(waitedMs: number): void;
  done(workedMs: number): void;
}

export interface WorkQueue {
  add(key: string, options?: AddOptions): void;
  /** The next key, to be held until `done`; undefined after shutdown. */
  take(): Promise<string | undefined>;
  done(key: string): void;
  /** Resolves when no key is held any more. */
  shutdown(): Promise<void>;
  /** Keys that are ready and not held. */
  depth(): number;
  /** For how long each held key has been held. */
  heldMs(): readonly number[];
}

interface Item {
  readonly priority: Priority;
  /** When it is, or was, due. */
  readonly at: number;
}

export function createWorkQueue(clock: Clock, observer: QueueObserver): WorkQueue {
  /** Every key that is to run: later, now, or when whoever holds it is done. */
  const items = new Map<string, Item>();
  /** Those that are due and not held. */
  const ready = createReadyKeys();
  /** Since when. */
  const held = new Map<string, number>();
  const takers: PromiseWithResolvers<string | undefined>[] = [];
  const drained: PromiseWithResolvers<void> = Promise.withResolvers();
  let closed = false;

  const place = (key: string): void => {
    const item = items.get(key);
    if (item === undefined) return;
    if (item.at > clock.monotonic()) return later.set(key, item.at);
    later.remove(key);
    if (!held.has(key)) ready.add(key, item.priority);
    serve();
  };
  const later = createDelayLine(clock, place);
  const serve = (): void => {
    while (takers.length > 0) {
      const key = ready.shift();
      if (key === undefined) return;
      const now = clock.monotonic();
      observer.taken(now - (items.get(key)?.at ?? now));
      items.delete(key);
      held.set(key, now);
      takers.shift()?.resolve(key);
    }
  };

  return {
    add(key, { afterMs = 0, priority = 'normal' } = {}) {
      if (closed) return;
      observer.added();
      const former = items.get(key);
      items.set(key, {
        priority: former?.priority === 'normal' ? 'normal' : priority,
        at: Math.min(clock.monotonic() + Math.max(afterMs, 0), former?.at ?? Infinity),
      });
      place(key);
    },
    take() {
      if (closed) return Promise.resolve(undefined);
      const taker = Promise.withResolvers<string | undefined>();
      takers.push(taker);
      serve();
      return taker.promise;
    },
    done(key) {
      const since = held.get(key);
      if (since === undefined) return;
      held.delete(key);
      observer.done(clock.monotonic() - since);
      if (!closed) place(key);
      else if (held.size === 0) drained.resolve();
    },
    shutdown() {
      closed = true;
      later.stop();
      for (const taker of takers.splice(0)) taker.resolve(undefined);
      if (held.size === 0) drained.resolve();
      return drained.promise;
    },
    depth: ready.size,
    heldMs: () => [...held.values()].map((since) => clock.monotonic() - since),
  };
}

/** First come, first served within a priority; a Set keeps the order and finds a key at once. */
function createReadyKeys() {
  const normal = new Set<string>();
  const low = new Set<string>();
  return {
    add(key: string, priority: Priority): void {
      if (priority === 'normal') low.delete(key);
      (priority === 'normal' ? normal : low).add(key);
    },
    shift(): string | undefined {
      const [key] = normal.size > 0 ? normal : low;
      if (key !== undefined && !normal.delete(key)) low.delete(key);
      return key;
    },
    size: (): number => normal.size + low.size,
  };
}
