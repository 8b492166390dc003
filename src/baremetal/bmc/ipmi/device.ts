// What a BMC says of itself and its machine: Get Device ID, and the FRU record (IPMI v2.0 rev 1.1 sections 20.1 and 34).
import type { Inventory } from '../port.ts';
import { present } from '../present.ts';
import type { Commands } from './commands.ts';
import { mostFruBytes, parseFru, type FruFields } from './fru.ts';
import { netFns, type Request } from './message.ts';

const app = (command: number): Request => ({ netFn: netFns.app, command, data: [] });
const storage = (command: number, ...data: readonly number[]): Request => ({
  netFn: netFns.storage,
  command,
  data,
});

/** The machine itself. */
const fruDevice = 0;
/** What fits into every BMC's packets. */
const pieceBytes = 16;

/** IANA enterprise numbers of those who make servers or their BMCs. */
const manufacturers: Readonly<Record<number, string>> = {
  2: 'IBM',
  11: 'HP',
  42: 'Oracle',
  343: 'Intel',
  674: 'Dell',
  2011: 'Huawei',
  2623: 'ASUS',
  5771: 'Cisco',
  7244: 'Quanta',
  10368: 'Fujitsu',
  10876: 'Supermicro',
  15370: 'Gigabyte',
  19046: 'Lenovo',
  20974: 'AMI',
  37945: 'Inspur',
  47196: 'HPE',
  49622: 'ASRock Rack',
};

/** Section 20.1. The minor revision is in BCD, and so is the version of IPMI, its digits the other way round. */
export function parseDeviceId(data: Buffer): Omit<Inventory['bmc'], 'protocol' | 'cipherSuite'> {
  const [, , major, minor, version] = data;
  const manufacturer = data.length >= 9 ? data.readUIntLE(6, 3) & 0xfffff : 0;
  const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
  return present<Omit<Inventory['bmc'], 'protocol' | 'cipherSuite'>>({
    protocolVersion: version === undefined ? undefined : `${version & 0x0f}.${version >> 4}`,
    vendor: manufacturers[manufacturer],
    model: undefined,
    firmwareVersion: major === undefined || minor === undefined ? undefined : `${major & 0x7f}.${hex(minor)}`,
  });
}

export async function readInventory(
  commands: Commands,
  suite: () => number | undefined,
  signal: AbortSignal,
): Promise<Inventory> {
  const id = await commands.get('its device ID', app(0x01), signal);
  const fru = await readFru(commands, signal);
  const cipherSuite = suite();
  return {
    bmc: { protocol: 'IPMI', ...parseDeviceId(id), ...(cipherSuite === undefined ? {} : { cipherSuite }) },
    ...fru,
    disks: [],
    nics: [],
  };
}

/** Many machines have no FRU record, and that is no reason to know nothing of them. */
async function readFru(commands: Commands, signal: AbortSignal): Promise<FruFields> {
  const info = await commands.ask(storage(0x10, fruDevice), signal);
  // Section 34.1: the size, then whether offsets and counts are in bytes or in words.
  if (info.completion !== 0 || info.data.length < 3) return {};
  const size = Math.min(info.data.readUInt16LE(), mostFruBytes);
  const scale = (info.data.readUInt8(2) & 1) === 1 ? 2 : 1;
  const pieces: Buffer[] = [];
  for (let offset = 0; offset < size;) {
    const count = Math.min(pieceBytes, size - offset);
    const place = Math.floor(offset / scale);
    // Section 34.2: the reply begins with how much there is.
    const reply = await commands.ask(
      storage(0x11, fruDevice, place & 0xff, place >> 8, Math.ceil(count / scale)),
      signal,
    );
    const piece = reply.completion === 0 ? reply.data.subarray(1, 1 + count) : Buffer.alloc(0);
    if (piece.length === 0) break;
    pieces.push(piece);
    offset += piece.length;
  }
  return parseFru(Buffer.concat(pieces));
}
