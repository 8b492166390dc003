// One look at a cloud that is neither paused nor going: observe, decide, act where there is something to do, report.
import { overclouds, type Overcloud } from '../api/overcloud.gen.ts';
import { topologyName } from '../api/topology.ts';
import { createBackoff, type Backoff } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import { requeueAfter, settled, soonest, type Outcome } from '../kernel/controller.ts';
import type { EventRecorder } from '../kernel/events.ts';
import { createKeyedMutex, createLimiter, type KeyedMutex } from '../kernel/limiter.ts';
import type { StatusWriter } from '../kernel/status.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { configMaps, keyOf, keyText } from '../kube/objects.ts';
import { act, type ActDeps } from './act.ts';
import { changesSomething, decide, ownHosts, type Decision, type World } from './decide.ts';
import { markSecret, markUsed, releaseSecret } from './in-use.ts';
import { observe, observeLive, type ObserveDeps } from './observe.ts';
import { problem, type Problem } from './problem.ts';
import { reportStatus, statusOf } from './report.ts';
import { createRevisionReader } from './revision-store.ts';
import { createSecretReader } from './secrets.ts';
import { topologyDiffers } from './topology.ts';

export interface ConvergeDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly status: StatusWriter;
  readonly events: EventRecorder;
  readonly clock: Clock;
  /** [0, 1), for jitter. */
  readonly random: () => number;
  /** Bytes from a cryptographic source, for the cloud's HMAC key. */
  readonly randomBytes: (size: number) => Uint8Array;
}

/** Secrets are not watched: what a cloud uses is read again at least this often. */
const secretsAgainMs = 60_000;
const hostWrites = 8;

interface Tools extends ConvergeDeps, ObserveDeps, ActDeps {
  /** Clouds of one namespace take nodes from one stock: one at a time. */
  readonly allocating: KeyedMutex;
  readonly missingSecrets: Backoff;
}

export function createConverger(
  deps: ConvergeDeps,
): (overcloud: Overcloud, signal: AbortSignal) => Promise<Outcome> {
  const tools: Tools = {
    ...deps,
    secrets: createSecretReader(deps),
    readRevision: createRevisionReader(),
    limiter: createLimiter(hostWrites),
    allocating: createKeyedMutex(),
    missingSecrets: createBackoff({ baseMs: 2_000, maxMs: 27_000, random: deps.random }),
  };
  return (overcloud, signal) => converge(tools, overcloud, signal);
}

async function converge(tools: Tools, overcloud: Overcloud, signal: AbortSignal): Promise<Outcome> {
  const { namespace, name } = overcloud.metadata;
  await markUsed(tools, namespace);
  const seen = await observe(tools, overcloud, signal);
  const keyProblems = await holdSshKey(tools, seen, signal);
  const decision = decide(seen);
  const topology = tools.cache.store(configMaps).get({ namespace, name: topologyName(name) });
  const changes = changesSomething(decision, topologyDiffers(topology, decision.topology));
  const done = changes ? await carryOut(tools, seen, signal) : { world: seen, decision, refused: [] };
  if (done === undefined) return settled;
  const failures = [...done.refused, ...keyProblems];
  const status = statusOf(done.world, done.decision, failures);
  const reported = await reportStatus(tools.status, done.world.overcloud, status);
  return soonest(reported, lookAgain(tools, done.world, done.decision, failures));
}

interface Done {
  readonly world: World;
  readonly decision: Decision;
  readonly refused: readonly Problem[];
}

/** Decides again on what is there now, and acts on that. Undefined when the cloud was deleted meanwhile. */
function carryOut(tools: Tools, seen: World, signal: AbortSignal): Promise<Done | undefined> {
  const { metadata } = seen.overcloud;
  return tools.allocating.run(metadata.namespace, signal, async () => {
    const overcloud = await tools.client.get(overclouds, keyOf(seen.overcloud), signal);
    if (overcloud?.metadata.uid !== metadata.uid || overcloud.metadata.deletionTimestamp !== undefined)
      return undefined;
    const live = await observeLive(tools, { ...seen, overcloud }, signal);
    const decision = decide(live);
    const world = await recordRejections(tools, live, decision);
    return { world, decision, refused: await act(tools, world, decision, signal) };
  });
}

/**
 * What failed is on record before the host that it failed on moves, or it would be tried again after a crash. Returns the
 * world with the cloud as it is after that.
 */
async function recordRejections({ status, events }: Tools, world: World, decision: Decision): Promise<World> {
  const { overcloud } = world;
  const known = new Set((overcloud.status?.rejected ?? []).map(({ revision }) => revision));
  const added = decision.rollout.rejected.filter(({ revision }) => !known.has(revision));
  if (added.length === 0) return world;
  const written = await status.write(
    overclouds,
    overcloud,
    { ...statusOf(world, decision, []) },
    { urgent: true },
  );
  for (const { role, revision, host, reason } of added) {
    const note = `revision ${revision} of role ${role} failed on ${host}: ${reason}`;
    events.warning(overcloud, 'RevisionRejected', 'RollBack', note);
  }
  return written.kind === 'written' ? { ...world, overcloud: written.object } : world;
}

/** Keeps the Secret with the SSH key from being deleted while hosts need it; lets go of the one that they needed before. */
async function holdSshKey(tools: Tools, world: World, signal: AbortSignal): Promise<readonly Problem[]> {
  const { metadata, spec } = world.overcloud;
  const { keyName } = spec.ssh;
  const held = new Set(ownHosts(world).map((host) => host.spec.ssh.keyName));
  for (const name of held) if (name !== keyName) await releaseSecret(tools, name, world.overcloud, signal);
  const key = { namespace: metadata.namespace, name: keyName };
  if (await markSecret(tools, key, held.size > 0, signal)) return [];
  const message = `Secret ${keyName}, which spec.ssh.keyName names, does not exist: create it with the key ssh-privatekey`;
  return [problem('SecretNotFound', message)];
}

function lookAgain(
  { missingSecrets, random }: Tools,
  { overcloud }: World,
  { rollout, problems }: Decision,
  failures: readonly Problem[],
): Outcome {
  const cloud = keyText(keyOf(overcloud));
  const missing = [...problems.revisions, ...failures].some(({ reason }) => reason.startsWith('Secret'));
  if (!missing) missingSecrets.reset(cloud);
  const secrets = missing
    ? requeueAfter(missingSecrets.next(cloud), 'a Secret is missing')
    : requeueAfter(secretsAgainMs * (1 + random() / 10), 'Secrets are not watched');
  const { lookAgainMs } = rollout;
  return lookAgainMs === undefined
    ? secrets
    : soonest(secrets, requeueAfter(lookAgainMs, 'the rollout waits'));
}
