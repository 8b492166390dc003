// Finalizers on what clouds need, so that nothing is deleted under them: Roles, OvercloudServices, ContainerImageSets and the
// Secret with the SSH key. Worked out anew each time over all clouds of a namespace.
import { bareMetalNodes } from '../api/baremetalnode.gen.ts';
import { containerImageSets } from '../api/containerimageset.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import { finalizers } from '../api/names.ts';
import { overclouds, type Overcloud } from '../api/overcloud.gen.ts';
import { overcloudServices } from '../api/overcloudservice.gen.ts';
import { roles } from '../api/role.gen.ts';
import { ensureFinalizer, removeFinalizer } from '../kernel/finalizers.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { secrets, type KubeObject, type ObjectKey, type Resource } from '../kube/objects.ts';
import { imageSetsOf, rolesOf, servicesOf } from './references.ts';

export interface InUseDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
}

/** Clouds that need what they name: those that stay, and those that still have hosts to take leave of. */
function usersAmong(clouds: readonly Overcloud[], present: readonly Host[]): readonly Overcloud[] {
  const withHosts = new Set(present.map(({ spec }) => spec.overcloudName));
  return clouds.filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined || withHosts.has(metadata.name),
  );
}

/** Puts our finalizer on what is used, and takes it off what is not. Writes only where that differs. */
export async function markUsed(deps: InUseDeps, namespace: string): Promise<void> {
  const { cache } = deps;
  const users = usersAmong(cache.store(overclouds).list(namespace), cache.store(hosts).list(namespace));
  const roleOf = (name: string) => cache.store(roles).get({ namespace, name });
  await mark(deps, roles, namespace, new Set(users.flatMap(rolesOf)));
  await mark(deps, overcloudServices, namespace, new Set(users.flatMap((user) => servicesOf(user, roleOf))));
  await mark(deps, containerImageSets, namespace, new Set(users.flatMap(imageSetsOf)));
}

async function mark<T extends KubeObject>(
  { client, cache }: InUseDeps,
  resource: Resource<T>,
  namespace: string,
  used: ReadonlySet<string>,
): Promise<void> {
  for (const object of cache.store(resource).list(namespace)) {
    const { name, deletionTimestamp, finalizers: present = [] } = object.metadata;
    const marked = present.includes(finalizers.inUse);
    if (used.has(name) && !marked && deletionTimestamp === undefined) {
      await ensureFinalizer(client, resource, object, finalizers.inUse);
    } else if (!used.has(name) && marked) {
      await removeFinalizer(client, resource, object, finalizers.inUse);
    }
  }
}

/**
 * Whether something alive in the namespace needs the Secret: a cloud or a host as its SSH key, a node as its BMC's login. Live:
 * of two clouds that end together, each would leave it to the other on the word of a cache.
 */
async function secretIsUsed(
  { client }: InUseDeps,
  { namespace, name }: ObjectKey,
  by: Overcloud,
  signal: AbortSignal,
): Promise<boolean> {
  const [clouds, present, nodes] = await Promise.all([
    client.list(overclouds, { namespace }, signal),
    client.list(hosts, { namespace }, signal),
    client.list(bareMetalNodes, { namespace }, signal),
  ]);
  const others = usersAmong(clouds, present).filter(({ metadata }) => metadata.name !== by.metadata.name);
  return (
    others.some(({ spec }) => spec.ssh.keyName === name) ||
    nodes.some(({ spec }) => spec.bmc.credentialsName === name)
  );
}

/**
 * False when there is no such Secret. It is marked only while there are hosts: their specs are where a former name is
 * found again once another one is used.
 */
export async function markSecret(
  { client }: InUseDeps,
  { namespace, name }: ObjectKey,
  hasHosts: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const secret = await client.get(secrets, { namespace, name }, signal);
  if (secret === undefined) return false;
  if (hasHosts && secret.metadata.deletionTimestamp === undefined) {
    await ensureFinalizer(client, secrets, secret, finalizers.inUse);
  }
  return true;
}

/** Frees a Secret that `by` needs no more, unless something else needs it. */
export async function releaseSecret(
  deps: InUseDeps,
  name: string,
  by: Overcloud,
  signal: AbortSignal,
): Promise<void> {
  const key = { namespace: by.metadata.namespace, name };
  const secret = await deps.client.get(secrets, key, signal);
  if (secret?.metadata.finalizers?.includes(finalizers.inUse) !== true) return;
  if (await secretIsUsed(deps, key, by, signal)) return;
  await removeFinalizer(deps.client, secrets, secret, finalizers.inUse);
}
