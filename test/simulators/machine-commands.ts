// What the agent of a simulated machine can do: the commands and steps that change its disks (ironic_python_agent/extensions and hardware.py).
import { gunzipSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { failure } from './machine-failures.ts';
import type { MachineDisk, Ramdisk } from './machine-model.ts';

export type Params = Readonly<Record<string, unknown>>;

export type AgentCommandKind =
  | { readonly kind: 'sync'; run(params: Params): unknown }
  | { readonly kind: 'async'; run(params: Params): unknown };

/** hardware.get_current_versions. */
const versions = { generic_hardware_manager: '1.2' } as const;
const leastRootBytes = 4 * 2 ** 30;

/** What earlier commands of this boot left behind. */
interface Memory {
  partitions: Readonly<Record<string, unknown>>;
  /** The same image is not written twice in one boot (standby.py, cached_image_id). */
  image: unknown;
}

/** By name, with the extension. */
export function agentCommands(ramdisk: Ramdisk): ReadonlyMap<string, AgentCommandKind> {
  const memory: Memory = { partitions: {}, image: undefined };
  return new Map<string, AgentCommandKind>([
    ['deploy.get_deploy_steps', { kind: 'sync', run: () => steps('deploy_steps', ['write_image']) }],
    ['deploy.execute_deploy_step', { kind: 'async', run: (given) => step(ramdisk, memory, given, 'deploy') }],
    ['clean.get_clean_steps', { kind: 'sync', run: () => steps('clean_steps', Object.keys(erasures)) }],
    ['clean.execute_clean_step', { kind: 'async', run: (given) => step(ramdisk, memory, given, 'clean') }],
    ['standby.get_partition_uuids', { kind: 'sync', run: () => memory.partitions }],
    ['standby.sync', { kind: 'sync', run: () => null }],
    ['image.install_bootloader', { kind: 'async', run: (given) => installBootloader(ramdisk, given) }],
  ]);
}

const steps = (name: string, names: readonly string[]) => ({
  [name]: {
    GenericHardwareManager: names.map((item) => ({
      step: item,
      priority: 0,
      interface: 'deploy',
      reboot_requested: false,
    })),
  },
  hardware_manager_version: versions,
});

async function step(ramdisk: Ramdisk, memory: Memory, given: Params, kind: 'deploy' | 'clean') {
  const told = given[`${kind}_version`];
  // Without a version there is nothing to compare (hardware.py, check_versions).
  if (told !== undefined && told !== null && JSON.stringify(told) !== JSON.stringify(versions))
    throw failure(
      'VersionMismatch',
      `Current versions: ${JSON.stringify(versions)}, versions used by ironic: ${JSON.stringify(told)}`,
    );
  const asked = recordOf(given.step);
  const node = recordOf(given.node);
  const result = await perform(ramdisk, memory, textOf(asked.step), node, recordOf(asked.args));
  return { [`${kind}_result`]: result, [`${kind}_step`]: asked };
}

const erasures = {
  erase_devices_metadata: 'Metadata',
  erase_devices_express: 'Express',
  erase_devices: 'Full',
} as const;

function perform(ramdisk: Ramdisk, memory: Memory, name: string, node: Params, args: Params): unknown {
  switch (name) {
    case 'write_image':
      return writeImage(ramdisk, memory, node, args);
    case 'apply_configuration':
      if (args.raid_config === undefined) throw new TypeError("missing 1 required argument: 'raid_config'");
      return args.raid_config;
    case 'erase_devices_metadata':
    case 'erase_devices_express':
    case 'erase_devices':
      return erase(ramdisk, node, erasures[name]);
    case 'burnin_cpu':
    case 'burnin_memory':
    case 'burnin_disk':
      return null;
    default:
      throw failure('HardwareManagerMethodNotFound', `Could not find method: ${name}`);
  }
}

function erase(ramdisk: Ramdisk, node: Params, mode: 'Metadata' | 'Express' | 'Full'): null {
  for (const disk of erasable(ramdisk, node)) {
    Object.assign(disk, { image: undefined, configDrive: undefined, hostUid: undefined, erased: mode });
    ramdisk.log(`erased ${disk.name}: ${mode}`);
  }
  return null;
}

/** All but those that the node's properties.skip_block_devices names. */
function erasable({ disks }: Ramdisk, node: Params): readonly MachineDisk[] {
  const skipped = recordOf(node.properties).skip_block_devices;
  const hints = Array.isArray(skipped) ? skipped.map(recordOf) : [];
  return disks.filter((disk) => !hints.some((hint) => matches(disk, hint)));
}

/** prepare_image of standby.py. */
async function writeImage(ramdisk: Ramdisk, memory: Memory, node: Params, args: Params): Promise<string> {
  const { faults, signal, web } = ramdisk;
  const info = recordOf(args.image_info);
  const urls: unknown = info.urls;
  const url = Array.isArray(urls) ? textOf(urls[0]) : '';
  const id = textOf(info.id);
  const [algorithm, expected] = [textOf(info.os_hash_algo), textOf(info.os_hash_value)];
  if (id === '') throw failure('InvalidCommandParamsError', "Image is missing 'id' field.");
  if (url === '')
    throw failure('InvalidCommandParamsError', "Image 'urls' must be a list with at least one element.");
  const disk = rootDisk(ramdisk, node);
  const drive = configDriveIn(args.configdrive, textOf(info.node_uuid));
  if (memory.image !== id) {
    // From now on there is only half of a system.
    Object.assign(disk, { image: undefined, configDrive: undefined, hostUid: undefined, erased: undefined });
    if (faults.diesInWrite !== undefined) {
      await sleep(faults.diesInWrite, undefined, { signal });
      ramdisk.die('while it wrote the image');
      signal.throwIfAborted();
    }
    const found = await web.download(url, algorithm, signal).catch((error: unknown) => {
      throw unreachable(url, error);
    });
    if (found.status !== 200) throw notServed(id, url, found.status);
    const stream = info.stream_raw_images === true && info.disk_format === 'raw';
    if (faults.diskTooSmall === true || found.bytes > disk.sizeBytes) throw noRoom(id, disk.name, stream);
    const digest = faults.checksumWrong === true ? '0'.repeat(found.digest.length) : found.digest;
    if (digest !== expected) throw wrongSum(id, stream ? disk.name : `/tmp/${id}`, expected, digest);
    disk.image = `${algorithm}:${digest}`;
  }
  Object.assign(disk, drive);
  memory.image = id;
  memory.partitions = partitionsOf(disk, info.image_type === 'partition');
  ramdisk.rooted(disk);
  ramdisk.log(`wrote ${url} to ${disk.name}`);
  return `image (${id}) written to device ${disk.name} root_uuid=${textOf(memory.partitions['root uuid'])}`;
}

/** A whole disk has its MBR's identifier for a root UUID (standby.py, _fix_up_partition_uuids). */
const partitionsOf = ({ name }: MachineDisk, partition: boolean): Memory['partitions'] =>
  partition
    ? {
        partitions: { root: `${name}2`, 'efi system partition': `${name}1` },
        'root uuid': 'c0ffee00-0000-4000-8000-000000000002',
        'efi system partition uuid': 'C0FF-EE01',
      }
    : { 'root uuid': '0x5eed1e55' };

/** extensions/image.py; a root UUID that is no partition's is looked for in vain, once efibootmgr is not the way. */
function installBootloader(
  { disks, bootMode }: Ramdisk,
  { root_uuid: root, target_boot_mode: mode }: Params,
) {
  const [disk] = disks;
  if (bootMode === 'uefi' && mode === 'uefi') return null;
  if (typeof root !== 'string' || !root.startsWith('0x') || root === '0x00000000') return null;
  throw failure('DeviceNotFound', `No partition with UUID ${root} found on device ${disk?.name ?? ''}`);
}

/** The smallest of at least 4 GiB, or the first that the hints fit (hardware.py, get_os_install_device). */
function rootDisk({ disks }: Ramdisk, node: Params): MachineDisk {
  const hints = recordOf(recordOf(node.instance_info).root_device ?? recordOf(node.properties).root_device);
  const hinted = Object.keys(hints).length > 0;
  const fit = disks.filter((disk) => (hinted ? matches(disk, hints) : disk.sizeBytes >= leastRootBytes));
  const found = hinted ? fit[0] : fit.toSorted((one, other) => one.sizeBytes - other.sizeBytes)[0];
  if (found !== undefined) return found;
  const why = hinted
    ? `No suitable device was found for deployment using these hints ${JSON.stringify(hints)}`
    : 'No suitable device was found for deployment - root device hints were not provided and all found block ' +
      `devices are smaller than ${leastRootBytes}B.`;
  throw failure('DeviceNotFound', why);
}

/** ironic_lib's device hints, as far as they are about what a simulated disk has: `s== text`, `<in> part`, `>= GiB`, or a plain value. */
function matches(disk: MachineDisk, hints: Params): boolean {
  const values: Readonly<Record<string, string | number | boolean>> = {
    name: disk.name,
    serial: disk.serial,
    model: disk.model,
    rotational: disk.rotational,
    size: Math.floor(disk.sizeBytes / 2 ** 30),
  };
  return Object.entries(hints).every(([name, hint]) => {
    const [value, wanted] = [values[name], String(hint).trim()];
    if (value === undefined) return false;
    const have = String(value).toLowerCase();
    if (wanted.startsWith('>=')) return Number(value) >= Number(wanted.slice(2));
    if (wanted.startsWith('<in>')) return have.includes(wanted.slice(4).trim().toLowerCase());
    return have === wanted.replace(/^(s?==?)\s*/, '').toLowerCase();
  });
}

/** partition_utils.py, get_configdrive. */
function configDriveIn(text: unknown, node: string): Pick<MachineDisk, 'configDrive' | 'hostUid'> {
  if (text === undefined || text === null) return { configDrive: undefined, hostUid: undefined };
  try {
    const configDrive = gunzipSync(Buffer.from(textOf(text), 'base64'));
    const meta = /"meta":\s*\{[^}]*?"uid":\s*"(?<uid>[^"]+)"/.exec(configDrive.toString('latin1'));
    return { configDrive, hostUid: meta?.groups?.uid };
  } catch (error) {
    throw failure(
      'DeploymentError',
      `Config drive for node ${node} is not base64 encoded or the content is malformed. ${String(error)}.`,
    );
  }
}

/** Of requests, whose errors nobody catches (standby.py, _download_with_proxy). */
function unreachable(url: string, cause: unknown): Error {
  const { hostname, port, pathname } = new URL(url);
  return new Error(
    `HTTPConnectionPool(host='${hostname}', port=${port === '' ? 80 : port}): Max retries exceeded with url: ${pathname} ` +
      '(Caused by NewConnectionError(": Failed to establish a new connection: [Errno 111] Connection refused"))',
    { cause },
  );
}

const notServed = (id: string, url: string, status: number): Error =>
  failure(
    status < 500 ? 'ImageDownloadFatalError' : 'ImageDownloadError',
    `Download of image ${id} failed: Received status code ${status} from ${url}, expected 200. Response body:  Response headers: {}`,
  );

const noRoom = (id: string, device: string, stream: boolean): Error =>
  stream
    ? failure(
        'ImageDownloadError',
        `Download of image ${id} failed: Unable to write image to device ${device}. Error: [Errno 28] No space left on device`,
      )
    : failure(
        'ImageWriteError',
        `Writing image to device ${device} failed with exit code 1. stdout: . stderr: qemu-img: ${device}: error while ` +
          'converting host_device: Cannot grow device files\n',
      );

/** Both names change places on the way (standby.py, verify_image). */
const wrongSum = (id: string, device: string, expected: string, found: string): Error =>
  failure(
    'ImageChecksumError',
    `Image failed to verify against checksum. location: ${id}; image ID: ${device}; image checksum: ${expected}; verification checksum: ${found}`,
  );

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const recordOf = (value: unknown): Params =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
