// Brings everything up in order and takes it down in reverse:
//
//   HTTP server (so that probes see a slow start) → reflectors → all synced → the lease → controllers
//
// A replica that waits for the lease has warm caches. On a clean stop reconciles are interrupted and waited for, then the
// lease is given back; when the lease is lost nothing is waited for, and the process has to end.
import type { Cache, KubeClient } from '../kube/client.ts';
import { createElector } from '../kube/elector.ts';
import { createLeaseHold } from '../kube/lease.ts';
import type { ListWatch } from '../kube/list-watch.ts';
import type { KubeObject, ObjectKey, Resource } from '../kube/objects.ts';
import { createReflector, type Reflector } from '../kube/reflector.ts';
import type { Clock } from './clock.ts';
import type { Controller } from './controller.ts';
import { messageOf, transient } from './errors.ts';
import type { Fence } from './fence.ts';
import { startHttpServer } from './http-server.ts';
import type { Logger } from './log.ts';
import { createLoop, type Loop } from './loop.ts';
import type { Metrics } from './metrics.ts';

/** For reconciles to notice that they are to end. */
const graceMs = 30_000;
/** The election does something every few seconds while its timers run. */
const longestIdleMs = 30_000;

export interface ManagerOptions {
  readonly client: KubeClient;
  readonly source: ListWatch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** What is watched and cached: everything that a controller names in `watches` or asks the cache for. */
  readonly resources: readonly Resource[];
  /** Only this namespace is watched; all of them without it. */
  readonly namespace?: string;
  /** There is no running without it: the fencing epoch stands on it. */
  readonly lease: ObjectKey;
  /** Who leads, for people: the pod's name. */
  readonly identity: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Sends what waits to be sent (events), before the lease is given back. */
  readonly drain: () => Promise<void>;
}

export interface Manager {
  readonly cache: Cache;
  readonly fence: Fence;
  /** Before `run`. Throws for a controller that watches what is not among `resources`. */
  add(controller: Controller): void;
  /** Before `run`: work in the background while this process leads. If it ends before `signal` aborts, everything ends. */
  spawn(name: string, work: (signal: AbortSignal) => Promise<void>): void;
  /** Runs until `stop` aborts (0: all in order) or cannot go on (1: the process has to end at once). Never rejects. */
  run(stop: AbortSignal): Promise<0 | 1>;
}

export function createManager(options: ManagerOptions): Manager {
  const { clock, random, log, metrics, lease } = options;
  const reflectors = createReflectors(options);
  // Two processes of one pod, one after the other, are two.
  const identity = `${options.identity}_${Math.floor(random() * 2 ** 48).toString(36)}`;
  const hold = createLeaseHold({ client: options.client, clock, lease, identity });
  const elector = createElector({ hold, clock, random, log });
  const loops: Loop[] = [];
  const tasks: Task[] = [];
  let electing = false;

  const health = {
    live: [() => (electing && elector.idleMs() > longestIdleMs ? 'the election has stopped' : undefined)],
    ready: reflectors.all.map((reflector) => () => reflector.problem()),
  };
  const lead = async (signal: AbortSignal): Promise<void> => {
    metrics.leading(lease.name, true);
    const work = [...loops.map((loop) => loop.run(signal)), ...tasks.map((task) => runTask(task, signal))];
    const stopped = untilAborted(signal);
    const ended = new AbortController();
    const graceOver = stopped.then(() => clock.sleep(graceMs, ended.signal)).then(tookTooLong);
    try {
      await Promise.race([Promise.all([stopped, ...work]), graceOver]);
    } finally {
      ended.abort();
    }
    await options.drain();
  };
  const start = async (stop: AbortSignal): Promise<void> => {
    const caches = new AbortController();
    const server = await startHttpServer({ ...options.listen, health, registry: metrics.registry });
    log.info('Serving health and metrics', { host: options.listen.host, port: server.port });
    const following = reflectors.all.map((reflector) => reflector.run(caches.signal));
    try {
      await Promise.race([Promise.all(reflectors.all.map(({ synced }) => synced)), untilAborted(stop)]);
      stop.throwIfAborted();
      log.info('Caches are synced', { resources: reflectors.all.length });
      electing = true;
      await elector.run(stop, (lost) => lead(AbortSignal.any([stop, lost])));
    } finally {
      metrics.leading(lease.name, false);
      caches.abort();
      await Promise.all([...following, server.close()]);
    }
  };

  return {
    cache: { store: (resource) => reflectors.of(resource).store },
    fence: elector.fence,
    add(controller) {
      for (const watch of controller.watches) reflectors.of(watch.resource);
      loops.push(createLoop(controller, { clock, random, log, metrics, source: reflectors.of }));
    },
    spawn: (name, work) => void tasks.push({ name, work }),
    async run(stop) {
      try {
        await start(stop);
        return 0;
      } catch (error) {
        if (stop.aborted && error === stop.reason) return 0;
        log.error('The operator cannot go on', { error: messageOf(error) });
        return 1;
      }
    },
  };
}

interface Reflectors {
  readonly all: readonly Reflector[];
  /** Throws for what is not among the resources: a programming error. */
  readonly of: <T extends KubeObject>(resource: Resource<T>) => Reflector<T>;
}

function createReflectors(options: ManagerOptions): Reflectors {
  const { source, clock, random, log, metrics, namespace } = options;
  const scope = namespace === undefined ? {} : { namespace };
  const idOf = ({ plural, group }: Resource) => (group === '' ? plural : `${plural}.${group}`);
  const byId = new Map(
    options.resources.map((resource) => {
      const observer = metrics.reflector(resource.plural);
      return [
        idOf(resource),
        createReflector(resource, { source, clock, random, log, observer, scope }),
      ] as const;
    }),
  );
  return {
    all: [...byId.values()],
    of<T extends KubeObject>(resource: Resource<T>) {
      const reflector = byId.get(idOf(resource));
      if (reflector === undefined)
        throw new Error(`nobody watches ${idOf(resource)}: add it to the manager's resources`);
      return reflector as unknown as Reflector<T>;
    },
  };
}

interface Task {
  readonly name: string;
  readonly work: (signal: AbortSignal) => Promise<void>;
}

async function runTask({ name, work }: Task, signal: AbortSignal): Promise<void> {
  try {
    await work(signal);
  } catch (error) {
    if (!signal.aborted)
      throw transient('TaskFailed', `the background task ${name} failed: ${messageOf(error)}`, error);
  }
  if (!signal.aborted) throw transient('TaskFailed', `the background task ${name} has ended by itself`);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function tookTooLong(): never {
  const text = `reconciles were still going on ${graceMs / 1000} s after the stop: the lease is not given back`;
  throw transient('StopTimeout', text);
}
