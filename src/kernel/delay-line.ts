// Calls back for each key when its time has come, with one timer for all of them.
import type { Clock, Timer } from './clock.ts';
import { createDueHeap } from './heap.ts';

export interface DelayLine {
  /** `at` is on the clock's monotonic time; replaces what was set for `key` before. */
  set(key: string, at: number): void;
  remove(key: string): void;
  /** Calls back no more. */
  stop(): void;
}

export function createDelayLine(clock: Clock, onDue: (key: string) => void): DelayLine {
  const heap = createDueHeap();
  let timer: { readonly handle: Timer; readonly at: number } | undefined;
  let stopped = false;

  const arm = (): void => {
    const first = heap.first();
    if (timer?.at === first?.at) return;
    timer?.handle.cancel();
    timer =
      first && !stopped
        ? { at: first.at, handle: clock.schedule(first.at - clock.monotonic(), wake) }
        : undefined;
  };
  const wake = (): void => {
    timer = undefined;
    // The platform's timers may fire a little early, and cannot hold long delays: the clock decides.
    for (let first = heap.first(); first && first.at <= clock.monotonic(); first = heap.first()) {
      heap.remove(first.key);
      onDue(first.key);
    }
    arm();
  };

  return {
    set(key, at) {
      heap.set(key, at);
      arm();
    },
    remove(key) {
      heap.remove(key);
      arm();
    },
    stop() {
      stopped = true;
      timer?.handle.cancel();
    },
  };
}
