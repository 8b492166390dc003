// What an agent's error means, in plain words: its texts are those of ironic_python_agent/errors.py and of the steps that raise them.
import type { AgentCommand } from './port.ts';

export interface Explained {
  readonly reason: string;
  readonly message: string;
}

/** The first that fits counts. */
const known: readonly (readonly [text: RegExp, reason: string, words: string])[] = [
  [
    /CLEAN_VERSION_MISMATCH|VersionMismatch|managers version mismatch/i,
    'AgentRestarted',
    'was restarted in the middle',
  ],
  [
    /ImageChecksumError|verifying image checksum/i,
    'ImageChecksumWrong',
    'got an image whose checksum is not the one that is given: correct the checksum, or the image',
  ],
  [
    // Only an image that is not streamed is kept in the ramdisk's memory (extensions/standby.py, _download_image).
    /OutofSpace/i,
    'MemoryTooSmall',
    'has no memory to keep the image in before it writes it: use an image of format Raw, which is not kept',
  ],
  [/config ?drive/i, 'ConfigDriveFailed', 'could not write the config drive'],
  [
    /No space left|too small|smaller than (input|\d)|outside of the device|not enough space|Cannot grow device/i,
    'DiskTooSmall',
    'has no room for the image on its root device (a root device has at least 4 GiB): use a smaller image, a larger disk or other rootDeviceHints',
  ],
  [
    /DeviceNotFound|No suitable device|Error finding the disk/i,
    'NoRootDevice',
    'has no disk that fits: correct spec.rootDeviceHints',
  ],
  [
    /ImageDownload|downloading image|download timeout|HTTPS?ConnectionPool|Max retries exceeded/i,
    'ImageUnavailable',
    'cannot fetch the image: check its URL, and the way to it from the machine',
  ],
  [
    // extensions/image.py, install_bootloader
    /legacy BIOS bootloaders disabled/i,
    'BootLoaderRefused',
    'installs no boot loader for bootMode Legacy: use UEFI, or an image of a whole disk',
  ],
  [
    /InvalidImage|not valid for use|No partitions found|valid partition table/i,
    'ImageInvalid',
    'cannot use the image: check its format, and whether it is of a whole disk or of a partition',
  ],
  [
    /ProtectedDevice/i,
    'DiskProtected',
    'found a disk that others may share, and did not erase it: detach it, or name it in spec.keepDisks',
  ],
  [
    /SoftwareRAID/i,
    'RAIDFailed',
    'could not make its RAID volumes: check spec.raid against its disks, which have to be clean',
  ],
  [/BlockDeviceErase|erasing block device/i, 'EraseFailed', 'could not erase a disk'],
  [/stress-ng|fio \(|burn-?in/i, 'BurnInFailed', 'failed its burn-in: look at the hardware'],
];

const longestDetail = 400;

/** `what` is what the command was to do. */
export function explain({ status, error }: AgentCommand, what: string): Explained {
  const text = status === 'CLEAN_VERSION_MISMATCH' ? status : (error ?? 'the agent does not say why');
  const detail = text.replaceAll(/\s+/g, ' ').trim().slice(0, longestDetail);
  const found = known.find(([pattern]) => pattern.test(text));
  if (found === undefined)
    return { reason: 'AgentFailed', message: `has an agent that ${what}, and failed: ${detail}` };
  const [, reason, words] = found;
  return { reason, message: `has an agent that ${words} (${detail})` };
}
