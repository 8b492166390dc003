// Canonical JSON and the hashes made of it: the same value gives the same bytes, whatever order its keys were written in.
import { createHash, createHmac } from 'node:crypto';

/** JSON with sorted keys and without undefined members. Arrays keep their order. */
export function canonicalJson(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(sorted(value));
}

/** Lower-case hex SHA-256 of the canonical JSON of `value`. */
export const hashOf = (value: unknown): string => sha256(canonicalJson(value));

/** Lower-case hex SHA-256 of bytes or of a text's UTF-8. */
export const sha256 = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');

/** Lower-case hex HMAC-SHA-256: how a secret is compared without being shown. */
export const hmac = (key: string | Uint8Array, content: string | Uint8Array): string =>
  createHmac('sha256', key).update(content).digest('hex');

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => [key, sorted(member)] as const);
  return Object.fromEntries(entries);
}
