// What an import did to an object, from how it was before and after.
import type { Secret } from '../../kube/objects.ts';
import { isMap } from './document.ts';

export type Change =
  | { readonly kind: 'created' }
  /** Paths in the spec, and `credentials`. */
  | { readonly kind: 'updated'; readonly fields: readonly string[] }
  | { readonly kind: 'unchanged' };

interface Pair<T> {
  readonly before: T | undefined;
  readonly after: T;
}

/** `before` is undefined for what was not there; `secret`, where there is none. Values are compared, never shown. */
export function changeOf(object: Pair<{ readonly spec: unknown }>, secret: Pair<Secret> | undefined): Change {
  if (object.before === undefined) return { kind: 'created' };
  const isSameAccount = differences(secret?.before?.data ?? {}, secret?.after.data ?? {}, '').length === 0;
  const fields = [
    ...differences(object.before.spec, object.after.spec, ''),
    ...(isSameAccount ? [] : ['credentials']),
  ];
  return fields.length === 0 ? { kind: 'unchanged' } : { kind: 'updated', fields };
}

/** Paths of the leaves that differ. Lists are leaves. */
function differences(before: unknown, after: unknown, path: string): readonly string[] {
  if (isMap(before) && isMap(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) =>
      differences(before[key], after[key], path === '' ? key : `${path}.${key}`),
    );
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
}
