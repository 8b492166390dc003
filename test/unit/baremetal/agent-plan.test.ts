// What an agent is told next: every job, against every list of commands that its agent may have.
import { expect } from 'chai';
import fc from 'fast-check';
import { type AgentJob, type DeployJob, nextMove } from '../../../src/baremetal/agent/plan.ts';
import type { AgentCommand } from '../../../src/baremetal/agent/port.ts';

const node = {
  uuid: 'n1-uid',
  properties: { root_device: { serial: 'S1' } },
  ...{ instance_info: {}, driver_info: {}, driver_internal_info: {} },
};
const kept = { ...node, properties: { skip_block_devices: [{ serial: 'K1' }] } };
const digest = 'a'.repeat(64);
const wholeDisk = { url: 'http://10.0.0.1/disk.raw', checksum: `sha256:${digest}`, format: 'Raw' } as const;
const partition = { ...wholeDisk, partition: true } as const;
const deploy: DeployJob = {
  ...{ kind: 'Deploy', node, image: wholeDisk, configDrive: 'H4sI', bootMode: 'UEFI' },
  ...{ rootMebibytes: 40_960, raid: undefined },
};
const raid = { logical_disks: [{ raid_level: '1', size_gb: 'MAX' }] };

const versions = { generic_hardware_manager: '1.2' };
const results: Readonly<Record<string, unknown>> = {
  get_deploy_steps: { deploy_steps: {}, hardware_manager_version: versions },
  get_clean_steps: { clean_steps: {}, hardware_manager_version: versions },
  get_partition_uuids: { 'root uuid': 'ROOT', 'efi system partition uuid': 'ESP', partitions: {} },
};

/** As the agent lists it once it is done. */
const done = (name: string, result: unknown = results[name] ?? null): AgentCommand => ({
  ...{ id: name, name, status: 'SUCCEEDED', error: undefined, result },
});
const runs = (name: string): AgentCommand => ({ ...done(name), status: 'RUNNING', result: null });
const short = (name: string): string => name.split('.')[1] ?? '';

/** All that the job's agent is told when everything succeeds: names, with the step's name behind those that have one. */
function whole(job: AgentJob) {
  const commands: AgentCommand[] = [];
  const told: { name: string; params: Readonly<Record<string, unknown>>; percent: number }[] = [];
  for (;;) {
    const move = nextMove(job, commands);
    if (move.kind === 'done') return { told, commands };
    if (move.kind !== 'run') throw new Error(`stopped with ${JSON.stringify(move)}`);
    told.push(move);
    const name = short(move.name);
    expect(nextMove(job, [...commands, runs(name)]), 'while it runs').to.deep.equal({
      ...{ kind: 'wait', what: move.what, percent: move.percent },
    });
    commands.push(done(name));
  }
}

const stepOf = (
  params: Readonly<Record<string, unknown>>,
): { step?: string; args?: Record<string, unknown> } =>
  (params.step as { step?: string; args?: Record<string, unknown> } | undefined) ?? {};
const listOf = (job: AgentJob): readonly string[] =>
  whole(job).told.map(({ name, params }) => [name, stepOf(params).step].filter((part) => part).join(' '));

const [ask, write] = ['deploy.get_deploy_steps', 'deploy.execute_deploy_step write_image'];
const loader = ['standby.get_partition_uuids', 'image.install_bootloader'];
const askClean = 'clean.get_clean_steps';
const jobs: readonly [string, AgentJob, readonly string[]][] = [
  ['a whole disk with UEFI', deploy, [ask, write, ...loader, 'standby.sync']],
  [
    'a whole disk with a legacy BIOS, which has its own boot loader',
    { ...deploy, bootMode: 'Legacy' },
    [ask, write, 'standby.sync'],
  ],
  ['a partition image', { ...deploy, image: partition }, [ask, write, ...loader, 'standby.sync']],
  [
    'a partition image with a legacy BIOS',
    { ...deploy, image: partition, bootMode: 'Legacy' },
    [ask, write, ...loader, 'standby.sync'],
  ],
  [
    'RAID volumes first',
    { ...deploy, raid },
    [ask, 'deploy.execute_deploy_step apply_configuration', write, ...loader, 'standby.sync'],
  ],
  [
    'cleaning, metadata',
    { kind: 'Clean', node, mode: 'Metadata' },
    [askClean, 'clean.execute_clean_step erase_devices_metadata'],
  ],
  [
    'cleaning, express',
    { kind: 'Clean', node, mode: 'Express' },
    [askClean, 'clean.execute_clean_step erase_devices_express'],
  ],
  [
    'cleaning, full',
    { kind: 'Clean', node, mode: 'Full' },
    [askClean, 'clean.execute_clean_step erase_devices'],
  ],
  ['no test', { kind: 'BurnIn', node, tests: [] }, [askClean]],
  [
    'all tests',
    { kind: 'BurnIn', node, tests: ['cpu', 'memory', 'disk'] },
    [askClean, ...['cpu', 'memory', 'disk'].map((test) => `clean.execute_clean_step burnin_${test}`)],
  ],
];

describe('what an agent is told', () => {
  for (const [name, job, told] of jobs) {
    it(`step by step: ${name}`, () => {
      expect(listOf(job)).to.deep.equal(told);
    });

    it(`its progress never falls: ${name}`, () => {
      const percents = whole(job).told.map(({ percent }) => percent);
      expect(percents).to.deep.equal(percents.toSorted((one, other) => one - other));
      for (const percent of percents) expect(percent).to.be.within(0, 100);
    });

    it(`whatever failed ends it: ${name}`, () => {
      const { commands } = whole(job);
      for (const [index, command] of commands.entries()) {
        const failed: AgentCommand = {
          ...command,
          status: 'FAILED',
          error: 'ImageWriteError: oh: no',
          result: null,
        };
        const move = nextMove(job, [...commands.slice(0, index), failed]);
        expect(move, command.name).to.include({ kind: 'failed' });
        const restarted: AgentCommand = { ...failed, status: 'CLEAN_VERSION_MISMATCH' };
        expect(nextMove(job, [...commands.slice(0, index), restarted])).to.include({
          ...{ kind: 'failed', reason: 'AgentRestarted' },
        });
      }
    });

    it(`what another job began is left alone: ${name}`, () => {
      const { commands } = whole(job);
      const foreign: readonly (readonly AgentCommand[])[] = [
        [done('run_image')],
        [done('')],
        [...commands, done('power_off')],
        // A question alone may be asked twice.
        ...(commands.length > 1 ? [[...commands, ...commands]] : []),
        [...commands.slice(0, 1), runs('prepare_image')],
      ];
      for (const list of foreign)
        expect(nextMove(job, list)).to.include({ kind: 'failed', reason: 'AgentStateUnknown' });
    });
  }

  it('a list of any other commands is never gone on with', () => {
    const names = fc.constantFrom(
      'sync',
      'power_off',
      'get_clean_steps',
      'get_deploy_steps',
      'execute_clean_step',
    );
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 6 }), (list) => {
        const move = nextMove(
          deploy,
          list.map((name) => done(name)),
        );
        fc.pre(!list.every((name) => name === 'get_deploy_steps'));
        return move.kind === 'failed' && move.reason === 'AgentStateUnknown';
      }),
    );
  });

  it('a question that was asked twice is no other job, a step that ran twice is', () => {
    expect(nextMove(deploy, [done('get_deploy_steps'), done('get_deploy_steps')])).to.include({
      kind: 'run',
    });
    expect(
      nextMove(deploy, [done('get_deploy_steps'), done('execute_deploy_step'), done('execute_deploy_step')]),
    ).to.include({ kind: 'failed', reason: 'AgentStateUnknown' });
  });

  it('a command that failed at once is listed with its extension, and explained all the same', () => {
    const failed: AgentCommand = {
      ...done('deploy.get_deploy_steps'),
      ...{ status: 'FAILED', error: 'something' },
    };
    expect(nextMove(deploy, [failed])).to.include({ kind: 'failed', reason: 'AgentFailed' });
  });
});

describe('how an agent is told', () => {
  const params = (job: AgentJob, name: string, step?: string) => {
    const found = whole(job).told.find(
      (move) => move.name === name && (step === undefined || stepOf(move.params).step === step),
    );
    if (found === undefined) throw new Error(`it is not told ${name}`);
    return found.params;
  };
  const imageInfo = (job: DeployJob) => stepOf(params(job, 'deploy.execute_deploy_step', 'write_image')).args;

  it('every step has the versions that the agent told, and the node', () => {
    for (const [, job] of jobs) {
      for (const { name, params: given } of whole(job).told.filter(({ name }) => name.includes('execute_'))) {
        const key = name.startsWith('deploy') ? 'deploy_version' : 'clean_version';
        expect(given[key], name).to.deep.equal(versions);
        expect(given.node).to.deep.include({ uuid: 'n1-uid', properties: node.properties });
        expect(given.ports).to.deep.equal([]);
      }
    }
  });

  it('a raw image of a whole disk is streamed, with its checksum and the config drive', () => {
    const args = imageInfo(deploy);
    expect(args?.configdrive).to.equal('H4sI');
    expect(args?.image_info).to.deep.include({
      ...{ urls: ['http://10.0.0.1/disk.raw'], os_hash_algo: 'sha256', os_hash_value: digest },
      ...{ disk_format: 'raw', stream_raw_images: true, container_format: 'bare', node_uuid: 'n1-uid' },
    });
    expect(args?.image_info).to.include.keys('id');
    // standby.py takes anything but `partition` for a whole disk.
    expect((args?.image_info as Record<string, unknown>).image_type).to.not.equal('partition');
  });

  it('without a config drive there is none', () => {
    expect(imageInfo({ ...deploy, configDrive: undefined })).to.not.have.property('configdrive');
  });

  it('a QCow2 image is not streamed', () => {
    const job: DeployJob = {
      ...deploy,
      image: { ...wholeDisk, format: 'QCow2', checksum: `sha512:${'b'.repeat(128)}` },
    };
    expect(imageInfo(job)?.image_info).to.include({
      ...{
        disk_format: 'qcow2',
        stream_raw_images: false,
        os_hash_algo: 'sha512',
        os_hash_value: 'b'.repeat(128),
      },
    });
  });

  it('a partition image brings the sizes of its partitions', () => {
    const info = imageInfo({ ...deploy, image: partition })?.image_info;
    expect(info).to.include({ image_type: 'partition', root_mb: 40_960, swap_mb: 0, ephemeral_mb: 0 });
    // Read without a default (extensions/standby.py, _write_partition_image).
    expect(info).to.include.keys('ephemeral_format', 'preserve_ephemeral');
  });

  const loaders: readonly [string, DeployJob, Record<string, unknown>][] = [
    [
      'UEFI',
      { ...deploy, image: partition },
      { root_uuid: 'ROOT', efi_system_part_uuid: 'ESP', target_boot_mode: 'uefi' },
    ],
    [
      'a legacy BIOS',
      { ...deploy, image: partition, bootMode: 'Legacy' },
      { root_uuid: 'ROOT', efi_system_part_uuid: null, target_boot_mode: 'bios' },
    ],
  ];
  for (const [name, job, given] of loaders) {
    it(`the boot loader of a partition image goes to the partitions that the agent made: ${name}`, () => {
      expect(params(job, 'image.install_bootloader')).to.include(given);
    });
  }

  it('RAID volumes replace what was there', () => {
    const given = params({ ...deploy, raid }, 'deploy.execute_deploy_step', 'apply_configuration');
    expect(stepOf(given)).to.deep.include({
      ...{ interface: 'raid', args: { raid_config: raid, delete_existing: true } },
    });
  });

  const dangers: readonly [string, AgentJob][] = [
    ['RAID volumes', { ...deploy, node: kept, raid }],
    ['a test of the disks', { kind: 'BurnIn', node: kept, tests: ['cpu', 'disk'] }],
  ];
  for (const [name, job] of dangers) {
    it(`disks that are kept and ${name} exclude each other, and nothing is told at all`, () => {
      expect(nextMove(job, [])).to.include({ kind: 'failed', reason: 'KeptDisksInDanger' });
    });
  }

  it('disks that are kept are named in every step that could touch them', () => {
    const safe: readonly AgentJob[] = [
      { ...deploy, node: kept },
      { kind: 'Clean', node: kept, mode: 'Full' },
      { kind: 'BurnIn', node: kept, tests: ['cpu'] },
    ];
    for (const job of safe) {
      for (const { name, params: given } of whole(job).told.filter(({ name }) =>
        /execute_|get_.*_steps/.test(name),
      ))
        expect((given.node as typeof kept).properties, name).to.deep.equal(kept.properties);
    }
  });
});
