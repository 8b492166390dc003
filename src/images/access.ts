// How a set's registries are reached: address, TLS and login, out of its spec and what that names. Read live: Secrets are
// never watched, and both may be mended at any time.
import type { ContainerImageSet, ContainerImageSetSpec } from '../api/containerimageset.gen.ts';
import { terminal } from '../kernel/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { configMaps, secrets } from '../kube/objects.ts';
import { readCredentials } from './credentials.ts';
import type { Registry, RegistryAccess, RegistryConnector } from './registry/port.ts';

/** For messages: the field of spec that says how a registry is reached. */
export type Side = 'source' | 'destination';

/** Where hosts pull from: the destination, where there is one. */
export const targetSide = ({ destination }: ContainerImageSetSpec): Side =>
  destination === undefined ? 'source' : 'destination';

/** The address of that side's registry; without a destination both are the source. */
export const hostOf = (spec: ContainerImageSetSpec, side: Side): string => endOf(spec, side).registry;

const endOf = ({ source, destination }: ContainerImageSetSpec, side: Side) =>
  side === 'destination' ? (destination ?? source) : source;

export interface Registries {
  /** As `open`, and asks the registry nothing yet: it may turn out that nothing has to be asked. */
  connect(set: ContainerImageSet, side: Side, signal: AbortSignal): Promise<Registry>;
  /** Throws terminal SecretNotFound, CredentialsInvalid and CAInvalid, and what `Registry.check` throws. */
  open(set: ContainerImageSet, side: Side, signal: AbortSignal): Promise<Registry>;
}

export function createRegistries(deps: {
  readonly client: KubeClient;
  readonly registries: RegistryConnector;
}): Registries {
  const connect: Registries['connect'] = async (set, side, signal) =>
    deps.registries.connect(await accessOf(deps.client, set, side, signal));
  return {
    connect,
    async open(set, side, signal) {
      const registry = await connect(set, side, signal);
      await registry.check(signal);
      return registry;
    },
  };
}

async function accessOf(
  client: KubeClient,
  { spec, metadata: { namespace } }: ContainerImageSet,
  side: Side,
  signal: AbortSignal,
): Promise<RegistryAccess> {
  const { registry: host, insecure, caName, credentialsName } = endOf(spec, side);
  const field = `spec.${side}`;
  let access: RegistryAccess = { host, insecure };
  if (caName !== undefined) {
    const ca = await configMapText(client, namespace, { name: caName, key: 'ca.crt' }, signal);
    if (ca === undefined) {
      throw terminal(
        'CAInvalid',
        `there is no ConfigMap ${caName} with the key ca.crt (${field}.caName): create it in namespace ${namespace}`,
      );
    }
    access = { ...access, ca };
  }
  if (credentialsName !== undefined) {
    const secret = await client.get(secrets, { namespace, name: credentialsName }, signal);
    if (secret === undefined) {
      throw terminal(
        'SecretNotFound',
        `there is no Secret ${credentialsName} (${field}.credentialsName): create it in namespace ${namespace}`,
      );
    }
    access = { ...access, credentials: readCredentials(secret, host, `${field}.credentialsName`) };
  }
  return access;
}

/** One key of a ConfigMap, read live; undefined where either is missing. */
const configMapText = async (
  client: KubeClient,
  namespace: string,
  { name, key }: { readonly name: string; readonly key: string },
  signal: AbortSignal,
): Promise<string | undefined> => (await client.get(configMaps, { namespace, name }, signal))?.data?.[key];
