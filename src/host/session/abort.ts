// Waits for work that does not heed an AbortSignal, or not in time.

/**
 * Settles as `work` does, or rejects with the signal's reason as soon as `signal` aborts; the work itself
 * goes on.
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason as Error);
    };
    const done = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(done);
    if (signal.aborted) onAbort();
  });
}
