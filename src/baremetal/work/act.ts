// Does what a step of the work asks for: only as leader with time to spare, on a node and a Host read live, once it is recorded.
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import { bareMetalNodes } from '../../api/baremetalnode.gen.ts';
import { hosts, type Host } from '../../api/host.gen.ts';
import { annotations } from '../../api/names.ts';
import type { Clock } from '../../kernel/clock.ts';
import { asOperatorError, transient, unsafe } from '../../kernel/errors.ts';
import type { Fence } from '../../kernel/fence.ts';
import type { Cache, KubeClient } from '../../kube/client.ts';
import { keyOf } from '../../kube/objects.ts';
import { nextMove } from '../agent/plan.ts';
import type { Bmc } from '../bmc/port.ts';
import { mediaUrl } from '../boot/media-url.ts';
import type { Observer } from '../observe.ts';
import { powerBrake, refuseIfBraked } from '../power.ts';
import { isVirtualMedia, type Choice } from './choose.ts';
import { configDriveOf, type DriveDeps } from './drive.ts';
import { jobFor } from './job.ts';
import type { Todo, Work } from './model.ts';
import type { Records } from './record.ts';
import { argumentsOf, type Provisioning, type Tries, type Try } from './tries.ts';

/** A BMC and an agent cannot tell an old leader from a new one: nothing is sent unless this much of our lease remains. */
const leaseLeftMs = 5_000;
/** Setting a boot device and a medium takes a BMC some commands, some of which take it a minute. */
const prepareMs = 240_000;

export interface ActDeps extends DriveDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly fence: Fence;
  readonly observer: Observer;
  readonly records: Records;
  readonly provisioning: Provisioning | undefined;
  /** Random bytes, as node:crypto has them. */
  readonly randomBytes: (size: number) => Uint8Array;
}

export interface Task {
  readonly node: BareMetalNode;
  readonly work: Work;
  /** Undefined where the boot images cannot be read just now; only a boot needs them. */
  readonly choice: Choice | undefined;
  readonly current: Try;
}

/** Sends what `todo` asks for. Throws what the API server, the BMC and the agent throw, and transient Conflict when the node was changed. */
export async function perform(
  deps: ActDeps,
  tries: Tries,
  task: Task,
  todo: Todo,
  signal: AbortSignal,
): Promise<void> {
  const host = await mayTouch(deps, task, signal);
  await mayWrite(deps, task, signal);
  switch (todo.kind) {
    case 'prepare':
      return prepare(deps, tries, task, signal);
    case 'command':
      return command(deps, task, host, signal);
    case 'retire':
      tries.disarm(task.node.metadata.uid);
      return retire(deps, task, host, signal);
  }
}

/** On the word of live reads: the node is as we decided on, nobody forbids it, and the Host that it is done for still has it. */
async function mayTouch(
  { client }: ActDeps,
  { node, work }: Task,
  signal: AbortSignal,
): Promise<Host | undefined> {
  const { name, namespace, resourceVersion } = node.metadata;
  const newest = await client.get(bareMetalNodes, keyOf(node), signal);
  if (newest?.metadata.resourceVersion !== resourceVersion)
    throw transient('Conflict', `BareMetalNode ${name} was changed meanwhile`);
  const { hostRef } = newest.status ?? {};
  const host =
    hostRef === undefined ? undefined : await client.get(hosts, { namespace, name: hostRef.name }, signal);
  const brake = powerBrake(newest, host);
  if (brake !== undefined) throw transient('Conflict', `BareMetalNode ${name} is left alone: ${brake}`);
  if (newest.spec.externallyProvisioned)
    throw unsafe('ForeignMachine', `BareMetalNode ${name} came with its system: it is not touched`);
  if (work.kind !== 'Deploy') {
    if (hostRef === undefined) return undefined;
    throw unsafe(
      'NodeInUse',
      `BareMetalNode ${name} is the machine of Host ${hostRef.name}: it is not touched`,
    );
  }
  if (host === undefined || host.metadata.uid !== work.hostUID || hostRef?.uid !== work.hostUID)
    throw transient('Conflict', `BareMetalNode ${name} is not held for the Host that it is installed for`);
  return host;
}

/** The last door: a machine that carries somebody's system is not booted into the ramdisk, whatever led here. */
async function mayWrite({ records }: ActDeps, { node, work }: Task, signal: AbortSignal): Promise<void> {
  const { owner } = await records.read(node, signal);
  const own = work.kind === 'Deploy' && work.phase === 'Finishing' && owner?.uid === work.hostUID;
  if (owner === undefined || own) return;
  throw unsafe(
    'NodeInUse',
    `BareMetalNode ${node.metadata.name} carries the system of Host ${owner.host} by its record: it is not touched`,
  );
}

const permitOf =
  ({ fence, cache }: ActDeps, node: BareMetalNode) =>
  (): void => {
    if (fence.remainingMs() <= leaseLeftMs)
      throw transient('LeaseEnding', 'too little of the leader lease remains to touch a machine');
    refuseIfBraked(cache, node);
  };

/** Token and desk first: an agent that calls before it is awaited is sent away. */
async function prepare(deps: ActDeps, tries: Tries, task: Task, signal: AbortSignal): Promise<void> {
  const { node, current, choice } = task;
  const { records, observer, provisioning } = deps;
  const api = provisioning?.api();
  if (api === undefined || choice === undefined) return;
  const record = await records.read(node, signal);
  const token =
    record.boot?.id === current.boot
      ? record.boot.token
      : Buffer.from(deps.randomBytes(32)).toString('base64url');
  if (record.boot?.id !== current.boot)
    await records.change(node, { boot: { id: current.boot, token } }, signal);
  tries.expect(node, current, token, choice);
  const permit = permitOf(deps, node);
  const url = choice.iso && mediaUrl(choice.iso, argumentsOf(node, task.work.kind, choice, api));
  await observer.command(
    node,
    signal,
    async (bmc, bounded) => {
      await settings(bmc, task, permit, bounded);
      if (url !== undefined) await bmc.insertMedia(url, permit, bounded);
      const mode = node.spec.bootMode === 'Legacy' ? 'Legacy' : 'UEFI';
      const device = url === undefined ? 'Network' : 'Cd';
      await bmc.setBoot({ device, mode, persistent: false }, permit, bounded);
    },
    prepareMs,
  );
  current.prepared = true;
}

/** The ramdisk is not signed: secure boot is off while the agent runs, and on again before the system starts. */
async function settings(
  bmc: Bmc,
  { node, work }: Task,
  permit: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { bootMode, firmwareSettings: wanted } = node.spec;
  if (bootMode === 'UEFISecureBoot' && (await bmc.secureBoot(signal)) === true)
    await bmc.setSecureBoot(false, permit, signal);
  if (wanted === undefined || work.kind !== 'Deploy') return;
  const present = await bmc.bios(signal);
  const differ = Object.entries(wanted).filter(([name, value]) => String(present[name]) !== String(value));
  const typed = differ.map(([name, value]) => [name, asTypeOf(present[name], value)] as const);
  if (typed.length > 0) await bmc.setBios(Object.fromEntries(typed), permit, signal);
}

/** A BMC takes only values of its own type, and a spec has texts and whole numbers. */
function asTypeOf(present: unknown, value: string | number): string | number | boolean {
  if (typeof present === 'boolean')
    return String(value) === 'true' ? true : String(value) === 'false' ? false : value;
  if (typeof present === 'number' && Number.isFinite(Number(value))) return Number(value);
  return typeof present === 'string' ? String(value) : value;
}

/** What the agent does is looked at once more: another leader may have sent a command since. */
async function command(
  deps: ActDeps,
  { node, current }: Task,
  host: Host | undefined,
  signal: AbortSignal,
): Promise<void> {
  const client = current.agent?.client;
  if (client === undefined) return;
  const drive = host === undefined ? undefined : await configDriveOf(deps, node, host, signal);
  const job = jobFor(node, drive);
  if (job === undefined) return;
  const move = nextMove(job, await client.commands(signal));
  if (move.kind === 'run') await client.run(move.name, move.params, permitOf(deps, node), signal);
}

/** The order matters: once the machine is said to be installed, nothing of this boot may be left on it. */
async function retire(
  deps: ActDeps,
  { node, work, current }: Task,
  host: Host | undefined,
  signal: AbortSignal,
): Promise<void> {
  const permit = permitOf(deps, node);
  const mode = node.spec.bootMode === 'Legacy' ? 'Legacy' : 'UEFI';
  await deps.observer.command(
    node,
    signal,
    async (bmc, bounded) => {
      if (isVirtualMedia(node)) await bmc.ejectMedia(permit, bounded);
      if (work.kind !== 'Deploy') return;
      if (node.spec.bootMode === 'UEFISecureBoot') await bmc.setSecureBoot(true, permit, bounded);
      await bmc.setBoot({ device: 'Disk', mode, persistent: true }, permit, bounded);
    },
    prepareMs,
  );
  if (host !== undefined) await markInstalled(deps, node, host, signal);
  current.retired = true;
}

/** In two places, either of which survives the loss of the other and of every status. */
async function markInstalled(
  { client, records }: ActDeps,
  node: BareMetalNode,
  host: Host,
  signal: AbortSignal,
): Promise<void> {
  const { name, uid, resourceVersion } = host.metadata;
  await records.change(node, { owner: { overcloud: host.spec.overcloudName, host: name, uid } }, signal);
  const metadata = { resourceVersion, annotations: { [annotations.installedOn]: node.metadata.name } };
  await client.patch(hosts, keyOf(host), { metadata }, signal);
}

/** A person mends it, and the try goes on: a password that was rotated is no reason to begin anew. */
const mended = /^(BMCAuthFailed|BMCCertificateInvalid|Credentials.*|CA.*)$/;

/** What an effect met, for the try's books: what cannot mend by itself fails the try. */
export function noteFailure(current: Try, error: unknown, now: number): void {
  const { kind, reason, message } = asOperatorError(error);
  if (kind !== 'transient' && !mended.test(reason))
    current.failure = { reason, message: `cannot go on: ${message}` };
  const count = (current.trouble?.count ?? 0) + 1;
  current.trouble = { message, count, retryAt: now + Math.min(1_000 * 2 ** count, 30_000) };
}

/** What people see of an error that is not about the machine. */
export const isAboutMachine = (error: unknown): boolean =>
  /^(BMC|Agent|Credentials|CA|Unusable|MediaUrl|SSHKey|UserData|ConfigDrive|Foreign|NodeInUse)/.test(
    asOperatorError(error).reason,
  );
