// IPMI messages inside of packets: requests to the BMC, replies from it.

/** Network function codes of requests (IPMI v2.0 rev 1.1 section 5.1); a reply has the next one. */
export const netFns = { chassis: 0x00, app: 0x06, storage: 0x0a } as const;

export interface Request {
  readonly netFn: (typeof netFns)[keyof typeof netFns];
  readonly command: number;
  readonly data: readonly number[];
}

export interface Reply {
  /** 0 is success (section 5.2). */
  readonly completion: number;
  readonly data: Buffer;
}

const bmcAddress = 0x20;
/** The first of the software IDs for remote consoles (section 5.5). */
const consoleAddress = 0x81;

/** So that all of `bytes` and this add up to zero (section 13.8). */
const checksum = (bytes: Uint8Array): number => -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;

/** Section 13.8. `sequence` is the requester's, 0 to 63. */
export function encodeRequest({ netFn, command, data }: Request, sequence: number): Buffer {
  const head = [bmcAddress, netFn << 2];
  const body = [consoleAddress, sequence << 2, command, ...data];
  return Buffer.from([...head, checksum(Uint8Array.from(head)), ...body, checksum(Uint8Array.from(body))]);
}

/** Undefined: not the answer to this request, which includes late ones to former requests, and what is damaged. */
export function parseReply(bytes: Buffer, { netFn, command }: Request, sequence: number): Reply | undefined {
  if (bytes.length < 8 || checksum(bytes.subarray(0, 3)) !== 0 || checksum(bytes.subarray(3)) !== 0)
    return undefined;
  const isOurs =
    bytes[0] === consoleAddress &&
    bytes[1] === (netFn + 1) << 2 &&
    bytes[4] === sequence << 2 &&
    bytes[5] === command;
  return isOurs ? { completion: bytes.readUInt8(6), data: bytes.subarray(7, -1) } : undefined;
}
