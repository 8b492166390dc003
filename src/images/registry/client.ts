// A registry over the OCI distribution protocol (opencontainers/distribution-spec), which Docker's registries speak too.
import { createHash } from 'node:crypto';
import { terminal } from '../../kernel/errors.ts';
import type { ManifestDescriptor, Registry, RegistryAccess } from './port.ts';
import { createRegistrySession, refusal, type RegistrySession, type RegistrySessionDeps } from './session.ts';
import { headerOf, refused, type RegistryResponse } from './transport.ts';

/** Everything that an engine can pull by digest. An older format (schema 1) has another digest for each reader. */
const manifestTypes: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
/** What registries are told to take at least (distribution-spec, "Pushing Manifests"). */
const largestManifest = 4 * 1024 * 1024;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

export function createRegistryClient(
  access: RegistryAccess,
  deps: RegistrySessionDeps,
): Registry & Pick<RegistrySession, 'close'> {
  const session = createRegistrySession(access, deps);

  const askForManifest = async (
    method: 'GET' | 'HEAD',
    repository: string,
    reference: string,
    signal: AbortSignal,
  ): Promise<RegistryResponse | undefined> => {
    const path = `${repository}/manifests/${reference}`;
    const scope = `repository:${repository}:pull`;
    const response = await session.ask({ method, path, accept: manifestTypes.join(', '), scope }, signal);
    if (response.status === 200) return response;
    await response.discard();
    if (response.status === 404) return undefined;
    throw refusal(access, response.status, nameOf(access, repository, reference));
  };

  const manifest: Registry['manifest'] = async (repository, reference, signal) => {
    const response = await askForManifest('GET', repository, reference, signal);
    const name = nameOf(access, repository, reference);
    if (response === undefined) {
      throw terminal(
        'ImageNotFound',
        `${name} is not in registry ${access.host}: push it there, or ask for another`,
      );
    }
    return verified(access, name, reference, response);
  };

  return {
    check: (signal) => session.open(signal),
    manifest,
    async digest(repository, tag, signal) {
      const response = await askForManifest('HEAD', repository, tag, signal);
      if (response === undefined) return undefined;
      await response.discard();
      const digest = headerOf(response.headers, 'docker-content-digest');
      if (digest !== undefined && digestPattern.test(digest)) return digest;
      return (await manifest(repository, tag, signal)).digest;
    },
    close: () => session.close(),
  };
}

const nameOf = ({ host }: RegistryAccess, repository: string, reference: string): string =>
  `${host}/${repository}${reference.includes(':') ? '@' : ':'}${reference}`;

/** Reads the manifest through, and holds what was announced and what was asked for against what came. */
async function verified(
  access: RegistryAccess,
  name: string,
  reference: string,
  response: RegistryResponse,
): Promise<ManifestDescriptor> {
  const mediaType = headerOf(response.headers, 'content-type')?.split(';')[0]?.trim() ?? '';
  if (!manifestTypes.includes(mediaType)) {
    await response.discard();
    throw refused(
      access,
      `sends ${name} as ${mediaType || 'something without a type'}, which is no manifest that engines pull by digest: push the image again with a current tool`,
    );
  }
  const hash = createHash('sha256');
  let size = 0;
  await response.read(largestManifest, (chunk) => {
    hash.update(chunk);
    size += chunk.length;
  });
  const digest = `sha256:${hash.digest('hex')}`;
  const announced = headerOf(response.headers, 'docker-content-digest') ?? digest;
  const expected = digestPattern.test(reference) ? reference : announced;
  if (digest !== expected) {
    throw terminal(
      'DigestMismatch',
      `${name} should have digest ${expected}, but what registry ${access.host} sends has ${digest}: something between here and there changes it, or its storage is damaged`,
    );
  }
  return { digest, mediaType, size };
}
