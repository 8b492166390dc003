// Collects what a Host's manifest is made from: node, revision, topology, Secrets. Throws OperatorErrors that name what is missing.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import { annotations } from '../api/names.ts';
import { decodeRevision, type RevisionPayload, type RevisionRegistry } from '../api/revision.ts';
import { topologyKey, topologyName, type Topology } from '../api/topology.ts';
import { terminal, transient } from '../kernel/errors.ts';
import type { Cache } from '../kube/client.ts';
import { configMaps, controllerRevisions, keyOf } from '../kube/objects.ts';
import { compileManifest, ownerOf } from './manifest.ts';
import { secretsOf } from './manifest/scope.ts';
import type { Manifest, ManifestImage } from './manifest/types.ts';
import type { RegistryAuth, SessionTarget } from './ports.ts';
import type { PullOrder } from './pre-pull/puller.ts';
import { insecureHint, registriesFor, type RegistryCertificates } from './registries.ts';
import type { SecretReader } from './secrets.ts';

/** ssh-auth Secrets have their key here (kubernetes.io/ssh-auth). */
const privateKeyKey = 'ssh-privatekey';
const mostRevisions = 64;
/** A node that says nothing else. */
const defaultPort = 22;

/** Everything about one revision on one host. */
export interface Compiled {
  readonly manifest: Manifest;
  readonly payload: RevisionPayload;
  readonly pullHint: string;
  readonly authFor: (image: ManifestImage) => Promise<RegistryAuth | undefined>;
}

export interface Gatherer {
  /** The host as it is asked for by now. */
  newest(host: Host): Host | undefined;
  nodeOf(host: Host): BareMetalNode | undefined;
  /** Undefined when the host's revision is not there. */
  engineOf(host: Host): RevisionPayload['engine'] | undefined;
  /** Throws transient RevisionMissing, TopologyMissing, and what the compiler and the Secrets throw. */
  compile(host: Host, revision: string, signal: AbortSignal): Promise<Compiled>;
  /** What is to be pulled ahead; undefined when nothing is. */
  pullOrder(host: Host, payload: RevisionPayload): PullOrder | undefined;
  /** Where and how to reach it. Throws terminal SecretNotFound, SecretKeyNotFound. */
  target(
    host: Host,
    node: BareMetalNode,
    engine: 'Podman' | 'Docker',
    signal: AbortSignal,
  ): Promise<PoolTarget>;
}

export type PoolTarget = Omit<SessionTarget, 'epoch'>;

export function createGatherer(deps: { readonly cache: Cache; readonly secrets: SecretReader }): Gatherer {
  const { cache, secrets } = deps;
  const payloadOf = createRevisions(cache);
  return {
    newest: (host) => cache.store(hosts).get(keyOf(host)),

    nodeOf: ({ metadata, spec }) =>
      cache.store(bareMetalNodes).get({ namespace: metadata.namespace, name: spec.nodeName }),

    engineOf: ({ metadata, spec }) => payloadOf(metadata.namespace, spec.revision)?.engine,

    async compile(host, revision, signal) {
      const { namespace } = host.metadata;
      const payload = payloadOf(namespace, revision);
      if (payload === undefined) {
        throw transient(
          'RevisionMissing',
          `revision ${revision} is not there (yet): the Overcloud controller cuts it`,
        );
      }
      const references = secretsOf(payload);
      const user = `role ${payload.role}`;
      const values = await Promise.all(
        references.map(
          async (reference) => [reference, await secrets.text(namespace, reference, user, signal)] as const,
        ),
      );
      const manifest = compileManifest({
        revision,
        payload,
        host,
        topology: topologyOf(cache, host),
        secrets: Object.fromEntries(values),
        certificates: {
          // What images are pulled ahead with must not keep the host from being healed: pullOrder says what is missing.
          ...certificatesThatAre(cache, namespace, host.spec.prePull?.registries ?? []),
          ...certificatesOf(cache, namespace, payload),
        },
      });
      return {
        manifest,
        payload,
        pullHint: insecureHint(payload.engine, payload.registries),
        authFor: ({ repository }) => authOf(secrets, namespace, payload.registries, repository, signal),
      };
    },

    pullOrder({ metadata: { namespace }, spec: { prePull } }, { engine, registries }) {
      if (prePull === undefined) return undefined;
      const known = registriesFor(registries, prePull.registries);
      return {
        ...prePull,
        hint: insecureHint(engine, prePull.registries ?? []),
        authFor: async (repository, signal) => {
          const from = known.filter(({ host }) => repository.startsWith(`${host}/`));
          from.forEach((registry) => certificateOf(cache, namespace, registry));
          return authOf(secrets, namespace, from, repository, signal);
        },
      };
    },

    target: (host, node, engine, signal) => targetOf(secrets, host, node, engine, signal),
  };
}

async function targetOf(
  secrets: SecretReader,
  host: Host,
  node: BareMetalNode,
  engine: 'Podman' | 'Docker',
  signal: AbortSignal,
): Promise<PoolTarget> {
  const { name, namespace } = host.metadata;
  const { ssh, addresses = [] } = host.spec;
  const address = addresses.find(({ network }) => network === 'ctlplane')?.address ?? node.spec.address;
  if (address === undefined) {
    throw terminal(
      'AddressMissing',
      `host ${name} has no address on ctlplane and node ${node.metadata.name} has no spec.address: give it one`,
    );
  }
  const user = `SSH to host ${name}`;
  return {
    owner: ownerOf(host),
    host: name,
    address,
    port: node.spec.sshPort === defaultPort ? ssh.port : node.spec.sshPort,
    user: ssh.user,
    privateKey: await secrets.text(namespace, `${ssh.keyName}/${privateKeyKey}`, user, signal),
    hostKeys: hostKeysOf(host, node),
    engine,
  };
}

/**
 * What a person says comes first, then the keys that the machine was given when we installed it, then the one that was trusted
 * when it was first seen: it may be older than the installation.
 */
function hostKeysOf({ metadata }: Host, { spec, status }: BareMetalNode): readonly string[] {
  const trusted = metadata.annotations?.[annotations.trustedHostKey];
  const known = [spec.sshHostKeys, status?.sshHostKeys, trusted === undefined ? [] : [trusted]];
  return known.find((keys) => keys !== undefined && keys.length > 0) ?? [];
}

async function authOf(
  secrets: SecretReader,
  namespace: string,
  registries: readonly RevisionRegistry[],
  repository: string,
  signal: AbortSignal,
): Promise<RegistryAuth | undefined> {
  const registry = registries.find(({ host }) => repository.startsWith(`${host}/`));
  if (registry?.credentialsName === undefined) return undefined;
  return secrets.registryAuth(namespace, registry.credentialsName, registry.host, signal);
}

/** A revision never changes under its name: it is unpacked once. */
function createRevisions(cache: Cache): (namespace: string, name: string) => RevisionPayload | undefined {
  const unpacked = new Map<string, RevisionPayload>();
  return (namespace, name) => {
    const stored = cache.store(controllerRevisions).get({ namespace, name });
    if (stored === undefined) return undefined;
    const { uid } = stored.metadata;
    const known = unpacked.get(uid);
    unpacked.delete(uid);
    const payload = known ?? decodeRevision(name, stored.data);
    unpacked.set(uid, payload);
    for (const oldest of unpacked.keys()) {
      if (unpacked.size <= mostRevisions) break;
      unpacked.delete(oldest);
    }
    return payload;
  };
}

function topologyOf(cache: Cache, { metadata, spec }: Host): Topology {
  const name = topologyName(spec.overcloudName);
  const text = cache.store(configMaps).get({ namespace: metadata.namespace, name })?.data?.[topologyKey];
  if (text === undefined) {
    throw transient(
      'TopologyMissing',
      `ConfigMap ${name} is not there (yet): the Overcloud controller writes it`,
    );
  }
  return JSON.parse(text) as Topology;
}

function certificatesOf(
  cache: Cache,
  namespace: string,
  { registries }: RevisionPayload,
): RegistryCertificates {
  return Object.fromEntries(
    registries.flatMap((registry) => {
      const pem = certificateOf(cache, namespace, registry);
      return pem === undefined ? [] : [[registry.host, pem]];
    }),
  );
}

/** PEM; undefined where the registry needs none. Throws terminal ConfigMapNotFound. */
function certificateOf(
  cache: Cache,
  namespace: string,
  { host, caName }: RevisionRegistry,
): string | undefined {
  if (caName === undefined) return undefined;
  const pem = pemOf(cache, namespace, caName);
  if (pem !== undefined) return pem;
  throw terminal(
    'ConfigMapNotFound',
    `ConfigMap ${caName} with the key ca.crt, which registry ${host} needs, is not there: create it`,
  );
}

const pemOf = (cache: Cache, namespace: string, caName: string): string | undefined =>
  cache.store(configMaps).get({ namespace, name: caName })?.data?.['ca.crt'];

const certificatesThatAre = (
  cache: Cache,
  namespace: string,
  registries: readonly RevisionRegistry[],
): RegistryCertificates =>
  Object.fromEntries(
    registries.flatMap(({ host, caName }) => {
      const pem = caName === undefined ? undefined : pemOf(cache, namespace, caName);
      return pem === undefined ? [] : [[host, pem]];
    }),
  );
