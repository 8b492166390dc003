// Everything that one look at a cloud leads to, in one value: pure. The controller carries it out, the status reports it.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type {
  Host,
  HostSpec,
  HostSpecAddressesItem,
  HostSpecJobsItem,
  HostSpecPrePull,
} from '../api/host.gen.ts';
import type { Topology } from '../api/topology.ts';
import type { Manifest } from '../kube/objects.ts';
import { assignAddresses, dnsServersOf } from './addressing.ts';
import { allocate, type Member } from './allocation.ts';
import { completedRevision, hostDiffers, hostManifest } from './host-object.ts';
import { decideJobs, type JobHost, type Ledger } from './jobs.ts';
import { newEntries } from './ledger.ts';
import { planPrePull, type PrePull } from './pre-pull.ts';
import type { Problem } from './problem.ts';
import type { RevisionSources } from './revision.ts';
import { prunable, type Revision } from './revision-store.ts';
import { decideRollout } from './rollout.ts';
import { unreachableDeadlineMs } from './rollout/barrier.ts';
import type { Assignment, RolloutDecision, RolloutHost } from './rollout/model.ts';
import { rolloutInput } from './rollout-input.ts';
import { chooseTargets, type Targets } from './targets.ts';
import { buildTopology } from './topology.ts';

export interface World extends RevisionSources {
  /** All Hosts of the namespace. */
  readonly hosts: readonly Host[];
  readonly nodes: ReadonlyMap<string, BareMetalNode>;
  /** Those of this cloud. */
  readonly revisions: readonly Revision[];
  readonly ledger: Ledger;
  readonly now: Date;
}

export interface Decision {
  readonly members: readonly Member[];
  readonly targets: Targets;
  readonly rollout: RolloutDecision;
  readonly topology: Topology;
  readonly prePull: PrePull;
  readonly problems: {
    readonly nodes: readonly Problem[];
    readonly addresses: readonly Problem[];
    readonly revisions: readonly Problem[];
    readonly jobs: readonly Problem[];
  };
  /** Hosts to make or to change. */
  readonly apply: readonly Manifest<Host>[];
  /** Hosts to delete, that are not being deleted yet. */
  readonly remove: readonly Host[];
  /** Jobs that have been done since the ledger was written. */
  readonly done: Ledger;
  readonly prune: readonly Revision[];
}

export function decide(world: World): Decision {
  const { overcloud, roles } = world;
  const own = ownHosts(world);
  const allocation = allocate(world);
  const addressing = assignAddresses({ ...world, members: allocation.members });
  // An address that is missing would be missing in every other host's files too: such a host is not made yet.
  const members = allocation.members.filter(
    ({ name, host }) => host !== undefined || !addressing.incomplete.has(name),
  );
  const targets = chooseTargets(world, members, world.revisions);
  const input = rolloutInput({ ...world, members, targets, arriving: allocation.arriving });
  const decided = decideRollout(input);
  const lookAgainMs = allocation.arriving > 0 ? arrivalsAgainMs : decided.lookAgainMs;
  const rollout = { ...decided, lookAgainMs };
  const jobs = decideJobs(jobHosts(world, members, targets, input.hosts, rollout), world.ledger);
  const prePull = planPrePull(world, members);
  const apply = members.flatMap((member) => {
    const spec = hostSpec(world, member, {
      addresses: addressing.addresses.get(member.name) ?? [],
      assignment: rollout.assignments.get(member.name) ?? nowhere,
      jobs: jobs.jobs.get(member.name) ?? [],
      prePull: prePull.byMember.get(member.name),
    });
    const completed = member.host === undefined ? '' : completedRevision(member.host);
    const manifest = hostManifest(overcloud, member.name, spec, completed);
    return member.host === undefined || hostDiffers(member.host, manifest) ? [manifest] : [];
  });
  return {
    members,
    targets,
    rollout,
    topology: buildTopology(overcloud, roles, members, addressing.addresses),
    prePull,
    problems: {
      nodes: allocation.problems,
      addresses: addressing.problems,
      revisions: targets.problems,
      jobs: jobs.problems,
    },
    apply,
    remove: allocation.leaving.filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    done: newEntries(world.ledger, jobs.ledger),
    prune: prunable(world.revisions, namedRevisions(world, own, targets)),
  };
}

/** Whether carrying out the decision changes anything. */
export const changesSomething = (decision: Decision, topologyChanged: boolean): boolean =>
  topologyChanged ||
  decision.targets.cut.length > 0 ||
  decision.apply.length > 0 ||
  decision.remove.length > 0 ||
  decision.done.size > 0;

export const ownHosts = ({ overcloud, hosts }: Pick<World, 'overcloud' | 'hosts'>): readonly Host[] =>
  hosts.filter((host) => host.spec.overcloudName === overcloud.metadata.name);

/** Nodes that are on the way to be available may stop to count as such by the mere passing of time. */
const arrivalsAgainMs = 15_000;

const nowhere: Assignment = { revision: '', proposedRevision: '', step: 0 };

function jobHosts(
  world: World,
  members: readonly Member[],
  targets: Targets,
  states: readonly RolloutHost[],
  rollout: RolloutDecision,
): readonly JobHost[] {
  const revisions = new Map(
    [...world.revisions, ...targets.cut].map((revision) => [revision.name, revision]),
  );
  const numberOf = (name: string) => revisions.get(name)?.number ?? 0;
  const membersByName = new Map(members.map((member) => [member.name, member]));
  return states.map((state) => {
    const host = membersByName.get(state.name)?.host;
    const { revision: name } = rollout.assignments.get(state.name) ?? nowhere;
    return {
      name: state.name,
      role: state.role,
      payload: revisions.get(name)?.payload,
      revision: { name, number: numberOf(name) },
      moving: name !== '' && name !== state.completed,
      available: !state.aside && state.unreachableForMs < unreachableDeadlineMs,
      assigned: host?.spec.jobs ?? [],
      assignedFor: numberOf(state.revision),
      results: host?.status?.jobs ?? [],
    };
  });
}

function hostSpec(
  { overcloud, nodes, roles }: World,
  member: Member,
  given: {
    readonly addresses: readonly HostSpecAddressesItem[];
    readonly assignment: Assignment;
    readonly jobs: readonly HostSpecJobsItem[];
    readonly prePull: HostSpecPrePull | undefined;
  },
): HostSpec {
  const { spec, metadata } = overcloud;
  const paused = member.entry?.paused ?? false;
  const dnsServers = dnsServersOf(overcloud, given.addresses);
  const role = roles.get(member.role);
  // A role that is missing takes nothing away.
  const osImage = role === undefined ? member.host?.spec.osImage : role.spec.osImage;
  return {
    overcloudName: metadata.name,
    role: member.role,
    index: member.index,
    hostname: member.name,
    nodeName: member.nodeName,
    addresses: given.addresses,
    ...(dnsServers.length === 0 ? {} : { dnsServers }),
    ...(osImage === undefined ? {} : { osImage }),
    ssh: {
      user: spec.ssh.user,
      keyName: spec.ssh.keyName,
      port: nodes.get(member.nodeName)?.spec.sshPort ?? 22,
    },
    ...given.assignment,
    jobs: given.jobs,
    ...(given.prePull === undefined ? {} : { prePull: given.prePull }),
    mode: spec.mode,
    paused,
    pauseReason: paused ? 'spec.roles[].hosts[].paused' : '',
    deletionPolicy: spec.deletionPolicy,
    hold: member.entry?.hold ?? false,
  };
}

/** Revisions that must not be pruned, whatever their age. */
function namedRevisions({ overcloud }: World, own: readonly Host[], targets: Targets): ReadonlySet<string> {
  const pins = overcloud.spec.roles.flatMap(({ revision, hosts = [] }) => [
    revision ?? '',
    ...hosts.map((host) => host.revision ?? ''),
  ]);
  const byHosts = own.flatMap((host) => [
    host.spec.revision,
    host.spec.proposedRevision,
    host.status?.progress?.revision ?? '',
    completedRevision(host),
  ]);
  return new Set([...pins, ...byHosts, ...targets.newest.values(), ...targets.byMember.values()]);
}
