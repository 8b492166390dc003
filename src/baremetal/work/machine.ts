// A node as the agent has to know it: the addresses that it is recognised by, and what it may write to. Pure.
import type { BareMetalNode, BareMetalNodeSpecRootDeviceHints } from '../../api/baremetalnode.gen.ts';
import { present } from '../bmc/present.ts';
import type { AgentNode } from '../agent/port.ts';

/**
 * What the machine is recognised by, in lower case: what the spec says or, where it says nothing, its BMC. Never what an agent told,
 * which anybody on the provisioning network could have been. Empty where nobody told one.
 */
export function macsOf({ spec, status }: BareMetalNode): readonly string[] {
  if (spec.bootMACAddress !== undefined) return [spec.bootMACAddress.toLowerCase()];
  if (spec.inspectionMode !== 'OutOfBand') return [];
  const told = (status?.hardware?.nics ?? []).flatMap(({ mac }) => (mac === undefined ? [] : [mac]));
  return [...new Set(told.map((mac) => mac.toLowerCase()))];
}

/** Ironic's words for a node (ironic_python_agent/utils.py get_node_... and ironic_lib's device hints). */
export function agentNodeOf(node: BareMetalNode): AgentNode {
  const { rootDeviceHints: hints, keepDisks = [], burnIn } = node.spec;
  const keep = keepDisks.map(({ serialNumber, wwn }) => present({ serial: serialNumber, wwn }));
  const root = rootDeviceOf(hints);
  return {
    uuid: node.metadata.uid,
    properties: present({
      root_device: Object.keys(root).length > 0 ? root : undefined,
      skip_block_devices: keep.length > 0 ? keep : undefined,
    }),
    instance_info: {},
    // ironic_python_agent/burnin.py
    driver_info: present({
      agent_burnin_cpu_timeout: burnIn?.cpuSeconds,
      agent_burnin_vm_timeout: burnIn?.memorySeconds,
      agent_burnin_fio_disk_runtime: burnIn?.diskSeconds,
    }),
    driver_internal_info: {
      // What the agent reads when it erases (ironic_python_agent/hardware.py, erase_block_device).
      agent_erase_devices_iterations: 1,
      agent_erase_devices_zeroize: true,
      agent_continue_if_secure_erase_failed: true,
      agent_continue_if_ata_erase_failed: true,
      agent_enable_nvme_secure_erase: true,
      disk_erasure_concurrency: 4,
    },
  };
}

/** Operators as in Ironic's hints (ironic_python_agent/device_hints.py): `<in>` is a part of the text. */
function rootDeviceOf(hints: BareMetalNodeSpecRootDeviceHints = {}): Readonly<Record<string, unknown>> {
  const part = (text: string | undefined): string | undefined => text && `<in> ${text}`;
  const byPath = hints.deviceName?.startsWith('/dev/disk/by-path/') === true;
  return present({
    name: byPath ? undefined : hints.deviceName,
    by_path: byPath ? hints.deviceName : undefined,
    hctl: hints.hctl,
    model: part(hints.model),
    vendor: part(hints.vendor),
    serial: hints.serialNumber,
    // The agent compares whole GiB.
    size:
      hints.minSizeGigabytes === undefined
        ? undefined
        : `>= ${Math.floor((hints.minSizeGigabytes * 1e9) / 2 ** 30)}`,
    wwn: hints.wwn,
    wwn_with_extension: hints.wwnWithExtension,
    wwn_vendor_extension: hints.wwnVendorExtension,
    rotational: hints.rotational,
  });
}

/** What the agent makes of spec.raid (ironic/drivers/raid_config_schema.json); undefined where there is none. */
export function raidConfigOf({ spec }: BareMetalNode): Readonly<Record<string, unknown>> | undefined {
  if (spec.raid === undefined) return undefined;
  const volumes = spec.raid.volumes.map(({ level, sizeGigabytes, controller, disks }) =>
    present({
      raid_level: level,
      size_gb: sizeGigabytes ?? 'MAX',
      controller,
      physical_disks: disks === undefined ? undefined : disks.map(diskHint),
    }),
  );
  const [first, ...rest] = volumes;
  return { logical_disks: [{ ...first, is_root_volume: true }, ...rest] };
}

const diskHint = (disk: string): Readonly<Record<string, string>> =>
  disk.startsWith('/dev/') ? { name: disk } : { serial: disk };
