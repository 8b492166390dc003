// Runs one controller: changes become keys in a queue, workers take them out and reconcile, outcomes put them back.
import type { Reflector } from '../kube/reflector.ts';
import { keyText, type KubeObject, type ObjectKey, type Resource } from '../kube/objects.ts';
import { createBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Controller, Watch } from './controller.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { reconcileOnce, type Verdict } from './reconcile.ts';
import { createWorkQueue, type WorkQueue } from './workqueue.ts';

/** Flux starts here too; above this a person would have to wait too long after mending something. */
const backoffMs = { baseMs: 750, maxMs: 10 * 60_000 };
/** Everything is looked at again within twice this time, spread evenly, whatever events may have been missed. */
const slowPassMs = 10 * 60_000;

/** The part of a reflector that a loop needs. */
export type Source<T extends KubeObject = KubeObject> = Pick<Reflector<T>, 'store' | 'onChange'>;

export interface LoopDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly source: <T extends KubeObject>(resource: Resource<T>) => Source<T>;
}

export interface Loop {
  /** Reconciles until `signal` aborts; resolves when nothing is being reconciled any more. */
  run(signal: AbortSignal): Promise<void>;
}

export function createLoop(controller: Controller, deps: LoopDeps): Loop {
  const { clock, random, log, metrics, source } = deps;
  const observer = metrics.loop(controller.name, controller.workers, () => queue);
  const queue: WorkQueue = createWorkQueue(clock, observer);
  const backoff = createBackoff({ ...backoffMs, random });

  const addAll = (spreadMs: number): void => {
    for (const key of allKeys(controller.watches, source)) {
      queue.add(keyText(key), { afterMs: spreadMs * random(), priority: 'low' });
    }
  };
  const requeue = (key: string, verdict: Verdict): void => {
    if (verdict.kind === 'failed' || verdict.kind === 'conflict') {
      observer.retried();
      queue.add(key, { afterMs: backoff.next(key) });
      return;
    }
    backoff.reset(key);
    if (verdict.kind === 'again') queue.add(key, { afterMs: verdict.ms });
  };
  const work = async (signal: AbortSignal): Promise<void> => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      const verdict = await reconcileOnce(
        controller,
        parseKey(key),
        { clock, random, log, observer },
        signal,
      );
      requeue(key, verdict);
      queue.done(key);
    }
  };
  const passSlowly = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      await clock.sleep(slowPassMs, signal);
      addAll(slowPassMs);
    }
  };

  return {
    async run(signal) {
      const enqueue = (key: ObjectKey, afterMs = 0) => queue.add(keyText(key), { afterMs });
      for (const watch of controller.watches) {
        source(watch.resource).onChange(({ before, after }) =>
          watch.keys(before, after).forEach((key) => enqueue(key)),
        );
      }
      addAll(0);
      controller.start?.(enqueue, signal);
      signal.addEventListener('abort', () => void queue.shutdown(), { once: true });
      const workers = Array.from({ length: controller.workers }, () => work(signal));
      // Rejects when the signal aborts, and only then.
      const slowPass = passSlowly(signal).catch(() => undefined);
      await Promise.all([...workers, slowPass]);
      await controller.finish?.();
    },
  };
}

function allKeys(watches: readonly Watch[], source: LoopDeps['source']): readonly ObjectKey[] {
  return watches.flatMap((watch) =>
    source(watch.resource)
      .store.list()
      .flatMap((object) => watch.keys(undefined, object)),
  );
}

/** Neither namespaces nor names have a slash. */
function parseKey(text: string): ObjectKey {
  const [namespace = '', name = ''] = text.split('/');
  return { namespace, name };
}
