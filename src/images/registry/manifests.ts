// Manifests of a registry: fetched and put byte for byte, and held against what was announced and asked for.
import { terminal, transient } from '../../kernel/errors.ts';
import { digestOf } from './digest.ts';
import type { Manifest, Registry, RegistryAccess } from './port.ts';
import { isDigest, manifestPath, nameOf, pullOf, pushTo } from './reference.ts';
import { refusal, refused, wordsOf, type Said } from './refusal.ts';
import type { RegistrySession } from './session.ts';
import { headerOf, type RegistryResponse } from './exchange.ts';

/** Everything that an engine can pull by digest. An older format (schema 1) has another digest for each reader. */
const manifestTypes: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
/** What registries are told to take at least (distribution-spec, "Pushing Manifests"). */
const largestManifest = 4 * 1024 * 1024;

export function createManifests(
  access: RegistryAccess,
  session: RegistrySession,
): Pick<Registry, 'manifest' | 'digest' | 'putManifest'> {
  const ask = async (
    method: 'GET' | 'HEAD',
    repository: string,
    reference: string,
    signal: AbortSignal,
  ): Promise<RegistryResponse | undefined> => {
    const target = manifestPath(repository, reference);
    const headers = { accept: manifestTypes.join(', ') };
    const response = await session.ask({ method, target, headers, scopes: [pullOf(repository)] }, signal);
    if (response.status === 200) return response;
    const said = await session.heard(response);
    if (response.status === 404) return undefined;
    throw refusal(access, said, nameOf(access, repository, reference));
  };

  const manifest: Registry['manifest'] = async (repository, reference, signal) => {
    const response = await ask('GET', repository, reference, signal);
    const name = nameOf(access, repository, reference);
    if (response === undefined) {
      throw terminal(
        'ImageNotFound',
        `${name} is not in registry ${access.host}: push it there, or ask for another`,
      );
    }
    return verified(access, name, reference, response);
  };

  const digest: Registry['digest'] = async (repository, reference, signal) => {
    const response = await ask('HEAD', repository, reference, signal);
    if (response === undefined) return undefined;
    await response.discard();
    const announced = headerOf(response.headers, 'docker-content-digest');
    if (announced !== undefined && isDigest(announced)) return announced;
    return (await manifest(repository, reference, signal)).digest;
  };

  return {
    manifest,
    digest,
    async putManifest(repository, reference, { digest: wanted, mediaType, content }, signal) {
      const name = nameOf(access, repository, reference);
      const response = await session.ask(
        {
          method: 'PUT',
          target: manifestPath(repository, reference),
          headers: { 'content-type': mediaType },
          body: content,
          scopes: [pushTo(repository)],
          patience: 'commit',
        },
        signal,
      );
      if (response.status < 200 || response.status > 299) {
        const said = await session.heard(response);
        if (said.codes.includes('MANIFEST_BLOB_UNKNOWN')) throw blobUnknown(access, name, said);
        throw refusal(access, said, name, 'push');
      }
      await response.discard();
      const announced = headerOf(response.headers, 'docker-content-digest');
      const stored = announced ?? (await digest(repository, wanted, signal));
      if (stored !== wanted) throw mismatch(access, name, wanted, stored ?? 'none', 'stores');
    },
  };
}

/** Reads the manifest through, and holds what was announced and what was asked for against what came. */
async function verified(
  access: RegistryAccess,
  name: string,
  reference: string,
  response: RegistryResponse,
): Promise<Manifest> {
  const mediaType = headerOf(response.headers, 'content-type')?.split(';')[0]?.trim() ?? '';
  if (!manifestTypes.includes(mediaType)) {
    await response.discard();
    throw refused(
      access,
      `sends ${name} as ${mediaType || 'something without a type'}, which is no manifest that engines pull by digest: push the image again with a current tool`,
    );
  }
  const content = await response.read(largestManifest);
  const announced = headerOf(response.headers, 'docker-content-digest');
  const expected = isDigest(reference) ? reference : announced;
  const digest = digestOf(content, expected);
  if (expected !== undefined && digest !== expected) throw mismatch(access, name, expected, digest, 'sends');
  return { digest, mediaType, size: content.length, content };
}

const mismatch = (
  { host }: RegistryAccess,
  name: string,
  expected: string,
  digest: string,
  does: 'sends' | 'stores',
) =>
  terminal(
    'DigestMismatch',
    `${name} should have digest ${expected}, but what registry ${host} ${does} has ${digest}: something between here and there changes it, or its storage is damaged`,
  );

/** Its garbage collection took a blob away between our look and the manifest: the next look sees that it is missing. */
const blobUnknown = ({ host }: RegistryAccess, name: string, said: Said) =>
  transient(
    'BlobMissing',
    `registry ${host} has lost something that ${name} is made of (${wordsOf(said)}): it is copied again`,
  );
