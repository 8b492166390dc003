// RMCP+ packets: the header that all have, and the trailer of those that belong to a session.
import { decrypt, encrypt, hmac, isEqual, type SessionKeys } from './algorithms.ts';

/** IPMI v2.0 rev 1.1 section 13.27.3. */
export const payloadTypes = {
  ipmi: 0x00,
  sol: 0x01,
  openRequest: 0x10,
  openReply: 0x11,
  rakp1: 0x12,
  rakp2: 0x13,
  rakp3: 0x14,
  rakp4: 0x15,
} as const;
export type PayloadType = (typeof payloadTypes)[keyof typeof payloadTypes];

export interface Packet {
  /** One of `payloadTypes`, or anything. */
  readonly type: number;
  readonly encrypted: boolean;
  readonly authenticated: boolean;
  /** The receiver's, 0 outside of a session. */
  readonly sessionId: number;
  readonly sequence: number;
  /** As it came: not decrypted. */
  readonly payload: Buffer;
  readonly raw: Buffer;
}

/** RMCP 1.0, no acknowledgement wanted, class IPMI (section 13.1.3). */
const rmcpHeader = Buffer.from([0x06, 0x00, 0xff, 0x07]);
/** "RMCP+ format", in the place where IPMI 1.5 has its authentication type (section 13.6). */
const rmcpPlus = 0x06;
const encryptedBit = 0x80;
const authenticatedBit = 0x40;
const headerBytes = 16;
/** The only value that "next header" may have (section 13.6). */
const nextHeader = 0x07;

/** Section 13.6. Undefined: no RMCP+ packet, or one of a vendor's own kind. */
export function parsePacket(raw: Buffer): Packet | undefined {
  if (raw.length < headerBytes || raw[0] !== rmcpHeader[0] || raw[3] !== rmcpHeader[3]) return undefined;
  if (raw[4] !== rmcpPlus) return undefined;
  const flags = raw.readUInt8(5);
  const type = flags & 0x3f;
  const end = headerBytes + raw.readUInt16LE(14);
  // Type 2 (OEM explicit) has a longer header.
  if (type === 2 || end > raw.length) return undefined;
  return {
    type,
    encrypted: (flags & encryptedBit) !== 0,
    authenticated: (flags & authenticatedBit) !== 0,
    sessionId: raw.readUInt32LE(6),
    sequence: raw.readUInt32LE(10),
    payload: raw.subarray(headerBytes, end),
    raw,
  };
}

function header(flags: number, sessionId: number, sequence: number, payloadBytes: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  rmcpHeader.copy(bytes);
  bytes[4] = rmcpPlus;
  bytes[5] = flags;
  bytes.writeUInt32LE(sessionId, 6);
  bytes.writeUInt32LE(sequence, 10);
  bytes.writeUInt16LE(payloadBytes, 14);
  return bytes;
}

/** A packet outside of a session: open session and RAKP. */
export const plainPacket = (type: PayloadType, payload: Buffer): Buffer =>
  Buffer.concat([header(type, 0, 0, payload.length), payload]);

/**
 * Get Channel Authentication Capabilities as IPMI 1.5 sends it outside of a session (sections 13.6 and 22.13): the first
 * packet of most clients. pyghmi's server takes it for a sign that a client which it knows begins anew. Its answer tells us
 * nothing that the open session response does not.
 */
export const discovery = Buffer.from([
  ...rmcpHeader,
  // No authentication, sequence 0, session 0, 9 bytes.
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
  // What is there for administrators (4) on this channel (0x0e), IPMI 2.0 included (0x80)? With both checksums.
  ...[0x20, 0x18, 0xc8, 0x81, 0x00, 0x38, 0x8e, 0x04, 0xb5],
]);

/** An encrypted and signed packet of a session (sections 13.6 and 13.28.4). `iv` is 16 bytes of chance. */
export function sealPacket(
  keys: SessionKeys,
  to: { readonly type: PayloadType; readonly sessionId: number; readonly sequence: number },
  payload: Buffer,
  iv: Buffer,
): Buffer {
  const sealed = encrypt(keys, iv, payload);
  const head = header(to.type | encryptedBit | authenticatedBit, to.sessionId, to.sequence, sealed.length);
  // From the authentication type to the next header, what is signed fills 4-byte words.
  const padding = (4 - ((headerBytes - 4 + sealed.length + 2) % 4)) % 4;
  const trailer = Buffer.alloc(padding + 2, 0xff);
  trailer[padding] = padding;
  trailer[padding + 1] = nextHeader;
  const packet = Buffer.concat([head, sealed, trailer]);
  const tag = hmac(keys.suite, keys.integrity, packet.subarray(4)).subarray(0, keys.suite.tagBytes);
  return Buffer.concat([packet, tag]);
}

/** The payload in the clear; undefined: it is not encrypted and signed by who has the keys. */
export function openPacket(keys: SessionKeys, packet: Packet): Buffer | undefined {
  const { raw, payload } = packet;
  const { suite, integrity } = keys;
  const signedEnd = raw.length - suite.tagBytes;
  if (!packet.encrypted || !packet.authenticated || signedEnd < headerBytes + payload.length + 2)
    return undefined;
  const tag = hmac(suite, integrity, raw.subarray(4, signedEnd)).subarray(0, suite.tagBytes);
  if (!isEqual(tag, raw.subarray(signedEnd))) return undefined;
  return decrypt(keys, payload);
}
