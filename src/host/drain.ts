// Lets a host go: with deletionPolicy Retain everything stays as it runs, with Delete what we made is removed. Always ends.
import { hosts, type Host } from '../api/host.gen.ts';
import { containerLabels, finalizers, hostPaths } from '../api/names.ts';
import type { Clock } from '../kernel/clock.ts';
import { requeueAfter, settled, type Outcome, type ReconcileContext } from '../kernel/controller.ts';
import { asOperatorError, messageOf, OperatorError } from '../kernel/errors.ts';
import { removeFinalizer } from '../kernel/finalizers.ts';
import { createLimiter } from '../kernel/limiter.ts';
import type { StatusWriter } from '../kernel/status.ts';
import { keyOf } from '../kube/objects.ts';
import { brakeOf, mayAct } from './brakes.ts';
import { isBeingInstalled } from './claim.ts';
import { connect, type ConnectDeps } from './connect.ts';
import type { Gatherer, PoolTarget } from './gather.ts';
import { ownerOf } from './manifest.ts';
import type { HostMemory } from './memory.ts';
import { sentence } from './health.ts';
import { isOurs } from './plan/ours.ts';
import type { ContainerSummary, HostSession } from './ports.ts';
import { createReporter } from './reporter.ts';
import type { SessionPool } from './session/pool.ts';

export interface DrainDeps extends ConnectDeps {
  readonly pool: Pick<SessionPool, 'session' | 'drop'>;
  readonly status: StatusWriter;
  readonly clock: Clock;
  readonly gatherer: Gatherer;
  /** How long a host that cannot be reached keeps its object from being deleted. */
  readonly drainDeadlineMs: number;
}

const retryMs = 5_000;
const parallelRemovals = 8;

export type Drain = (host: Host, memory: HostMemory, context: ReconcileContext) => Promise<Outcome>;

export function createDrain(deps: DrainDeps): Drain {
  const { client, events, pool, clock, gatherer } = deps;

  const release = async (host: Host): Promise<Outcome> => {
    pool.drop(ownerOf(host));
    await removeFinalizer(client, hosts, host, finalizers.hostDrain);
    return settled;
  };

  const leave = async (host: Host, why: string): Promise<Outcome> => {
    const note = `${host.metadata.name}: its containers were left on the machine: ${why}`;
    events.warning(host, 'HostNotCleaned', 'Drain', note);
    return release(host);
  };

  const clean = async (host: Host, memory: HostMemory, signal: AbortSignal): Promise<void> => {
    const target = await targetOf(deps, host, memory, signal);
    const session = await connect(deps, host, target, () => undefined, signal);
    await wipe(session, ownerOf(host), signal);
  };

  const failed = async (host: Host, error: OperatorError): Promise<Outcome> => {
    const since = Date.parse(host.metadata.deletionTimestamp ?? '');
    if (clock.now().getTime() - since > deps.drainDeadlineMs) return leave(host, messageOf(error));
    const message = `${sentence(host.metadata.name, error.message)}; it is being drained`;
    await createReporter(host, deps).write({
      health: { kind: 'progressing', reason: 'Draining', message },
      conditions: [],
      brake: '',
    });
    return requeueAfter(retryMs, error.reason);
  };

  return async (cached, memory, { signal, log }) => {
    memory.prePuller.stop();
    if (!cached.metadata.finalizers?.includes(finalizers.hostDrain)) return settled;
    // What follows destroys: not on the word of a cache.
    const host = await client.get(hosts, keyOf(cached), signal);
    if (host?.metadata.deletionTimestamp === undefined || host.metadata.uid !== cached.metadata.uid) {
      return settled;
    }
    if (host.spec.deletionPolicy === 'Retain') return release(host);
    const node = gatherer.nodeOf(host);
    const brake = brakeOf(host, node);
    if (!mayAct(brake)) return leave(host, brake.text);
    // A machine that was never ours, or is not any more, has nothing of ours that we may touch.
    if (node !== undefined && node.status?.hostRef?.uid !== host.metadata.uid) return release(host);
    if (node !== undefined && isBeingInstalled(host, node)) return release(host);
    try {
      await clean(host, memory, signal);
    } catch (error) {
      signal.throwIfAborted();
      return failed(host, asOperatorError(error));
    }
    log.info('host drained', { host: host.metadata.name });
    return release(host);
  };
}

/** The objects that say how to reach a host may be gone already: then the last way that led there has to do. */
async function targetOf(
  { gatherer }: DrainDeps,
  host: Host,
  { target }: HostMemory,
  signal: AbortSignal,
): Promise<PoolTarget> {
  const node = gatherer.nodeOf(host);
  if (node === undefined && target !== undefined) return target;
  if (node === undefined) {
    throw new OperatorError(
      'transient',
      'NodeMissing',
      `node ${host.spec.nodeName} is not there: nothing says how to reach the host`,
    );
  }
  try {
    return await gatherer.target(host, node, gatherer.engineOf(host) ?? target?.engine ?? 'Podman', signal);
  } catch (error) {
    signal.throwIfAborted();
    if (target === undefined) throw error;
    return target;
  }
}

/**
 * Containers in the reverse of the order in which they came, then files, but for those that somebody has made his own since;
 * directories hold data and stay.
 */
async function wipe(session: HostSession, owner: string, signal: AbortSignal): Promise<void> {
  const { engine, files } = session;
  const ours = (await engine.list(signal)).filter((container) => isOurs(container, owner));
  const limiter = createLimiter(parallelRemovals);
  for (const step of [...new Set(ours.map(stepOf))].sort().reverse()) {
    const members = ours.filter((container) => stepOf(container) === step);
    await Promise.all(members.map(({ id }) => limiter.run(signal, () => removeOne(session, id, signal))));
  }
  const ledger = await session.readLedger(signal);
  const states = await files.stat(
    Object.keys(ledger.files).filter((path) => !path.endsWith('/')),
    signal,
  );
  const written = states.filter(({ path, sha256 }) => sha256 === ledger.files[path]).map(({ path }) => path);
  await files.remove([...written, hostPaths.ledger, `${hostPaths.state}/owner`], signal);
}

async function removeOne({ engine }: HostSession, id: string, signal: AbortSignal): Promise<void> {
  const detail = await engine.inspect(id, signal);
  if (detail === undefined) return;
  await engine.stop(id, detail.recreate.stopGraceSeconds, signal);
  await engine.remove(id, signal);
}

const stepOf = ({ labels }: ContainerSummary): string => labels[containerLabels.configId] ?? '';
