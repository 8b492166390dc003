// How one call to the engine ends: with its answer, in time, or with an error that says who has to do what.
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, OperatorError, terminal, transient } from '../../kernel/errors.ts';
import { untilAborted } from '../session/abort.ts';

export interface EngineCalls {
  /**
   * Runs one call. `what` completes "cannot …", `signal` calls it off, `limitMs` is how long it may take
   * (Infinity: as long as it likes). Throws the signal's reason, or an OperatorError as Engine in ports.ts
   * describes them.
   */
  readonly run: <T>(
    what: string,
    signal: AbortSignal,
    limitMs: number,
    work: (signal: AbortSignal) => Promise<T>,
  ) => Promise<T>;
}

/** `name` begins every message; `closed` is the session's. */
export function createEngineCalls(name: string, closed: AbortSignal, clock: Clock): EngineCalls {
  return {
    async run(what, signal, limitMs, work) {
      signal.throwIfAborted();
      const call = new AbortController();
      const late = Symbol('late');
      const onAbort = () => call.abort(signal.reason);
      const onClosed = () => call.abort(closed.reason);
      const timer = limitMs === Infinity ? undefined : clock.schedule(limitMs, () => call.abort(late));
      signal.addEventListener('abort', onAbort, { once: true });
      closed.addEventListener('abort', onClosed, { once: true });
      try {
        if (closed.aborted) throw closed.reason as Error;
        // Not every call of dockerode ends when its signal aborts: a stream that is read does not.
        return await untilAborted(work(call.signal), call.signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (error instanceof OperatorError && !closed.aborted) throw error;
        if (call.signal.reason === late) {
          const after = `no answer in ${Math.round(limitMs / 1000)} s; look at the engine's service on the host`;
          throw transient('EngineUnavailable', `${name}: cannot ${what}: ${after}`);
        }
        throw closed.aborted ? sessionLost(name, what, closed) : engineError(name, what, error);
      } finally {
        timer?.cancel();
        signal.removeEventListener('abort', onAbort);
        closed.removeEventListener('abort', onClosed);
      }
    },
  };
}

function sessionLost(name: string, what: string, closed: AbortSignal): OperatorError {
  return transient(
    'EngineUnavailable',
    `${name}: cannot ${what}: ${messageOf(closed.reason)}`,
    closed.reason,
  );
}

/** The HTTP status of the engine's refusal, undefined when it did not answer at all. */
export function statusOf(error: unknown): number | undefined {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}

/** The engine's own words: docker-modem puts them behind `(HTTP code 404) no such container - `. */
export function wordsOf(error: unknown): string {
  return messageOf(error).replace(/^\(HTTP code \d+\) .*? - /, '');
}

/**
 * What says that something changed since we looked. Docker has 409 for most of it, Podman 4.3 says 500 to
 * nearly everything.
 */
const conflicting =
  /name .*already in use|state improper|not running|no such container|removal .*in progress/i;
/** What passes by itself. */
const passing = /database is locked|timed? ?out|temporarily unavailable|resource busy|try again/i;

function engineError(name: string, what: string, error: unknown): OperatorError {
  const status = statusOf(error);
  const message = `${name}: cannot ${what}: ${wordsOf(error)}`;
  if (status === undefined || status === 502 || status === 503) {
    return transient('EngineUnavailable', `${message}; look at the engine's service on the host`, error);
  }
  const gone = status === 404 && !/image/i.test(message);
  if (status === 409 || gone || conflicting.test(message) || passing.test(message)) {
    return transient('EngineBusy', message, error);
  }
  return terminal('EngineRefused', message, error);
}
