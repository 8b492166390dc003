// What is seen of the agent's work in one pass: whether it may begin, whose turn it is, what was heard, what comes next.
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import type { Host } from '../../api/host.gen.ts';
import type { Clock } from '../../kernel/clock.ts';
import { asOperatorError } from '../../kernel/errors.ts';
import type { Cache } from '../../kube/client.ts';
import { keyOf, keyText } from '../../kube/objects.ts';
import { nextMove, planOf, type AgentMove } from '../agent/plan.ts';
import type { Heard } from '../agent/port.ts';
import type { Inventory } from '../bmc/port.ts';
import { present } from '../bmc/present.ts';
import { isInspected, workOf, type WorkView } from '../decide.ts';
import type { Seen } from '../observe.ts';
import { chooseBoot, type Choice } from './choose.ts';
import { tailOf, type Consoles } from './consoles.ts';
import { jobFor } from './job.ts';
import type { Blocker, WorkSeen } from './model.ts';
import type { Provisioning, Tries, Try } from './tries.ts';

export interface WorkLook extends WorkView {
  /** Told by the agent, and not kept yet. */
  readonly inventory: Inventory | undefined;
}

export interface LookDeps {
  readonly cache: Cache;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly provisioning: Provisioning | undefined;
  readonly consoles: Consoles;
}

const unavailable: Blocker = {
  reason: 'ProvisioningUnavailable',
  message:
    'waits: the operator was started without --agent-url, by which agents find it: see docs/bare-metal.md',
};
const starting: Blocker = {
  reason: 'ProvisioningStarting',
  message: 'waits: this operator does not listen to machines yet, see its log',
};

/** What the node boots and gets, or why nothing. */
export function choiceFor(
  { cache, provisioning }: Pick<LookDeps, 'cache' | 'provisioning'>,
  node: BareMetalNode,
  holder: Host | undefined,
): Choice | Blocker {
  const kind = workOf(node);
  if (provisioning === undefined || kind === undefined) return unavailable;
  return provisioning.api() === undefined ? starting : chooseBoot(cache, node, kind, holder);
}

/** The name under which a node stands in line. */
export const lineKey = (node: BareMetalNode): string => keyText(keyOf(node));

/** Looks at the work that `node` has for the agent. */
export async function lookAtWork(
  deps: LookDeps,
  tries: Tries,
  {
    node,
    holder,
    seen,
  }: { readonly node: BareMetalNode; readonly holder: Host | undefined; readonly seen: Seen },
  signal: AbortSignal,
): Promise<WorkLook> {
  const chosen = choiceFor(deps, node, holder);
  const choice = 'reason' in chosen ? undefined : chosen;
  const current = await tries.of(node);
  if (current?.awaited === true) deps.consoles.follow(node);
  const told = current === undefined ? nothing : await heardOf(tries, node, current, choice, signal);
  return {
    seen: {
      power: seen.bmc.kind === 'answers' ? seen.bmc.power : 'Unknown',
      blocker: 'reason' in chosen ? chosen : undefined,
      turn: choice !== undefined && isTurn(deps, node),
      inventoryKept: isInspected(node),
      ...told,
      silentMs: silenceIn(deps, told.heard),
      plan: planFor(node),
      consoleTail: tailOf(deps.consoles.log(node.metadata.uid)),
      ...triedBy(current),
    },
    image: imageIn(choice),
    newBoot: Buffer.from(deps.randomBytes(9)).toString('hex'),
    again: seen.askedAnew,
    jitter: deps.random(),
    inventory: isInspected(node) ? undefined : inventoryIn(node, told.heard),
  };
}

/** What cannot be followed fails the try, and not the pass. */
async function heardOf(
  tries: Tries,
  node: BareMetalNode,
  current: Try,
  choice: Choice | undefined,
  signal: AbortSignal,
): Promise<Told> {
  try {
    return await toldBy(tries, node, current, choice, signal);
  } catch (error) {
    const { kind, reason, message } = asOperatorError(error);
    if (kind === 'transient' || !/^(Agent|Unusable)/.test(reason)) throw error;
    current.failure = { reason, message: `cannot go on: ${message}` };
    return nothing;
  }
}

type Told = Pick<WorkSeen, 'heard' | 'move'>;
const nothing: Told = { heard: {}, move: undefined };

/** What is heard of a boot that has begun, and what its agent is at. */
async function toldBy(
  tries: Tries,
  node: BareMetalNode,
  current: Try,
  choice: Choice | undefined,
  signal: AbortSignal,
): Promise<Told> {
  const phase = node.status?.work?.phase;
  if (phase !== 'AwaitingAgent' && phase !== 'Working') return nothing;
  const heard = await tries.follow(node, current, choice, signal);
  const agent = current.agent?.client;
  const job = phase === 'Working' ? jobFor(node, undefined) : undefined;
  if (agent === undefined || job === undefined) return { heard, move: undefined };
  const move = await agent.commands(signal).then(
    (commands): AgentMove => nextMove(job, commands),
    (error: unknown): AgentMove | undefined => {
      signal.throwIfAborted();
      const { kind, reason, message } = asOperatorError(error);
      return kind === 'transient'
        ? undefined
        : { kind: 'failed', reason, message: `cannot go on: ${message}` };
    },
  );
  return { heard, move };
}

/** Whoever is at work already goes on, also after a restart; the others wait for their turn. */
function isTurn({ provisioning }: LookDeps, node: BareMetalNode): boolean {
  const { work } = node.status ?? {};
  if (provisioning === undefined || work?.failure !== undefined) return false;
  if (work === undefined || work.phase === 'Queued') return provisioning.slots.tryTake(lineKey(node));
  provisioning.slots.take(lineKey(node));
  return true;
}

const triedBy = (
  current: Try | undefined,
): Pick<WorkSeen, 'prepared' | 'retired' | 'failure' | 'trouble'> => ({
  prepared: current?.prepared ?? false,
  retired: current?.retired ?? false,
  failure: current?.failure,
  trouble: current?.trouble?.message,
});

const silenceIn = ({ clock }: LookDeps, { heartbeatAt }: Heard): number | undefined =>
  heartbeatAt === undefined ? undefined : clock.monotonic() - heartbeatAt;

function imageIn(choice: Choice | undefined): WorkView['image'] {
  if (choice?.os === undefined) return undefined;
  const { name, url, checksum, format, partition } = choice.os;
  const ofPartition = partition === undefined ? undefined : true;
  return present({ name, url, checksum, format, partition: ofPartition });
}

function planFor(node: BareMetalNode): string | undefined {
  const job = jobFor(node, undefined);
  return job && planOf(job);
}

/** The agent does not know what its BMC speaks. */
function inventoryIn({ spec, status }: BareMetalNode, { inspection }: Heard): Inventory | undefined {
  if (inspection === undefined) return undefined;
  const protocol = spec.bmc.address.startsWith('ipmi') ? 'IPMI' : 'Redfish';
  return { ...inspection.inventory, bmc: { protocol, ...status?.bmc } };
}
