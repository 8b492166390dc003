// A machine's inventory as its Redfish service tells it: the system, its manager, network interfaces and drives.
import { asOperatorError } from '../../../kernel/errors.ts';
import type { Disk, Inventory, Nic } from '../port.ts';
import { present } from '../present.ts';
import { at, linkAt, linksAt, numberAt, textAt } from './document.ts';

/** Fetches the document behind a link. */
type Follow = (link: string) => Promise<unknown>;

/** A machine has fewer; a service that is out of its mind does not keep us busy for ever. */
const mostMembers = 128;

/**
 * `root` and `system` as fetched. Parts that the service names and then cannot show are left out; an error that concerns the
 * service as a whole (away, login refused) is thrown.
 */
export async function readInventory(root: unknown, system: unknown, follow: Follow): Promise<Inventory> {
  const open: Follow = (link) => follow(link).catch(leaveOutRefused);
  const [manager] = linksAt(system, 'Links', 'ManagedBy');
  const bmc = manager === undefined ? undefined : await open(manager);
  return present<Inventory>({
    bmc: present<Inventory['bmc']>({
      protocol: 'Redfish',
      protocolVersion: textAt(root, 'RedfishVersion'),
      vendor: textAt(root, 'Vendor') ?? textAt(bmc, 'Manufacturer'),
      model: textAt(bmc, 'Model'),
      firmwareVersion: textAt(bmc, 'FirmwareVersion'),
      cipherSuite: undefined,
    }),
    vendor: textAt(system, 'Manufacturer'),
    model: textAt(system, 'Model'),
    serial: textAt(system, 'SerialNumber') ?? textAt(system, 'SKU'),
    biosVersion: textAt(system, 'BiosVersion'),
    cpu: await cpuOf(system, open),
    memoryMebibytes: mebibytes(numberAt(system, 'MemorySummary', 'TotalSystemMemoryGiB')),
    disks: await disksOf(system, open),
    nics: (await membersOf(linkAt(system, 'EthernetInterfaces'), open)).map(nicOf),
  });
}

function leaveOutRefused(thrown: unknown): undefined {
  const error = asOperatorError(thrown);
  if (error.reason === 'BMCRefused' || error.reason === 'BMCBusy') return undefined;
  throw error;
}

const mebibytes = (gibibytes: number | undefined): number | undefined =>
  gibibytes === undefined ? undefined : Math.round(gibibytes * 1024);

async function membersOf(collection: string | undefined, open: Follow): Promise<readonly unknown[]> {
  return collection === undefined ? [] : documentsAt(linksAt(await open(collection), 'Members'), open);
}

/** One after the other: a BMC is a small computer. */
async function documentsAt(links: readonly string[], open: Follow): Promise<readonly unknown[]> {
  const documents: unknown[] = [];
  for (const link of links.slice(0, mostMembers)) documents.push(await open(link));
  return documents.filter((document) => document !== undefined);
}

async function cpuOf(system: unknown, open: Follow): Promise<Inventory['cpu']> {
  const processors = await membersOf(linkAt(system, 'Processors'), open);
  const installed = processors.filter((processor) => at(processor, 'Status', 'State') !== 'Absent');
  const total = (name: string): number | undefined =>
    installed.length === 0
      ? undefined
      : installed.reduce<number>((sum, processor) => sum + (numberAt(processor, name) ?? 0), 0) || undefined;
  const sockets = numberAt(system, 'ProcessorSummary', 'Count');
  const cpu = present<NonNullable<Inventory['cpu']>>({
    model: textAt(system, 'ProcessorSummary', 'Model') ?? textAt(installed[0], 'Model'),
    architecture: textAt(installed[0], 'InstructionSet') ?? textAt(installed[0], 'ProcessorArchitecture'),
    sockets: sockets ?? (installed.length > 0 ? installed.length : undefined),
    cores: numberAt(system, 'ProcessorSummary', 'CoreCount') ?? total('TotalCores'),
    threads: numberAt(system, 'ProcessorSummary', 'LogicalProcessorCount') ?? total('TotalThreads'),
  });
  return Object.keys(cpu).length === 0 ? undefined : cpu;
}

/** From Storage with its Drives, else from SimpleStorage with its Devices. */
async function disksOf(system: unknown, open: Follow): Promise<readonly Disk[]> {
  const controllers = await membersOf(linkAt(system, 'Storage'), open);
  const drives = await documentsAt(
    controllers.flatMap((controller) => linksAt(controller, 'Drives')),
    open,
  );
  if (drives.length > 0) return drives.map(driveOf);
  const simple = await membersOf(linkAt(system, 'SimpleStorage'), open);
  return simple.flatMap((controller) => {
    const devices = at(controller, 'Devices');
    return Array.isArray(devices) ? devices.map(driveOf) : [];
  });
}

function driveOf(drive: unknown): Disk {
  const media = textAt(drive, 'MediaType');
  const type =
    textAt(drive, 'Protocol') === 'NVMe' ? 'NVMe' : media === 'HDD' || media === 'SSD' ? media : undefined;
  return present<Disk>({
    name: textAt(drive, 'Name'),
    model: textAt(drive, 'Model'),
    serial: textAt(drive, 'SerialNumber'),
    type,
    sizeBytes: numberAt(drive, 'CapacityBytes'),
  });
}

function nicOf(nic: unknown): Nic {
  const link = textAt(nic, 'LinkStatus');
  return present<Nic>({
    name: textAt(nic, 'Id') ?? textAt(nic, 'Name'),
    mac: (textAt(nic, 'MACAddress') ?? textAt(nic, 'PermanentMACAddress'))
      ?.toLowerCase()
      .replaceAll('-', ':'),
    speedMbps: numberAt(nic, 'SpeedMbps'),
    linkUp: link === undefined ? undefined : link === 'LinkUp',
  });
}
