// Steps within a cohort: nobody starts a step before all have finished the one before it; and who is not waited for.
import { lastStep, type RolloutHost, type RolloutRole } from './model.ts';

/** How long a host may be out of reach before the others go on without it. */
export const unreachableDeadlineMs = 10 * 60_000;

/** Roles whose hosts are always waited for: a cloud without one of them would not be the same cloud. */
const indispensable = ['pacemaker', 'primary'];

/** The step of `revision` that the host has finished; 0 when it has not begun. */
export const finishedStep = (host: RolloutHost, revision: string): number =>
  host.progress?.revision === revision ? host.progress.step : 0;

/**
 * The step up to which every host of the cohort may go. A host alone waits for nobody. `arriving` are members that are not
 * there yet and have therefore finished nothing.
 */
export function cohortStep(
  cohort: readonly { readonly host: RolloutHost; readonly revision: string }[],
  arriving: number,
): number {
  if (cohort.length + arriving <= 1) return lastStep;
  if (arriving > 0) return 1;
  const slowest = Math.min(...cohort.map(({ host, revision }) => finishedStep(host, revision)));
  return Math.min(lastStep, slowest + 1);
}

/**
 * The hosts of a role that the others need not wait for: out of reach for longer than the deadline, and no more of them
 * than the policy allows.
 */
export function excusedHosts(
  role: RolloutRole,
  hosts: readonly RolloutHost[],
  maxFailPercent: number,
): readonly RolloutHost[] {
  if (role.tags.some((tag) => indispensable.includes(tag))) return [];
  const overdue = hosts.filter((host) => host.unreachableForMs >= unreachableDeadlineMs);
  return overdue.length * 100 <= hosts.length * maxFailPercent ? overdue : [];
}

/** Milliseconds until the next unreachable host's deadline; undefined when there is none to come. */
export function nextDeadline(hosts: readonly RolloutHost[]): number | undefined {
  const left = hosts
    .filter((host) => host.unreachableForMs > 0 && host.unreachableForMs < unreachableDeadlineMs)
    .map((host) => unreachableDeadlineMs - host.unreachableForMs);
  return left.length === 0 ? undefined : Math.min(...left);
}
