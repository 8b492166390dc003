// What people read of an agent's error. The texts are those of ironic-python-agent 10.2 and 11: types and messages of errors.py, details of who raises them.
import { expect } from 'chai';
import fc from 'fast-check';
import { explain } from '../../../src/baremetal/agent/failures.ts';
import type { AgentCommand } from '../../../src/baremetal/agent/port.ts';

const url = 'http://10.0.0.1:8088/disk.raw';
const command = (error: string | undefined, status: AgentCommand['status'] = 'FAILED'): AgentCommand => ({
  id: '1',
  name: 'execute_deploy_step',
  status,
  error,
  result: null,
});

/** As client.ts makes it one text: type, message, details. `seen`: by a real agent in a virtual machine. */
const cases: readonly (readonly [what: string, error: string, reason: string])[] = [
  [
    'seen: another checksum',
    'ImageChecksumError: Error verifying image checksum: Image failed to verify against checksum. location: 0000; image ID: /dev/sda; image checksum: 0000; verification checksum: 26eb',
    'ImageChecksumWrong',
  ],
  [
    'seen: no disk that the hints fit',
    "DeviceNotFound: Error finding the disk or partition device to deploy the image onto: No suitable device was found for deployment using these hints {'serial': 'NOPE'}",
    'NoRootDevice',
  ],
  [
    'seen: an image without partitions',
    'DeploymentError: Deploy step failed: Unable to find a valid partition table on the disk after writing the image. The image may be corrupted. Error: Unexpected error while running command.\nCommand: parted -s -m /dev/sda unit MiB print\nExit code: 1',
    'ImageInvalid',
  ],
  [
    'a raw image larger than the disk',
    `ImageDownloadError: Error downloading image: Download of image abc failed: Unable to write image to device /dev/sda. Error: [Errno 28] No space left on device`,
    'DiskTooSmall',
  ],
  [
    // qemu-img 7.2 convert -O host_device to a smaller block device, as seen on a loop device.
    'a QCow2 image larger than the disk',
    'ImageWriteError: Error writing image to device: Writing image to device /dev/sda failed with exit code 1. stdout: . stderr: qemu-img: /dev/sda: error while converting host_device: Cannot grow device files\n',
    'DiskTooSmall',
  ],
  [
    'a partition image larger than its partition',
    'InvalidCommandParamsError: Invalid command parameters: Root partition is too small for requested image. Image virtual size: 9000 MB, Root size: 8192 MB',
    'DiskTooSmall',
  ],
  [
    'a QCow2 image larger than the ramdisk’s memory',
    'ImageDownloadOutofSpaceError: Error downloading image: Download of image abc failed: Unable to write image to /tmp/abc. Error: [Errno 28] No space left on device',
    'MemoryTooSmall',
  ],
  [
    'an image that is not there',
    `ImageDownloadFatalError: Error downloading image: Download of image abc failed: Received status code 404 from ${url}, expected 200. Response body: no such image Response headers: {'Date': 'x'}`,
    'ImageUnavailable',
  ],
  [
    'nobody who serves the image',
    "CommandExecutionError: Command execution failed: HTTPConnectionPool(host='10.0.0.1', port=8088): Max retries exceeded with url: /disk.raw (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))",
    'ImageUnavailable',
  ],
  [
    'a name that nobody knows',
    "CommandExecutionError: Command execution failed: HTTPConnectionPool(host='images', port=80): Max retries exceeded with url: /disk.raw (Caused by NameResolutionError(\"Failed to resolve 'images' ([Errno -2] Name or service not known)\"))",
    'ImageUnavailable',
  ],
  [
    'a certificate of the image server that the ramdisk does not know',
    "CommandExecutionError: Command execution failed: HTTPSConnectionPool(host='10.0.0.1', port=443): Max retries exceeded with url: /disk.raw (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate')))",
    'ImageUnavailable',
  ],
  [
    'an image server that stands still',
    'ImageDownloadError: Error downloading image: Download of image abc failed: Timed out reading next chunk from webserver',
    'ImageUnavailable',
  ],
  [
    'an image whose URL has the word checksum in it',
    `ImageDownloadFatalError: Error downloading image: Download of image abc failed: Received status code 404 from http://10.0.0.1/checksums/disk.raw, expected 200.`,
    'ImageUnavailable',
  ],
  [
    'only disks below 4 GiB',
    'DeviceNotFound: Error finding the disk or partition device to deploy the image onto: No suitable device was found for deployment - root device hints were not provided and all found block devices are smaller than 4294967296B.',
    'DiskTooSmall',
  ],
  [
    'an image of another format',
    'InvalidImage: The provided image is not valid for use: Image format raw is not in permitted formats: qcow2',
    'ImageInvalid',
  ],
  [
    'no boot loader for a legacy BIOS',
    'InvalidImage: The provided image is not valid for use: Install of legacy BIOS bootloaders disabled by CONF.enable_bios_bootloader_install as part of CVE-2026-43003 mitigation.',
    'BootLoaderRefused',
  ],
  [
    'a config drive that is none',
    'DeploymentError: Deploy step failed: Config drive for node n1 is not base64 encoded or the content is malformed. Error: Incorrect padding.',
    'ConfigDriveFailed',
  ],
  [
    'a disk that cannot be erased',
    'BlockDeviceEraseError: Error erasing block device: Failed to erase the metadata on the device(s): "/dev/sda": Unexpected error while running command.',
    'EraseFailed',
  ],
  [
    'a disk of a RAID controller that cannot be erased',
    'BlockDeviceEraseError: Error erasing block device: Failed to erase the metadata on the device(s): "/dev/disk/by-id/scsi-MegaRAID": failed',
    'EraseFailed',
  ],
  [
    'a disk that others may share',
    'ProtectedDeviceError: Protected VMFS Partition located on device /dev/sdb. This volume or contents may be a shared block device.',
    'DiskProtected',
  ],
  [
    'RAID volumes on disks that are in use',
    'SoftwareRAIDError: Software RAID caused unknown error: Partitions detected on devices [/dev/sda] during RAID config validation',
    'RAIDFailed',
  ],
  [
    'a burn-in that found something',
    'CommandExecutionError: Command execution failed: stress-ng (cpu) failed with error Unexpected error while running command.',
    'BurnInFailed',
  ],
  [
    'another version of the agent',
    "VersionMismatch: Hardware managers version mismatch, reload agent with correct version: Current versions: {'generic_hardware_manager': '1.2'}, versions used by ironic: {'generic_hardware_manager': '0.1'}",
    'AgentRestarted',
  ],
  [
    'anything else',
    'HardwareManagerMethodNotFound: No HardwareManager found to handle method: Could not find method: x',
    'AgentFailed',
  ],
];

describe('an agent’s error', () => {
  for (const [what, error, reason] of cases) {
    it(`${reason}: ${what}`, () => {
      const explained = explain(command(error), 'writes http://10.0.0.1/disk.raw to its disk');
      expect(explained.reason).to.equal(reason);
      // People get the agent's own words, too, on one line.
      expect(explained.message).to.contain(error.slice(0, 60).trimEnd());
      expect(explained.message).to.not.match(/\n/);
    });
  }

  it('is in the status when the agent was restarted', () => {
    expect(explain(command(undefined, 'CLEAN_VERSION_MISMATCH'), 'x').reason).to.equal('AgentRestarted');
  });

  it('names what it did when the agent does not say why', () => {
    const { reason, message } = explain(command(undefined), 'erases its disks');
    expect(reason).to.equal('AgentFailed');
    expect(message).to.contain('erases its disks');
  });

  it('of any length is a sentence of bounded length', () => {
    const text = fc.string({ maxLength: 2000 });
    fc.assert(
      fc.property(
        text,
        fc.constantFrom('FAILED' as const, 'CLEAN_VERSION_MISMATCH' as const),
        (error, status) => {
          const { reason, message } = explain(command(error, status), 'x');
          return /^[A-Z][A-Za-z]+$/.test(reason) && message.length < 800;
        },
      ),
    );
  });
});
