// A clock that stands still until a test moves it.
import { sleepOn, type Clock } from '../../src/kernel/clock.ts';

export interface ManualClock extends Clock {
  /**
   * Moves time on, running every timer that falls due, in order and each at its own time; what a timer sets off (promise
   * chains, further timers) happens before the next one runs.
   */
  advance(ms: number): Promise<void>;
  /** How many timers wait. */
  pending(): number;
}

interface Waiting {
  readonly at: number;
  readonly run: () => void;
}

export function createManualClock(start: Date = new Date('2026-01-01T00:00:00Z')): ManualClock {
  let elapsed = 0;
  const timers = new Set<Waiting>();

  const schedule: Clock['schedule'] = (ms, run) => {
    const timer = { at: elapsed + Math.max(ms, 0), run };
    timers.add(timer);
    return { cancel: () => void timers.delete(timer) };
  };

  return {
    now: () => new Date(start.getTime() + elapsed),
    monotonic: () => elapsed,
    schedule,
    sleep: (ms, signal) => sleepOn({ schedule }, ms, signal),
    pending: () => timers.size,
    async advance(ms) {
      const until = elapsed + ms;
      await settle();
      for (let next = earliest(timers, until); next !== undefined; next = earliest(timers, until)) {
        timers.delete(next);
        elapsed = next.at;
        next.run();
        await settle();
      }
      elapsed = until;
    },
  };
}

/** Lets everything that waits on nothing but promises run to its end. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function earliest(timers: ReadonlySet<Waiting>, until: number): Waiting | undefined {
  let first: Waiting | undefined;
  for (const timer of timers) {
    if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer;
  }
  return first;
}
