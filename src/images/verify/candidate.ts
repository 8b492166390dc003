// What both of cosign's forms of signature have in common: something that may vouch for an image, and what it turns out to be.
import type { Descriptor } from '../registry/port.ts';

/**
 * - `Holds`: by this key, for this image.
 * - `OtherKey`: a whole signature that is not of this key over these bytes.
 * - `OtherDigest`: of this key, but for another image.
 * - `OtherPurpose`: of this key, but saying something else than that an image may be used (an attestation).
 * - `Damaged`: not what cosign makes; nothing can be said of it.
 */
export type Verdict = 'Holds' | 'OtherKey' | 'OtherDigest' | 'OtherPurpose' | 'Damaged';

/** A signature that a manifest speaks of. */
export interface Candidate {
  /** What was signed, or what holds it and its signature. */
  readonly blob: Descriptor;
  /** Judges by the blob's bytes. Never throws, whatever they are. */
  judge(content: Uint8Array): Verdict;
}

/** What a signature has to be: of this key, for this image (`sha256:…`). */
export interface Requirement {
  readonly holds: (message: Uint8Array, signature: Uint8Array) => boolean;
  readonly digest: string;
}

/** Undefined: no base64, or none that an encoder would write (each signature has one spelling only). */
export function decodeBase64(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  const bytes = Buffer.from(value, 'base64');
  return bytes.toString('base64') === value ? bytes : undefined;
}
