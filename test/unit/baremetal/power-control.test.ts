// Power in practice: kept on, left alone where somebody says so, asked for again, never on stale knowledge.
import { expect } from 'chai';
import { hosts } from '../../../src/api/host.gen.ts';
import { refused } from '../../../src/baremetal/bmc/errors.ts';
import { conditionOf, namespace } from './objects.ts';
import { createRoom, type Room } from './room.ts';
import { address, ask, drain, edit, enrol, minute, remove, settledRoom } from './users.ts';

describe('power', () => {
  it('lost behind our back comes back, with an event', async () => {
    const room = await settledRoom();
    room.bmcs.at(address).power = 'Off';
    await room.pass(40_000);
    expect(room.bmcs.at(address).power).to.equal('On');
    expect(room.node()?.status?.power).to.equal('On');
    expect(room.events).to.deep.equal(['Warning PowerLost']);
  });

  const brakes: readonly (readonly [
    what: string,
    on: (room: Room) => Promise<unknown>,
    off: (room: Room) => Promise<unknown>,
  ])[] = [
    [
      'in maintenance',
      (room) => edit(room, { maintenance: true }),
      (room) => edit(room, { maintenance: false }),
    ],
    [
      'while the node is paused',
      (room) => edit(room, { paused: true }),
      (room) => edit(room, { paused: false }),
    ],
    [
      'of a host that is only observed',
      (room) => room.kube.edit(hosts, { namespace, name: 'host1' }, { spec: { mode: 'Observe' } }),
      (room) => room.kube.edit(hosts, { namespace, name: 'host1' }, { spec: { mode: 'Apply' } }),
    ],
  ];
  for (const [what, brake, release] of brakes) {
    it(`is left alone ${what}, until that ends`, async () => {
      const room = await settledRoom();
      await brake(room);
      await room.pass(1_000);
      room.bmcs.at(address).power = 'Off';
      await room.pass(10 * minute);
      expect(room.bmcs.at(address).power).to.equal('Off');
      expect(conditionOf(room.node(), 'Ready')?.status).to.equal('False');
      await release(room);
      await room.pass(40_000);
      expect(room.node()?.status?.power).to.equal('On');
      expect(conditionOf(room.node(), 'Ready')?.status).to.equal('True');
    });
  }

  it('is not switched by a leader whose lease ends', async () => {
    const room = await settledRoom();
    room.lease = 5_000;
    room.bmcs.at(address).power = 'Off';
    await room.pass(5 * minute);
    expect(room.bmcs.at(address).power).to.equal('Off');
    room.lease = 15_000;
    await room.pass(10 * minute);
    expect(room.bmcs.at(address).power).to.equal('On');
  });

  it('is not switched when the host turns out to be observed only, in the last moment', async () => {
    const room = await settledRoom();
    room.bmcs.at(address).power = 'Off';
    room.kube.intercept(async ({ verb, resource }) => {
      if (verb !== 'get' || resource.plural !== 'hosts') return;
      room.kube.intercept(() => undefined);
      await room.kube.edit(hosts, { namespace, name: 'host1' }, { spec: { mode: 'Observe' } });
    });
    await room.pass(10 * minute);
    expect(room.bmcs.at(address).commands).to.deep.equal(['On']);
  });

  it('is not cut when the node turns out to be wanted on, in the last moment', async () => {
    const room = createRoom();
    room.bmcs.at(address).power = 'On';
    enrol(room, { externallyProvisioned: false });
    await room.pass(minute);
    room.kube.intercept(async ({ verb, resource }) => {
      if (verb !== 'get' || resource.plural !== 'baremetalnodes') return;
      room.kube.intercept(() => undefined);
      await edit(room, { poweredOn: true });
    });
    await edit(room, { poweredOn: false });
    await room.pass(10 * minute);
    expect(room.bmcs.at(address).commands).to.deep.equal([]);
  });

  it('is asked for again when the first command had no effect, and a person is called in the end', async () => {
    const room = createRoom();
    room.bmcs.at(address).obeys = false;
    enrol(room);
    ask(room);
    await room.pass(6 * minute);
    expect(room.node()?.status?.power).to.equal('PoweringOn');
    expect(room.bmcs.at(address).commands.length).to.be.within(5, 7);
    expect(conditionOf(room.node(), 'Stalled')).to.include({ status: 'True', reason: 'PowerStuck' });
    room.bmcs.at(address).obeys = true;
    await room.pass(2 * minute);
    expect(conditionOf(room.node(), 'Ready')?.status).to.equal('True');
  });

  it('of a bare machine is switched off by a shutdown, or cut where the BMC knows none', async () => {
    for (const [refusal, commands] of [
      [undefined, ['SoftOff']],
      [refused(address, 'no graceful shutdown'), ['Off']],
    ] as const) {
      const room = createRoom();
      Object.assign(room.bmcs.at(address), { power: 'On', refusal });
      enrol(room, { externallyProvisioned: false, poweredOn: false });
      await room.pass(minute);
      expect(room.bmcs.at(address).commands).to.deep.equal(commands);
      expect(room.node()?.status?.power).to.equal('Off');
    }
  });

  it('that the BMC refuses is reported, and tried again', async () => {
    const room = createRoom();
    enrol(room);
    await room.pass(minute);
    room.bmcs.at(address).refusal = refused(address, 'the lid is open');
    ask(room);
    await room.pass(5_000);
    expect(conditionOf(room.node(), 'Ready')?.message).to.match(/cannot be.*the lid is open/);
    await room.pass(minute);
    expect(room.node()?.status?.power).to.equal('On');
  });

  it('survives a crash between the recorded request and the command', async () => {
    const room = await settledRoom();
    room.lease = 0;
    room.bmcs.at(address).power = 'Off';
    await room.pass(35_000);
    expect(room.node()?.status?.powerRequest?.power).to.equal('On');
    room.lease = 15_000;
    room.restart();
    await room.pass(5_000);
    expect(room.node()?.status).to.include({ power: 'On' }).and.not.have.property('powerRequest');
  });

  it('is not even announced for a host that only looks, when it gets back a machine that was turned off', async () => {
    const room = await settledRoom();
    await remove(room, hosts, 'host1');
    await drain(room, 'host1');
    await room.pass(minute);
    room.bmcs.at(address).power = 'Off';
    await room.pass(minute);
    room.events.length = 0;
    ask(room, 'host1', { mode: 'Observe' });
    await room.pass(minute);
    expect(room.node()?.status).to.include({ state: 'active', power: 'Off' });
    expect(room.events).to.deep.equal(['Normal HostGranted']);
    expect(room.bmcs.at(address).commands).to.deep.equal(['On']);
  });
});
