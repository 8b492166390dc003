// Exponential backoff per key, with jitter, so that many things that fail together are not tried again together.

/** Up to this part of a delay is added at random (Flux uses the same). */
const jitter = 0.1;

export interface Backoff {
  /** Milliseconds to wait before trying `key` again; grows with each call until `reset`. */
  next(key: string): number;
  reset(key: string): void;
}

/** `baseMs`, then twice as long each time, up to `maxMs`, plus up to 10 %. `random` yields [0, 1). */
export function createBackoff(options: {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly random: () => number;
}): Backoff {
  const { baseMs, maxMs, random } = options;
  const failures = new Map<string, number>();
  return {
    next(key) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      return Math.min(baseMs * 2 ** count, maxMs) * (1 + jitter * random());
    },
    reset(key) {
      failures.delete(key);
    },
  };
}
