// What a simulated machine tells at inspection: the fields of ironic_python_agent/inspector.py and hardware.py, with plausible values.
import type { MachineDisk, Ramdisk } from './machine-model.ts';

type Described = Pick<Ramdisk, 'macs' | 'address' | 'bootMode' | 'disks' | 'arguments'>;

/** The body of continue_inspection; `logs` is there when that collector is asked for. */
export function inspectionData(machine: Described, collectors: readonly string[]): unknown {
  const [first = ''] = machine.macs;
  // Without the hardware type that BOOTIF has before it.
  const bootInterface = (machine.arguments.get('BOOTIF') ?? `01-${first.replaceAll(':', '-')}`).slice(3);
  const disks = machine.disks.map(blockDevice);
  return {
    inventory: {
      interfaces: machine.macs.map((mac, index) => networkInterface(mac, index, machine.address)),
      cpu: {
        model_name: 'Simulated CPU @ 2.40GHz',
        frequency: '2400.0000',
        count: 32,
        architecture: 'x86_64',
        flags: ['fpu', 'lm', 'vmx'],
        socket_count: 2,
      },
      disks,
      memory: { total: 134_840_664_064, physical_mb: 131_072 },
      bmc_address: '0.0.0.0',
      bmc_v6address: '::/0',
      bmc_mac: null,
      system_vendor: {
        product_name: 'Simulated Machine',
        serial_number: `SIM-${first.replaceAll(':', '')}`,
        manufacturer: 'Undercloud',
        firmware: { vendor: 'EDK II', version: '2025.02', build_date: '02/15/2025' },
      },
      boot: { current_boot_mode: machine.bootMode, pxe_interface: bootInterface },
      hostname: 'localhost.localdomain',
    },
    root_disk: disks[0] ?? null,
    boot_interface: bootInterface,
    configuration: {
      collectors,
      managers: [{ name: 'generic_hardware_manager', version: '1.2' }],
    },
    ...(collectors.includes('logs') && { logs: Buffer.from('no real archive').toString('base64') }),
    error: null,
  };
}

const blockDevice = ({ name, model, sizeBytes, rotational, serial }: MachineDisk) => ({
  name,
  model,
  size: sizeBytes,
  rotational,
  wwn: null,
  serial,
  vendor: '0x1af4',
  wwn_with_extension: null,
  wwn_vendor_extension: null,
  hctl: null,
  by_path: `/dev/disk/by-path/pci-0000:00:07.0-${name.slice(-3)}`,
  logical_sectors: 512,
  physical_sectors: 512,
  tran: name.startsWith('/dev/nvme') ? 'nvme' : 'sata',
});

const networkInterface = (mac: string, index: number, address: string) => ({
  name: `ens${index + 3}`,
  mac_address: mac,
  ipv4_address: index === 0 ? address : null,
  ipv6_address: null,
  has_carrier: index === 0,
  lldp: null,
  vendor: '0x1af4',
  product: '0x0001',
  client_id: null,
  biosdevname: null,
  speed_mbps: index === 0 ? 10_000 : null,
  pci_address: `0000:00:0${index + 3}.0`,
  driver: 'virtio_net',
});
