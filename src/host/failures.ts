// What failed on a host not long ago: kept until the thing has proven itself, tried again ever more calmly.
import { createBackoff } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Failure, Remembered } from './plan/types.ts';

const usual = { baseMs: 1_000, maxMs: 5 * 60_000 };
/** Each try to replace a container interrupts what it does. */
const replacing = { baseMs: 60_000, maxMs: 30 * 60_000 };

/** By name of container, or `service/job`. Lost with the process: then everything is tried once more at once. */
export interface FailureBook {
  /** What failed in another revision is forgotten: in this one it is tried at once. */
  begin(revision: string): void;
  /** It failed, and is tried again after a while that doubles each time. */
  record(name: string, failure: Failure): void;
  /** It ended, by itself or by hand: when it runs again it has to prove itself. */
  suspect(name: string): void;
  /** It has proven itself, or is no more. */
  forget(name: string): void;
  /** Forgets all but these. */
  keep(names: ReadonlySet<string>): void;
  view(): ReadonlyMap<string, Remembered>;
  suspects(): ReadonlySet<string>;
  /** Milliseconds until the next try of anything; undefined when nothing waits for one. */
  nextMs(): number | undefined;
}

interface Entry {
  readonly failure: Failure;
  readonly notBefore: number;
  /** On the monotonic clock. */
  readonly since: number;
}

export function createFailureBook(deps: {
  readonly clock: Clock;
  readonly random: () => number;
}): FailureBook {
  const { clock, random } = deps;
  const backoff = createBackoff({ ...usual, random });
  const slowBackoff = createBackoff({ ...replacing, random });
  const entries = new Map<string, Entry>();
  const suspects = new Set<string>();

  const forget = (name: string) => {
    entries.delete(name);
    suspects.delete(name);
    backoff.reset(name);
    slowBackoff.reset(name);
  };

  let current: string | undefined;

  return {
    begin(revision) {
      if (revision !== current) for (const name of [...entries.keys()]) forget(name);
      current = revision;
    },
    record(name, failure) {
      const runs = failure.reason === 'ReplaceFailed' && failure.stuck !== true;
      const { next } = runs ? slowBackoff : backoff;
      const since = entries.get(name)?.since ?? clock.monotonic();
      entries.set(name, { failure, notBefore: clock.monotonic() + next(name), since });
    },
    suspect(name) {
      suspects.add(name);
    },
    forget,
    keep(names) {
      for (const name of [...entries.keys(), ...suspects]) if (!names.has(name)) forget(name);
    },
    view() {
      const now = clock.monotonic();
      const remembered = ({ failure, notBefore, since }: Entry): Remembered => ({
        failure,
        again: now >= notBefore,
        forMs: now - since,
      });
      return new Map([...entries].map(([name, entry]) => [name, remembered(entry)]));
    },
    suspects: () => new Set(suspects),
    nextMs() {
      const waits = [...entries.values()]
        .map(({ notBefore }) => notBefore - clock.monotonic())
        .filter((ms) => ms > 0);
      return waits.length === 0 ? undefined : Math.min(...waits);
    },
  };
}
