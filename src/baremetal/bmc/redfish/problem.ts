// What a Redfish service's answer means when it is no success.
import type { OperatorError } from '../../../kernel/errors.ts';
import { busy, refused } from '../errors.ts';
import { errorTextIn } from './document.ts';
import type { RedfishAddress, Reply } from './http.ts';
import { passesByItself } from './quirks.ts';

/** 5xx (but for 501), 409, 423, 429 and the refusals that quirks.ts knows to pass do pass, the rest does not. */
export function problem(address: RedfishAddress, what: string, reply: Reply): OperatorError {
  const text = `${what}: HTTP ${reply.status}${suffix(errorTextIn(reply.body))}`;
  const passes = (reply.status >= 500 && reply.status !== 501) || [409, 423, 429].includes(reply.status);
  return passes || passesByItself(reply) ? busy(address.text, text) : refused(address.text, text);
}

export const suffix = (detail: string | undefined): string => (detail === undefined ? '' : ` (${detail})`);
