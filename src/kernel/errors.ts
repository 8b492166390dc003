// The one error type that crosses rooms: a kind says what to do next, a reason goes into conditions, a message is for people.

/**
 * - `transient`: try again with backoff (a network that is away, a conflict, a machine that is booting).
 * - `terminal`: trying again cannot help until somebody changes the input. Not retried on a timer shorter than the slow pass.
 * - `unsafe`: going on could destroy something. Stop, and say so.
 */
export type ErrorKind = 'transient' | 'terminal' | 'unsafe';

export class OperatorError extends Error {
  readonly kind: ErrorKind;
  /** CamelCase word for a condition's `reason`, from a small fixed vocabulary. */
  readonly reason: string;

  /** `message` names the object or host, the thing, the cause and the remedy, and holds no secret. */
  constructor(kind: ErrorKind, reason: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'OperatorError';
    this.kind = kind;
    this.reason = reason;
  }
}

export const transient = (reason: string, message: string, cause?: unknown): OperatorError =>
  new OperatorError('transient', reason, message, cause);
export const terminal = (reason: string, message: string, cause?: unknown): OperatorError =>
  new OperatorError('terminal', reason, message, cause);
export const unsafe = (reason: string, message: string, cause?: unknown): OperatorError =>
  new OperatorError('unsafe', reason, message, cause);

/** Anything thrown, as an OperatorError: what nobody classified is transient and called InternalError. */
export function asOperatorError(thrown: unknown): OperatorError {
  if (thrown instanceof OperatorError) return thrown;
  return transient('InternalError', messageOf(thrown), thrown);
}

/** The message of anything thrown, on one line. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** True for the error that an aborted AbortSignal throws. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === 'AbortError' || thrown.name === 'TimeoutError');
}
