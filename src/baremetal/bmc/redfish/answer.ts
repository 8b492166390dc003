// How to read a Redfish service's answer: success or not, and what its messages say.
import { OperatorError } from '../../../kernel/errors.ts';
import type { Reply } from './http.ts';

export const succeeded = (reply: Reply): boolean => reply.status < 300;

/** True where any of the answer's messages has it, also those that are not the worst. */
export const says = (reply: Reply, what: RegExp): boolean => what.test(JSON.stringify(reply.body ?? ''));

/** Base registry (DSP8011): SessionLimitExceeded, CreateLimitReachedForResource. Some send 400 with it, some 503. */
export const isSessionLimit = (reply: Reply): boolean =>
  !succeeded(reply) && says(reply, /SessionLimitExceeded|CreateLimitReachedForResource/);

export const isTransient = (thrown: unknown): boolean =>
  thrown instanceof OperatorError && thrown.kind === 'transient';
