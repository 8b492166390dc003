// Deleting nodes always ends, and leaves nothing behind.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import { hosts } from '../../../src/api/host.gen.ts';
import { finalizers } from '../../../src/api/names.ts';
import { releaseSecret } from '../../../src/baremetal/credentials.ts';
import { unreachable } from '../../../src/baremetal/bmc/errors.ts';
import { terminal } from '../../../src/kernel/errors.ts';
import { secrets } from '../../../src/kube/objects.ts';
import { conditionOf, namespace, nodeOf } from './objects.ts';
import { createRoom } from './room.ts';
import { address, ask, drain, edit, enrol, minute, remove, secretIn, settledRoom } from './users.ts';

describe('deletion', () => {
  it('of a free node is immediate, whatever its BMC says, and lets the Secret go', async () => {
    const room = createRoom();
    enrol(room);
    await room.pass(minute);
    expect((await secretIn(room))?.metadata.finalizers).to.deep.equal([finalizers.inUse]);
    room.bmcs.at(address).fault = unreachable(address, 'silence');
    await remove(room, bareMetalNodes, 'node1');
    await room.pass(1_000);
    expect(room.node()).to.equal(undefined);
    expect((await secretIn(room))?.metadata.finalizers ?? []).to.deep.equal([]);
  });

  it('of a held node waits for its host, and says so', async () => {
    const room = await settledRoom({ deletionPolicy: 'Delete' });
    await remove(room, bareMetalNodes, 'node1');
    await room.pass(minute);
    expect(room.node()?.status).to.include({ state: 'active' });
    expect(conditionOf(room.node(), 'Ready')?.message).to.match(/waits for Host host1/);
    await remove(room, hosts, 'host1');
    await drain(room, 'host1');
    await room.pass(minute);
    expect([room.node(), room.host('host1')]).to.deep.equal([undefined, undefined]);
  });

  it('of a paused node ends', async () => {
    const room = createRoom();
    enrol(room, { paused: true });
    await room.pass(minute);
    await remove(room, bareMetalNodes, 'node1');
    await room.pass(minute);
    expect(room.node()).to.equal(undefined);
  });

  it('of one of two nodes keeps the Secret that they share', async () => {
    const room = createRoom();
    enrol(room);
    enrol(room, { bmc: { address: 'ipmi://10.0.0.2', credentialsName: 'node1-bmc' } }, 'node2');
    await room.pass(minute);
    await remove(room, bareMetalNodes, 'node1');
    await room.pass(minute);
    expect((await secretIn(room))?.metadata.finalizers).to.deep.equal([finalizers.inUse]);
    await remove(room, bareMetalNodes, 'node2');
    await room.pass(minute);
    expect((await secretIn(room))?.metadata.finalizers ?? []).to.deep.equal([]);
  });

  it('of a held node ends though its inventory could not be written before its namespace went', async () => {
    const room = createRoom();
    enrol(room, { inspectionMode: 'Disabled' });
    ask(room, 'host1', { deletionPolicy: 'Delete' });
    await room.pass(minute);
    room.kube.intercept(({ verb, resource }) => {
      if (verb === 'apply' && resource.kind === 'ConfigMap')
        throw terminal('NamespaceTerminating', 'it goes');
    });
    await edit(room, { inspectionMode: 'OutOfBand' });
    await room.pass(minute).catch(() => undefined);
    await remove(room, bareMetalNodes, 'node1');
    await remove(room, hosts, 'host1');
    await drain(room, 'host1');
    await room.pass(minute);
    expect([room.node(), room.host('host1')]).to.deep.equal([undefined, undefined]);
  });

  it('of everything at once ends by itself', async () => {
    const room = await settledRoom();
    enrol(room, { bmc: { address: 'ipmi://10.0.0.2', credentialsName: 'node1-bmc' } }, 'node2');
    await room.pass(minute);
    await remove(room, secrets, 'node1-bmc');
    for (const name of ['node1', 'node2']) await remove(room, bareMetalNodes, name);
    await remove(room, hosts, 'host1');
    await room.pass(minute);
    await drain(room, 'host1');
    await room.pass(minute);
    expect([room.node(), room.node('node2'), room.host('host1'), await secretIn(room)]).to.deep.equal(
      Array.from({ length: 4 }, () => undefined),
    );
  });

  it('after the Secret was taken away by force ends', async () => {
    const room = await settledRoom();
    await room.kube.edit(secrets, { namespace, name: 'node1-bmc' }, { metadata: { finalizers: [] } });
    await remove(room, secrets, 'node1-bmc');
    await remove(room, hosts, 'host1');
    await drain(room, 'host1');
    await remove(room, bareMetalNodes, 'node1');
    await room.pass(minute);
    expect(room.node()).to.equal(undefined);
  });

  it('of two nodes in the same moment does not make each wait for the other', async () => {
    const room = createRoom();
    enrol(room);
    await room.pass(minute);
    const going = nodeOf('node2', {
      spec: { bmc: { address: 'ipmi://10.0.0.2', credentialsName: 'node1-bmc' } },
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    await releaseSecret(
      room.kube.client,
      { namespace, name: 'node1-bmc' },
      [going],
      new AbortController().signal,
    );
    expect((await secretIn(room))?.metadata.finalizers ?? []).to.deep.equal([]);
  });
});
