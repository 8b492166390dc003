// Bounds how much happens at once: a first-come-first-served semaphore, and a mutex per key made of it.

export interface Limiter {
  /** Runs `work` when one of the slots is free; rejects with the signal's reason if it aborts before that. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export interface KeyedMutex {
  /** Runs `work` while no other work of the same key runs. */
  run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createLimiter(width: number): Limiter {
  let free = width;
  const waiting = new Set<() => void>();

  const acquire = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        waiting.delete(enter);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
      waiting.add(enter);
    });

  const release = () => {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
      return;
    }
    // The slot goes from hand to hand, so that nobody who comes later can take it in between.
    waiting.delete(next);
    next();
  };

  return {
    async run(signal, work) {
      signal.throwIfAborted();
      if (free > 0) free -= 1;
      else await acquire(signal);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}

export function createKeyedMutex(): KeyedMutex {
  /** Only keys that somebody holds or waits for. */
  const byKey = new Map<string, { readonly limiter: Limiter; users: number }>();
  return {
    async run(key, signal, work) {
      const entry = byKey.get(key) ?? { limiter: createLimiter(1), users: 0 };
      byKey.set(key, entry);
      entry.users += 1;
      try {
        return await entry.limiter.run(signal, work);
      } finally {
        entry.users -= 1;
        if (entry.users === 0) byKey.delete(key);
      }
    },
  };
}
