// The messages by which a session is opened, and the sums that prove on both sides that the password is known.
import { createSecretKey, type KeyObject } from 'node:crypto';
import { hmac, isEqual, sessionKeys, type CipherSuite, type SessionKeys } from './algorithms.ts';

/** Administrator (IPMI v2.0 rev 1.1 section 6.8). */
export const administrator = 4;
/** Look the user up by name alone, whatever its highest privilege (section 13.20): as ipmitool and pyghmi do. */
const byNameOnly = 0x10;
const role = Buffer.from([byNameOnly | administrator]);

/** What both sides know when the session is open, apart from the password. */
export interface Handshake {
  readonly suite: CipherSuite;
  /** Ours, then the BMC's: session IDs as they are on the wire. */
  readonly consoleId: Buffer;
  readonly bmcId: Buffer;
  /** 16 bytes of chance from us. */
  readonly consoleRandom: Buffer;
  readonly username: Buffer;
  readonly password: KeyObject;
}

/** What RAKP 2 adds. */
export interface Challenge {
  readonly bmcRandom: Buffer;
  readonly bmcGuid: Buffer;
  readonly proof: Buffer;
}

/** Any of the BMC's messages: open session response, RAKP 2, RAKP 4. They begin alike. */
export interface Answer {
  readonly tag: number;
  /** 0 is success; else section 13.24. */
  readonly status: number;
  readonly consoleId: Buffer;
  readonly rest: Buffer;
}

/** Undefined: too short to be one. A refusal may end after its status (as ipmi_sim's do, against section 13.18). */
export function parseAnswer(payload: Buffer): Answer | undefined {
  if (payload.length < 2 || (payload.length < 8 && payload[1] === 0)) return undefined;
  return {
    tag: payload.readUInt8(0),
    status: payload.readUInt8(1),
    consoleId: payload.subarray(4, 8),
    rest: payload.subarray(8),
  };
}

/** Section 13.17: one proposal for each of authentication, integrity and confidentiality. */
export const openRequest = (tag: number, consoleId: Buffer, suite: CipherSuite): Buffer =>
  Buffer.concat([
    Buffer.from([tag, administrator, 0, 0]),
    consoleId,
    ...[suite.authentication, suite.integrity, suite.confidentiality].map((algorithm, kind) =>
      Buffer.from([kind, 0, 0, 8, algorithm, 0, 0, 0]),
    ),
  ]);

/** The BMC's session ID and the algorithms that it chose (section 13.18). Undefined: the message is cut off. */
export function readOpened({
  rest,
}: Answer): { readonly bmcId: Buffer; readonly algorithms: readonly number[] } | undefined {
  if (rest.length < 28) return undefined;
  return { bmcId: rest.subarray(0, 4), algorithms: [8, 16, 24].map((at) => rest.readUInt8(at) & 0x3f) };
}

/** Section 13.20. */
export const rakp1 = (tag: number, { bmcId, consoleRandom, username }: Handshake): Buffer =>
  Buffer.concat([
    Buffer.from([tag, 0, 0, 0]),
    bmcId,
    consoleRandom,
    role,
    Buffer.from([0, 0, username.length]),
    username,
  ]);

/** Section 13.21. Undefined: the message is cut off. */
export function readChallenge({ rest }: Answer): Challenge | undefined {
  if (rest.length < 32) return undefined;
  return { bmcRandom: rest.subarray(0, 16), bmcGuid: rest.subarray(16, 32), proof: rest.subarray(32) };
}

/** Role, length of the name and name: in every sum. */
const who = ({ username }: Handshake): Buffer =>
  Buffer.concat([role, Buffer.from([username.length]), username]);

/** Whether the BMC knows the password that we have (section 13.31). */
export function isProven(known: Handshake, { bmcRandom, bmcGuid, proof }: Challenge): boolean {
  const { suite, password, consoleId, bmcId, consoleRandom } = known;
  const parts = [consoleId, bmcId, consoleRandom, bmcRandom, bmcGuid, who(known)];
  return isEqual(hmac(suite, password, ...parts), proof);
}

/** Section 13.22, with our proof (section 13.31). */
export const rakp3 = (tag: number, known: Handshake, { bmcRandom }: Challenge): Buffer =>
  Buffer.concat([
    Buffer.from([tag, 0, 0, 0]),
    known.bmcId,
    hmac(known.suite, known.password, bmcRandom, known.consoleId, who(known)),
  ]);

/** RAKP 3 that calls the login off, so that the BMC need not keep its half of it (section 13.22). */
export const rakp3Refusal = (tag: number, { bmcId }: Handshake, status: number): Buffer =>
  Buffer.concat([Buffer.from([tag, status, 0, 0]), bmcId]);

/** The session integrity key, with the password in the place of a BMC key Kg (section 13.31). */
const integrityKey = (known: Handshake, { bmcRandom }: Challenge): KeyObject =>
  createSecretKey(hmac(known.suite, known.password, known.consoleRandom, bmcRandom, who(known)));

/** The keys of the session, and what RAKP 4 must carry when the BMC has the same ones (section 13.31). */
export function deriveKeys(
  known: Handshake,
  challenge: Challenge,
): { readonly keys: SessionKeys; readonly check: Buffer } {
  const { suite, consoleRandom, bmcId } = known;
  const key = integrityKey(known, challenge);
  const check = hmac(suite, key, consoleRandom, bmcId, challenge.bmcGuid).subarray(0, suite.tagBytes);
  return { keys: sessionKeys(suite, key), check };
}
