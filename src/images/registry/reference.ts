// Names as the distribution protocol has them, checked before they become part of a URL: nothing in them can lead elsewhere.
import { terminal } from '../../kernel/errors.ts';
import type { RegistryAccess } from './port.ts';

/** distribution-spec, "Pulling manifests": <name>, and <reference> as a tag. */
const repositoryPattern = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
export const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
/** image-spec, descriptor.md, "Registered Algorithms". */
const digestPattern = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const hostPattern = /^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?$/;

export const isDigest = (text: string): boolean => digestPattern.test(text);

/** `sha256` or `sha512`, as node:crypto calls them too. */
export const algorithmOf = (digest: string): string => digest.slice(0, digest.indexOf(':'));

/** `host/repository:tag` or `host/repository@digest`, for people and engines. */
export const nameOf = ({ host }: RegistryAccess, repository: string, reference: string): string =>
  `${host}/${repository}${reference.includes(':') ? '@' : ':'}${reference}`;

/** The address of a registry's API. Throws terminal ReferenceInvalid. */
export function apiUrl(host: string, scheme: 'https' | 'http'): URL {
  // `docker.io` is a name for people; its registry answers elsewhere (as the distribution project's reference package has it).
  const address = host === 'docker.io' ? 'registry-1.docker.io' : host;
  const url = hostPattern.test(address) ? URL.parse(`${scheme}://${address}/v2/`) : null;
  if (url === null) throw invalid(host, 'registry address', 'HOST[:PORT] without a scheme and a path');
  return url;
}

/** Below /v2/. All throw terminal ReferenceInvalid. */
export const manifestPath = (repository: string, reference: string): string =>
  `${legalRepository(repository)}/manifests/${legalReference(reference)}`;
export const blobPath = (repository: string, digest: string): string =>
  `${legalRepository(repository)}/blobs/${legalDigest(digest)}`;
export const uploadsPath = (repository: string): string => `${legalRepository(repository)}/blobs/uploads/`;
/** distribution-spec, "Mounting a blob from another repository". */
export function mountPath(repository: string, digest: string, from: string): string {
  const query = new URLSearchParams({ mount: legalDigest(digest), from: legalRepository(from) });
  return `${uploadsPath(repository)}?${query.toString()}`;
}
export const tagsPath = (repository: string): string => `${legalRepository(repository)}/tags/list`;

/** What a token must allow (distribution project, "Token Scope Documentation"). */
export const pullOf = (repository: string): string => `repository:${legalRepository(repository)}:pull`;
export const pushTo = (repository: string): string => `repository:${legalRepository(repository)}:pull,push`;
export const deleteFrom = (repository: string): string => `repository:${legalRepository(repository)}:delete`;

function legalRepository(repository: string): string {
  if (repository.length <= 255 && repositoryPattern.test(repository)) return repository;
  throw invalid(repository, 'repository', 'lower-case words with . _ - and / between them');
}

function legalReference(reference: string): string {
  if (tagPattern.test(reference) || isDigest(reference)) return reference;
  throw invalid(reference, 'tag or digest', 'a tag of at most 128 letters, digits and . _ -, or sha256:…');
}

function legalDigest(digest: string): string {
  if (isDigest(digest)) return digest;
  throw invalid(digest, 'digest', 'sha256:… or sha512:… in hexadecimal');
}

const invalid = (text: string, what: string, form: string) =>
  terminal(
    'ReferenceInvalid',
    `${JSON.stringify(text.slice(0, 80)).toWellFormed()} is no ${what} (${form}): correct it where it was given`,
  );
