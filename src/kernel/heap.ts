// Keys by the time at which they fall due: a binary heap whose entries can be moved and taken out.

export interface Due {
  readonly key: string;
  readonly at: number;
}

export interface DueHeap {
  /** Puts `key` at a time, wherever it was before. */
  set(key: string, at: number): void;
  remove(key: string): void;
  /** The one that falls due first. */
  first(): Due | undefined;
}

export function createDueHeap(): DueHeap {
  const entries: Due[] = [];
  const places = new Map<string, number>();

  const put = (entry: Due, place: number): void => {
    entries[place] = entry;
    places.set(entry.key, place);
  };
  const rise = (entry: Due, from: number): number => {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = entries[above];
      if (parent === undefined || parent.at <= entry.at) break;
      put(parent, place);
      place = above;
    }
    return place;
  };
  const sink = (entry: Due, from: number): number => {
    let place = from;
    for (;;) {
      const [left, right] = [entries[2 * place + 1], entries[2 * place + 2]];
      const takesRight = left !== undefined && right !== undefined && right.at < left.at;
      const child = takesRight ? right : left;
      if (child === undefined || child.at >= entry.at) return place;
      put(child, place);
      place = 2 * place + (takesRight ? 2 : 1);
    }
  };
  const remove = (key: string): void => {
    const place = places.get(key);
    const last = entries.pop();
    if (place === undefined || last === undefined) {
      if (last !== undefined) entries.push(last);
      return;
    }
    places.delete(key);
    if (last.key === key) return;
    // The last one takes the place that is free, and moves from there to where it belongs.
    put(last, rise(last, sink(last, place)));
  };

  return {
    set(key, at) {
      remove(key);
      const entry = { key, at };
      put(entry, rise(entry, entries.length));
    },
    remove,
    first: () => entries[0],
  };
}
