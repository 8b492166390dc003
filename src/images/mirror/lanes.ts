// How much of a copy happens at once, and what ends it: a registry that is away, throttles or is full is not asked for more.
import type { Clock } from '../../kernel/clock.ts';
import { asOperatorError, type OperatorError } from '../../kernel/errors.ts';
import { createLimiter, type Limiter } from '../../kernel/limiter.ts';

/** Small requests on their way, to both registries together. */
const requestsAtOnce = 16;
/** A single request may get lost: before a registry is taken to be away it is asked again after so long. */
const pausesMs = [1000, 4000];
/** So many blobs in a row that break off, though both registries answer, are the registry's trouble and not the blobs'. */
const mostBroken = 3;
const endReasons: readonly string[] = ['RegistryUnreachable', 'RegistryThrottled', 'RegistryFull'];

export interface Lanes {
  readonly signal: AbortSignal;
  /** Runs a small request, which may be repeated, when there is room. Throws OperatorErrors, or the signal's reason. */
  ask<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Runs the transfer of a blob when there is room. One that breaks off ends the copy only if `probe`, a small request to both
   * registries, fails as well. Throws OperatorErrors, or the signal's reason.
   */
  transfer(work: () => Promise<void>, probe: () => Promise<unknown>): Promise<void>;
}

/**
 * After the end nothing new begins: all that comes later fails with the same error. What is on its way is left to come to its
 * own end, as a blob that is there need not be sent again.
 */
export function createLanes(clock: Clock, parallel: number, signal: AbortSignal): Lanes {
  const requests = createLimiter(requestsAtOnce);
  const transfers = createLimiter(parallel);
  let end: OperatorError | undefined;
  let broken = 0;

  /** In the slot of `limiter` also `judge` is done: whoever waits for it begins when it is clear whether this was the end. */
  const run = <T>(
    limiter: Limiter,
    work: () => Promise<T>,
    judge: (error: OperatorError) => Promise<void> | void,
  ): Promise<T> =>
    limiter.run(signal, async () => {
      if (end !== undefined) throw end;
      try {
        return await work();
      } catch (thrown) {
        signal.throwIfAborted();
        const error = asOperatorError(thrown);
        await judge(error);
        throw error;
      }
    });

  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    for (const pause of pausesMs) {
      try {
        return await work();
      } catch (thrown) {
        signal.throwIfAborted();
        if (asOperatorError(thrown).reason !== 'RegistryUnreachable') throw thrown;
        await clock.sleep(pause, signal);
        if (end !== undefined) throw end;
      }
    }
    return work();
  };

  const ask: Lanes['ask'] = (work) =>
    run(
      requests,
      () => patiently(work),
      (error) => {
        if (endReasons.includes(error.reason)) end ??= error;
      },
    );

  return {
    signal,
    ask,
    async transfer(work, probe) {
      await run(transfers, work, async (error) => {
        if (error.reason === 'RegistryUnreachable') await unlessFailed(ask(probe), undefined);
        const isBroken = error.reason === 'RegistryUnreachable' || error.reason === 'RegistryFailed';
        if (isBroken) broken += 1;
        if (isBroken ? broken >= mostBroken : endReasons.includes(error.reason)) end ??= error;
      });
      broken = 0;
    },
  };
}

/**
 * What a small request of the destination yields, or `unknown` where it answers 500: a registry whose disk was full may have left a
 * file behind that it stumbles over, and it is whole again when the same is put there anew.
 */
export async function unlessFailed<T>(work: Promise<T>, unknown: T): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    if (asOperatorError(thrown).reason !== 'RegistryFailed') throw thrown;
    return unknown;
  }
}

/**
 * Does `work` for all items at once, and waits until all have ended, whatever becomes of each: nothing goes on behind the
 * caller's back. Throws the signal's reason, or else what the first that failed threw.
 */
export async function every<T, R>(
  signal: AbortSignal,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = await Promise.allSettled(items.map(work));
  signal.throwIfAborted();
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
