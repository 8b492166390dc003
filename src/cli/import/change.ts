// What an import did to a node, from how it was before and after.
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import type { Secret } from '../../kube/objects.ts';
import { isMap } from './document.ts';

export type Change =
  | { readonly kind: 'created' }
  /** Paths in the spec, and `credentials`. */
  | { readonly kind: 'updated'; readonly fields: readonly string[] }
  | { readonly kind: 'unchanged' };

/** `before` is undefined for what was not there. Values are compared, never shown. */
export function changeOf(
  node: { readonly before: BareMetalNode | undefined; readonly after: BareMetalNode },
  secret: { readonly before: Secret | undefined; readonly after: Secret },
): Change {
  if (node.before === undefined) return { kind: 'created' };
  const isSameAccount = differences(secret.before?.data ?? {}, secret.after.data ?? {}, '').length === 0;
  const fields = [
    ...differences(node.before.spec, node.after.spec, ''),
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
