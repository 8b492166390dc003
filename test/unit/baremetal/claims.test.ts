// Claims in practice: several hosts, stale caches, hosts that end, nodes that are kept and freed.
import { expect } from 'chai';
import { hosts } from '../../../src/api/host.gen.ts';
import { annotations } from '../../../src/api/names.ts';
import { transient } from '../../../src/kernel/errors.ts';
import { conditionOf, hostOf, namespace } from './objects.ts';
import { createRoom } from './room.ts';
import { address, annotate, ask, drain, enrol, minute, remove, settledRoom } from './users.ts';

describe('a claim', () => {
  it('of two hosts is granted to one, and stays there', async () => {
    const room = createRoom();
    enrol(room);
    ask(room, 'host2');
    ask(room, 'host1');
    await room.pass(minute);
    expect(room.node()?.status?.hostRef?.name).to.equal('host1');
    await room.pass(minute);
    expect(room.node()?.status?.hostRef?.name).to.equal('host1');
  });

  it('goes to the next when the first is through with it', async () => {
    const room = await settledRoom({ deletionPolicy: 'Delete' });
    ask(room, 'host2');
    await remove(room, hosts, 'host1');
    await drain(room, 'host1');
    await room.pass(minute);
    expect(room.host('host1')).to.equal(undefined);
    expect(room.node()?.status).to.deep.include({ state: 'active' });
    expect(room.node()?.status?.hostRef?.name).to.equal('host2');
  });

  it('of a host that only the cache still knows is not granted', async () => {
    const ghost = hostOf('ghost', 'node1');
    const room = createRoom({
      cache: (kube) => ({
        store: (resource) => {
          const real = kube.cache.store(resource);
          if (resource.plural !== 'hosts') return real;
          return {
            get: (wanted) => real.get(wanted),
            list: (where) => [...real.list(where), ghost as never],
          };
        },
      }),
    });
    enrol(room);
    await room.pass(minute);
    expect(room.node()?.status).to.include({ state: 'available' }).and.not.have.property('hostRef');
  });

  it('survives a host that is deleted and made anew under its name: the node is kept for it', async () => {
    const room = await settledRoom();
    await room.kube.edit(hosts, { namespace, name: 'host1' }, { metadata: { finalizers: [] } });
    await remove(room, hosts, 'host1');
    const reborn = ask(room);
    await room.pass(minute);
    expect(room.node()?.status).to.deep.include({
      state: 'active',
      hostRef: { name: 'host1', uid: reborn.metadata.uid },
    });
    expect(room.bmcs.at(address).commands).to.deep.equal(['On']);
  });

  it('on a bare machine waits, with the reason, where this operator boots no machines', async () => {
    const room = createRoom();
    enrol(room, { externallyProvisioned: false });
    ask(room);
    await room.pass(5 * minute);
    expect(room.node()?.status).to.include({ state: 'deploying' });
    expect(conditionOf(room.node(), 'Stalled')).to.include({ reason: 'ProvisioningUnavailable' });
    expect(conditionOf(room.node(), 'Stalled')?.message).to.match(/node1 waits: .*--agent-url/);
    expect(room.bmcs.at(address).commands).to.deep.equal([]);
  });

  it('is granted after a conflict all the same', async () => {
    const room = createRoom();
    enrol(room);
    await room.pass(minute);
    let conflicts = 2;
    room.kube.intercept(({ verb }) => {
      if (verb === 'replaceStatus' && conflicts-- > 0) throw transient('Conflict', 'somebody was quicker');
    });
    ask(room);
    await room.pass(10_000);
    expect(room.node()?.status?.hostRef?.name).to.equal('host1');
  });
});

describe('the end of a host', () => {
  it('with Delete gives the node back, available and still on', async () => {
    const room = await settledRoom({ deletionPolicy: 'Delete' });
    await remove(room, hosts, 'host1');
    await room.pass(minute);
    expect(room.node()?.status?.hostRef, 'held until it is drained').to.include({ name: 'host1' });
    await drain(room, 'host1');
    await room.pass(5_000);
    expect(room.host('host1')).to.equal(undefined);
    expect(room.node()?.status)
      .to.include({ state: 'available', power: 'On' })
      .and.not.have.any.keys('hostRef', 'retainedFrom');
  });

  it('with Retain leaves the node active, for that host only, until it is freed by name', async () => {
    const room = await settledRoom();
    await remove(room, hosts, 'host1');
    await drain(room, 'host1');
    ask(room, 'stranger');
    await room.pass(minute);
    expect(room.host('host1')).to.equal(undefined);
    expect(room.node()?.status).to.deep.include({
      state: 'active',
      retainedFrom: { overcloud: 'lab', host: 'host1' },
    });
    expect(room.node()?.status).to.not.have.property('hostRef');

    await annotate(room, { [annotations.release]: 'node1' });
    await room.pass(minute);
    expect(room.node()?.status?.hostRef?.name).to.equal('stranger');
    expect(room.node()?.metadata.annotations ?? {}).to.not.have.property(annotations.release);
  });

  it('that comes again takes its retained node back', async () => {
    const room = await settledRoom();
    await remove(room, hosts, 'host1');
    await drain(room, 'host1');
    await room.pass(minute);
    ask(room);
    await room.pass(minute);
    expect(room.node()?.status).to.include({ state: 'active' }).and.not.have.property('retainedFrom');
    expect(room.node()?.status?.hostRef?.name).to.equal('host1');
  });

  it('does not wait for a node that never was, or that somebody else has', async () => {
    const room = await settledRoom();
    ask(room, 'loser');
    ask(room, 'lost', { nodeName: 'nowhere' });
    for (const name of ['loser', 'lost']) {
      await remove(room, hosts, name);
      await drain(room, name);
    }
    await room.pass(minute);
    expect([room.host('loser'), room.host('lost')]).to.deep.equal([undefined, undefined]);
    expect(room.node()?.status?.hostRef?.name).to.equal('host1');
  });

  it('waits until its node was given back, and no longer', async () => {
    const room = await settledRoom();
    room.kube.intercept(({ verb }) => {
      if (verb === 'replaceStatus') throw transient('Unavailable', 'the API server is busy');
    });
    await remove(room, hosts, 'host1');
    await drain(room, 'host1');
    await room.pass(5_000);
    expect(room.host('host1')).to.not.equal(undefined);
    room.kube.intercept(() => undefined);
    await room.pass(5_000);
    expect(room.host('host1')).to.equal(undefined);
  });

  it('uses up an annotation that frees nothing, and says so', async () => {
    const room = await settledRoom();
    await annotate(room, { [annotations.release]: 'node1' });
    await room.pass(minute);
    expect(room.node()?.metadata.annotations ?? {}).to.not.have.property(annotations.release);
    expect(room.node()?.status?.hostRef?.name).to.equal('host1');
    expect(room.events).to.include('Warning ReleaseIgnored');
  });
});
