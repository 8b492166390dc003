// The way of a machine from enrolment to its host and back, with what has to be so at each state.
import { expect } from 'chai';
import type { BareMetalNode } from '../../../src/api/baremetalnode.gen.ts';
import { finalizers } from '../../../src/api/names.ts';
import type { Condition } from '../../../src/kube/objects.ts';
import type { Machine } from '../../simulators/machine.ts';
import { eventually } from '../../support/wait.ts';
import { hostFor, loginPublicKey, namespace } from './manifests.ts';
import type { Site } from './site.ts';

export interface Walker {
  readonly site: Site;
  /** Name of the node. */
  readonly name: string;
  readonly machine: Machine;
  /** How long a state may take, in s. */
  readonly patience: number;
}

export async function becomesAvailable({ site, name, machine, patience }: Walker): Promise<void> {
  const node = await site.watched.untilState(name, 'available', patience);
  expect(statesOf(site, name)).to.include.members(['verifying', 'manageable', 'inspecting', 'available']);
  expect(node.status).to.include({ power: 'Off' }).and.not.have.property('work');
  expect(node.status?.hardware).to.include({ vendor: 'Undercloud', memoryMebibytes: 131_072 });
  expect(node.status?.stateReason).to.equal(`${name} is available; power is Off`);
  expect(machine.running).to.equal('nothing');
  expect(machine.disk).to.include({ image: undefined, erased: undefined });
  const inventory = ['get', 'configmap', `${name}-inventory`, '-n', namespace, '-o', 'json'];
  expect(await site.kubectl(inventory)).to.contain(machine.macs[0]);
}

export async function isAskedFor({ site, name }: Walker, host: string): Promise<void> {
  await site.apply(hostFor(host, name));
}

export async function becomesActive({ site, name, machine, patience }: Walker, host: string): Promise<void> {
  const node = await site.watched.untilState(name, 'active', patience).catch((error: unknown) => {
    throw new Error(`${String(error)}\nthe machine: ${machine.log.join(' | ')}`);
  });
  await eventually('the machine runs its system', 10, () =>
    Promise.resolve(machine.running === 'system' ? true : undefined),
  );
  expect(machine.disk).to.include({ image: site.files.disk.checksum, erased: undefined });
  const uid = site.watched.host(host)?.metadata.uid ?? 'no host';
  expect(machine.disk.hostUid).to.equal(uid);
  const drive = machine.disk.configDrive?.toString('latin1');
  expect(drive).to.contain(loginPublicKey);
  expect(drive).to.contain(host);
  const { status } = node;
  expect(status).to.include({ power: 'On' }).and.not.have.property('work');
  expect(status?.hostRef).to.deep.equal({ name: host, uid });
  expect(status?.image).to.include({ name: 'debian', ...site.files.disk });
  const [type, key] = status?.sshHostKeys?.[0]?.split(' ') ?? [];
  expect(drive).to.contain(`${type} ${key}`);
  expect(conditionOf(node, 'Ready')).to.include({ status: 'True' });
}

/** What the Overcloud room does, and the host room once it is through. */
export async function isGivenBack({ site, name, patience }: Walker, host: string): Promise<void> {
  await site.kubectl(['delete', 'host', host, '-n', namespace, '--wait=false']);
  expect(site.watched.node(name)?.status?.state).to.equal('active');
  // Nobody answers on SSH, and the host room waits ten minutes for that: the test drains it.
  await site.patch('host', host, { metadata: { finalizers: [finalizers.hostRelease] } });
  await site.watched.untilGone(host, patience);
}

export async function isCleaned({ site, name, machine, patience }: Walker): Promise<void> {
  const node = await site.watched.untilState(name, 'available', patience);
  expect(machine.disk).to.include({ image: undefined, configDrive: undefined, erased: 'Metadata' });
  expect(machine).to.include({ running: 'nothing', power: 'Off' });
  expect(node.status).to.not.have.any.keys('hostRef', 'image', 'work', 'retainedFrom');
}

/** In order, each once in a row. */
export function statesOf(site: Site, name: string): readonly string[] {
  const states = site.watched.history(name).map(({ status }) => status?.state ?? 'new');
  return states.filter((state, index) => state !== states[index - 1]);
}

/** While it was in this state. */
export const percentsOf = (site: Site, name: string, state: string): readonly number[] =>
  site.watched
    .history(name)
    .filter(({ status }) => status?.state === state)
    .flatMap(({ status }) => (status?.progressPercent === undefined ? [] : [status.progressPercent]));

/** Every sentence that status said. */
export const sentencesOf = (site: Site, name: string): readonly string[] => [
  ...new Set(site.watched.history(name).flatMap(({ status }) => status?.stateReason ?? [])),
];

export const conditionOf = (node: BareMetalNode | undefined, type: string): Condition | undefined =>
  node?.status?.conditions?.find((condition) => condition.type === type);

/** How often an image was written to it. */
export const writesOf = ({ commands }: Machine): number =>
  commands.filter((command) => command.includes('write_image')).length;

/** How often it booted the agent. */
export const bootsOf = ({ log }: Machine): number =>
  log.filter((line) => line.startsWith('boots the ramdisk')).length;
