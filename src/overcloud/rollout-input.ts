// What the rollout is told: the cloud's policy, and every member as a plain value.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import { annotations } from '../api/names.ts';
import type { Overcloud } from '../api/overcloud.gen.ts';
import type { Role } from '../api/role.gen.ts';
import { isTrue } from '../kernel/conditions.ts';
import type { Member } from './allocation.ts';
import { completedRevision, conditionOf } from './host-object.ts';
import type { Rejection, RolloutHost, RolloutInput, RolloutRole } from './rollout/model.ts';
import type { Targets } from './targets.ts';

export interface RolloutFacts {
  readonly overcloud: Overcloud;
  readonly roles: ReadonlyMap<string, Role>;
  readonly nodes: ReadonlyMap<string, BareMetalNode>;
  readonly members: readonly Member[];
  readonly targets: Targets;
  readonly arriving: number;
  readonly now: Date;
}

export function rolloutInput(facts: RolloutFacts): RolloutInput {
  const { overcloud, members, targets } = facts;
  const { mode, rollout, update } = overcloud.spec;
  const rejected = standingRejections(overcloud, targets);
  const frozen =
    mode !== 'Apply' ? `spec.mode is ${mode}` : rollout === 'Paused' ? 'spec.rollout is Paused' : undefined;
  return {
    roles: rolesInOrder(facts),
    hosts: members.map((member) => rolloutHost(facts, member, rejected)),
    arriving: facts.arriving,
    frozen,
    planOnly: mode !== 'Apply',
    rejected,
    update: {
      maxUnavailable: update.maxUnavailable,
      maxFailPercent: update.maxFailPercent,
      onFailure: update.onFailure,
      canary: update.canary && { hosts: update.canary.hosts, pauseMs: update.canary.pauseSeconds * 1000 },
    },
  };
}

/** Those that `update.order` names, then the others as the Overcloud lists them. */
function rolesInOrder({ overcloud, roles, members }: RolloutFacts): readonly RolloutRole[] {
  const listed = overcloud.spec.roles.map(({ role }) => role);
  const first = (overcloud.spec.update.order ?? []).filter((name) => listed.includes(name));
  const names = new Set([...first, ...listed, ...members.map(({ role }) => role)]);
  return [...names].map((name) => {
    const spec = roles.get(name)?.spec;
    return { name, tags: spec?.tags ?? [], serial: spec?.update.serial ?? 1 };
  });
}

const longestRetry = 256;

/** The value of the annotation that asks for another try, as far as the status has room for it. */
export const retryOf = ({ metadata }: Overcloud): string | undefined =>
  metadata.annotations?.[annotations.retry]?.slice(0, longestRetry);

/**
 * What failed stays given up while the input still comes to it, and until the retry annotation changes. What a role's
 * input comes to is not known while something is missing for it: then nothing is forgotten.
 */
function standingRejections(overcloud: Overcloud, targets: Targets): readonly Rejection[] {
  const { rejected = [], retry } = overcloud.status ?? {};
  if (retryOf(overcloud) !== retry) return [];
  const wanted = new Set([...targets.byMember.values(), ...targets.newest.values()]);
  return rejected
    .filter(({ role, revision }) => wanted.has(revision) || !targets.newest.has(role))
    .map(({ role, revision, host = '', reason }) => ({ role, revision, host, reason }));
}

function rolloutHost(facts: RolloutFacts, member: Member, rejected: readonly Rejection[]): RolloutHost {
  const { name, role, index, entry, host, nodeName } = member;
  const maintenance = facts.nodes.get(nodeName)?.spec.maintenance ?? false;
  return {
    name,
    role,
    index,
    target: targetOf(facts, member, rejected),
    hold: entry?.hold ?? false,
    aside: maintenance || (entry?.paused ?? false),
    ...(host === undefined ? notMade : stateOf(host, facts.now)),
  };
}

type HostState = Omit<RolloutHost, 'name' | 'role' | 'index' | 'target' | 'hold' | 'aside'>;

const notMade: HostState = {
  revision: '',
  step: 0,
  completed: '',
  progress: undefined,
  ready: false,
  readyForMs: 0,
  unreachableForMs: 0,
  failure: '',
};

function stateOf(host: Host, now: Date): HostState {
  const ready = isTrue(host.status?.conditions, 'Ready');
  return {
    revision: host.spec.revision,
    step: host.spec.step,
    completed: completedRevision(host),
    progress: host.status?.progress,
    ready,
    readyForMs: ready ? ageMs(host, 'Ready', now) : 0,
    unreachableForMs: isUnreachable(host) ? Math.max(1, ageMs(host, 'Connected', now)) : 0,
    failure: failureOf(host),
  };
}

/** What was given up is nobody's target: hosts stay where they are, and new ones begin with what the others run. */
function targetOf(facts: RolloutFacts, { name, role, host }: Member, rejected: readonly Rejection[]): string {
  const wanted = facts.targets.byMember.get(name) ?? '';
  if (!rejected.some((rejection) => rejection.role === role && rejection.revision === wanted)) return wanted;
  if (host !== undefined && host.spec.revision !== '') return host.spec.revision;
  return commonRevision(facts, role, wanted);
}

/** What most hosts of the role run: where new ones start while the newest revision is given up. */
function commonRevision({ members }: RolloutFacts, role: string, except: string): string {
  const counts = new Map<string, number>();
  for (const { host } of members.filter((member) => member.role === role)) {
    const completed = host === undefined ? '' : completedRevision(host);
    if (completed !== '' && completed !== except) counts.set(completed, (counts.get(completed) ?? 0) + 1);
  }
  const [most = ['']] = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return most[0];
}

const isUnreachable = (host: Host): boolean => conditionOf(host, 'Connected')?.status === 'False';

/** Reasons of a host that say nothing of its revision: what it lacks would be lacking with the former one too. */
const circumstances = ['SecretNotFound', 'SecretKeyNotFound', 'CredentialsInvalid'];

/** Why the revision cannot work here, as far as the host has looked at it; a host that is out of reach says nothing of it. */
function failureOf(host: Host): string {
  const ready = conditionOf(host, 'Ready');
  const looked = host.status?.observedGeneration === host.metadata.generation && !isUnreachable(host);
  if (!looked || ready?.status !== 'False' || circumstances.includes(ready.reason)) return '';
  const failed = isTrue(host.status.conditions, 'Stalled') || ready.reason === 'ReplaceFailed';
  return failed ? ready.message : '';
}

function ageMs(host: Host, type: string, now: Date): number {
  const since = conditionOf(host, type)?.lastTransitionTime;
  return since === undefined ? 0 : Math.max(0, now.getTime() - Date.parse(since));
}
