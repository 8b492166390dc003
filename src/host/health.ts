// How a host does, in one sentence that a person can act on: the worst thing first. Pure.
import type { ConditionInput, Health } from '../kernel/conditions.ts';
import type { OperatorError } from '../kernel/errors.ts';
import type { Brake } from './brakes.ts';
import type { Manifest } from './manifest/types.ts';
import type { Hold, Plan } from './plan/types.ts';

/** Waiting is no failure: these come last. */
const patient: ReadonlySet<string> = new Set(['ContainersStarting', 'WaitingForJob', 'ContainerNotRunning']);

/** `step` is how far the host may go. */
export function healthOf(host: string, plan: Plan, manifest: Manifest, brake: Brake, step: number): Health {
  const { kind } = brake;
  if (kind === 'Paused' || kind === 'Maintenance') return pausedHealth(host, brake, plan);
  const worst = plan.holds.toSorted((a, b) => rank(a) - rank(b))[0];
  const left = plan.actions[0];
  if (kind === 'Observe' && left !== undefined) {
    const message = `${host}: differs from revision ${manifest.revision} in ${count(plan.actions.length, 'thing')}, and is left alone in mode Observe`;
    return { kind: 'paused', reason: 'Observed', message };
  }
  if (worst !== undefined && !patient.has(worst.reason))
    return holdHealth(host, worst, plan.holds.length - 1);
  if (left !== undefined) {
    return {
      kind: 'progressing',
      reason: 'Converging',
      message: `${host}: ${left.target} ${left.reason}${andMore(plan.actions.length - 1)}`,
    };
  }
  if (worst !== undefined) return holdHealth(host, worst, plan.holds.length - 1);
  if (plan.stepDone < 5) {
    const message = `${host}: step ${plan.stepDone} is done, ${step < 5 ? 'waits for the other hosts' : 'goes on'}`;
    return { kind: 'progressing', reason: 'WaitingForStep', message };
  }
  const { ready } = plan.containers;
  return {
    kind: 'ready',
    message: `${host}: ${count(ready, 'container')} of revision ${manifest.revision} in place`,
  };
}

/** What keeps us from even looking at the host. */
export function troubleHealth(host: string, error: OperatorError, brake: Brake): Health {
  if (brake.kind === 'Paused' || brake.kind === 'Maintenance') return pausedHealth(host, brake, undefined);
  const { reason } = error;
  const message = sentence(host, error.message);
  return error.kind === 'transient'
    ? { kind: 'progressing', reason, message }
    : { kind: 'stalled', reason, message };
}

/** Begins with the host's name, once. */
export const sentence = (host: string, message: string): string =>
  message.startsWith(`${host}: `) ? message : `${host}: ${message}`;

export function convergedCondition(plan: Plan, manifest: Manifest): ConditionInput {
  const open = plan.actions.length + plan.holds.length;
  return plan.stepDone === 5
    ? {
        type: 'Converged',
        status: 'True',
        reason: 'InPlace',
        message: `revision ${manifest.revision} is in place`,
      }
    : {
        type: 'Converged',
        status: 'False',
        reason: 'Differs',
        message: `${count(open, 'thing')} left to do for revision ${manifest.revision}`,
      };
}

/** Undefined where a role asks for nothing that this release does not do. */
export function unsupportedCondition({ unsupported }: Manifest): ConditionInput | undefined {
  if (unsupported.length === 0) return undefined;
  return { type: 'Supported', status: 'False', reason: 'NotInThisRelease', message: unsupported.join(' ') };
}

function pausedHealth(host: string, { kind, text }: Brake, plan: Plan | undefined): Health {
  const would =
    plan === undefined || plan.actions.length === 0
      ? ''
      : `; ${count(plan.actions.length, 'thing')} would be done`;
  return { kind: 'paused', reason: kind, message: `${host}: left alone: ${text}${would}` };
}

function holdHealth(host: string, hold: Hold, others: number): Health {
  const { on, target, reason, stalled } = hold;
  const what = on === 'file' ? target : `${on} ${target}`;
  return {
    kind: stalled ? 'stalled' : 'progressing',
    reason,
    message: `${host}: ${what} ${hold.message}${andMore(others)}`,
  };
}

const rank = ({ stalled, reason }: Hold): number => (stalled ? 0 : patient.has(reason) ? 2 : 1);

const andMore = (others: number): string => (others > 0 ? ` (and ${others} more)` : '');

const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`;
