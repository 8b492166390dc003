// Machines that carry somebody's system: whatever is lost, changed or asked for by mistake, they are neither powered off nor written to.
import { expect } from 'chai';
import { bareMetalNodes, type BareMetalNodeStatus } from '../../../src/api/baremetalnode.gen.ts';
import { hosts } from '../../../src/api/host.gen.ts';
import { annotations } from '../../../src/api/names.ts';
import { terminal, transient } from '../../../src/kernel/errors.ts';
import { secrets } from '../../../src/kube/objects.ts';
import { live } from './memory-machine.ts';
import { namespace, secretOf } from './objects.ts';
import { available, giveBack, image, inPhase, installed, scene, until, type Scene } from './scene.ts';
import { address, annotate, ask, edit, enrol, minute, remove } from './users.ts';

/** Its system runs, was written once, and nobody pulled the plug. */
function expectUntouched({ room, machine }: Scene): void {
  expect(machine.disk).to.deep.equal([`write ${image}`]);
  expect(machine.running).to.equal('system');
  expect(room.bmcs.at(address).power).to.equal('On');
}

async function lose({ room }: Scene, status: Partial<BareMetalNodeStatus> = {}): Promise<void> {
  const node = room.node();
  if (node === undefined) throw new Error('no node');
  await room.kube.client.replaceStatus(bareMetalNodes, node, { observedGeneration: -1, ...status });
  room.restart();
}

const stay = (made: Scene): Promise<void> => live(made.room, made.machine, 10 * minute);

describe('a machine with somebody’s system', () => {
  for (const spec of [{ mode: 'Observe' }, { paused: true }]) {
    it(`is left running when its host, of which nothing was to be touched (${JSON.stringify(spec)}), is deleted`, async () => {
      const made = await installed();
      await made.room.kube.edit(hosts, { namespace, name: 'host1' }, { spec });
      await live(made.room, made.machine, minute);
      await giveBack(made);
      await stay(made);
      expectUntouched(made);
      expect(made.room.node()?.status).to.have.nested.property('retainedFrom.host', 'host1');
    });
  }

  it('goes back to its host when its status was lost while its BMC was away', async () => {
    const made = await installed({ deletionPolicy: 'Retain' });
    const bmc = made.room.bmcs.at(address);
    bmc.fault = transient('BMCUnreachable', 'away');
    await lose(made, { state: 'manageable' });
    await live(made.room, made.machine, minute);
    bmc.fault = undefined;
    await stay(made);
    expectUntouched(made);
    expect(made.room.node()?.status).to.have.nested.property('hostRef.name', 'host1');
  });

  it('is kept when its host goes before it was adopted again', async () => {
    const made = await installed({ deletionPolicy: 'Retain' });
    await lose(made, { state: 'available' });
    made.room.kube.intercept(({ verb }) => {
      const granted = verb === 'replaceStatus' && made.room.node()?.status?.state === 'available';
      if (granted) made.room.bmcs.at(address).fault = terminal('BMCAuthFailed', 'x');
    });
    made.room.restart();
    await live(made.room, made.machine, minute);
    await giveBack(made);
    await made.room.pass(1_000);
    made.room.bmcs.at(address).fault = undefined;
    await stay(made);
    expectUntouched(made);
  });

  it('is not inspected by agent because somebody changes the way of inspection while its status is lost', async () => {
    const made = await installed({ deletionPolicy: 'Retain' }, { inspectionMode: 'OutOfBand' });
    await lose(made, { state: 'inspecting' });
    await edit(made.room, { inspectionMode: 'Agent' });
    await stay(made);
    expectUntouched(made);
  });

  it('is not written again after its node was paused in the last phase of its deployment', async () => {
    const made = await available();
    ask(made.room, 'host1');
    await until(made, inPhase(made, 'Starting'));
    await edit(made.room, { paused: true });
    await stay(made);
    await edit(made.room, { paused: false });
    await stay(made);
    expectUntouched(made);
    expect(made.room.node()?.status?.state).to.equal('active');
  });

  it('does not suffer from a second node with its BMC, which is told so', async () => {
    const made = await installed();
    made.room.kube.seed(secrets, secretOf('node2-bmc', { username: 'admin', password: 'secret' }));
    const bmc = { address, credentialsName: 'node2-bmc' };
    const bare = { externallyProvisioned: false, inspectionMode: 'Agent' } as const;
    enrol(made.room, { ...bare, bootMACAddress: '52:54:00:00:00:02', bmc }, 'node2');
    await stay(made);
    expectUntouched(made);
    expect(made.room.node('node2')?.status?.stateReason).to.match(
      /is that of BareMetalNode lab\/node1 already/,
    );
  });

  it('is known again when its retained node is deleted and created anew', async () => {
    const made = await installed({ deletionPolicy: 'Retain' });
    await giveBack(made);
    await live(made.room, made.machine, minute);
    const spec = made.room.node()?.spec;
    await remove(made.room, bareMetalNodes, 'node1');
    await live(made.room, made.machine, minute);
    expect(made.room.node()).to.equal(undefined);
    enrol(made.room, spec);
    ask(made.room, 'host2');
    await stay(made);
    expectUntouched(made);
    expect(made.room.node()?.status).to.have.nested.property('retainedFrom.host', 'host1');
  });

  it('is kept when it was detached, its host deleted, and the detachment taken back', async () => {
    const made = await installed();
    await annotate(made.room, { [annotations.detach]: 'node1' });
    await giveBack(made);
    await live(made.room, made.machine, minute);
    await annotate(made.room, { [annotations.detach]: 'nobody' });
    await stay(made);
    expectUntouched(made);
  });

  it('is not rebooted hours later by what was asked in maintenance', async () => {
    const made = await installed();
    await edit(made.room, { maintenance: true });
    await annotate(made.room, { [annotations.reboot]: 'hard' });
    await live(made.room, made.machine, minute);
    expect(made.room.events).to.include('Warning RebootIgnored');
    const commands = [...made.room.bmcs.at(address).commands];
    await edit(made.room, { maintenance: false });
    await stay(made);
    expect(made.room.bmcs.at(address).commands).to.deep.equal(commands);
  });

  it('is not even offered while its record belongs to somebody else, and its node can go', async () => {
    const made = scene({ inspectionMode: 'OutOfBand' });
    made.room.kube.seed(secrets, secretOf('node1-agent', { x: 'y' }));
    await live(made.room, made.machine, minute);
    ask(made.room, 'host1');
    await live(made.room, made.machine, minute);
    expect(made.room.node()?.status).to.not.have.property('hostRef');
    expect(made.room.node()?.status?.stateReason).to.match(
      /Secret node1-agent is not of BareMetalNode node1/,
    );
    await remove(made.room, hosts, 'host1');
    await remove(made.room, bareMetalNodes, 'node1');
    await live(made.room, made.machine, minute);
    expect(made.room.node()).to.equal(undefined);
  });
});

describe('a spec that changes in the middle of the work', () => {
  it('begins the deployment anew where RAID is not wanted any more: the image is written all the same', async () => {
    const made = await available({ raid: { volumes: [{ level: '1', controller: 'software' }] } });
    made.machine.holds = true;
    ask(made.room);
    await until(made, inPhase(made, 'Working'));
    await live(made.room, made.machine, 10_000);
    await edit(made.room, { raid: null });
    made.machine.holds = false;
    await until(made, () => made.room.node()?.status?.state === 'active');
    expect(made.machine.disk.at(-1)).to.equal(`write ${image}`);
  });

  it('powers the agent off where no cleaning is wanted any more', async () => {
    const made = await installed();
    made.machine.holds = true;
    await giveBack(made);
    await until(made, inPhase(made, 'Working'));
    await edit(made.room, { automatedCleaningMode: 'Disabled' });
    await until(made, () => made.room.node()?.status?.state === 'available');
    expect(made.machine.running).to.equal('nothing');
  });
});

describe('settings that a deployment brings in', () => {
  it('BIOS settings in the BMC’s own types, before the agent boots', async () => {
    const made = await available({
      bmc: { address, credentialsName: 'node1-bmc' },
      firmwareSettings: { Virtualization: 'true', Cores: 8, Profile: 'Fast' },
    });
    made.room.bmcs.at(address).bios = { Virtualization: false, Cores: 4, Profile: 'Fast', Other: 1 };
    ask(made.room);
    await until(made, () => made.room.node()?.status?.state === 'active');
    expect(made.room.bmcs.at(address).bios).to.deep.equal({
      Virtualization: true,
      Cores: 8,
      Profile: 'Fast',
      Other: 1,
    });
  });

  it('secure boot off for the agent, on for the system', async () => {
    const made = await available({ bootMode: 'UEFISecureBoot' });
    const bmc = made.room.bmcs.at(address);
    bmc.secureBoot = true;
    made.machine.holds = true;
    ask(made.room);
    await until(made, inPhase(made, 'Working'));
    expect(bmc.secureBoot).to.equal(false);
    made.machine.holds = false;
    await until(made, () => made.room.node()?.status?.state === 'active');
    expect(bmc.secureBoot).to.equal(true);
  });
});
