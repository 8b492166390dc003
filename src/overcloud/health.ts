// How a cloud does, in one sentence: the worst thing first, in the words of whoever knows it best: pure.
import type { Host } from '../api/host.gen.ts';
import { isTrue, type Health } from '../kernel/conditions.ts';
import type { Member } from './allocation.ts';
import type { Decision, World } from './decide.ts';
import { completedRevision, conditionOf } from './host-object.ts';
import type { Problem } from './problem.ts';
import { namesOf } from './rollout/model.ts';

/** All is well as long as somebody wants it so: a rollout that is paused on purpose takes nothing from a cloud's health. */
const frozen = 'RolloutFrozen';

export function judge(world: World, decision: Decision, failures: readonly Problem[]): Health {
  const { problems, rollout } = decision;
  const known = [
    ...failures,
    ...problems.revisions,
    ...problems.nodes,
    ...problems.addresses,
    ...problems.jobs,
  ];
  const stops = [
    ...known.filter(({ needsPerson }) => needsPerson),
    ...rollout.waits.filter(({ stopped }) => stopped),
    ...decision.members.flatMap(({ host }) => hostProblem(host, 'Stalled') ?? []),
  ];
  const [worst] = stops;
  if (worst !== undefined)
    return { kind: 'stalled', reason: worst.reason, message: withMore(worst.message, stops.length) };
  return known[0] === undefined ? judgeHosts(world, decision) : { kind: 'progressing', ...said(known[0]) };
}

const said = ({ reason, message }: Problem) => ({ reason, message });

const withMore = (message: string, count: number): string =>
  count === 1 ? message : `${message} (and ${String(count - 1)} more)`;

/** Nothing is wrong with the input: what the hosts have come to. */
function judgeHosts({ overcloud, nodes }: World, decision: Decision): Health {
  const { members, rollout } = decision;
  const unready = members.filter(({ host }) => !isTrue(host?.status?.conditions, 'Ready'));
  const desired = overcloud.spec.roles.reduce((sum, { count }) => sum + count, 0);
  const ready = `${String(members.length - unready.length)} of ${String(desired)} hosts are ready`;
  if (
    unready.length === 0 &&
    members.length >= desired &&
    rollout.waits.every(({ reason }) => reason === frozen)
  ) {
    const [wait] = rollout.waits;
    return wait === undefined
      ? { kind: 'ready', message: ready }
      : { kind: 'ready', reason: frozen, message: `${ready}; ${wait.message}` };
  }
  const { mode } = overcloud.spec;
  if (mode !== 'Apply' && unready.every(({ host }) => (host?.spec.revision ?? '') === '')) {
    const message = `spec.mode is ${mode}: Host.status.plan shows what would be done, Apply does it`;
    return { kind: 'paused', reason: `Mode${mode}`, message };
  }
  const aside = (member: Member) =>
    member.entry?.paused === true || nodes.get(member.nodeName)?.spec.maintenance === true;
  if (unready.length > 0 && unready.every(aside)) {
    const message = `${namesOf(unready)} ${unready.length === 1 ? 'is' : 'are'} paused or in maintenance, the other hosts are ready`;
    return { kind: 'paused', reason: 'HostsSetAside', message };
  }
  return inProgress(decision, unready, ready);
}

function inProgress({ members, rollout }: Decision, unready: readonly Member[], ready: string): Health {
  const isNew = ({ host }: Member) => host === undefined || completedRevision(host) === '';
  const isMoving = ({ host }: Member) => host !== undefined && host.spec.revision !== completedRevision(host);
  const reason = unready.some(isNew) ? 'Deploying' : members.some(isMoving) ? 'Updating' : 'HostNotReady';
  const [first] = [
    ...unready.filter(hasFailures),
    ...unready.filter(isAway),
    ...unready.filter(({ host }) => host !== undefined),
    ...unready,
  ];
  const [wait] = rollout.waits;
  const detail = first === undefined ? wait?.message : inItsWords(first);
  return { kind: 'progressing', reason, message: detail === undefined ? ready : `${ready}; ${detail}` };
}

/** Out of reach, or its machine cannot be installed: it keeps the others waiting. */
const isAway = ({ host }: Member): boolean =>
  host !== undefined && conditionOf(host, 'Connected')?.status === 'False';

const hasFailures = ({ host }: Member): boolean => (host?.status?.unready ?? []).length > 0;

function inItsWords({ name, host }: Member): string {
  const ready = host === undefined ? undefined : conditionOf(host, 'Ready');
  return ready === undefined ? `${name} has not reported yet` : named(name, ready.message);
}

/** A host's own words, when its condition `type` is True. */
function hostProblem(host: Host | undefined, type: string): Problem | undefined {
  if (host === undefined) return undefined;
  const condition = conditionOf(host, type);
  if (condition?.status !== 'True') return undefined;
  return {
    reason: condition.reason,
    message: named(host.metadata.name, condition.message),
    needsPerson: true,
  };
}

const named = (host: string, message: string): string =>
  message.startsWith(host) ? message : `${host}: ${message}`;
