// What people ask of a machine that we install beside its host: that its node goes, that it is let go, that it reboots.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import { annotations } from '../../../src/api/names.ts';
import { transient } from '../../../src/kernel/errors.ts';
import { live } from './memory-machine.ts';
import { available, giveBack, image, inState, installed, scene, until, type Scene } from './scene.ts';
import { address, annotate, minute, remove } from './users.ts';

describe('the deletion of a node', () => {
  const gone = ({ room }: Scene): boolean => room.node() === undefined;

  it('that nobody has: at once, and its machine is left as it is', async () => {
    const made = await available();
    const commands = [...made.room.bmcs.at(address).commands];
    await remove(made.room, bareMetalNodes, 'node1');
    await made.room.pass(1_000);
    expect(gone(made)).to.equal(true);
    expect(made.room.bmcs.at(address).commands).to.deep.equal(commands);
  });

  it('that a host has: waits for the host, then for the cleaning', async () => {
    const made = await installed();
    await remove(made.room, bareMetalNodes, 'node1');
    await live(made.room, made.machine, minute);
    expect(made.room.node()?.status?.state).to.equal('active');
    await giveBack(made);
    await live(made.room, made.machine, 2 * minute);
    expect(gone(made)).to.equal(true);
    expect(made.machine.disk.at(-1)).to.equal('erase_devices_metadata');
    expect(made.room.notCleaned).to.equal(0);
  });

  it('whose BMC is gone for good: ends all the same, with a warning and a count', async () => {
    const made = await installed();
    await remove(made.room, bareMetalNodes, 'node1');
    made.room.bmcs.at(address).fault = transient('BMCUnreachable', 'away');
    await giveBack(made);
    await made.room.pass(40 * minute);
    expect(gone(made)).to.equal(true);
    expect(made.room.notCleaned).to.equal(1);
    expect(made.room.events).to.include('Warning NotCleaned');
  }).timeout(20_000);

  it('that is detached: at once, whoever has it, and nothing is done to the machine', async () => {
    const made = await installed();
    const commands = [...made.room.bmcs.at(address).commands];
    await annotate(made.room, { [annotations.detach]: 'node1' });
    await remove(made.room, bareMetalNodes, 'node1');
    await made.room.pass(minute);
    expect(gone(made)).to.equal(true);
    expect(made.machine.running).to.equal('system');
    expect(made.room.bmcs.at(address).commands).to.deep.equal(commands);
  });

  for (const phase of ['Booting', 'AwaitingAgent', 'Working'] as const) {
    it(`in the middle of an inspection (${phase}): ends`, async () => {
      const made = scene();
      while (
        made.room.node()?.status?.work?.phase !== phase &&
        made.room.node()?.status?.state !== 'available'
      ) {
        if (phase === 'Working') made.machine.call();
        await made.room.pass(200);
      }
      await remove(made.room, bareMetalNodes, 'node1');
      await made.room.pass(minute);
      expect(gone(made)).to.equal(true);
    });
  }
});

describe('a reboot that a person asks for', () => {
  it('softly: off and on, once', async () => {
    const made = await installed();
    made.room.bmcs.at(address).commands.length = 0;
    await annotate(made.room, { [annotations.reboot]: 'soft' });
    await made.room.pass(minute);
    expect(made.room.bmcs.at(address).commands).to.deep.equal(['SoftOff', 'On']);
    expect(made.room.node()?.metadata.annotations ?? {}).to.not.have.property(annotations.reboot);
    expect(made.room.node()?.status).to.include({ state: 'active', power: 'On' });
    expect(made.machine.disk).to.deep.equal([`write ${image}`]);
  });

  it('hard', async () => {
    const made = await installed();
    made.room.bmcs.at(address).commands.length = 0;
    await annotate(made.room, { [annotations.reboot]: 'hard' });
    await made.room.pass(minute);
    expect(made.room.bmcs.at(address).commands).to.deep.equal(['Off', 'On']);
  });

  it('of a machine that nobody uses: has no effect, and says so', async () => {
    const made = await available();
    await annotate(made.room, { [annotations.reboot]: 'soft' });
    await made.room.pass(minute);
    expect(made.room.events).to.include('Warning RebootIgnored');
    expect(made.room.node()?.metadata.annotations ?? {}).to.not.have.property(annotations.reboot);
  });
});

describe('another inspection that a person asks for', () => {
  it('of a machine that nobody has: it is booted and looked at once more', async () => {
    const made = await available();
    await annotate(made.room, { [annotations.inspect]: 'now' });
    await until(made, () => made.room.node()?.status?.work?.kind === 'Inspect');
    await until(made, inState(made, 'available'));
    expect(made.machine.boots).to.equal(2);
    expect(made.room.node()?.metadata.annotations ?? {}).to.not.have.property(annotations.inspect);
  });

  it('of a machine that a host has: it is left alone, and said so', async () => {
    const made = await installed();
    await annotate(made.room, { [annotations.inspect]: 'now' });
    await live(made.room, made.machine, minute);
    expect(made.machine).to.include({ boots: 2, running: 'system' });
    expect(made.room.events).to.include('Warning InspectIgnored');
  });
});

describe('the locator light', () => {
  it('is switched once, and answered', async () => {
    const made = await installed();
    await annotate(made.room, { [annotations.locate]: 'on' });
    await made.room.pass(minute);
    expect(made.room.bmcs.at(address).lit).to.equal(true);
    expect(made.room.events.filter((event) => event === 'Normal Located')).to.have.lengthOf(1);
  });
});
