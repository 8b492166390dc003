// A node's way from enrolment to a host: states, inventory, and rest.
import { expect } from 'chai';
import { transient } from '../../../src/kernel/errors.ts';
import { bareMetalNodes, type BareMetalNode } from '../../../src/api/baremetalnode.gen.ts';
import { configMaps } from '../../../src/kube/objects.ts';
import { conditionOf, namespace } from './objects.ts';
import { createRoom } from './room.ts';
import { address, ask, enrol, minute, settledRoom } from './users.ts';

describe('a node whose system is there already', () => {
  it('goes from enroll through verifying and manageable to available, and is left off', async () => {
    const room = createRoom();
    const states: (string | undefined)[] = [];
    room.kube.onChange((resource, _before, after) => {
      if (resource.plural === 'baremetalnodes')
        states.push((after as BareMetalNode | undefined)?.status?.state);
    });
    enrol(room);
    await room.pass(minute);
    expect([...new Set(states)]).to.deep.equal([undefined, 'verifying', 'manageable', 'available']);
    expect(room.node()?.status).to.deep.include({
      power: 'Off',
      errorCount: 0,
      hardware: { vendor: 'ACME', serial: 'S1' },
    });
    expect(conditionOf(room.node(), 'Ready')).to.include({
      status: 'True',
      message: 'node1 is available; power is Off',
    });
    expect(room.bmcs.at(address).commands).to.deep.equal([]);
  });

  it('goes to the host that asks, is powered on, and is active', async () => {
    const room = createRoom();
    enrol(room);
    await room.pass(minute);
    const host = ask(room);
    await room.pass(5_000);
    expect(room.node()?.status).to.deep.include({
      state: 'active',
      power: 'On',
      hostRef: { name: 'host1', uid: host.metadata.uid },
    });
    expect(room.node()?.status).to.not.have.property('powerRequest');
    expect(room.events).to.deep.equal(['Normal HostGranted', 'Normal PoweringOn']);
  });

  it('keeps all of its inventory in a ConfigMap of its own', async () => {
    const room = await settledRoom();
    const configMap = await room.kube.client.get(configMaps, { namespace, name: 'node1-inventory' });
    expect(JSON.parse(configMap?.data?.['inventory.json'] ?? '')).to.deep.equal(
      room.bmcs.at(address).inventory,
    );
    expect(configMap?.metadata.ownerReferences?.[0]).to.include({ kind: 'BareMetalNode', name: 'node1' });
  });

  it('leaves a ConfigMap of that name alone that is somebody else’s', async () => {
    const room = createRoom();
    const theirs = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'node1-inventory', namespace },
      data: { a: 'b' },
    };
    room.kube.seed(configMaps, theirs);
    enrol(room);
    await room.pass(minute);
    const left = await room.kube.client.get(configMaps, { namespace, name: 'node1-inventory' });
    expect(left?.data).to.deep.equal({ a: 'b' });
    expect(room.node()?.status?.state).to.equal('available');
  });

  it('causes no write at rest, though its BMC is asked on', async () => {
    const room = await settledRoom();
    const [writes, calls] = [room.kube.writes(), room.bmcs.at(address).calls];
    await room.pass(10 * minute);
    expect(room.kube.writes()).to.equal(writes);
    expect(room.bmcs.at(address).calls - calls).to.be.within(18, 23);
  });

  it('is not touched by a restart of the operator', async () => {
    const room = await settledRoom();
    const writes = room.kube.writes();
    room.restart();
    await room.pass(minute);
    expect(room.kube.writes()).to.equal(writes);
    expect(room.bmcs.at(address).commands).to.deep.equal(['On']);
  });

  it('goes back to its host after its status was lost', async () => {
    const room = await settledRoom();
    const node = room.node();
    if (node === undefined) throw new Error('no node');
    await room.kube.client.replaceStatus(bareMetalNodes, node, { observedGeneration: -1 });
    await room.pass(minute);
    expect(room.node()?.status).to.include({ state: 'active', power: 'On' });
    expect(room.bmcs.at(address).commands).to.deep.equal(['On']);
  });

  it('ends in the same place wherever the operator was killed on the way', async () => {
    for (let killed = 1; killed <= 40; killed += 1) {
      const room = createRoom();
      let requests = 0;
      room.kube.intercept(() => {
        requests += 1;
        if (requests === killed) throw transient('Unavailable', 'killed');
      });
      enrol(room);
      ask(room);
      while (requests < killed && room.clock.monotonic() < minute) await room.pass(500);
      room.restart();
      await room.pass(minute);
      expect(room.node()?.status, `killed at request ${killed}`).to.include({ state: 'active', power: 'On' });
      expect(room.node()?.status?.hostRef?.name).to.equal('host1');
      expect(new Set(room.bmcs.at(address).commands)).to.deep.equal(new Set(['On']));
    }
  });
});
