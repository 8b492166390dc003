// A room with one machine that we install, in memory, and its ways to the states that tests begin in.
import { expect } from 'chai';
import type { BareMetalNodeSpec } from '../../../src/api/baremetalnode.gen.ts';
import { hosts, type HostSpec } from '../../../src/api/host.gen.ts';
import { generateHostKey } from '../../../src/baremetal/boot/ssh-keys.ts';
import { configMaps, secrets, type ConfigMap } from '../../../src/kube/objects.ts';
import type { Seed } from '../../fakes/kube.ts';
import { createMemoryMachine, live, liveUntil, type MemoryMachine } from './memory-machine.ts';
import { namespace, secretOf } from './objects.ts';
import { createRoom, type Room } from './room.ts';
import { address, ask, drain, enrol, minute, remove } from './users.ts';

const mac = '52:54:00:00:00:01';
export const image = 'http://10.0.0.1/debian.raw';
export const sum = (digit: string): string => `sha256:${digit.repeat(64)}`;
export const images: Seed<ConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'undercloud-images', namespace },
  data: {
    'images.yaml': `
default: debian
images:
  debian: { url: "${image}", checksum: "${sum('a')}", format: Raw }
deploy:
  kernel: { url: "http://10.0.0.1/kernel", checksum: "${sum('b')}" }
  ramdisk: { url: "http://10.0.0.1/ramdisk", checksum: "${sum('c')}" }
`,
  },
};
const bare: Partial<BareMetalNodeSpec> = {
  externallyProvisioned: false,
  inspectionMode: 'Agent',
  automatedCleaningMode: 'Metadata',
  bootMACAddress: mac,
};
const loginKey = generateHostKey('test').privateKey;

export interface Scene {
  readonly room: Room;
  readonly machine: MemoryMachine;
}

export function scene(
  spec: Partial<BareMetalNodeSpec> = {},
  more: { readonly withImages?: boolean } = {},
): Scene {
  const machine = createMemoryMachine(mac);
  const room = createRoom({ provisioning: (clock) => machine.operate(clock) });
  machine.attach(room.bmcs.at(address));
  if (more.withImages !== false) room.kube.seed(configMaps, images);
  room.kube.seed(secrets, secretOf('lab-ssh', { 'ssh-privatekey': loginKey }));
  enrol(room, { ...bare, ...spec });
  return { room, machine };
}

/** A node that was inspected, and is free. */
export async function available(spec?: Partial<BareMetalNodeSpec>): Promise<Scene> {
  const made = scene(spec);
  await live(made.room, made.machine, minute);
  expect(made.room.node()?.status?.state).to.equal('available');
  return made;
}

/** A node whose host was installed on it. */
export async function installed(
  hostSpec: Partial<HostSpec> = {},
  spec?: Partial<BareMetalNodeSpec>,
): Promise<Scene> {
  const made = await available(spec);
  ask(made.room, 'host1', { deletionPolicy: 'Delete', ...hostSpec });
  await live(made.room, made.machine, minute);
  expect(made.room.node()?.status?.state).to.equal('active');
  return made;
}

export const inState =
  ({ room }: Scene, state: string): (() => boolean) =>
  () =>
    room.node()?.status?.state === state;
export const inPhase =
  ({ room }: Scene, phase: string): (() => boolean) =>
  () =>
    room.node()?.status?.work?.phase === phase;
export const until = ({ room, machine }: Scene, what: () => boolean): Promise<void> =>
  liveUntil(room, machine, what);

export async function giveBack({ room }: Scene): Promise<void> {
  await remove(room, hosts, 'host1');
  await drain(room, 'host1');
}
