// IP addresses as numbers: parsing, printing and the ranges that fixed addresses are taken from, for IPv4 and IPv6.

export interface Ip {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** Undefined for what is no address. */
export function parseIp(text: string): Ip | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** In the canonical form: dotted for IPv4, RFC 5952 for IPv6. */
export function formatIp({ bits, value }: Ip): string {
  if (bits === 32) return groupsOf(value, 4, 8).map(String).join('.');
  const groups = groupsOf(value, 8, 16).map((group) => group.toString(16));
  const zeros = longestZeroRun(groups);
  if (zeros.length < 2) return groups.join(':');
  return `${groups.slice(0, zeros.start).join(':')}::${groups.slice(zeros.start + zeros.length).join(':')}`;
}

/** The same address always as the same text; text that is no address as it is. */
export function normalIp(text: string): string {
  const ip = parseIp(text);
  return ip === undefined ? text : formatIp(ip);
}

/** Whether `text` is an address in the network `cidr`, as `172.17.1.0/24`. */
export function isWithin(text: string, cidr: string): boolean {
  const [start = '', length = ''] = cidr.split('/');
  const ip = parseIp(text);
  const network = parseIp(start);
  if (ip === undefined || network?.bits !== ip.bits) return false;
  const rest = BigInt(ip.bits - Number(length));
  return ip.value >> rest === network.value >> rest;
}

function parseIpv4(text: string): Ip | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255))
    return undefined;
  return { bits: 32, value: joined(parts.map(BigInt), 8) };
}

function parseIpv6(text: string): Ip | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return {
    bits: 128,
    value: joined(
      groups.map((group) => BigInt(`0x${group}`)),
      16,
    ),
  };
}

const joined = (groups: readonly bigint[], width: number): bigint =>
  groups.reduce((value, group) => (value << BigInt(width)) | group, 0n);

function groupsOf(value: bigint, count: number, width: number): readonly bigint[] {
  const mask = (1n << BigInt(width)) - 1n;
  return Array.from({ length: count }, (_, index) => (value >> BigInt((count - 1 - index) * width)) & mask);
}

function longestZeroRun(groups: readonly string[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== '0') start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}
