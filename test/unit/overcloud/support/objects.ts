// Objects to test with: complete, small, and the same in every test.
import type { BareMetalNode } from '../../../../src/api/baremetalnode.gen.ts';
import type { ContainerImageSet } from '../../../../src/api/containerimageset.gen.ts';
import type { Host, HostSpec } from '../../../../src/api/host.gen.ts';
import type { Overcloud, OvercloudSpec } from '../../../../src/api/overcloud.gen.ts';
import type {
  OvercloudService,
  OvercloudServiceSpec,
  OvercloudServiceSpecContainersItem,
  OvercloudServiceSpecJobsItem,
} from '../../../../src/api/overcloudservice.gen.ts';
import type { Role, RoleSpec } from '../../../../src/api/role.gen.ts';
import type { ConfigMap, ObjectMeta, Secret } from '../../../../src/kube/objects.ts';

export const namespace = 'clouds';
const apiVersion = 'undercloud.dev/v1alpha1';

export const meta = (name: string, more: Partial<ObjectMeta> = {}): ObjectMeta => ({
  name,
  namespace,
  uid: `uid-of-${name}`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
});

export const overcloud = (spec: Partial<OvercloudSpec> = {}, more: Partial<ObjectMeta> = {}): Overcloud => ({
  apiVersion,
  kind: 'Overcloud',
  metadata: meta('lab', more),
  spec: {
    imageSetName: 'pike',
    mode: 'Apply',
    rollout: 'Running',
    paused: false,
    deletionPolicy: 'Retain',
    domain: 'localdomain',
    roles: [{ role: 'controller', count: 3 }],
    ssh: { user: 'root', keyName: 'lab-ssh' },
    update: { maxUnavailable: 1, maxFailPercent: 0, onFailure: 'Rollback', confirmWithinSeconds: 0 },
    ...spec,
  },
});

export const role = (name: string, spec: Partial<RoleSpec> = {}): Role => ({
  apiVersion,
  kind: 'Role',
  metadata: meta(name),
  spec: {
    services: ['keystone'],
    hostnameFormat: '%overcloud%-%role%-%index%',
    engine: { type: 'Podman' },
    update: { serial: 1 },
    ...spec,
  },
});

export const container = (
  name: string,
  more: Partial<OvercloudServiceSpecContainersItem> = {},
): OvercloudServiceSpecContainersItem => ({
  name,
  image: name,
  step: 3,
  startOrder: 0,
  privileged: false,
  network: 'host',
  stopGraceSeconds: 10,
  restart: 'Always',
  ...more,
});

export const job = (
  name: string,
  more: Partial<OvercloudServiceSpecJobsItem> = {},
): OvercloudServiceSpecJobsItem => ({
  name,
  image: 'keystone',
  step: 3,
  startOrder: 0,
  privileged: false,
  network: 'host',
  stopGraceSeconds: 10,
  runPolicy: 'OnChange',
  schemaChange: false,
  timeoutSeconds: 1800,
  scope: 'Cloud',
  ...more,
});

export const service = (
  name: string,
  spec: OvercloudServiceSpec = { containers: [container(name)] },
): OvercloudService => ({
  apiVersion,
  kind: 'OvercloudService',
  metadata: meta(name),
  spec,
});

/** `data` in base64. */
export const secret = (name: string, data: Readonly<Record<string, string>> = {}): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: meta(name),
  data,
});

export const configMap = (name: string, data: Readonly<Record<string, string>> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: meta(name),
  data,
});

export const digest = (text: string): string =>
  `sha256:${Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64)}`;

/** An image set with every one of `names` resolved. */
export const imageSet = (name: string, tag: string, names: readonly string[]): ContainerImageSet => ({
  apiVersion,
  kind: 'ContainerImageSet',
  metadata: meta(name),
  spec: {
    source: { registry: 'registry:5000', namespace: '', prefix: '', suffix: '', insecure: true },
    tag,
    updatePolicy: 'Propose',
    lookupIntervalSeconds: 600,
    mirror: { parallel: 6 },
    paused: false,
  },
  status: {
    observedGeneration: 1,
    resolved: {
      generation: 1,
      tag,
      images: names.map((image) => ({
        name: image,
        repository: `registry:5000/${image}`,
        tag,
        digest: digest(`${image}:${tag}`),
        reference: `registry:5000/${image}:${tag}`,
      })),
    },
  },
});

export const node = (
  name: string,
  spec: Partial<BareMetalNode['spec']> = {},
  status: Partial<NonNullable<BareMetalNode['status']>> = {},
): BareMetalNode =>
  ({
    apiVersion,
    kind: 'BareMetalNode',
    metadata: meta(name),
    spec: {
      bmc: { address: 'ipmi://127.0.0.1', credentialsName: 'bmc' },
      maintenance: false,
      paused: false,
      externallyProvisioned: true,
      sshPort: 22,
      ...spec,
    },
    status: { observedGeneration: 1, state: 'available', ...status },
  }) as BareMetalNode;

export const host = (
  name: string,
  spec: Partial<HostSpec> = {},
  more: { readonly metadata?: Partial<ObjectMeta>; readonly status?: Host['status'] } = {},
): Host => ({
  apiVersion,
  kind: 'Host',
  metadata: meta(name, more.metadata),
  spec: {
    overcloudName: 'lab',
    role: 'controller',
    index: 0,
    hostname: name,
    nodeName: `node-of-${name}`,
    addresses: [],
    ssh: { user: 'root', keyName: 'lab-ssh', port: 22 },
    revision: '',
    proposedRevision: '',
    step: 0,
    jobs: [],
    mode: 'Apply',
    paused: false,
    pauseReason: '',
    deletionPolicy: 'Retain',
    hold: false,
    ...spec,
  },
  ...(more.status === undefined ? {} : { status: more.status }),
});

export const byName = <T extends { readonly metadata: ObjectMeta }>(
  ...objects: readonly T[]
): ReadonlyMap<string, T> => new Map(objects.map((object) => [object.metadata.name, object]));
