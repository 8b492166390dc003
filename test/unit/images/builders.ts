// Objects for the tests of this room: only what a case is about has to be said.
import type { ContainerImageSet, ContainerImageSetSpec } from '../../../src/api/containerimageset.gen.ts';
import type { Overcloud, OvercloudSpecRolesItem } from '../../../src/api/overcloud.gen.ts';
import type { OvercloudService, OvercloudServiceSpec } from '../../../src/api/overcloudservice.gen.ts';
import type { Role } from '../../../src/api/role.gen.ts';

const apiVersion = 'undercloud.dev/v1alpha1';
export const namespace = 'lab';

const metadata = (name: string) => ({
  name,
  namespace,
  uid: `uid-of-${name}`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
});

type SetSpec = Omit<Partial<ContainerImageSetSpec>, 'source'> & {
  readonly source?: Partial<ContainerImageSetSpec['source']>;
};

const noRule = ({ tagFromLabel, tagPattern }: SetSpec): boolean =>
  tagFromLabel === undefined && tagPattern === undefined;

export const imageSet = (spec: SetSpec = {}, name = 'pike'): ContainerImageSet => ({
  apiVersion,
  kind: 'ContainerImageSet',
  metadata: metadata(name),
  spec: {
    paused: false,
    updatePolicy: 'Propose',
    lookupIntervalSeconds: 600,
    mirror: { parallel: 6 },
    ...(noRule(spec) ? { tag: '12.0-1' } : {}),
    ...spec,
    source: {
      registry: 'registry.example.org',
      namespace: 'rhosp12',
      prefix: 'openstack-',
      suffix: '',
      insecure: false,
      ...spec.source,
    },
  },
});

/** An Overcloud as far as this room reads it. */
export const overcloud = (
  roles: readonly (Pick<OvercloudSpecRolesItem, 'role'> & Partial<OvercloudSpecRolesItem>)[],
  name = 'lab',
): Overcloud =>
  ({
    apiVersion,
    kind: 'Overcloud',
    metadata: metadata(name),
    spec: { imageSetName: 'pike', roles: roles.map((role) => ({ count: 1, ...role })) },
  }) as unknown as Overcloud;

export const role = (name: string, services: readonly string[]): Role =>
  ({ apiVersion, kind: 'Role', metadata: metadata(name), spec: { services } }) as unknown as Role;

interface Uses {
  readonly containers?: readonly string[];
  readonly jobs?: readonly (string | undefined)[];
  readonly bundles?: readonly string[];
}

/** A service that uses these images. */
export const service = (
  name: string,
  { containers = [], jobs = [], bundles = [] }: Uses,
): OvercloudService => ({
  apiVersion,
  kind: 'OvercloudService',
  metadata: metadata(name),
  spec: {
    containers: containers.map((image, index) => ({ name: `container-${index}`, image })),
    jobs: jobs.map((image, index) => ({ name: `job-${index}`, ...(image === undefined ? {} : { image }) })),
    bundles: bundles.map((image, index) => ({ name: `bundle-${index}`, image })),
  } as unknown as OvercloudServiceSpec,
});
