// A machine that we install, from enrolment to its host and back, with its agent in memory: what happens, and what must not.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import { annotations } from '../../../src/api/names.ts';
import { transient } from '../../../src/kernel/errors.ts';
import { configMaps, secrets } from '../../../src/kube/objects.ts';
import { live } from './memory-machine.ts';
import { conditionOf } from './objects.ts';
import {
  available,
  giveBack,
  image,
  images,
  inPhase,
  inState,
  installed,
  scene,
  sum,
  until,
  type Scene,
} from './scene.ts';
import { address, annotate, ask, edit, minute, remove, setPassword } from './users.ts';

describe('a machine that we install', () => {
  it('is inspected by its agent, and off when it is available', async () => {
    const { room, machine } = await available();
    expect(room.node()?.status).to.include({ power: 'Off' }).and.not.have.property('work');
    expect(room.node()?.status?.hardware).to.include({ vendor: 'ACME', memoryMebibytes: 65536 });
    expect(machine).to.include({ running: 'nothing', boots: 1 });
    expect(machine.disk).to.deep.equal([]);
  });

  it('gets the image for its host, a host key, and runs its system', async () => {
    const { room, machine } = await installed();
    const { status } = room.node() ?? {};
    expect(status).to.include({ power: 'On' });
    const expected = { name: 'debian', url: image, checksum: sum('a'), format: 'Raw' };
    expect(status?.image).to.deep.equal(expected);
    expect(status?.sshHostKeys?.[0]).to.match(/^ssh-ed25519 /);
    expect(machine.running).to.equal('system');
    expect(machine.disk).to.deep.equal([`write ${image}`]);
    expect(room.host('host1')?.metadata.annotations).to.include({ [annotations.installedOn]: 'node1' });
    expect(conditionOf(room.node(), 'Ready')).to.include({ status: 'True' });
  });

  it('is powered off, cleaned and free again when its host gives it back', async () => {
    const made = await installed();
    await giveBack(made);
    await live(made.room, made.machine, 2 * minute);
    expect(made.room.node()?.status).to.include({ state: 'available', power: 'Off' });
    expect(made.room.node()?.status).to.not.have.any.keys('hostRef', 'image', 'work');
    expect(made.machine.disk).to.deep.equal([`write ${image}`, 'erase_devices_metadata']);
  });

  it('is not cleaned where its spec does not ask for it', async () => {
    const made = await installed({}, { automatedCleaningMode: 'Disabled' });
    await giveBack(made);
    await live(made.room, made.machine, minute);
    expect(made.room.node()?.status).to.include({ state: 'available', power: 'Off' });
    expect(made.machine.disk).to.deep.equal([`write ${image}`]);
  });

  it('is left running, and kept for its host, where the cloud is only let go', async () => {
    const made = await installed({ deletionPolicy: 'Retain' });
    await giveBack(made);
    ask(made.room, 'host2');
    await live(made.room, made.machine, 5 * minute);
    expect(made.room.node()?.status).to.deep.include({ retainedFrom: { overcloud: 'lab', host: 'host1' } });
    expect(made.machine).to.include({ running: 'system', boots: 2 });
  });

  it('is given up by name, and then cleaned for the next', async () => {
    const made = await installed({ deletionPolicy: 'Retain' });
    await giveBack(made);
    await made.room.pass(minute);
    await annotate(made.room, { [annotations.release]: 'node1' });
    await live(made.room, made.machine, 2 * minute);
    expect(made.room.node()?.status).to.include({ state: 'available' }).and.not.have.property('retainedFrom');
    expect(made.machine.disk.at(-1)).to.equal('erase_devices_metadata');
  });

  it('ends installed, and written once, wherever the operator was killed on the way', async () => {
    for (let killed = 1; killed <= 90; killed += 1) {
      const { room, machine } = scene();
      let requests = 0;
      room.kube.intercept(() => {
        requests += 1;
        if (requests === killed) throw transient('Unavailable', 'killed');
      });
      ask(room);
      for (let gone = 0; requests < killed && gone < 3 * minute; gone += 1_000) {
        machine.call();
        await room.pass(1_000);
      }
      room.restart();
      await live(room, machine, 4 * minute);
      expect(room.node()?.status, `killed at request ${killed}`).to.include({ state: 'active', power: 'On' });
      expect(machine.running, `killed at request ${killed}`).to.equal('system');
      expect(machine.disk, `killed at request ${killed}`).to.deep.equal([`write ${image}`]);
    }
  }).timeout(120_000);

  it('ends clean wherever the operator was killed while it was given back', async () => {
    for (let killed = 1; killed <= 40; killed += 1) {
      const made = await installed();
      const { room, machine } = made;
      await giveBack(made);
      let requests = 0;
      room.kube.intercept(() => {
        requests += 1;
        if (requests === killed) throw transient('Unavailable', 'killed');
      });
      for (let gone = 0; requests < killed && gone < 3 * minute; gone += 1_000) {
        machine.call();
        await room.pass(1_000);
      }
      room.restart();
      await live(room, machine, 4 * minute);
      expect(room.node()?.status, `killed at request ${killed}`).to.include({
        state: 'available',
        power: 'Off',
      });
      expect(new Set(machine.disk.slice(1)), `killed at request ${killed}`).to.deep.equal(
        new Set(['erase_devices_metadata']),
      );
    }
  }).timeout(120_000);
});

describe('what goes wrong with a machine that we install', () => {
  it('no image: a plain sentence, nothing is powered, and on it goes when there is one', async () => {
    const { room, machine } = scene({}, { withImages: false });
    await live(room, machine, minute);
    expect(conditionOf(room.node(), 'Stalled')).to.include({ reason: 'BootImageMissing' });
    expect(conditionOf(room.node(), 'Stalled')?.message).to.match(/image add deploy --kernel/);
    expect(room.bmcs.at(address).commands).to.deep.equal([]);
    room.kube.seed(configMaps, images);
    await live(room, machine, 2 * minute);
    expect(room.node()?.status?.state).to.equal('available');
  });

  it('an agent that never calls: the reason says so, the next try too, and succeeds', async () => {
    const made = scene();
    const { room, machine } = made;
    machine.calls = false;
    await until(made, inState(made, 'error'));
    expect(room.node()?.status).to.include({ errorFrom: 'inspecting', errorCount: 1 });
    expect(conditionOf(room.node(), 'Stalled')).to.include({ reason: 'NoInspection' });
    machine.calls = true;
    await until(made, () => room.node()?.status?.work?.attempt === 2);
    expect(room.node()?.status?.stateReason).to.match(/try 2: the one before .*told no inventory/);
    await until(made, inState(made, 'available'));
  }).timeout(20_000);

  it('a wrong checksum: said, nothing started from that disk, and tried again', async () => {
    const made = await available();
    made.machine.failures.push('ImageChecksumError: Error verifying image checksum: x');
    ask(made.room);
    await until(made, inState(made, 'error'));
    expect(made.room.node()?.status).to.include({ errorFrom: 'deploying' });
    expect(conditionOf(made.room.node(), 'Stalled')).to.include({ reason: 'ImageChecksumWrong' });
    expect(made.machine.running).to.not.equal('system');
    await until(made, inState(made, 'active'));
  });

  it('an agent that dies half-way: it is booted anew', async () => {
    const made = await available();
    made.machine.holds = true;
    ask(made.room);
    await until(made, inPhase(made, 'Working'));
    await live(made.room, made.machine, minute);
    made.machine.running = 'nothing';
    made.machine.holds = false;
    await until(made, inState(made, 'error'));
    expect(conditionOf(made.room.node(), 'Stalled')).to.include({ reason: 'AgentLost' });
    await until(made, inState(made, 'active'));
    expect(made.machine.disk).to.deep.equal([`write ${image}`]);
  }).timeout(20_000);

  it('a BMC that says yes and does nothing: said, after its time', async () => {
    const made = await available();
    const bmc = made.room.bmcs.at(address);
    bmc.power = 'On';
    bmc.obeys = false;
    ask(made.room);
    await until(made, inState(made, 'error'));
    expect(conditionOf(made.room.node(), 'Stalled')).to.include({ reason: 'PowerStuck' });
    expect(made.machine.disk).to.deep.equal([]);
    bmc.obeys = true;
    await until(made, inState(made, 'active'));
  }).timeout(20_000);

  it('a password that is rotated in the middle of a deployment: no more than three logins, and it ends well', async () => {
    const made = await available();
    made.machine.holds = true;
    ask(made.room);
    await until(made, inPhase(made, 'Working'));
    const bmc = made.room.bmcs.at(address);
    bmc.password = 'other';
    const before = bmc.calls;
    await live(made.room, made.machine, 5 * minute);
    expect(bmc.calls - before).to.be.at.most(3);
    expect(made.room.node()?.status?.state).to.equal('deploying');
    made.machine.holds = false;
    await setPassword(made.room, 'other');
    await until(made, inState(made, 'active'));
    expect(made.machine.disk).to.deep.equal([`write ${image}`]);
  }).timeout(20_000);
});

describe('a machine that must not be touched', () => {
  const writes = ({ machine }: Scene): readonly string[] => machine.disk;

  it('was installed, and its status is lost: neither inspected, nor written, nor given to another', async () => {
    const made = await installed();
    const { room, machine } = made;
    const node = room.node();
    if (node === undefined) throw new Error('no node');
    const commands = [...room.bmcs.at(address).commands];
    await room.kube.client.replaceStatus(bareMetalNodes, node, { observedGeneration: -1 });
    room.restart();
    ask(room, 'a-host-before-host1');
    await live(room, machine, 5 * minute);
    expect(room.node()?.status).to.include({ state: 'active', power: 'On' });
    expect(room.node()?.status?.hostRef?.name).to.equal('host1');
    expect(writes(made)).to.deep.equal([`write ${image}`]);
    expect(room.bmcs.at(address).commands).to.deep.equal(commands);
  });

  it('the same, with its record lost too: the Host remembers', async () => {
    const made = await installed();
    const { room, machine } = made;
    const node = room.node();
    if (node === undefined) throw new Error('no node');
    await remove(room, secrets, 'node1-agent');
    await room.kube.client.replaceStatus(bareMetalNodes, node, { observedGeneration: -1 });
    room.restart();
    await live(room, machine, 5 * minute);
    expect(room.node()?.status).to.include({ state: 'active' });
    expect(machine).to.include({ boots: 2, running: 'system' });
  });

  it('two hosts ask for it at once: one gets it, and it is written once', async () => {
    const made = await available();
    ask(made.room, 'host1');
    ask(made.room, 'host2');
    await live(made.room, made.machine, 2 * minute);
    expect(made.room.node()?.status?.hostRef?.name).to.equal('host1');
    expect(writes(made)).to.deep.equal([`write ${image}`]);
  });

  const brakes: readonly (readonly [what: string, spec: object])[] = [
    ['in maintenance', { maintenance: true }],
    ['paused', { paused: true }],
    ['claimed from outside', { consumerRef: { kind: 'Server', name: 'x' } }],
  ];
  for (const [what, spec] of brakes) {
    it(`${what}, in the middle of a deployment: it stays as it is, and goes on afterwards`, async () => {
      const made = await available();
      ask(made.room);
      while (made.room.node()?.status?.work?.phase !== 'AwaitingAgent') await made.room.pass(1_000);
      await edit(made.room, spec);
      await live(made.room, made.machine, 3 * minute);
      expect(writes(made)).to.deep.equal([]);
      expect(made.room.node()?.status?.state).to.equal('deploying');
      await edit(made.room, Object.fromEntries(Object.keys(spec).map((key) => [key, null])));
      await live(made.room, made.machine, 5 * minute);
      expect(made.room.node()?.status?.state).to.equal('active');
    }).timeout(20_000);
  }

  it('the Host is deleted in the middle of its deployment: nothing is started, and the machine is cleaned', async () => {
    const made = await available();
    ask(made.room, 'host1', { deletionPolicy: 'Delete' });
    while (made.room.node()?.status?.work?.phase !== 'AwaitingAgent') await made.room.pass(1_000);
    await giveBack(made);
    await live(made.room, made.machine, 2 * minute);
    expect(made.room.node()?.status?.state).to.equal('available');
    expect(made.machine.running).to.equal('nothing');
    expect(writes(made)).to.deep.equal(['erase_devices_metadata']);
  });

  it('the lease runs out: nothing is sent', async () => {
    const made = await available();
    made.room.lease = 4_000;
    ask(made.room);
    await live(made.room, made.machine, minute);
    expect(made.machine).to.include({ boots: 1 });
    expect(writes(made)).to.deep.equal([]);
  });
});
