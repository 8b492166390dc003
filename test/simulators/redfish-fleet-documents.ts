// What each simulated Redfish BMC shows: the documents of a two-socket machine, alike but for serial number and MACs.

const root = '/redfish/v1/';
const system = `${root}Systems/1`;
const interfaces = `${system}/EthernetInterfaces`;
const storage = `${system}/Storage/1`;
const manager = `${root}Managers/1`;

export const paths = {
  root,
  system,
  sessions: `${root}SessionService/Sessions`,
  reset: `${system}/Actions/ComputerSystem.Reset`,
} as const;

const nicCount = 2;
const driveCount = 2;
const link = (path: string) => ({ '@odata.id': path });
const numbered = (path: string, count: number) =>
  Array.from({ length: count }, (_, index) => link(`${path}/${String(index + 1)}`));
const collection = (path: string, count: number) => ({
  '@odata.id': path,
  'Members@odata.count': count,
  Members: numbered(path, count),
});

/** The same for all, as they are sent. */
const common: ReadonlyMap<string, Buffer> = new Map(
  [
    {
      '@odata.id': root,
      RedfishVersion: '1.11.0',
      Vendor: 'ACME',
      Systems: link(`${root}Systems`),
      Managers: link(`${root}Managers`),
      SessionService: link(`${root}SessionService`),
      Links: { Sessions: link(paths.sessions) },
    },
    collection(`${root}Systems`, 1),
    collection(`${root}Managers`, 1),
    { '@odata.id': manager, Manufacturer: 'ACME', Model: 'Fleet BMC', FirmwareVersion: '2.14.0' },
    collection(`${system}/Processors`, 2),
    ...numbered(`${system}/Processors`, 2).map((own) => ({
      ...own,
      ProcessorType: 'CPU',
      Model: 'ACME Octopus 8320',
      ProcessorArchitecture: 'x86',
      InstructionSet: 'x86-64',
      TotalCores: 32,
      TotalThreads: 64,
    })),
    collection(interfaces, nicCount),
    collection(`${system}/Storage`, 1),
    { '@odata.id': storage, Drives: numbered(`${storage}/Drives`, driveCount) },
  ].map((document) => [document['@odata.id'], Buffer.from(JSON.stringify(document))]),
);

/** Any document but the system; undefined where there is none. */
export function documentsOf(address: string, path: string): string | Buffer | undefined {
  const same = common.get(path);
  if (same !== undefined) return same;
  const [, collectionPath = '', id = ''] = /^(.*)\/([12])$/.exec(path) ?? [];
  if (collectionPath === interfaces) {
    const mac = ['02', ...address.split('.').map((part) => hex(Number(part))), `0${id}`].join(':');
    return JSON.stringify({
      ...link(path),
      Id: `NIC.${id}`,
      MACAddress: mac,
      SpeedMbps: 25_000,
      LinkStatus: 'LinkUp',
    });
  }
  if (collectionPath !== `${storage}/Drives`) return undefined;
  const serial = `${address}-${id}`;
  const disk = { Model: 'ACME Spinless', MediaType: 'SSD', Protocol: 'NVMe', CapacityBytes: 960_197_124_096 };
  return JSON.stringify({ ...link(path), Name: `Disk.${id}`, SerialNumber: serial, ...disk });
}

export const systemDocument = (address: string, power: 'On' | 'Off'): string =>
  JSON.stringify({
    ...link(system),
    Manufacturer: 'ACME',
    Model: 'Roadrunner 2U',
    SerialNumber: `SN-${address}`,
    BiosVersion: '2.1',
    PowerState: power,
    ProcessorSummary: { Count: 2, Model: 'ACME Octopus 8320' },
    Processors: link(`${system}/Processors`),
    MemorySummary: { TotalSystemMemoryGiB: 512 },
    EthernetInterfaces: link(interfaces),
    Storage: link(`${system}/Storage`),
    Links: { ManagedBy: [link(manager)] },
    Boot: {
      BootSourceOverrideTarget: 'None',
      BootSourceOverrideEnabled: 'Disabled',
      BootSourceOverrideMode: 'UEFI',
    },
    Actions: {
      '#ComputerSystem.Reset': {
        target: paths.reset,
        'ResetType@Redfish.AllowableValues': ['On', 'ForceOff', 'GracefulShutdown', 'ForceRestart'],
      },
    },
  });

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
