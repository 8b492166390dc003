// Which command the agent gets next: a pure function of the job and of the agent's own list of what it was told in this boot.
import { createHash } from 'node:crypto';
import type { BootImage } from '../../api/images.ts';
import type { BootMode } from '../bmc/port.ts';
import { explain } from './failures.ts';
import type { AgentCommand, AgentNode } from './port.ts';

export type AgentJob = DeployJob | CleanJob | BurnInJob;

/** An image as it was recorded when its deployment began. */
export interface WrittenImage {
  readonly url: string;
  /** As BootImage has it. */
  readonly checksum: string;
  /** Raw where nothing is said. */
  readonly format?: BootImage['format'];
  readonly partition?: boolean;
}

export interface DeployJob {
  readonly kind: 'Deploy';
  readonly node: AgentNode;
  readonly image: WrittenImage;
  /** gzip in base64; needed only when the image is about to be written. A secret. */
  readonly configDrive: string | undefined;
  readonly bootMode: BootMode;
  /** Size of the root partition that a partition image gets. */
  readonly rootMebibytes: number;
  /** Ironic's target_raid_config; undefined: the disks as they are. */
  readonly raid: Readonly<Record<string, unknown>> | undefined;
}

export interface CleanJob {
  readonly kind: 'Clean';
  readonly node: AgentNode;
  readonly mode: 'Metadata' | 'Express' | 'Full';
}

export interface BurnInJob {
  readonly kind: 'BurnIn';
  readonly node: AgentNode;
  readonly tests: readonly ('cpu' | 'memory' | 'disk')[];
}

export type AgentMove =
  | {
      readonly kind: 'run';
      /** With its extension: `deploy.execute_deploy_step`. */
      readonly name: string;
      readonly params: Readonly<Record<string, unknown>>;
      readonly what: string;
      readonly percent: number;
    }
  | { readonly kind: 'wait'; readonly what: string; readonly percent: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly reason: string; readonly message: string };

interface Step {
  readonly name: string;
  /** What it does, for people: "writes http://… to its disk". */
  readonly what: string;
  /** How far the job is when it begins. */
  readonly percent: number;
  params(told: Told): Readonly<Record<string, unknown>>;
}

/** What the agent answered to earlier commands. */
interface Told {
  /** The hardware managers' versions, which the agent wants back with each step: another one means that it was restarted. */
  readonly versions: unknown;
  readonly partitions: Readonly<Record<string, unknown>>;
}

/**
 * The nth command that the agent lists is the nth step of the job: so whoever looks finds out how far it is, also after a restart. A
 * list that does not fit was begun by another job: the machine has to be booted anew.
 */
export function nextMove(job: AgentJob, listed: readonly AgentCommand[]): AgentMove {
  const danger = dangerIn(job);
  if (danger !== undefined) return { kind: 'failed', reason: 'KeptDisksInDanger', message: danger };
  const steps = stepsOf(job);
  const commands = listed.filter(({ name }, index) => isStep(name) || listed[index + 1]?.name !== name);
  const last = commands.at(-1);
  if (commands.length > steps.length || !commands.every(({ name }, index) => fits(steps[index], name))) {
    const names = commands.map(({ name }) => name).join(', ');
    const message = `has an agent that was told something else before (${names}): it is booted anew`;
    return { kind: 'failed', reason: 'AgentStateUnknown', message };
  }
  const current = steps[commands.length - 1];
  if (last !== undefined && current !== undefined && last.status !== 'SUCCEEDED') {
    if (last.status === 'RUNNING') return { kind: 'wait', what: current.what, percent: current.percent };
    return { kind: 'failed', ...explain(last, current.what) };
  }
  const next = steps[commands.length];
  if (next === undefined) return { kind: 'done' };
  const { name, what, percent } = next;
  return { kind: 'run', name, params: next.params(toldBy(commands)), what, percent };
}

/**
 * What the agent would do to disks that are to be kept: it minds `skip_block_devices` when it erases disks and looks for the root
 * device (ironic_python_agent/hardware.py, list_block_devices_check_skip_list), not when it makes RAID volumes
 * (delete_configuration, _do_create_configuration) nor when it writes all over the disks to test them (burnin.py, fio_disk).
 */
function dangerIn(job: AgentJob): string | undefined {
  const { skip_block_devices: kept } = job.node.properties;
  if (kept === undefined) return undefined;
  if (job.kind === 'Deploy' && job.raid !== undefined)
    return 'has spec.keepDisks and spec.raid, and the agent keeps no disk when it makes RAID volumes: remove the one or the other';
  if (job.kind === 'BurnIn' && job.tests.includes('disk'))
    return 'has spec.keepDisks and spec.burnIn.diskSeconds, and that test writes to every disk: remove the one or the other';
  return undefined;
}

/** What is no step may be listed twice: who did not hear that the first was taken says it again. Then it is done again, which does no harm. */
const isStep = (name: string): boolean => /(^|\.)execute_/.test(name);

/** The agent lists a command without its extension, but for one that failed at once (extensions/base.py, execute_command). */
const fits = (step: Step | undefined, name: string): boolean =>
  step !== undefined && (step.name === name || step.name.endsWith(`.${name}`));

function toldBy(commands: readonly AgentCommand[]): Told {
  const first = recordIn(commands[0]?.result);
  const partitions = commands.find(({ name }) => name.endsWith('get_partition_uuids'))?.result;
  return { versions: first.hardware_manager_version ?? {}, partitions: recordIn(partitions) };
}

const recordIn = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** Names what the job is made of: another one does not go on where this one was. */
export function planOf(job: AgentJob): string {
  const { node, ...rest } = job;
  const kept = { ...rest, configDrive: undefined, skip: node.properties.skip_block_devices };
  const steps = stepsOf(job).map(({ name, what }) => [name, what]);
  return createHash('sha256')
    .update(JSON.stringify([steps, kept]))
    .digest('hex')
    .slice(0, 16);
}

function stepsOf(job: AgentJob): readonly Step[] {
  switch (job.kind) {
    case 'Deploy':
      return deploySteps(job);
    case 'Clean':
      return cleanSteps(job);
    case 'BurnIn':
      return burnInSteps(job);
  }
}

/** In Ironic's order (ironic/drivers/modules/agent.py): RAID, the image, the boot loader. */
function deploySteps(job: DeployJob): readonly Step[] {
  const { image, configDrive, bootMode, raid } = job;
  const mode = bootMode === 'Legacy' ? 'bios' : 'uefi';
  // Partition tables are made for this mode (ironic_python_agent/utils.py, get_node_boot_mode), whatever the ramdisk was booted in.
  const node = { ...job.node, instance_info: { ...job.node.instance_info, deploy_boot_mode: mode } };
  const common = { node, ports: [] };
  const step = (name: string, from: string, args: object) => ({
    step: { interface: from, step: name, priority: 80, args },
    ...common,
  });
  const write: Step = {
    name: 'deploy.execute_deploy_step',
    what: `writes ${image.url} to its disk`,
    percent: 15,
    params: ({ versions }) => ({
      ...step('write_image', 'deploy', {
        image_info: imageInfo(job),
        ...(configDrive !== undefined && { configdrive: configDrive }),
      }),
      deploy_version: versions,
    }),
  };
  const makeRaid: Step = {
    name: 'deploy.execute_deploy_step',
    what: 'makes its RAID volumes',
    percent: 5,
    params: ({ versions }) => ({
      ...step('apply_configuration', 'raid', { raid_config: raid, delete_existing: true }),
      deploy_version: versions,
    }),
  };
  return [
    { name: 'deploy.get_deploy_steps', what: 'tells what it can do', percent: 0, params: () => common },
    ...(raid === undefined ? [] : [makeRaid]),
    write,
    ...(needsBootLoader(job) ? bootLoader(job, mode) : []),
    { name: 'standby.sync', what: 'writes what is still in memory', percent: 95, params: () => ({}) },
  ];
}

/** As ironic/drivers/modules/agent.py, configure_local_boot: the image of a whole disk has its own, which only UEFI has to be told of. */
const needsBootLoader = ({ image, bootMode, raid }: DeployJob): boolean =>
  bootMode === 'UEFI' || image.partition === true || raid !== undefined;

const bootLoader = ({ image }: DeployJob, mode: 'bios' | 'uefi'): readonly Step[] => [
  { name: 'standby.get_partition_uuids', what: 'tells its partitions', percent: 82, params: () => ({}) },
  {
    name: 'image.install_bootloader',
    what: 'installs the boot loader',
    percent: 85,
    // The image of a whole disk has no partitions of ours: the agent looks for the EFI system partition by itself.
    params: ({ partitions }) => ({
      root_uuid: image.partition !== true ? null : (partitions['root uuid'] ?? null),
      efi_system_part_uuid: mode === 'uefi' ? (partitions['efi system partition uuid'] ?? null) : null,
      prep_boot_part_uuid: null,
      target_boot_mode: mode,
    }),
  },
];

/** standby.prepare_image's image_info (ironic_python_agent/extensions/standby.py, _validate_image_info). */
function imageInfo({ node, image, rootMebibytes, bootMode }: DeployJob): Readonly<Record<string, unknown>> {
  const [algorithm, digest] = image.checksum.split(':');
  const raw = image.format !== 'QCow2';
  return {
    id: digest,
    urls: [image.url],
    os_hash_algo: algorithm,
    os_hash_value: digest,
    disk_format: raw ? 'raw' : 'qcow2',
    container_format: 'bare',
    // Raw goes from the network to the disk; anything else has to fit into memory first.
    stream_raw_images: raw,
    node_uuid: node.uuid,
    ...(image.partition !== true
      ? { image_type: 'whole-disk-image' }
      : {
          ...partitionImage,
          root_mb: rootMebibytes,
          deploy_boot_mode: bootMode === 'Legacy' ? 'bios' : 'uefi',
        }),
  };
}

/** A partition image gets a partition beside the EFI system partition; the agent makes both and installs GRUB from the image. */
const partitionImage = {
  image_type: 'partition',
  swap_mb: 0,
  ephemeral_mb: 0,
  ephemeral_format: null,
  preserve_ephemeral: false,
  boot_option: 'local',
  disk_label: 'gpt',
} as const;

const cleanStepNames = {
  Metadata: ['erase_devices_metadata', 'erases partition tables and file system signatures'],
  Express: ['erase_devices_express', 'has its disks erase themselves, or their metadata'],
  Full: ['erase_devices', 'erases its disks, all of them'],
} as const;

function cleanSteps({ node, mode }: CleanJob): readonly Step[] {
  const [name, what] = cleanStepNames[mode];
  return [listCleanSteps(node), cleanStep(node, name, what, 10)];
}

const burnInNames = { cpu: 'burnin_cpu', memory: 'burnin_memory', disk: 'burnin_disk' } as const;

function burnInSteps({ node, tests }: BurnInJob): readonly Step[] {
  const share = 90 / Math.max(tests.length, 1);
  return [
    listCleanSteps(node),
    ...tests.map((test, index) =>
      cleanStep(node, burnInNames[test], `puts its ${test} under load`, Math.round(5 + index * share)),
    ),
  ];
}

const listCleanSteps = (node: AgentNode): Step => ({
  name: 'clean.get_clean_steps',
  what: 'tells what it can do',
  percent: 0,
  params: () => ({ node, ports: [] }),
});

const cleanStep = (node: AgentNode, step: string, what: string, percent: number): Step => ({
  name: 'clean.execute_clean_step',
  what,
  percent,
  params: ({ versions }) => ({
    step: { interface: 'deploy', step, priority: 99, args: {} },
    node,
    ports: [],
    clean_version: versions,
  }),
});
