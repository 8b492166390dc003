// Revisions, Hosts and manifests to test with, as the API server and the Overcloud controller would make them.
import { readFileSync } from 'node:fs';
import { load, loadAll, YAML11_SCHEMA } from 'js-yaml';
import type { Host, HostSpec } from '../../../../src/api/host.gen.ts';
import type { OvercloudService, OvercloudServiceSpec } from '../../../../src/api/overcloudservice.gen.ts';
import type { RevisionImage, RevisionPayload } from '../../../../src/api/revision.ts';
import type { Topology } from '../../../../src/api/topology.ts';
import { compileManifest, type ManifestInput } from '../../../../src/host/manifest.ts';
import type { Manifest } from '../../../../src/host/manifest/types.ts';

const root = new URL('../../../../', import.meta.url);

type Json = Readonly<Record<string, unknown>>;

interface Schema {
  readonly default?: unknown;
  readonly properties?: { readonly spec?: Schema } & Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** A service as people write it: what they leave out is filled in from the CRD. */
export type WrittenService = { readonly [K in keyof OvercloudServiceSpec]?: unknown };

const serviceSchema = specSchema('overcloudservice');

export const service = (
  name: string,
  spec: WrittenService,
): { readonly name: string; readonly spec: OvercloudServiceSpec } => ({
  name,
  spec: withDefaults(spec, serviceSchema) as OvercloudServiceSpec,
});

/** Every image by its own digest; `version` makes other ones. */
export const image = (name: string, version = '1'): RevisionImage => ({
  repository: `registry:8787/lab/openstack-${name}`,
  tag: version,
  digest: `sha256:${name}-${version}`,
});

export const imagesFor = (
  services: readonly { readonly spec: OvercloudServiceSpec }[],
  version = '1',
): Readonly<Record<string, RevisionImage>> =>
  Object.fromEntries(
    services
      .flatMap(({ spec }) => [...(spec.containers ?? []), ...(spec.jobs ?? [])])
      .flatMap((item) => (item.image === undefined ? [] : [[item.image, image(item.image, version)]])),
  );

export function payload(
  services: RevisionPayload['services'],
  more: Partial<RevisionPayload> = {},
): RevisionPayload {
  return {
    overcloud: 'lab',
    role: 'controller',
    engine: 'Podman',
    services,
    images: imagesFor(services),
    imagesTag: '1',
    registries: [{ host: 'registry:8787', insecure: false }],
    templates: {},
    secrets: {},
    values: {},
    ...more,
  };
}

export const topology: Topology = {
  overcloud: 'lab',
  namespace: 'clouds',
  domain: 'example.org',
  hosts: [
    {
      name: 'lab-controller-0',
      role: 'controller',
      index: 0,
      addresses: { ctlplane: '172.30.77.11' },
      services: ['nova-api'],
    },
    {
      name: 'lab-controller-1',
      role: 'controller',
      index: 1,
      addresses: { ctlplane: '172.30.77.12' },
      services: ['nova-api'],
    },
  ],
  vips: [{ network: 'ctlplane', name: 'public', address: '172.30.77.250' }],
};

export const owner = 'clouds/lab/lab-controller-0';

export const host = (spec: Partial<HostSpec> = {}, metadata: Partial<Host['metadata']> = {}): Host => ({
  apiVersion: 'undercloud.dev/v1alpha1',
  kind: 'Host',
  metadata: {
    name: 'lab-controller-0',
    namespace: 'clouds',
    uid: 'uid-of-host',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...metadata,
  },
  spec: {
    overcloudName: 'lab',
    role: 'controller',
    index: 0,
    hostname: 'lab-controller-0',
    nodeName: 'overcloud-ctrl01',
    addresses: [{ network: 'ctlplane', address: '172.30.77.11' }],
    ssh: { user: 'heat-admin', keyName: 'lab-ssh', port: 22 },
    revision: 'lab-controller-1',
    proposedRevision: '',
    step: 5,
    mode: 'Apply',
    paused: false,
    pauseReason: '',
    deletionPolicy: 'Retain',
    hold: false,
    ...spec,
  },
});

export const manifestOf = (
  services: RevisionPayload['services'],
  more: Partial<RevisionPayload> = {},
  input: Partial<ManifestInput> = {},
): Manifest =>
  compileManifest({
    revision: 'lab-controller-1',
    payload: payload(services, more),
    topology,
    host: host(),
    secrets: {},
    certificates: {},
    ...input,
  });

/** What a role of examples/lab comes down to. */
export function exampleRole(role: string, version = '1'): RevisionPayload {
  const named = examples('roles.yaml').find(({ metadata }) => metadata.name === role);
  const names = (named?.spec as { readonly services: readonly string[] } | undefined)?.services ?? [];
  const all = ['base', 'controller', 'compute', 'ceph-storage'].flatMap((file) =>
    examples(`services/${file}.yaml`),
  );
  const services = names.map((name) => {
    const found = all.find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`examples/lab has no service ${name}`);
    return service(name, found.spec);
  });
  return payload(services, { role, images: imagesFor(services, version), templates: exampleTemplates() });
}

function examples(file: string): readonly Pick<OvercloudService, 'metadata' | 'spec'>[] {
  return loadAll(read(`examples/lab/${file}`)) as readonly Pick<OvercloudService, 'metadata' | 'spec'>[];
}

/** As the kustomization makes them: one ConfigMap for each file. */
function exampleTemplates(): Readonly<Record<string, string>> {
  const files = {
    keystone: 'keystone.conf',
    nova: 'nova.conf',
    glance: 'glance-api.conf',
    neutron: 'neutron.conf',
    haproxy: 'haproxy.cfg',
  };
  return Object.fromEntries(
    Object.entries(files).map(([name, file]) => [
      `${name}-config/${file}`,
      read(`examples/lab/config/${file}`),
    ]),
  );
}

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

function specSchema(kind: string): Schema {
  // As the generator reads it: with the merge keys of YAML 1.1.
  const crd = load(read(`crds/${kind}.yaml`), { schema: YAML11_SCHEMA }) as {
    readonly spec: {
      readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[];
    };
  };
  return crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.spec ?? {};
}

function withDefaults(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) return value.map((item) => withDefaults(item, schema.items ?? {}));
  if (typeof value !== 'object' || value === null || schema.properties === undefined) return value;
  const filled: Record<string, unknown> = { ...(value as Json) };
  for (const [name, member] of Object.entries(schema.properties)) {
    if (filled[name] === undefined && member.default !== undefined) filled[name] = member.default;
    if (filled[name] !== undefined) filled[name] = withDefaults(filled[name], member);
  }
  return filled;
}
