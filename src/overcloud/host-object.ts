// The Host object: how it is made, and what is read off it.
import { isDeepStrictEqual } from 'node:util';
import type { Host, HostSpec } from '../api/host.gen.ts';
import { finalizers, group, objectLabels } from '../api/names.ts';
import type { Overcloud } from '../api/overcloud.gen.ts';
import type { Condition, KubeObject, Manifest, OwnerReference } from '../kube/objects.ts';
import { lastStep } from './rollout/model.ts';

export const fieldManager = 'undercloud-overcloud';

/**
 * On a Host: the last revision that it finished all steps of. It survives the loss of the status, tells new hosts from
 * deployed ones, and is where a failed update goes back to.
 */
const completedAnnotation = `${group}/completed-revision`;

/** Empty for a host that never finished a revision. */
export function completedRevision(host: Host): string {
  const { progress } = host.status ?? {};
  if (progress?.revision === host.spec.revision && progress.step >= lastStep) return host.spec.revision;
  return host.metadata.annotations?.[completedAnnotation] ?? '';
}

export const conditionOf = (
  object: { readonly status?: { readonly conditions?: readonly Condition[] } },
  type: string,
): Condition | undefined => object.status?.conditions?.find((condition) => condition.type === type);

/** Makes the garbage collector remove `owned` with the cloud, and keeps the cloud until then where it waits for that. */
export const ownedBy = (overcloud: Overcloud): OwnerReference => ({
  apiVersion: `${group}/v1alpha1`,
  kind: 'Overcloud',
  name: overcloud.metadata.name,
  uid: overcloud.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** The metadata of everything that is made for a cloud. */
export const metadataFor = (
  overcloud: Overcloud,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Manifest<KubeObject>['metadata'] => ({
  name,
  namespace: overcloud.metadata.namespace,
  labels: { [objectLabels.overcloud]: overcloud.metadata.name, ...labels },
  ownerReferences: [ownedBy(overcloud)],
});

export function hostManifest(
  overcloud: Overcloud,
  name: string,
  spec: HostSpec,
  completed: string,
): Manifest<Host> {
  return {
    apiVersion: `${group}/v1alpha1`,
    kind: 'Host',
    metadata: {
      ...metadataFor(overcloud, name, { [objectLabels.role]: spec.role }),
      ...(completed === '' ? {} : { annotations: { [completedAnnotation]: completed } }),
      finalizers: [finalizers.hostDrain, finalizers.hostRelease],
    },
    spec,
  };
}

/** Whether applying `wanted` would change anything; the API server may keep lists with keys in another order. */
export function hostDiffers(host: Host, wanted: Manifest<Host>): boolean {
  const { labels, annotations, ownerReferences } = wanted.metadata;
  const kept = (
    given: Readonly<Record<string, string>> = {},
    present: Readonly<Record<string, string>> = {},
  ) => Object.entries(given).every(([key, value]) => present[key] === value);
  const [owner] = ownerReferences ?? [];
  return (
    !isDeepStrictEqual(inOrder(host.spec), inOrder(wanted.spec)) ||
    !kept(labels, host.metadata.labels) ||
    !kept(annotations, host.metadata.annotations) ||
    !(host.metadata.ownerReferences ?? []).some(({ uid }) => uid === owner?.uid)
  );
}

const inOrder = (spec: HostSpec): HostSpec => ({
  ...spec,
  addresses: (spec.addresses ?? []).toSorted((a, b) => (a.network < b.network ? -1 : 1)),
  jobs: (spec.jobs ?? []).toSorted((a, b) => (`${a.service}/${a.name}` < `${b.service}/${b.name}` ? -1 : 1)),
});
