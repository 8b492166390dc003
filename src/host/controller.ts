// Host: converges one machine's containers, jobs and files, keeps them so, and lets the machine go when the Host is deleted.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import { topologyName } from '../api/topology.ts';
import { canonicalJson } from '../api/canonical.ts';
import type { Clock } from '../kernel/clock.ts';
import { settled, type Controller, type Watch } from '../kernel/controller.ts';
import type { EventRecorder } from '../kernel/events.ts';
import type { Fence } from '../kernel/fence.ts';
import { createLimiter } from '../kernel/limiter.ts';
import type { Logger } from '../kernel/log.ts';
import type { StatusWriter } from '../kernel/status.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import {
  configMaps,
  controllerRevisions,
  keyOf,
  keyText,
  type KubeObject,
  type ObjectKey,
  type Resource,
} from '../kube/objects.ts';
import { createAlarm, type Alarm } from './alarm.ts';
import { createDrain } from './drain.ts';
import { createGatherer } from './gather.ts';
import { ownerOf } from './manifest.ts';
import { createHostMemory, type HostMemory } from './memory.ts';
import { createPass } from './pass.ts';
import { createSecretReader } from './secrets.ts';
import type { SessionPool } from './session/pool.ts';

/** Most of a pass is waiting for the host. */
const workers = 20;
/** So many hosts pull images ahead at once: healing and updates need the registry too. */
const pullingAhead = 20;
const defaultSlowPassMs = 5 * 60_000;
const defaultDrainDeadlineMs = 10 * 60_000;

export interface HostDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly status: StatusWriter;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly fence: Fence;
  readonly pool: SessionPool;
  /** How often a host at rest is looked at, in ms. Default 5 minutes. */
  readonly slowPassMs?: number;
  /** How long a host that cannot be reached keeps its object from being deleted, in ms. Default 10 minutes. */
  readonly drainDeadlineMs?: number;
}

interface Watched {
  readonly key: ObjectKey;
  readonly memory: HostMemory;
  readonly alarm: Alarm;
}

export function createHostController(deps: HostDeps): Controller {
  const { cache, client, clock, pool, log } = deps;
  const inner = {
    ...deps,
    pulls: createLimiter(pullingAhead),
    gatherer: createGatherer({ cache, secrets: createSecretReader({ client, clock }) }),
    slowPassMs: deps.slowPassMs ?? defaultSlowPassMs,
    drainDeadlineMs: deps.drainDeadlineMs ?? defaultDrainDeadlineMs,
  };
  const pass = createPass(inner);
  const drain = createDrain(inner);
  /** By owner, which is how sessions and containers name a host. */
  const watched = new Map<string, Watched>();
  let enqueue: (key: ObjectKey, afterMs?: number) => void = () => undefined;

  const watch = (host: Host): Watched => {
    const owner = ownerOf(host);
    const key = keyOf(host);
    const known = watched.get(owner);
    if (known !== undefined) return known;
    const memory = createHostMemory({ ...inner, log: log.child({ ...key }), onSettled: () => enqueue(key) });
    const created = { key, memory, alarm: createAlarm(owner, clock) };
    watched.set(owner, created);
    return created;
  };
  const forget = (key: ObjectKey) => {
    for (const [owner, entry] of watched) {
      if (keyText(entry.key) !== keyText(key)) continue;
      pool.drop(owner);
      watched.delete(owner);
    }
  };

  return {
    name: 'host',
    workers,
    watches: [
      ownWatch,
      named(bareMetalNodes, cache, ({ spec }) => [spec.nodeName], usedOfNode),
      named(configMaps, cache, ({ spec }) => [topologyName(spec.overcloudName)]),
      named(controllerRevisions, cache, ({ spec }) => [spec.revision, spec.proposedRevision]),
    ],
    start(ask) {
      enqueue = ask;
      pool.listen({
        engineEvent(owner, event) {
          const entry = watched.get(owner);
          const ms = entry?.alarm(event, entry.memory);
          if (entry !== undefined && ms !== undefined) enqueue(entry.key, ms);
        },
        closed(owner) {
          const entry = watched.get(owner);
          if (entry !== undefined) enqueue(entry.key);
        },
      });
    },
    async reconcile(context, key) {
      const host = cache.store(hosts).get(key);
      if (host === undefined) {
        forget(key);
        return settled;
      }
      const { memory } = watch(host);
      return host.metadata.deletionTimestamp === undefined
        ? pass(host, memory, context)
        : drain(host, memory, context);
    },
  };
}

/** Our own status writes wake nobody. */
const ownWatch: Watch<Host> = {
  resource: hosts,
  keys(before, after) {
    const host = after ?? before;
    if (host === undefined) return [];
    const same = before !== undefined && after !== undefined && asked(before) === asked(after);
    return same ? [] : [keyOf(host)];
  },
};

const asked = ({ metadata }: Host): string =>
  canonicalJson([metadata.uid, metadata.generation, metadata.annotations, metadata.deletionTimestamp]);

/** An object concerns the hosts of its namespace that name it; with `used`, only when that part of it changes. */
function named<T extends KubeObject>(
  resource: Resource<T>,
  cache: Cache,
  namesOf: (host: Host) => readonly string[],
  used?: (object: T) => unknown,
): Watch<T> {
  return {
    resource,
    keys(before, after) {
      const object = after ?? before;
      if (object === undefined) return [];
      const both = before !== undefined && after !== undefined && used !== undefined;
      if (both && canonicalJson(used(before)) === canonicalJson(used(after))) return [];
      const { namespace, name } = object.metadata;
      return cache
        .store(hosts)
        .list(namespace)
        .filter((host) => namesOf(host).includes(name))
        .map(keyOf);
    },
  };
}

/** What a host wants to know of its node: not its power, which changes in every reboot. */
const usedOfNode = ({ spec, status }: BareMetalNode): unknown => [
  [spec.address, spec.sshPort, spec.sshHostKeys, spec.maintenance, spec.maintenanceReason],
  [status?.hostRef, status?.state, status?.stateReason, status?.errorFrom, status?.work?.attempt],
  status?.sshHostKeys,
];
