// The errors of a session that carry more than a kind, a reason and a message.
import { OperatorError, transient } from '../../kernel/errors.ts';

/**
 * A leader with a higher epoch was on this host: nothing was done, and nothing may be until our epoch is
 * above it.
 */
export class FencedError extends OperatorError {
  readonly epoch: number;

  constructor(message: string, epoch: number) {
    super('unsafe', 'Fenced', message);
    this.name = 'FencedError';
    this.epoch = epoch;
  }
}

/**
 * The helper's process ended, or never started; `code` is its exit status, undefined when a signal or the
 * connection ended it.
 */
export class HelperEnded extends OperatorError {
  readonly code: number | undefined;

  constructor(message: string, code: number | undefined) {
    super('transient', 'SessionClosed', message);
    this.name = 'HelperEnded';
    this.code = code;
  }
}

/** For a session that we ended ourselves. */
export const sessionClosed = (name: string): OperatorError =>
  transient('SessionClosed', `${name}: the session was closed`);
