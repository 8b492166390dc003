// Ends a request that takes too long, or on which nothing or next to nothing moves any more.
import type { Clock } from '../../kernel/clock.ts';

/** How much longer a registry may take for what it has to read through before it answers: gigabytes in object storage. */
export const commitFactor = 20;

/** Bytes a second. What moves slower for a whole window is as good as silent: others wait for their turn meanwhile. */
export const leastRate = 10_000;
/** Long enough for a line that is busy for a moment. */
const windowMs = 5 * 60_000;

export interface Watchdog {
  /** Aborts with the caller's reason, or with what `late` or `slow` made. */
  readonly signal: AbortSignal;
  /** The other side has the next move, and so long for it. */
  readonly wait: (ms: number) => void;
  /** We have the next move: no time runs. `bytes`: so many moved while the other side had it. */
  readonly rest: (bytes?: number) => void;
  /** Must be called in the end. */
  readonly end: () => void;
}

/**
 * Unlike the kernel's withDeadline it lives on after a function has returned: a body is read later. Leaves nothing behind on
 * `signal`, which may live as long as the process (AbortSignal.any would).
 */
export function createWatchdog(
  clock: Pick<Clock, 'schedule' | 'monotonic'>,
  signal: AbortSignal,
  late: (ms: number) => Error,
  slow: (bytesPerSecond: number) => Error,
): Watchdog {
  signal.throwIfAborted();
  const inner = new AbortController();
  const onAbort = () => inner.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  let timer: { cancel(): void } | undefined;
  let since = clock.monotonic();
  /** In this window: how long the other side had the move, and what it moved. */
  let span = { ms: 0, bytes: 0 };
  const stop = () => {
    timer?.cancel();
    timer = undefined;
  };
  const end = () => {
    stop();
    signal.removeEventListener('abort', onAbort);
  };
  const give = (reason: Error) => {
    inner.abort(reason);
    end();
  };
  return {
    signal: inner.signal,
    end,
    rest(bytes) {
      stop();
      if (bytes === undefined) return;
      span = { ms: span.ms + clock.monotonic() - since, bytes: span.bytes + bytes };
      if (span.ms < windowMs) return;
      const rate = (span.bytes * 1000) / span.ms;
      span = { ms: 0, bytes: 0 };
      if (rate < leastRate) give(slow(Math.floor(rate)));
    },
    wait(ms) {
      stop();
      if (inner.signal.aborted) return;
      since = clock.monotonic();
      timer = clock.schedule(ms, () => give(late(ms)));
    },
  };
}
