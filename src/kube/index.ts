// Finds objects by something that they say of themselves, without looking at each of them.
import type { Store } from './client.ts';
import type { KubeObject } from './objects.ts';

/**
 * What an object is found by, its namespace included where that matters; undefined: by nothing. Pure, and one constant function for
 * the life of the process: the store keeps a table for each that it is asked with.
 */
export type Index<T extends KubeObject> = (object: T) => string | undefined;

/** A store that keeps tables. A fake need not. */
export interface IndexedStore<T extends KubeObject> extends Store<T> {
  findBy(index: Index<T>, value: string): readonly T[];
}

/** The objects for which `index` says `value`, in the order of `list`. Takes as long as there are many of those, not of all. */
export function findBy<T extends KubeObject>(
  store: Store<T> | IndexedStore<T>,
  index: Index<T>,
  value: string,
): readonly T[] {
  return 'findBy' in store
    ? store.findBy(index, value)
    : store.list().filter((object) => index(object) === value);
}

/** The tables of one store. */
export interface Tables<T extends KubeObject> {
  /** The keys of the objects for which `index` says `value`, sorted. A new index is told of `all` objects first. */
  find(index: Index<T>, value: string, all: Iterable<readonly [key: string, object: T]>): readonly string[];
  /** What is under `key` was `before` and is `after`. */
  change(key: string, before: T | undefined, after: T | undefined): void;
}

export function createTables<T extends KubeObject>(): Tables<T> {
  const tables = new Map<Index<T>, Map<string, Set<string>>>();

  const add = (table: Map<string, Set<string>>, value: string | undefined, key: string): void => {
    if (value === undefined) return;
    const keys = table.get(value) ?? new Set<string>();
    table.set(value, keys.add(key));
  };
  const remove = (table: Map<string, Set<string>>, value: string | undefined, key: string): void => {
    if (value === undefined) return;
    const keys = table.get(value);
    keys?.delete(key);
    if (keys?.size === 0) table.delete(value);
  };

  return {
    find(index, value, all) {
      let table = tables.get(index);
      if (table === undefined) {
        table = new Map<string, Set<string>>();
        tables.set(index, table);
        for (const [key, object] of all) add(table, index(object), key);
      }
      return [...(table.get(value) ?? [])].sort();
    },
    change(key, before, after) {
      for (const [index, table] of tables) {
        const [from, to] = [before && index(before), after && index(after)];
        if (from === to) continue;
        remove(table, from, key);
        add(table, to, key);
      }
    },
  };
}
