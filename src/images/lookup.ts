// Asks a set's registry: digests of many images at once, each on its own, so that one which fails does not hold up the rest.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { asOperatorError, terminal, type OperatorError } from '../kernel/errors.ts';
import { createLimiter } from '../kernel/limiter.ts';
import type { KubeClient } from '../kube/client.ts';
import { configMaps, secrets } from '../kube/objects.ts';
import { readCredentials } from './credentials.ts';
import type { Registry, RegistryAccess, RegistryConnector } from './registry/port.ts';
import { notFound, registryOf, type ImageLocation } from './resolve.ts';

/** Of all sets together. */
const atOnce = 8;

/** `digest` for what was found, `error` for what was not. */
export type Answer =
  | { readonly image: ImageLocation; readonly digest: string }
  | { readonly image: ImageLocation; readonly error: OperatorError };

export interface Lookup {
  /** An answer for each image, in their order. Throws only the signal's reason. */
  resolve(
    set: ContainerImageSet,
    images: readonly ImageLocation[],
    signal: AbortSignal,
  ): Promise<readonly Answer[]>;
  /** The digests that the tags have now; undefined for a tag that is gone. Throws what the registry throws. */
  current(
    set: ContainerImageSet,
    images: readonly ImageLocation[],
    signal: AbortSignal,
  ): Promise<readonly (string | undefined)[]>;
}

export function createLookup(deps: {
  readonly client: KubeClient;
  readonly registries: RegistryConnector;
}): Lookup {
  const { client, registries } = deps;
  const limiter = createLimiter(atOnce);

  const open = async (set: ContainerImageSet, signal: AbortSignal): Promise<Registry> => {
    const registry = registries.connect(await accessOf(client, set, signal));
    await registry.check(signal);
    return registry;
  };

  return {
    async resolve(set, images, signal) {
      const failed = (image: ImageLocation, thrown: unknown): Answer => {
        signal.throwIfAborted();
        const error = asOperatorError(thrown);
        return { image, error: error.reason === 'ImageNotFound' ? notFound(set.spec, image) : error };
      };
      let registry: Registry;
      try {
        registry = await open(set, signal);
      } catch (thrown) {
        return images.map((image) => failed(image, thrown));
      }
      const ask = async (image: ImageLocation): Promise<Answer> => {
        try {
          const { digest } = await registry.manifest(image.path, image.tag, signal);
          return { image, digest };
        } catch (thrown) {
          return failed(image, thrown);
        }
      };
      return Promise.all(images.map((image) => limiter.run(signal, () => ask(image))));
    },
    async current(set, images, signal) {
      const registry = await open(set, signal);
      return Promise.all(
        images.map((image) => limiter.run(signal, () => registry.digest(image.path, image.tag, signal))),
      );
    },
  };
}

/** Reads the Secret and the CA live: both may be mended at any time, and Secrets are never watched. */
async function accessOf(
  client: KubeClient,
  { spec, metadata: { namespace } }: ContainerImageSet,
  signal: AbortSignal,
): Promise<RegistryAccess> {
  const { registry: host, insecure, caName, credentialsName, field } = registryOf(spec);
  let access: RegistryAccess = { host, insecure };
  if (caName !== undefined) {
    const ca = (await client.get(configMaps, { namespace, name: caName }, signal))?.data?.['ca.crt'];
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
