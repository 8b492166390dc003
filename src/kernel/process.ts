// The operator as a Unix process: signals, what nobody caught, and the exit code.
import { messageOf, OperatorError } from './errors.ts';
import type { Logger } from './log.ts';

/** Nobody may read the log any more. */
const longestCloseMs = 5_000;

/**
 * Calls `run` with a signal that aborts on SIGTERM or SIGINT, and ends the process with the code that `run` resolves to,
 * after `close` (the log is out); with 1 when `run` throws an OperatorError. A second signal ends the process at once. So does an error that nobody caught: what it has
 * left half-done nobody knows, and a new process starts from what the API server knows.
 */
export async function runProcess(
  log: Logger,
  close: () => Promise<void>,
  run: (stop: AbortSignal) => Promise<number>,
): Promise<void> {
  const stop = new AbortController();
  const exit = async (code: number): Promise<void> => {
    setTimeout(() => process.exit(code), longestCloseMs).unref();
    await close().catch(() => undefined);
    process.exit(code);
  };
  const onSignal = (name: string) => {
    if (stop.signal.aborted) process.exit(1);
    log.info('Stopping', { signal: name });
    stop.abort(new DOMException(`the process received ${name}`, 'AbortError'));
  };
  const onUncaught = (error: unknown) => {
    log.error('An error that nobody caught', {
      error: messageOf(error),
      stack: error instanceof Error ? error.stack : '',
    });
    void exit(1);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught);
  await exit(await codeOf(() => run(stop.signal), log));
}

/** What a person can mend, as a wrong kubeconfig, is a sentence and not a stack. */
async function codeOf(run: () => Promise<number>, log: Logger): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    log.error('The operator cannot start', { reason: error.reason, error: error.message });
    return 1;
  }
}
