// Digests as the OCI image specification writes them (image-spec, descriptor.md, "Digests").
import { createHash } from 'node:crypto';
import { algorithmOf, isDigest } from './reference.ts';

/** Of the same algorithm as `like` where that is a digest, by SHA-256 otherwise. */
export function digestOf(content: Uint8Array, like = ''): string {
  const algorithm = isDigest(like) ? algorithmOf(like) : 'sha256';
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}
