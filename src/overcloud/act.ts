// Carries a decision out, in the order in which a crash in between does no harm: what hosts refer to comes before the hosts.
import { topologyName } from '../api/topology.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import type { Overcloud } from '../api/overcloud.gen.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { EventRecorder } from '../kernel/events.ts';
import type { Limiter } from '../kernel/limiter.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { configMaps, controllerRevisions, keyOf, type Manifest } from '../kube/objects.ts';
import type { Decision, World } from './decide.ts';
import { fieldManager } from './host-object.ts';
import { recordJobs } from './ledger.ts';
import { problem, type Problem } from './problem.ts';
import { cutRevision, pruneRevisions } from './revision-store.ts';
import { topologyDiffers, writeTopology } from './topology.ts';

export interface ActDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly events: EventRecorder;
  /** Bounds how many hosts are written at a time. */
  readonly limiter: Limiter;
}

/** Returns what the API server refused, in sentences; throws what is worth trying again. */
export async function act(
  deps: ActDeps,
  world: World,
  decision: Decision,
  signal: AbortSignal,
): Promise<readonly Problem[]> {
  const { overcloud } = world;
  try {
    await writeFacts(deps, overcloud, decision, signal);
  } catch (thrown) {
    return [refused(thrown, 'WriteRefused', `what the hosts of ${overcloud.metadata.name} are made from`)];
  }
  const refusals = await Promise.all(
    decision.apply.map((manifest) => applyHost(deps, world, manifest, signal)),
  );
  try {
    await removeHosts(deps, overcloud, decision, signal);
  } catch (thrown) {
    return [...refusals.flat(), refused(thrown, 'DeleteRefused', 'a host or revision that is to go')];
  }
  return refusals.flat();
}

/** What hosts refer to. */
async function writeFacts(
  { client, cache, events }: ActDeps,
  overcloud: Overcloud,
  { targets, topology, done }: Decision,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = overcloud.metadata;
  for (const revision of targets.cut) {
    await cutRevision(client, overcloud, revision, signal);
    events.normal(
      overcloud,
      'RevisionCut',
      'CutRevision',
      `role ${revision.role} has the new revision ${revision.name}`,
    );
  }
  if (topologyDiffers(cache.store(configMaps).get({ namespace, name: topologyName(name) }), topology)) {
    await writeTopology(client, overcloud, topology, signal);
  }
  await recordJobs(client, overcloud, done, signal);
}

async function removeHosts(
  { client, cache, events }: ActDeps,
  overcloud: Overcloud,
  { remove, prune }: Decision,
  signal: AbortSignal,
): Promise<void> {
  for (const host of remove) {
    await client.delete(hosts, keyOf(host), { uid: host.metadata.uid }, signal);
    events.normal(overcloud, 'HostRemoved', 'DeleteHost', `host ${host.metadata.name} leaves the cloud`);
  }
  if (prune.length === 0) return;
  const objects = cache.store(controllerRevisions).list(overcloud.metadata.namespace);
  await pruneRevisions(client, objects, prune, signal);
}

/** What only a person can change, as a sentence; anything else is thrown on. */
function refused(thrown: unknown, reason: string, what: string): Problem {
  if (!(thrown instanceof OperatorError) || thrown.kind !== 'terminal') throw thrown;
  return problem(reason, `the API server refuses ${what}: ${thrown.message}`);
}

async function applyHost(
  { client, events, limiter }: ActDeps,
  { overcloud, hosts: present }: World,
  manifest: Manifest<Host>,
  signal: AbortSignal,
): Promise<readonly Problem[]> {
  const { name } = manifest.metadata;
  const former = present.find((host) => host.metadata.name === name);
  try {
    await limiter.run(signal, () => client.apply(hosts, manifest, fieldManager, signal));
  } catch (thrown) {
    return [refused(thrown, 'HostRefused', `host ${name}`)];
  }
  const { nodeName, revision } = manifest.spec;
  if (former === undefined) {
    events.normal(overcloud, 'HostCreated', 'CreateHost', `host ${name} asks for node ${nodeName}`);
  } else if (former.spec.revision !== revision) {
    const from = former.spec.revision === '' ? '' : ` from ${former.spec.revision}`;
    events.normal(overcloud, 'HostMoved', 'MoveHost', `host ${name} moves${from} to revision ${revision}`);
  }
  return [];
}
