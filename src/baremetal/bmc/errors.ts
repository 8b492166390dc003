// The ways in which a BMC fails, in one vocabulary for both protocols. The remedy is added by whoever knows the node's spec.
import { terminal, transient, type OperatorError } from '../../kernel/errors.ts';

/** Nobody there, or it fell silent in mid-sentence. */
export const unreachable = (address: string, detail: string, cause?: unknown): OperatorError =>
  transient('BMCUnreachable', `BMC ${address} does not answer (${detail})`, cause);

/** It answers, and cannot do it now. */
export const busy = (address: string, detail: string): OperatorError =>
  transient('BMCBusy', `BMC ${address} cannot do it now (${detail})`);

/** Every one of these is a failed login in the BMC's books: after a few, many lock the account. */
export const authFailed = (address: string, detail: string): OperatorError =>
  terminal('BMCAuthFailed', `BMC ${address} does not accept the user name or password (${detail})`);

/** It understood, and says no. */
export const refused = (address: string, detail: string): OperatorError =>
  terminal('BMCRefused', `BMC ${address} refuses: ${detail}`);

export const certificateInvalid = (address: string, detail: string, cause?: unknown): OperatorError =>
  terminal(
    'BMCCertificateInvalid',
    `BMC ${address} shows a certificate that is not trusted (${detail})`,
    cause,
  );
