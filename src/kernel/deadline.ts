// Gives a piece of work a signal that aborts when its caller's does, or when it takes too long.
import type { Clock } from './clock.ts';

/**
 * Runs `work` with a signal that aborts with `signal`'s reason, or with what `late` makes when `ms` milliseconds have passed
 * since the start or the last call of `extend`. Waits for `work` to end in any case; throws the reason if it fails after
 * that. Leaves nothing behind on `signal`, which may live as long as the process (AbortSignal.any would).
 */
export async function withDeadline<T>(
  options: {
    readonly clock: Clock;
    readonly ms: number;
    readonly signal: AbortSignal;
    readonly late: () => Error;
  },
  work: (signal: AbortSignal, extend: () => void) => Promise<T>,
): Promise<T> {
  const { clock, ms, signal, late } = options;
  signal.throwIfAborted();
  const inner = new AbortController();
  const onAbort = () => inner.abort(signal.reason);
  const onLate = () => inner.abort(late());
  let timer = clock.schedule(ms, onLate);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(inner.signal, () => {
      timer.cancel();
      timer = clock.schedule(ms, onLate);
    });
  } catch (error) {
    inner.signal.throwIfAborted();
    throw error;
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
