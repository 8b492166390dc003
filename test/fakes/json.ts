// JSON as the fake API server handles it: merge patches, and objects as sets of leaves for server-side apply.

export type Json = Record<string, unknown>;

export const isMap = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const omit = (value: Json, ...names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result: Json = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** A leaf's path, as JSON text of its keys. Lists are leaves, but for those that the API merges by element. */
export type Leaves = Map<string, unknown>;

/** The lists in metadata that every manager adds its own elements to, and what tells elements apart. */
const mergedLists: Readonly<Record<string, (element: unknown) => string>> = {
  '["metadata","finalizers"]': String,
  '["metadata","ownerReferences"]': (element) => String((element as Json).uid),
};

export function toLeaves(value: unknown, path: readonly string[] = []): Leaves {
  const elementKey = mergedLists[JSON.stringify(path)];
  if (elementKey !== undefined && Array.isArray(value)) {
    return new Map(
      value.map((element) => [JSON.stringify([...path, elementKey(element)]), element as unknown]),
    );
  }
  if (!isMap(value) || (path.length > 0 && Object.keys(value).length === 0)) {
    return new Map([[JSON.stringify(path), value]]);
  }
  return new Map(Object.entries(value).flatMap(([key, member]) => [...toLeaves(member, [...path, key])]));
}

export function fromLeaves(leaves: Leaves): Json {
  const root: Json = {};
  for (const [text, value] of leaves) {
    const path = JSON.parse(text) as string[];
    const list = JSON.stringify(path.slice(0, -1));
    if (list in mergedLists)
      put(root, path.slice(0, -1), (former) => [...((former ?? []) as unknown[]), value]);
    else put(root, path, () => value);
  }
  return root;
}

function put(root: Json, path: readonly string[], value: (former: unknown) => unknown): void {
  let at = root;
  for (const key of path.slice(0, -1)) at = (at[key] ??= {}) as Json;
  const last = path.at(-1) ?? '';
  at[last] = value(at[last]);
}

/** True when one of two leaves' paths lies within the other: both cannot be there at once. */
export function overlap(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return long.startsWith(`${short.slice(0, -1)},`);
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
