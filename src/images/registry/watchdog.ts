// Ends a request that takes too long, or on which nothing moves any more.
import type { Clock } from '../../kernel/clock.ts';

/** How much longer a registry may take for what it has to read through before it answers: gigabytes in object storage. */
export const commitFactor = 20;

export interface Watchdog {
  /** Aborts with the caller's reason, or with what `late` made. */
  readonly signal: AbortSignal;
  /** The other side has the next move, and so long for it. */
  readonly wait: (ms: number) => void;
  /** We have the next move: no time runs. */
  readonly rest: () => void;
  /** Must be called in the end. */
  readonly end: () => void;
}

/**
 * Unlike the kernel's withDeadline it lives on after a function has returned: a body is read later. Leaves nothing behind on
 * `signal`, which may live as long as the process (AbortSignal.any would).
 */
export function createWatchdog(
  clock: Pick<Clock, 'schedule'>,
  signal: AbortSignal,
  late: (ms: number) => Error,
): Watchdog {
  signal.throwIfAborted();
  const inner = new AbortController();
  const onAbort = () => inner.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  let timer: { cancel(): void } | undefined;
  const rest = () => {
    timer?.cancel();
    timer = undefined;
  };
  const end = () => {
    rest();
    signal.removeEventListener('abort', onAbort);
  };
  return {
    signal: inner.signal,
    rest,
    end,
    wait(ms) {
      rest();
      timer = clock.schedule(ms, () => {
        inner.abort(late(ms));
        end();
      });
    },
  };
}
