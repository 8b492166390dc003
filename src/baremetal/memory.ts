// What this process knows of a node between two looks: all of it can be lost, and is then found again.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import { annotations } from '../api/names.ts';
import type { OperatorError } from '../kernel/errors.ts';
import type { Inventory } from './bmc/port.ts';
import type { Login } from './credentials.ts';
import { loginsBeforePause, retryDelay, type BmcView, type Failure } from './lifecycle.ts';

/** Times are milliseconds of the monotonic clock. */
export interface Memory {
  readonly uid: string;
  /** What a person asked for last: the spec's generation and the annotations that ask for a look. */
  asked: string;
  login: Login | undefined;
  loginDueAt: number;
  /** Version of the login that the BMC is tried with. */
  tried: string | undefined;
  /** A former process got tired of this Secret's password: it is not tried again just because we are new. */
  wornOut: string | undefined;
  view: BmcView;
  failures: number;
  dueAt: number;
  inventory: Inventory | undefined;
}

/** The time that lies so many milliseconds ahead, with jitter. */
export type After = (ms: number) => number;

/** A login that fails is read again this often (at most 30 s apart, with jitter), one that works with the slow pass. */
const failingLoginMs = 25_000;
const workingLoginMs = 600_000;
/** Failures that a change of the Secret or the CA may mend. */
const mendedByLogin = /^(BMCAuthFailed|BMCCertificateInvalid)$/;

/** Nothing known, everything due; but a password that a BMC refused too often rests as it did before our time. */
export function firstMemory(node: BareMetalNode, after: After): Memory {
  const { conditions = [], errorCount = 0, credentialsVersion } = node.status ?? {};
  const memory: Memory = {
    uid: node.metadata.uid,
    asked: wishesOf(node),
    login: undefined,
    loginDueAt: 0,
    tried: undefined,
    wornOut: undefined,
    view: { kind: 'unseen' },
    failures: 0,
    dueAt: 0,
    inventory: undefined,
  };
  const refusal = conditions.find(({ type, reason }) => type === 'Manageable' && reason === 'BMCAuthFailed');
  if (refusal === undefined || errorCount < loginsBeforePause) return memory;
  const { reason, message } = refusal;
  const failure: Failure = { kind: 'terminal', reason, message, count: errorCount };
  const dueAt = after(retryDelay(failure));
  return {
    ...memory,
    wornOut: credentialsVersion,
    view: { kind: 'fails', failure },
    failures: errorCount,
    dueAt,
  };
}

/** Whoever edits a node or asks for a look gets one at once: true when somebody did. */
export function heed(memory: Memory, node: BareMetalNode, now: number): boolean {
  const asked = wishesOf(node);
  if (asked === memory.asked) return false;
  Object.assign(memory, { asked, dueAt: now, loginDueAt: now });
  return true;
}

/** Before the login is read: should that fail, it is not read again at once. */
export function loginAwaited(memory: Memory, after: After): void {
  Object.assign(memory, { login: undefined, loginDueAt: after(failingLoginMs) });
}

/** What went wrong is not the login's: it is read again as soon as the node is looked at again. */
export function loginStillDue(memory: Memory, now: number): void {
  if (memory.login === undefined) memory.loginDueAt = now;
}

export function loginRead(memory: Memory, login: Login, after: After, now: number): void {
  const news = login.version !== memory.tried && login.secretVersion !== memory.wornOut;
  Object.assign(memory, { login, tried: login.version, wornOut: undefined });
  // Nothing that we know of the BMC holds for another login, and it is tried at once.
  if (news) Object.assign(memory, { view: { kind: 'unseen' }, failures: 0, dueAt: now });
  const doubtful = memory.view.kind === 'fails' && mendedByLogin.test(memory.view.failure.reason);
  if (!doubtful) memory.loginDueAt = after(workingLoginMs);
}

export function failed(memory: Memory, { kind, reason, message }: OperatorError, after: After): void {
  memory.failures += 1;
  const failure: Failure = { kind, reason, message, count: memory.failures };
  memory.dueAt = after(retryDelay(failure));
  // One lost answer of a BMC that was well a moment ago is looked into before anybody hears of it.
  if (memory.view.kind === 'answers' && kind === 'transient' && memory.failures === 1) return;
  memory.view = { kind: 'fails', failure };
  if (memory.login === undefined) memory.tried = undefined;
  if (mendedByLogin.test(reason)) memory.loginDueAt = Math.min(memory.loginDueAt, after(failingLoginMs));
}

/** When there is something to look at again. */
export const nextLookAt = ({ login, dueAt, loginDueAt }: Memory): number =>
  login === undefined ? loginDueAt : Math.min(dueAt, loginDueAt);

const wishesOf = ({ metadata }: BareMetalNode): string => {
  const { [annotations.retry]: retry, [annotations.reconcileRequestedAt]: look } = metadata.annotations ?? {};
  return [metadata.generation, retry, look].join(' ');
};
