// The status of a cloud: what it has come to, and the worst that stands in its way, in a sentence.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import {
  overclouds,
  type Overcloud,
  type OvercloudStatus,
  type OvercloudStatusRejectedItem,
} from '../api/overcloud.gen.ts';
import { isTrue, mergeConditions, summarise, type ConditionInput } from '../kernel/conditions.ts';
import { requeueAfter, settled, type Outcome } from '../kernel/controller.ts';
import type { StatusWriter } from '../kernel/status.ts';
import { settledState } from './claimable.ts';
import type { Decision, World } from './decide.ts';
import { judge } from './health.ts';
import { completedRevision } from './host-object.ts';
import { prePulledSummary, reportPrePull } from './pre-pull-report.ts';
import { listed, together, type Problem } from './problem.ts';
import { lastStep } from './rollout/model.ts';
import { retryOf } from './rollout-input.ts';

/** What the CRD allows. */
const longestImages = 128;
const mostRejected = 50;

export async function reportStatus(
  writer: StatusWriter,
  overcloud: Overcloud,
  next: OvercloudStatus,
): Promise<Outcome> {
  const written = await writer.write(overclouds, overcloud, { ...next });
  return written.kind === 'deferred' ? requeueAfter(written.ms, 'status') : settled;
}

/** `failures`: what could not be carried out, in sentences. */
export function statusOf(world: World, decision: Decision, failures: readonly Problem[]): OvercloudStatus {
  const { overcloud, now } = world;
  const { generation } = overcloud.metadata;
  const conditions = [
    ...summarise(judge(world, decision, failures)),
    nodesAllocated(world, decision),
    imagesResolved(decision),
    converged(decision),
    ...reportPrePull(overcloud, decision),
    ...unsupported(overcloud),
  ];
  const retry = retryOf(overcloud);
  const rejected = rejections(overcloud, decision, now);
  return {
    observedGeneration: generation,
    conditions: mergeConditions(overcloud.status?.conditions, conditions, generation, now),
    ...counts(overcloud, decision),
    step: String(slowestStep(decision)),
    images: tagsOf(world, decision),
    ...(overcloud.spec.prePull === undefined ? {} : { prePulled: prePulledSummary(decision) }),
    ...(rejected.length === 0 ? {} : { rejected }),
    ...(retry === undefined ? {} : { retry }),
  };
}

function counts(overcloud: Overcloud, decision: Decision): Pick<OvercloudStatus, 'hosts' | 'roles'> {
  const roles = overcloud.spec.roles.map(({ role, count }) => {
    const hosts = decision.members.filter((member) => member.role === role).flatMap(({ host }) => host ?? []);
    const revision = decision.targets.newest.get(role);
    return {
      name: role,
      desired: count,
      ready: hosts.filter(isReady).length,
      updated: hosts.filter((host) => isUpdated(decision, host)).length,
      ...(revision === undefined ? {} : { revision }),
    };
  });
  const total = (of: (role: (typeof roles)[number]) => number) =>
    roles.reduce((sum, role) => sum + of(role), 0);
  const desired = total((role) => role.desired);
  const ready = total((role) => role.ready);
  const updated = total((role) => role.updated);
  return { hosts: { desired, ready, updated, summary: `${String(ready)}/${String(desired)}` }, roles };
}

const isReady = (host: Host): boolean => isTrue(host.status?.conditions, 'Ready');

function isUpdated({ targets }: Decision, host: Host): boolean {
  const target = targets.byMember.get(host.metadata.name) ?? '';
  return target !== '' && completedRevision(host) === target && host.spec.revision === target;
}

/** 5 when every host has finished its revision; what the slowest has finished until then. */
function slowestStep({ members }: Decision): number {
  const steps = members.map(({ host }) => {
    if (host === undefined || host.spec.revision === '') return 0;
    if (completedRevision(host) === host.spec.revision) return lastStep;
    return host.status?.progress?.revision === host.spec.revision ? host.status.progress.step : 0;
  });
  return steps.length === 0 ? 0 : Math.min(...steps);
}

/** The tags that hosts run; of a cloud that runs nothing yet, those it is going to run. */
function tagsOf({ revisions }: World, { members, targets }: Decision): string {
  const payloads = new Map([...revisions, ...targets.cut].map(({ name, payload }) => [name, payload]));
  const tagsIn = (names: readonly string[]) =>
    [...new Set(names.flatMap((name) => payloads.get(name)?.imagesTag ?? []))]
      .filter((tag) => tag !== '')
      .toSorted();
  const running = tagsIn(members.flatMap(({ host }) => (host === undefined ? [] : completedRevision(host))));
  const tags = running.length > 0 ? running : tagsIn([...targets.byMember.values()]);
  return tags.join(', ').slice(0, longestImages);
}

function rejections(
  overcloud: Overcloud,
  { rollout }: Decision,
  now: Date,
): readonly OvercloudStatusRejectedItem[] {
  const former = new Map((overcloud.status?.rejected ?? []).map((item) => [item.revision, item]));
  return rollout.rejected
    .slice(0, mostRejected)
    .map(
      ({ role, revision, host, reason }) =>
        former.get(revision) ?? { role, revision, host, reason, at: `${now.toISOString().slice(0, 19)}Z` },
    );
}

function nodesAllocated({ nodes }: World, { problems, members }: Decision): ConditionInput {
  const type = 'NodesAllocated';
  const [first] = problems.nodes;
  if (first !== undefined)
    return { type, status: 'False', reason: first.reason, message: together(problems.nodes) };
  const installing = members.filter(({ nodeName }) => isBeingInstalled(nodes.get(nodeName)));
  const names = installing.map(({ nodeName }) => nodeName);
  const still = names.length === 0 ? '' : `; being installed: ${listed(names)}`;
  return {
    type,
    status: 'True',
    reason: 'Allocated',
    message: `${String(members.length)} hosts have a node${still}`,
  };
}

const isBeingInstalled = (node: BareMetalNode | undefined): boolean =>
  node !== undefined && settledState(node) === 'deploying';

const imageReasons = ['ImageNotResolved', 'ImageNotVerified', 'ImageSetNotFound'];

function imagesResolved({ problems }: Decision): ConditionInput {
  const type = 'ImagesResolved';
  const missing = problems.revisions.filter(({ reason }) => imageReasons.includes(reason));
  const [first] = missing;
  if (first !== undefined) return { type, status: 'False', reason: first.reason, message: together(missing) };
  return { type, status: 'True', reason: 'Resolved', message: 'every image that is used has a digest' };
}

/** Whether every host has finished what the user's input comes to; pins are part of that input, and said here. */
function converged(decision: Decision): ConditionInput {
  const type = 'Converged';
  const { targets, members, rollout } = decision;
  const behind = members.filter(({ host }) => host === undefined || !isUpdated(decision, host));
  const [wait] = rollout.waits;
  if (wait !== undefined)
    return { type, status: 'False', reason: wait.reason, message: together(rollout.waits) };
  if (behind.length > 0) {
    const message = `${String(members.length - behind.length)} of ${String(members.length)} hosts have finished their newest revision`;
    return { type, status: 'False', reason: 'Progressing', message };
  }
  if (targets.pins.length > 0)
    return { type, status: 'True', reason: 'Pinned', message: targets.pins.join('; ') };
  return {
    type,
    status: 'True',
    reason: 'Converged',
    message: 'every host has finished its newest revision',
  };
}

/** What the user asked for and this release does not do: said, never passed over. */
function unsupported(overcloud: Overcloud): readonly ConditionInput[] {
  if (overcloud.spec.update.confirmWithinSeconds === 0) return [];
  const message =
    'spec.update.confirmWithinSeconds has no effect in this release: no revision is taken back by time';
  return [{ type: 'Supported', status: 'False', reason: 'NotInThisRelease', message }];
}
