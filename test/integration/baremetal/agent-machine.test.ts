// The agent room against simulated machines, over real sockets: what is heard of each, what it is told, and what each fault looks like.
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { createAgentClient } from '../../../src/baremetal/agent/client.ts';
import {
  type AgentJob,
  type AgentMove,
  type DeployJob,
  nextMove,
} from '../../../src/baremetal/agent/plan.ts';
import type { ExpectedAgent } from '../../../src/baremetal/agent/port.ts';
import type { Machine } from '../../simulators/machine.ts';
import { type AgentRig, image, imageSum, startRig, until } from './agent-rig.ts';
import { pause } from '../../support/wait.ts';

const mac = '52:54:00:00:61:01';
const drive = gzipSync('ISO: {"meta": {"uid": "host-uid"}}').toString('base64');
const signal = new AbortController().signal;

describe('the agent of a simulated machine', () => {
  let rig: AgentRig;
  beforeEach(async () => {
    rig = await startRig();
  });
  afterEach(() => rig.close());

  const started = (options: Parameters<AgentRig['machine']>[0], expected: Partial<ExpectedAgent> = {}) => {
    const machine = rig.machine(options);
    const agent = rig.expect(machine, expected);
    machine.powerOn({ device: 'Network' });
    return { machine, agent };
  };
  const beating = (machine: Machine, { uid }: ExpectedAgent) =>
    until(machine, 'a heartbeat', () => rig.desk.heard(uid)?.address);

  const deploy = (agent: ExpectedAgent, changes: Partial<DeployJob> = {}): DeployJob => ({
    ...{ kind: 'Deploy', node: agent.node, configDrive: drive, bootMode: 'UEFI' },
    image: { url: rig.imageUrl, checksum: imageSum, format: 'Raw' },
    ...{ rootMebibytes: 8192, raid: undefined, ...changes },
  });

  /** Gives the agent one command after the other, until there is an end. */
  const drive1 = async (machine: Machine, agent: ExpectedAgent, job: AgentJob): Promise<AgentMove> => {
    const client = createAgentClient({ address: await beating(machine, agent), token: agent.token });
    try {
      for (;;) {
        const move = nextMove(job, await client.commands(signal));
        if (move.kind === 'done' || move.kind === 'failed') return move;
        if (move.kind === 'run') await client.run(move.name, move.params, () => undefined, signal);
        else await pause(10);
      }
    } finally {
      await client.close();
    }
  };

  it('is inspected, looks itself up, and beats', async () => {
    const { machine, agent } = started({ macs: [mac, '52:54:00:00:61:02'] }, { inspecting: true });
    await beating(machine, agent);
    const heard = rig.desk.heard(agent.uid);
    expect(heard).to.include.keys('scriptAt', 'inspection', 'lookupAt', 'heartbeatAt', 'address');
    expect(heard).to.not.have.property('trouble');
    expect(heard?.inspection?.inventory).to.deep.include({ vendor: 'Undercloud', memoryMebibytes: 131_072 });
    expect(heard?.address?.url).to.equal(machine.agentUrl);
    expect(heard?.address?.version).to.equal('10.2.0');
    expect(new Set(rig.news)).to.deep.equal(new Set([agent.uid]));
  });

  it('gets an image and a config drive, and its machine runs the system', async () => {
    const { machine, agent } = started({ macs: [mac] });
    expect(await drive1(machine, agent, deploy(agent))).to.deep.equal({ kind: 'done' });
    expect(machine.disk).to.include({ image: imageSum, hostUid: 'host-uid', erased: undefined });
    expect(machine.disk.configDrive?.toString()).to.contain('ISO');
    expect(machine.commands).to.deep.equal([
      'deploy.get_deploy_steps',
      'deploy.execute_deploy_step write_image',
      'standby.get_partition_uuids',
      'image.install_bootloader',
      'standby.sync',
    ]);
    machine.powerOff();
    machine.powerOn({ device: 'Disk' });
    await until(machine, 'the system', () => machine.running === 'system');
    expect(machine.agentUrl).to.equal(undefined);
  });

  const otherDeployments: readonly [string, Parameters<AgentRig['machine']>[0], Partial<DeployJob>][] = [
    ['in BIOS mode', { macs: [mac], bootMode: 'bios' }, { bootMode: 'Legacy' }],
    [
      'with RAID volumes',
      { macs: [mac] },
      { raid: { logical_disks: [{ raid_level: '1', size_gb: 'MAX' }] } },
    ],
  ];
  for (const [name, options, changes] of otherDeployments) {
    it(`gets its image ${name}`, async () => {
      const { machine, agent } = started(options);
      expect(await drive1(machine, agent, deploy(agent, changes))).to.deep.equal({ kind: 'done' });
      expect(machine.disk.image).to.equal(imageSum);
    });
  }

  for (const [mode, step] of [
    ['Metadata', 'erase_devices_metadata'],
    ['Express', 'erase_devices_express'],
    ['Full', 'erase_devices'],
  ] as const) {
    it(`erases its disks, but for those that are kept: ${mode}`, async () => {
      const { machine, agent } = started({ macs: [mac], disks: [{}, { serial: 'KEEP' }] });
      const node = { ...agent.node, properties: { skip_block_devices: [{ serial: 'KEEP' }] } };
      expect(await drive1(machine, agent, { kind: 'Clean', node, mode })).to.deep.equal({ kind: 'done' });
      expect(machine.disks.map(({ erased }) => erased)).to.deep.equal([mode, undefined]);
      expect(machine.commands.at(-1)).to.equal(`clean.execute_clean_step ${step}`);
    });
  }

  it('is put under load, one test after the other', async () => {
    const { machine, agent } = started({ macs: [mac] });
    const job = { kind: 'BurnIn', node: agent.node, tests: ['cpu', 'memory', 'disk'] } as const;
    expect(await drive1(machine, agent, job)).to.deep.equal({ kind: 'done' });
    expect(machine.commands.slice(1)).to.deep.equal(
      ['cpu', 'memory', 'disk'].map((test) => `clean.execute_clean_step burnin_${test}`),
    );
  });

  const failures: readonly [
    string,
    Parameters<AgentRig['machine']>[0],
    (job: DeployJob) => DeployJob,
    string,
  ][] = [
    ['a damaged image', { macs: [mac], faults: { checksumWrong: true } }, (job) => job, 'ImageChecksumWrong'],
    [
      'another checksum than the image’s',
      { macs: [mac] },
      (job) => ({ ...job, image: { ...job.image, checksum: `sha256:${'0'.repeat(64)}` } }),
      'ImageChecksumWrong',
    ],
    [
      'a raw image that the disk has no room for',
      { macs: [mac], faults: { diskTooSmall: true } },
      (job) => job,
      'DiskTooSmall',
    ],
    [
      'a QCow2 image that the disk has no room for',
      { macs: [mac], faults: { diskTooSmall: true } },
      (job) => ({ ...job, image: { ...job.image, format: 'QCow2' } }),
      'DiskTooSmall',
    ],
    ['no disk of 4 GiB', { macs: [mac], disks: [{ sizeBytes: 2 ** 30 }] }, (job) => job, 'DiskTooSmall'],
    [
      'no disk that the hints fit',
      { macs: [mac] },
      (job) => ({ ...job, node: { ...job.node, properties: { root_device: { serial: 'none' } } } }),
      'NoRootDevice',
    ],
    [
      'an image that is not there',
      { macs: [mac] },
      (job) => ({ ...job, image: { ...job.image, url: `${job.image.url}.not` } }),
      'ImageUnavailable',
    ],
    [
      'nobody who serves the image',
      { macs: [mac] },
      (job) => ({ ...job, image: { ...job.image, url: 'http://127.0.0.1:9/disk.raw' } }),
      'ImageUnavailable',
    ],
  ];
  for (const [name, options, change, reason] of failures) {
    it(`fails for ${name}, and leaves nothing that boots: ${reason}`, async () => {
      const { machine, agent } = started(options);
      const move = await drive1(machine, agent, change(deploy(agent)));
      expect(move).to.include({ kind: 'failed', reason });
      expect(machine.disk.image).to.equal(undefined);
      machine.powerOff();
      machine.powerOn({ device: 'Disk' });
      await until(machine, 'the end of the boot', () => machine.log.at(-1)?.includes('halted'));
      expect(machine.running).to.equal('nothing');
    });
  }

  it('that was restarted with other hardware managers says so', async () => {
    const { machine, agent } = started({ macs: [mac] });
    const client = createAgentClient({ address: await beating(machine, agent), token: agent.token });
    const params = { step: { step: 'erase_devices' }, node: {}, ports: [], clean_version: { other: '0' } };
    await client.run('clean.execute_clean_step', params, () => undefined, signal);
    await until(machine, 'its end', () => rig.news.length > 0);
    let [command] = await client.commands(signal);
    while (command?.status === 'RUNNING') [command] = await client.commands(signal);
    await client.close();
    expect(command).to.include({ name: 'execute_clean_step', status: 'CLEAN_VERSION_MISMATCH' });
    expect(machine.disk.erased).to.equal(undefined);
  });

  const silent: readonly [string, Machine['faults'], readonly string[], RegExp][] = [
    ['never boots', { neverBoots: true }, [], /nothing happens/],
    ['dies after its script', { diesAfterScript: true }, ['scriptAt'], /died after/],
    ['dies after its lookup', { diesAfterLookup: true }, ['scriptAt', 'lookupAt'], /died: after its lookup/],
  ];
  for (const [name, faults, heard, said] of silent) {
    it(`is heard of no further than it comes: ${name}`, async () => {
      const { machine, agent } = started({ macs: [mac], faults });
      await until(machine, 'the fault', () => said.test(machine.log.at(-1) ?? ''));
      await pause(50);
      expect(Object.keys(rig.desk.heard(agent.uid) ?? {})).to.deep.equal(heard);
      expect(machine).to.include({ power: 'On', running: 'nothing' });
    });
  }

  it('that dies while it writes leaves half a system, and does not answer', async () => {
    const { machine, agent } = started({ macs: [mac], faults: { diesInWrite: 20 } });
    const error = await drive1(machine, agent, deploy(agent)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).to.include({ kind: 'transient', reason: 'AgentUnreachable' });
    expect(machine).to.include({ power: 'On', running: 'nothing' });
    expect(machine.disk.image).to.equal(undefined);
  });

  const turnedAway: readonly [string, Machine['faults'], RegExp][] = [
    ['beats with a wrong token', { wrongToken: true }, /wrong token/],
    ['sends no certificate', { noCertificate: true }, /no certificate/],
  ];
  for (const [name, faults, trouble] of turnedAway) {
    it(`is not called when it ${name}, and is once it mends that`, async () => {
      const { machine, agent } = started({ macs: [mac], faults });
      await until(machine, 'trouble', () => trouble.test(rig.desk.heard(agent.uid)?.trouble ?? ''));
      expect(rig.desk.heard(agent.uid)).to.not.have.any.keys('address', 'heartbeatAt');
      Object.assign(machine.faults, { wrongToken: false, noCertificate: false });
      expect((await beating(machine, agent)).url).to.equal(machine.agentUrl);
    });
  }

  it('is kept when a second one with its MAC address turns up, and gives no token to that', async () => {
    const { machine, agent } = started({ macs: [mac], faults: { secondAgent: '127.0.62.9' } });
    await beating(machine, agent);
    const said = machine.log.find((line) => line.startsWith('a second agent')) ?? '';
    expect(said).to.match(/Error 409/);
    expect(said).to.not.contain(agent.token);
    expect(rig.desk.heard(agent.uid)?.trouble).to.match(/second agent.*127\.0\.62\.9/);
    expect(await drive1(machine, agent, deploy(agent))).to.deep.equal({ kind: 'done' });
  });

  it('is not known by its MAC address when nobody awaits it, and goes on trying', async () => {
    const { machine, agent } = started({ macs: [mac] });
    rig.desk.forget(agent.uid);
    await until(machine, 'a refusal', () => machine.log.at(-1)?.includes('Error 404'));
    rig.desk.expect(agent);
    await beating(machine, agent);
  });

  it('is busy for ever with a command that never ends', async () => {
    const { machine, agent } = started({ macs: [mac], faults: { endless: 'write_image' } });
    const client = createAgentClient({ address: await beating(machine, agent), token: agent.token });
    const move = nextMove(deploy(agent), []);
    if (move.kind !== 'run') throw new Error('it has to be told something');
    await client.run(move.name, move.params, () => undefined, signal);
    const write = nextMove(deploy(agent), await client.commands(signal));
    if (write.kind !== 'run') throw new Error('it has to be told something');
    await client.run(write.name, write.params, () => undefined, signal);
    const again = await client
      .run(write.name, write.params, () => undefined, signal)
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(again).to.include({ kind: 'transient', reason: 'AgentBusy' });
    expect(nextMove(deploy(agent), await client.commands(signal))).to.include({ kind: 'wait' });
    expect(image.length).to.be.above(0);
    await client.close();
  });

  it('boots its disk when its script says so, or nobody knows it', async () => {
    const { machine } = started({ macs: [mac] });
    machine.powerOff();
    rig.plans.set(mac, { kind: 'Disk', node: 'n1' });
    machine.powerOn({ device: 'Network' });
    await until(machine, 'no system', () => machine.log.at(-1)?.includes('halted'));
    expect(machine.log).to.include('is told to boot from its disk');
    machine.powerOff();
    rig.plans.clear();
    machine.powerOn({ device: 'Network' });
    await until(machine, 'no system', () => machine.log.includes('is known by none of its MAC addresses'));
  });

  it('a hundred of them at once', async () => {
    const many = Array.from({ length: 100 }, (_, index) => {
      const last = index.toString(16).padStart(2, '0');
      return started({ macs: [`52:54:00:00:62:${last}`], speed: { heartbeat: 2000 } }, { inspecting: true });
    });
    for (const { machine, agent } of many) await beating(machine, agent);
    expect(many.filter(({ machine }) => machine.running === 'ramdisk').length).to.equal(100);
  }).timeout(30_000);
});
