// Values of a YAML map, read one by one: what has the wrong type is reported with its key.
import { isMap, type RawNode } from '../document.ts';
import type { Findings } from '../findings.ts';
import { hintFor } from '../keys.ts';

/** Undefined when it is not there, null, or was reported. `path`: what messages put before the key, as `set.`. */
export function textOf(map: RawNode, key: string, findings: Findings, path = ''): string | undefined {
  const value = map[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  // A number has lost what was written: 16.10 is 16.1 by now, and 13.0 is 13.
  findings.problem(`${path}${key}`, 'must be text: put it in quotes');
  return undefined;
}

/** Undefined when it is neither there nor a truth value. */
export function truthOf(value: unknown): boolean | undefined {
  const word = typeof value === 'string' ? value.toLowerCase() : value;
  if (word === true || word === 'true') return true;
  return word === false || word === 'false' ? false : undefined;
}

/** [] when it is not there, or was reported. */
export function listOf(map: RawNode, key: string, findings: Findings): readonly unknown[] {
  const value = map[key];
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  findings.problem(key, 'must be a list, with - before each item');
  return [];
}

/** Undefined when it is not there, or was reported. */
export function mapOf(map: RawNode, key: string, findings: Findings): RawNode | undefined {
  const value = map[key];
  if (value === undefined || value === null) return undefined;
  if (isMap(value)) return value;
  findings.problem(key, 'must be a map of keys and values');
  return undefined;
}

/** Keys that are passed over, with why. */
export interface Ignored {
  readonly pattern: RegExp;
  readonly why: string;
}

/** Reports keys that are neither used nor known to be passed over, and says of the latter why. */
export function checkKeys(
  map: RawNode,
  used: readonly string[],
  ignored: readonly Ignored[],
  findings: Findings,
  path = '',
): void {
  for (const key of Object.keys(map)) {
    if (used.includes(key)) continue;
    const passedOver = ignored.find(({ pattern }) => pattern.test(key));
    if (passedOver === undefined) findings.problem(`${path}${key}`, `is unknown${hintFor(key, used)}`);
    else findings.remark('note', `${path}${key} is ignored: ${passedOver.why}`);
  }
}
