// Which hosts of one role start an update now: one wave after the other, and only while enough of the role is ready.
import { isMoving, isNew, namesOf, type RolloutHost, type RolloutRole, type UpdatePolicy } from './model.ts';

export interface RoleView {
  readonly role: RolloutRole;
  /** Hosts of the role that were deployed before, without those that nobody waits for. */
  readonly hosts: readonly RolloutHost[];
}

export type Wave =
  /** All hosts are where they should be. */
  | { readonly kind: 'done' }
  | { readonly kind: 'start'; readonly hosts: readonly RolloutHost[] }
  | { readonly kind: 'wait'; readonly reason: string; readonly message: string; readonly ms?: number };

/** The hosts that an update of this role concerns: deployed once, and waited for. */
export const updatable = (
  role: RolloutRole,
  hosts: readonly RolloutHost[],
  excused: ReadonlySet<string>,
): RoleView => ({
  role,
  hosts: hosts.filter((host) => host.role === role.name && !isNew(host) && !excused.has(host.name)),
});

/** Hosts that are complete, on another revision than they should be on, and free to leave it. */
export const pendingHosts = (view: RoleView): readonly RolloutHost[] =>
  view.hosts.filter(
    (host) =>
      !isMoving(host) && host.target !== '' && host.target !== host.revision && !host.hold && !host.aside,
  );

export function nextWave(view: RoleView, policy: UpdatePolicy): Wave {
  const { role } = view;
  const moving = view.hosts.filter((host) => isMoving(host) && !host.aside);
  if (moving.length > 0) {
    const message = `role ${role.name}: ${namesOf(moving)} ${moving.length === 1 ? 'is' : 'are'} being updated`;
    return { kind: 'wait', reason: 'Updating', message };
  }
  const pending = pendingHosts(view);
  if (pending.length === 0) return { kind: 'done' };

  const updated = view.hosts.filter((host) => host.revision === host.target && !host.aside);
  const unwell = updated.filter((host) => !host.ready);
  if (unwell.length > 0) {
    const message = `role ${role.name}: the next wave starts when ${namesOf(unwell)}, updated before, is ready`;
    return { kind: 'wait', reason: 'WaitingForUpdatedHosts', message };
  }
  const targets = new Set(pending.map(({ target }) => target));
  // Who is pinned to another revision has not tried this one.
  const first = updated.filter(({ revision }) => targets.has(revision));
  const canary = canaryGate(role, first, policy);
  if (canary.kind === 'wait') return canary;
  return takeWave(view, pending, Math.min(waveSize(role, view.hosts.length), canary.most), policy);
}

/** The first hosts of an update go alone, and the others after a pause in which these must stay ready. */
function canaryGate(
  role: RolloutRole,
  updated: readonly RolloutHost[],
  { canary }: UpdatePolicy,
): Extract<Wave, { kind: 'wait' }> | { readonly kind: 'open'; readonly most: number } {
  if (canary === undefined || updated.length > canary.hosts) return { kind: 'open', most: Infinity };
  if (updated.length < canary.hosts) return { kind: 'open', most: canary.hosts - updated.length };
  const ms = canary.pauseMs - Math.min(...updated.map((host) => host.readyForMs));
  if (ms <= 0) return { kind: 'open', most: Infinity };
  const message = `role ${role.name}: ${namesOf(updated)} went first, the others follow after the canary's pause`;
  return { kind: 'wait', reason: 'CanaryPause', message, ms };
}

/** Hosts that are not ready go first: moving them takes nothing away, and may be what mends them. */
function takeWave(view: RoleView, pending: readonly RolloutHost[], size: number, policy: UpdatePolicy): Wave {
  const reachable = pending.filter((host) => host.unreachableForMs === 0);
  const byIndex = (a: RolloutHost, b: RolloutHost) => a.index - b.index;
  const broken = reachable.filter((host) => !host.ready).sort(byIndex);
  const well = reachable.filter((host) => host.ready).sort(byIndex);

  const unavailable = view.hosts.filter((host) => !host.ready || host.aside);
  const { maxUnavailable } = policy;
  const allowed = maxUnavailable === undefined ? size : countOf(maxUnavailable, view.hosts.length);
  const spare = allowed - unavailable.length;
  const hosts = [...broken, ...well.slice(0, Math.max(0, spare))].slice(0, size);
  if (hosts.length > 0) return { kind: 'start', hosts };
  const message = `role ${view.role.name}: no host may be updated while ${namesOf(unavailable)} is not available`;
  return { kind: 'wait', reason: 'TooManyUnavailable', message };
}

/** A share is rounded up. Members of a Pacemaker cluster move one at a time, whatever the role says. */
function waveSize(role: RolloutRole, total: number): number {
  if (role.tags.includes('pacemaker')) return 1;
  return countOf(role.serial, total);
}

/** `3`, or `25%` of the total rounded up; at least 1. */
function countOf(amount: number | string, total: number): number {
  const count = typeof amount === 'number' ? amount : Math.ceil((total * Number.parseInt(amount, 10)) / 100);
  return Math.max(1, count);
}
