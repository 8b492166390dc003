// What an agent tells of its machine at inspection, into our inventory: pure. Anybody on the network can send it, so all of it is bounded.
import type { Disk, Inventory, Nic } from '../bmc/port.ts';
import { present } from '../bmc/present.ts';
import type { AgentInspection } from './port.ts';

type Members = Readonly<Record<string, unknown>>;

/** More than any machine has; what is beyond is left out. */
const mostItems = 512;
const longestText = 1024;
const longestName = 128;
/** The raw data go into memory only: deeper and more than this an inventory never is. */
const deepest = 12;
const mostCharacters = 500_000;

/**
 * Collectors put whole files into these members: logs are gzip in base64, and the rest is of no use to us
 * (ironic_python_agent/inspector.py, collect_logs and collect_extra_hardware).
 */
const leftOut: ReadonlySet<string> = new Set(['logs', '__proto__']);

/** Lower case, with colons; what is no Ethernet address is left out. */
export function macsIn(payload: unknown): readonly string[] {
  const macs = interfacesIn(payload).flatMap(({ mac_address: mac }) => macOf(mac) ?? []);
  return [...new Set(macs)];
}

/** The addresses that the machine says to have, as they stand in a URL. */
export function addressesIn(raw: unknown): readonly string[] {
  return interfacesIn(raw)
    .flatMap(({ ipv4_address: four, ipv6_address: six }) => [four, six])
    .flatMap((address) => (typeof address === 'string' ? [address.toLowerCase()] : []));
}

/** A sentence says what it lacks: the data are refused. Layout: ironic_python_agent/hardware.py, list_hardware_info. */
export function inspectionOf(payload: unknown): AgentInspection | string {
  if (!isMembers(payload) || !isMembers(payload.inventory)) return 'the inspection data have no inventory';
  const { inventory, error } = payload;
  if (macsIn(payload).length === 0) return 'the inventory has no interface with a MAC address';
  const vendor = membersOf(inventory.system_vendor);
  const memory = membersOf(inventory.memory);
  const told = text(error);
  return {
    inventory: {
      bmc: {},
      disks: itemsOf(inventory.disks).map(diskOf),
      nics: interfacesIn(payload).map(nicOf),
      ...present({
        vendor: text(vendor.manufacturer),
        model: text(vendor.product_name),
        serial: text(vendor.serial_number),
        biosVersion: text(membersOf(vendor.firmware).version),
        cpu: cpuOf(membersOf(inventory.cpu)),
        memoryMebibytes: count(memory.physical_mb),
      }),
    },
    raw: pruned(payload, deepest, { left: mostCharacters }),
    ...(told !== undefined && { error: told }),
  };
}

/** Its `count` is of logical processors (ironic_python_agent/hardware.py, CPU). */
function cpuOf(cpu: Members): NonNullable<Inventory['cpu']> | undefined {
  const found = present<NonNullable<Inventory['cpu']>>({
    model: text(cpu.model_name),
    architecture: text(cpu.architecture),
    sockets: count(cpu.socket_count),
    cores: undefined,
    threads: count(cpu.count),
  });
  return Object.keys(found).length > 0 ? found : undefined;
}

function diskOf(disk: Members): Disk {
  return present<Disk>({
    name: text(disk.name),
    model: text(disk.model),
    serial: text(disk.serial),
    type: diskType(disk),
    sizeBytes: count(disk.size),
  });
}

function diskType({ name, tran, rotational }: Members): Disk['type'] {
  if (tran === 'nvme' || text(name)?.startsWith('/dev/nvme') === true) return 'NVMe';
  if (typeof rotational !== 'boolean') return undefined;
  return rotational ? 'HDD' : 'SSD';
}

function nicOf({ name, mac_address: mac, speed_mbps: speed, has_carrier: carrier }: Members): Nic {
  return present<Nic>({
    name: text(name),
    mac: macOf(mac),
    speedMbps: count(speed),
    linkUp: typeof carrier === 'boolean' ? carrier : undefined,
  });
}

const interfacesIn = (payload: unknown): readonly Members[] =>
  itemsOf(membersOf(membersOf(payload).inventory).interfaces);

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const membersOf = (value: unknown): Members => (isMembers(value) ? value : {});

const itemsOf = (value: unknown): readonly Members[] =>
  Array.isArray(value) ? value.slice(0, mostItems).filter(isMembers) : [];

function macOf(value: unknown): string | undefined {
  const mac = typeof value === 'string' ? value.toLowerCase() : '';
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac) ? mac : undefined;
}

/** On one line, without control characters; undefined for nothing. */
function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const line = value
    .slice(0, longestText)
    .replaceAll(/[\p{Cc}\p{Cs}\s]+/gu, ' ')
    .trim();
  return line === '' ? undefined : line;
}

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;

/** `value` without its logs, and no larger than we keep; what does not fit is null. */
function pruned(value: unknown, depth: number, budget: { left: number }): unknown {
  budget.left -= typeof value === 'string' ? Math.min(value.length, longestText) : 8;
  if (budget.left < 0) return null;
  if (typeof value === 'string') return value.slice(0, longestText);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return null;
  if (Array.isArray(value)) return value.slice(0, mostItems).map((item) => pruned(item, depth - 1, budget));
  const entries = Object.entries(value)
    .filter(([name]) => !leftOut.has(name) && name.length <= longestName)
    .slice(0, mostItems)
    .map(([name, member]: [string, unknown]) => {
      budget.left -= name.length;
      return [name, pruned(member, depth - 1, budget)] as const;
    });
  return Object.fromEntries(entries);
}
