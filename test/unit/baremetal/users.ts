// What users and the other rooms do to the objects of this one.
import { expect } from 'chai';
import {
  bareMetalNodes,
  type BareMetalNode,
  type BareMetalNodeSpec,
} from '../../../src/api/baremetalnode.gen.ts';
import { hosts, type Host, type HostSpec } from '../../../src/api/host.gen.ts';
import { finalizers } from '../../../src/api/names.ts';
import { secrets, type Resource, type Secret } from '../../../src/kube/objects.ts';
import { namespace, newHost, newNode } from './objects.ts';
import { createRoom, type Room } from './room.ts';

export const minute = 60_000;
/** Of node1's BMC. */
export const address = 'ipmi://10.0.0.1';
const nodeKey = { namespace, name: 'node1' };

export const enrol = (room: Room, spec?: Partial<BareMetalNodeSpec>, name = 'node1'): BareMetalNode =>
  room.kube.seed(bareMetalNodes, newNode(name, spec));

/** A new Host asks for node1. */
export const ask = (room: Room, name = 'host1', spec?: Partial<HostSpec>): Host =>
  room.kube.seed(hosts, newHost(name, 'node1', spec));

/** What the host room does when it is through with a deleted Host. */
export const drain = (room: Room, name: string): Promise<Host> =>
  room.kube.edit(hosts, { namespace, name }, { metadata: { finalizers: [finalizers.hostRelease] } });

export const remove = (room: Room, resource: Resource, name: string): Promise<void> =>
  room.kube.client.delete(resource, { namespace, name });

export const edit = (room: Room, spec: object): Promise<BareMetalNode> =>
  room.kube.edit(bareMetalNodes, nodeKey, { spec });

export const annotate = (room: Room, annotations: Readonly<Record<string, string>>): Promise<BareMetalNode> =>
  room.kube.edit(bareMetalNodes, nodeKey, { metadata: { annotations } });

export const setPassword = (room: Room, password: string, name = 'node1-bmc'): Promise<Secret> =>
  room.kube.edit(
    secrets,
    { namespace, name },
    { data: { password: Buffer.from(password).toString('base64') } },
  );

export const secretIn = (room: Room, name = 'node1-bmc'): Promise<Secret | undefined> =>
  room.kube.client.get(secrets, { namespace, name });

/** A room with a node that a host has had for a minute. */
export async function settledRoom(hostSpec?: Partial<HostSpec>): Promise<Room> {
  const room = createRoom();
  enrol(room);
  ask(room, 'host1', hostSpec);
  await room.pass(minute);
  expect(room.node()?.status).to.include({ state: 'active', power: 'On' });
  room.events.length = 0;
  return room;
}
