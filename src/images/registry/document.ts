// Reads the JSON that registries hold: whatever stands there, nothing of it is believed to have a form. Pure.
import type { Descriptor } from './port.ts';
import { isDigest } from './reference.ts';

/** Bytes, of one blob or manifest: 1 TB. What claims more is no image, and sums of such sizes are more than a status can hold. */
const largestSize = 1e12;

/** JSON's objects; for all else one without a field, so that reading on from it finds nothing. */
export const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Undefined: it is no JSON. */
export function parseJson(content: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(content).toString('utf8'));
  } catch {
    // The caller says what lacks in it; what stands there instead tells nobody anything.
    return undefined;
  }
}

/** Undefined: not a descriptor that we could fetch by (OCI image-spec, descriptor.md), or one of more than 1 TB. */
export function descriptorOf(value: unknown): Descriptor | undefined {
  const { digest, size } = recordOf(value);
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > largestSize) return undefined;
  return { digest, size };
}
