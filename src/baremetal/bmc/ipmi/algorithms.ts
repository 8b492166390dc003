// The two cipher suites that we speak, and what they do to bytes: HMACs, the keys of a session, AES.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';

/** IPMI v2.0 rev 1.1 section 22.15.2, with the algorithm numbers of sections 13.28, 13.28.4 and 13.28.5. */
export interface CipherSuite {
  readonly id: 3 | 17;
  readonly authentication: number;
  readonly integrity: number;
  readonly confidentiality: number;
  readonly hash: 'sha1' | 'sha256';
  /** How much of an HMAC goes on the wire in packets of a session and in RAKP 4. RAKP 2 and 3 have all of it. */
  readonly tagBytes: number;
}

/** RAKP-HMAC-SHA256, HMAC-SHA256-128, AES-CBC-128. */
export const suite17: CipherSuite = {
  id: 17,
  authentication: 3,
  integrity: 4,
  confidentiality: 1,
  hash: 'sha256',
  tagBytes: 16,
};
/** RAKP-HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128. */
export const suite3: CipherSuite = {
  id: 3,
  authentication: 1,
  integrity: 1,
  confidentiality: 1,
  hash: 'sha1',
  tagBytes: 12,
};

/** What protects the packets of one session. Key objects, as Node takes four times as long with the bytes of a key. */
export interface SessionKeys {
  readonly suite: CipherSuite;
  /** Signs packets. */
  readonly integrity: KeyObject;
  /** Encrypts payloads: 16 bytes. */
  readonly confidentiality: KeyObject;
}

export function hmac(suite: CipherSuite, key: KeyObject, ...parts: readonly Buffer[]): Buffer {
  const sum = createHmac(suite.hash, key);
  for (const part of parts) sum.update(part);
  return sum.digest();
}

export const isEqual = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);

/** K1 and the first half of K2 from the session integrity key (section 13.32; the constants are 20 bytes in every suite). */
export const sessionKeys = (suite: CipherSuite, integrityKey: KeyObject): SessionKeys => ({
  suite,
  integrity: createSecretKey(hmac(suite, integrityKey, Buffer.alloc(20, 1))),
  confidentiality: createSecretKey(hmac(suite, integrityKey, Buffer.alloc(20, 2)).subarray(0, blockBytes)),
});

const blockBytes = 16;

/** AES-CBC-128 with IPMI's own padding: 1, 2, 3 …, then how many these were (section 13.29). `iv` is 16 bytes of chance. */
export function encrypt(keys: SessionKeys, iv: Buffer, payload: Buffer): Buffer {
  const padded = Buffer.alloc(Math.ceil((payload.length + 1) / blockBytes) * blockBytes);
  payload.copy(padded);
  const padding = padded.length - payload.length - 1;
  for (let index = 0; index < padding; index += 1) padded[payload.length + index] = index + 1;
  padded[padded.length - 1] = padding;
  const cipher = createCipheriv('aes-128-cbc', keys.confidentiality, iv).setAutoPadding(false);
  return Buffer.concat([iv, cipher.update(padded), cipher.final()]);
}

/** Undefined: this was not made by `encrypt`. */
export function decrypt(keys: SessionKeys, sealed: Buffer): Buffer | undefined {
  if (sealed.length < 2 * blockBytes || sealed.length % blockBytes !== 0) return undefined;
  const iv = sealed.subarray(0, blockBytes);
  const cipher = createDecipheriv('aes-128-cbc', keys.confidentiality, iv).setAutoPadding(false);
  const padded = Buffer.concat([cipher.update(sealed.subarray(blockBytes)), cipher.final()]);
  // What the padding consists of is not looked at: some BMCs fill it with something else.
  const padding = padded[padded.length - 1] ?? blockBytes;
  return padding < blockBytes ? padded.subarray(0, padded.length - 1 - padding) : undefined;
}
