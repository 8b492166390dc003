// What a reflector keeps of one kind: the newest object seen under each name, without what no controller reads.
import { createTables, type IndexedStore } from './index.ts';
import { keyOf, keyText, type KubeObject, type ObjectKey } from './objects.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** `before` is undefined for what was added, `after` for what is gone. */
export interface Change<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

/** The writing side of a Store. Both methods return what has really changed: a repeated event changes nothing. */
export interface MutableStore<T extends KubeObject> extends IndexedStore<T> {
  put(object: T): readonly Change<T>[];
  remove(key: ObjectKey): readonly Change<T>[];
  /** Makes `objects` all there is. */
  replace(objects: readonly T[]): readonly Change<T>[];
  size(): number;
}

export function createStore<T extends KubeObject>(): MutableStore<T> {
  const objects = new Map<string, T>();
  const tables = createTables<T>();
  /** Thrown away whenever a name comes or goes. */
  let sortedKeys: readonly string[] | undefined;

  const put = (object: T): readonly Change<T>[] => {
    const key = keyText(keyOf(object));
    const before = objects.get(key);
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return [];
    if (before === undefined) sortedKeys = undefined;
    const after = pruned(object);
    objects.set(key, after);
    tables.change(key, before, after);
    // Deleted and made again between two looks: whoever kept something about the old one has to hear of its end.
    const isAnother = before !== undefined && before.metadata.uid !== after.metadata.uid;
    return isAnother
      ? [
          { before, after: undefined },
          { before: undefined, after },
        ]
      : [{ before, after }];
  };
  const remove = (key: ObjectKey): readonly Change<T>[] => {
    const before = objects.get(keyText(key));
    if (before === undefined) return [];
    objects.delete(keyText(key));
    tables.change(keyText(key), before, undefined);
    sortedKeys = undefined;
    return [{ before, after: undefined }];
  };

  return {
    put,
    remove,
    replace(wanted) {
      const names = new Set(wanted.map((object) => keyText(keyOf(object))));
      const gone = [...objects].filter(([key]) => !names.has(key)).map(([, object]) => keyOf(object));
      return [...gone.flatMap(remove), ...wanted.flatMap(put)];
    },
    get: (key) => objects.get(keyText(key)),
    list(namespace) {
      sortedKeys ??= [...objects.keys()].sort();
      const all = sortedKeys.map((key) => objects.get(key)).filter((object) => object !== undefined);
      return namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
    },
    findBy: (index, value) => tables.find(index, value, objects).flatMap((key) => objects.get(key) ?? []),
    size: () => objects.size,
  };
}

/** Both can be larger than all the rest of an object. */
function pruned<T extends KubeObject>(object: T): T {
  const { annotations } = object.metadata;
  const kept = annotations && { annotations: without(annotations, lastApplied) };
  return { ...object, metadata: { ...without(object.metadata, 'managedFields'), ...kept } };
}

const without = <T extends object>(members: T, name: string): T =>
  Object.fromEntries(Object.entries(members).filter(([key]) => key !== name)) as T;
