// Waiting in tests: look again until it holds, and when it never does, say what was seen last.

import { messageOf } from '../../src/kernel/errors.ts';

/** Looks every 200 ms until `probe` returns something other than undefined; throws with `describe()` after `seconds`. */
export async function eventually<T>(
  what: string,
  seconds: number,
  probe: () => Promise<T | undefined>,
  describe: () => Promise<string> = () => Promise.resolve(''),
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  let lastError: unknown;
  while (performance.now() < deadline) {
    try {
      const found = await probe();
      if (found !== undefined) return found;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await pause(200);
  }
  const why = lastError === undefined ? '' : `; the last look failed: ${messageOf(lastError)}`;
  throw new Error(`not within ${String(seconds)} s: ${what}${why}\n${await describe()}`);
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
