// Bounds how much happens at once: a first-come-first-served semaphore, one that finds its own width, a mutex per key.

export interface Limiter {
  /** Runs `work` when one of the slots is free; rejects with the signal's reason if it aborts before that. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export interface ResizableLimiter extends Limiter {
  /** From now on so many slots, at least 1. What runs already goes on, even if there is more of it. */
  resize(width: number): void;
}

export interface KeyedMutex {
  /** Runs `work` while no other work of the same key runs. */
  run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createLimiter(width: number): ResizableLimiter {
  let slots = width;
  let running = 0;
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

  /** The slot is counted before the waiter hears of it, so that nobody who comes later can take it in between. */
  const admit = () => {
    for (const next of waiting) {
      if (running >= slots) return;
      waiting.delete(next);
      running += 1;
      next();
    }
  };

  return {
    async run(signal, work) {
      signal.throwIfAborted();
      if (running < slots) running += 1;
      else await acquire(signal);
      try {
        return await work();
      } finally {
        running -= 1;
        admit();
      }
    },
    resize(wanted) {
      slots = Math.max(Math.floor(wanted), 1);
      admit();
    },
  };
}

/**
 * What the end of a piece of work says about how much can be done at once: `quick`: there is room for more; `slow`: it took long;
 * `lost`: it failed as things do that are too much (a time-out); `silent`: nothing at all.
 */
export type Load = 'quick' | 'slow' | 'lost' | 'silent';

/** What is known of the right width. Starts as `{ width, threshold: most }`. */
export interface Width {
  readonly width: number;
  /** Below it the width doubles: so much went well before. */
  readonly threshold: number;
}

/** How the work of about one round went: as many pieces as there are slots. */
export interface Round {
  readonly quick: number;
  readonly slow: number;
  readonly lost: number;
  /** Somebody had to wait for a slot: without that the width was not put to the test. */
  readonly full: boolean;
}

export interface WidthBounds {
  readonly least: number;
  readonly most: number;
}

/** Added for each good round once there was trouble. */
const step = 8;
/** A larger share lost is too much for us or the network, and no longer the trouble of a few. */
const lostShare = 0.1;

/** Additive increase, multiplicative decrease, and doubling until the first trouble (TCP Reno: RFC 5681, 3.1). Pure. */
export function nextWidth(now: Width, round: Round, { least, most }: WidthBounds): Width {
  const seen = round.quick + round.slow + round.lost;
  if (round.lost > seen * lostShare) {
    const half = Math.max(Math.floor(now.width / 2), least);
    return { width: half, threshold: half };
  }
  if (!round.full || round.slow * 2 > seen) return now;
  const grown = now.width < now.threshold ? Math.min(now.width * 2, now.threshold) : now.width + step;
  return { ...now, width: Math.min(grown, most) };
}

export interface AdaptiveLimiter {
  /** As Limiter.run; `judge` says what the end of `work` means, `thrown` being undefined where it went well. */
  run<T>(
    signal: AbortSignal,
    work: () => Promise<T>,
    judge: (thrown: { readonly error: unknown } | undefined) => Load,
  ): Promise<T>;
  width(): number;
}

/** A limiter that widens while the work ends quickly, and halves when much of it is lost. */
export function createAdaptiveLimiter(bounds: WidthBounds & { readonly first: number }): AdaptiveLimiter {
  const limiter = createLimiter(bounds.first);
  let now: Width = { width: bounds.first, threshold: bounds.most };
  let round = emptyRound();
  /** Those who run and those who wait. */
  let inside = 0;
  /** Counts the cuts: what began before the last one was lost to the width of that time, and is not held against this one. */
  let cuts = 0;

  const note = (load: Load, begunAfter: number): void => {
    if (load === 'silent' || begunAfter !== cuts) return;
    round[load] += 1;
    if (inside > now.width) round.full = true;
    if (round.quick + round.slow + round.lost < now.width) return;
    const next = nextWidth(now, round, bounds);
    if (next.width < now.width) cuts += 1;
    now = next;
    round = emptyRound();
    limiter.resize(now.width);
  };

  return {
    async run(signal, work, judge) {
      inside += 1;
      try {
        return await limiter.run(signal, async () => {
          const begunAfter = cuts;
          try {
            const result = await work();
            note(judge(undefined), begunAfter);
            return result;
          } catch (error) {
            note(judge({ error }), begunAfter);
            throw error;
          }
        });
      } finally {
        inside -= 1;
      }
    },
    width: () => now.width,
  };
}

const emptyRound = () => ({ quick: 0, slow: 0, lost: 0, full: false });

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
