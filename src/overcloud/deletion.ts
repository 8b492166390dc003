// The end of a cloud: its hosts go first, each by its own rules, then the cloud itself. What it used is free once it is gone.
import { hosts, type Host } from '../api/host.gen.ts';
import { finalizers } from '../api/names.ts';
import { overclouds, type Overcloud } from '../api/overcloud.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import { mergeConditions, summarise } from '../kernel/conditions.ts';
import { settled, type Outcome } from '../kernel/controller.ts';
import type { EventRecorder } from '../kernel/events.ts';
import { removeFinalizer } from '../kernel/finalizers.ts';
import type { StatusWriter } from '../kernel/status.ts';
import { keyOf, secrets } from '../kube/objects.ts';
import {
  completedRevision,
  conditionOf,
  fieldManager,
  hostDiffers,
  hostManifest,
  ownedBy,
} from './host-object.ts';
import { releaseSecret, type InUseDeps } from './in-use.ts';
import { listed } from './problem.ts';
import { reportStatus } from './report.ts';
import { hmacKeyName } from './secrets.ts';

export interface DeletionDeps extends InUseDeps {
  readonly clock: Clock;
  readonly status: StatusWriter;
  readonly events: EventRecorder;
}

export async function takeDown(
  deps: DeletionDeps,
  overcloud: Overcloud,
  signal: AbortSignal,
): Promise<Outcome> {
  if (!(overcloud.metadata.finalizers ?? []).includes(finalizers.overcloud)) return settled;
  const { namespace, name } = overcloud.metadata;
  // Live: a Host that the cache has not seen yet must not be left behind.
  const all = await deps.client.list(hosts, { namespace }, signal);
  const left = all.filter(({ spec }) => spec.overcloudName === name);
  for (const host of left) await takeDownHost(deps, overcloud, host, signal);
  if (left.length > 0) return reportLeft(deps, overcloud, left);

  await releaseSecret(deps, overcloud.spec.ssh.keyName, overcloud, signal);
  if (overcloud.spec.deletionPolicy === 'Delete') await leaveKeyToCollector(deps, overcloud, signal);
  await removeFinalizer(deps.client, overclouds, overcloud, finalizers.overcloud);
  return settled;
}

/** Policy and login may have changed a moment before the cloud was deleted: the Host has to know them first. */
async function takeDownHost(
  deps: DeletionDeps,
  overcloud: Overcloud,
  host: Host,
  signal: AbortSignal,
): Promise<void> {
  if (host.metadata.deletionTimestamp !== undefined) return;
  const { client, events } = deps;
  const { deletionPolicy } = overcloud.spec;
  const spec = { ...host.spec, deletionPolicy, ssh: { ...host.spec.ssh, ...overcloud.spec.ssh } };
  const manifest = hostManifest(overcloud, host.metadata.name, spec, completedRevision(host));
  if (spec.ssh.keyName !== host.spec.ssh.keyName)
    await releaseSecret(deps, host.spec.ssh.keyName, overcloud, signal);
  if (hostDiffers(host, manifest)) await client.apply(hosts, manifest, fieldManager, signal);
  await client.delete(hosts, keyOf(host), { uid: host.metadata.uid }, signal);
  const left = deletionPolicy === 'Retain' ? 'what runs on it stays' : 'what we made on it is removed';
  events.normal(
    overcloud,
    'HostRemoved',
    'DeleteHost',
    `host ${host.metadata.name} goes with its cloud: ${left}`,
  );
}

async function reportLeft(
  { status, clock }: DeletionDeps,
  overcloud: Overcloud,
  left: readonly Host[],
): Promise<Outcome> {
  const [first] = left;
  const words = first === undefined ? undefined : conditionOf(first, 'Ready')?.message;
  const names = listed(left.map(({ metadata }) => metadata.name));
  const message = `the cloud is being deleted, still here: ${names}${words === undefined ? '' : `; ${words}`}`;
  const conditions = summarise({ kind: 'progressing', reason: 'Deleting', message });
  const { generation } = overcloud.metadata;
  return reportStatus(status, overcloud, {
    ...overcloud.status,
    observedGeneration: generation,
    conditions: mergeConditions(overcloud.status?.conditions, conditions, generation, clock.now()),
  });
}

/** With Retain the key stays, for the day on which the same hosts are taken back. */
async function leaveKeyToCollector(
  { client }: DeletionDeps,
  overcloud: Overcloud,
  signal: AbortSignal,
): Promise<void> {
  const key = { namespace: overcloud.metadata.namespace, name: hmacKeyName(overcloud.metadata.name) };
  const secret = await client.get(secrets, key, signal);
  if (secret === undefined || secret.metadata.deletionTimestamp !== undefined) return;
  await client.patch(
    secrets,
    key,
    { metadata: { resourceVersion: secret.metadata.resourceVersion, ownerReferences: [ownedBy(overcloud)] } },
    signal,
  );
}
