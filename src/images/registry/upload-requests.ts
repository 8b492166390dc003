// The requests that an upload is made of (distribution-spec, "Pushing blobs"): open, append, close, ask where it is, abandon.
import { terminal, transient, type OperatorError } from '../../kernel/errors.ts';
import type { Descriptor, RegistryAccess } from './port.ts';
import { algorithmOf, deleteFrom, nameOf, pushTo, uploadsPath } from './reference.ts';
import { refusal, refused, wordsOf, type Said } from './refusal.ts';
import type { RegistryQuestion, RegistrySession } from './session.ts';
import { headerOf, namedUrl, type RegistryResponse } from './exchange.ts';

/** An upload as the registry knows it. */
export interface Upload {
  readonly location: URL;
  /** So many bytes it has. */
  readonly offset: number;
}

/** What is uploaded, and where to. */
export interface Parcel {
  readonly repository: string;
  readonly blob: Descriptor;
  readonly signal: AbortSignal;
}

/** The upload did not come further, and another attempt may. */
export interface Interrupted {
  readonly interrupted: OperatorError;
}

/** All throw what Registry.uploadBlob says. */
export interface UploadRequests {
  open(parcel: Parcel): Promise<Upload>;
  /** Sends all that is missing as one chunk; `body` has it. */
  append(parcel: Parcel, upload: Upload, body: AsyncIterable<Uint8Array>): Promise<Upload | Interrupted>;
  close(parcel: Parcel, upload: Upload): Promise<Interrupted | undefined>;
  /** Where the registry is; undefined when it does not know the upload any more, or nothing of it. */
  progress(parcel: Parcel, upload: Upload): Promise<Upload | undefined>;
  /** Frees what the registry holds for it. Never throws: registries end forgotten uploads by themselves, in a week or so. */
  abandon(repository: string, location: URL | undefined): Promise<void>;
}

type Question = Pick<RegistryQuestion, 'method' | 'target' | 'headers' | 'body' | 'patience'>;
type Ask = (
  repository: string,
  question: Question,
  signal: AbortSignal,
  scope?: string,
) => Promise<RegistryResponse>;

export function createUploadRequests(access: RegistryAccess, session: RegistrySession): UploadRequests {
  const ask = createAsk(session);

  const refuse = async ({ repository, blob }: Parcel, response: RegistryResponse): Promise<Interrupted> => {
    const said = await session.heard(response);
    const error = uploadRefusal(access, nameOf(access, repository, blob.digest), said, response);
    if (!mayGoOn(said, response, error)) throw error;
    return { interrupted: error };
  };

  return {
    async open(parcel) {
      const { repository, blob, signal } = parcel;
      const question = { method: 'POST', target: openPath(repository, blob), headers: noBody } as const;
      const response = await ask(repository, question, signal);
      if (response.status === 404) throw noPlace(access, parcel, await session.heard(response));
      if (response.status !== 202) throw (await refuse(parcel, response)).interrupted;
      await response.discard();
      const location = locationOf(access, response);
      if (location !== undefined) return { location, offset: 0 };
      throw refused(access, 'opens an upload without a location: check that it is a registry');
    },
    async append(parcel, upload, body) {
      const { repository, blob, signal } = parcel;
      const headers = chunkHeaders(upload.offset, blob.size);
      const question = {
        method: 'PATCH',
        target: upload.location,
        headers,
        body,
        patience: 'silence',
      } as const;
      const response = await ask(repository, question, signal);
      if (!isGood(response)) return refuse(parcel, response);
      await response.discard();
      return { location: locationOf(access, response) ?? upload.location, offset: blob.size };
    },
    async close(parcel, upload) {
      const target = withDigest(upload.location, parcel.blob.digest);
      const question = { method: 'PUT', target, headers: noBody, patience: 'commit' } as const;
      const response = await ask(parcel.repository, question, parcel.signal);
      if (!isGood(response)) return refuse(parcel, response);
      await response.discard();
      return undefined;
    },
    async progress(parcel, upload) {
      const { repository, blob, signal } = parcel;
      const response = await ask(repository, { method: 'GET', target: upload.location }, signal);
      if (response.status === 429 || response.status >= 500)
        throw (await refuse(parcel, response)).interrupted;
      await response.discard();
      const offset = isGood(response) ? offsetOf(response) : undefined;
      if (offset === undefined || offset > blob.size) return undefined;
      return { location: locationOf(access, response) ?? upload.location, offset };
    },
    abandon: createAbandon(ask),
  };
}

const createAsk =
  (session: RegistrySession): Ask =>
  (repository, question, signal, scope = pushTo(repository)) => {
    const namedBy = question.target instanceof URL ? 'its upload location' : undefined;
    return session.ask({ ...question, scopes: [scope], namedBy }, signal);
  };

function createAbandon(ask: Ask): UploadRequests['abandon'] {
  /** Who may push may mostly end an upload too; the distribution project's registry wants more (registry/handlers/app.go). */
  let scopeFor = pushTo;
  return async (repository, location) => {
    if (location === undefined) return;
    const question = { method: 'DELETE', target: location, headers: noBody } as const;
    // Not bound to the caller's signal, which may have aborted; the deadline of a request ends it.
    const { signal } = new AbortController();
    try {
      const response = await ask(repository, question, signal, scopeFor(repository));
      await response.discard();
      if ((response.status !== 401 && response.status !== 403) || scopeFor === deleteFrom) return;
      scopeFor = deleteFrom;
      await (await ask(repository, question, signal, scopeFor(repository))).discard();
    } catch {
      // "Clients SHOULD ignore any failures" (distribution-spec, "Cancel a blob upload").
    }
  };
}

/** Its query may be signed: not a byte of it changes. */
function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${location.search === '' ? '?' : `${location.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

/** Relative to what was asked, or absolute, with a query to keep. Throws as namedUrl. */
export function locationOf(access: RegistryAccess, { headers, url }: RegistryResponse): URL | undefined {
  const location = headerOf(headers, 'location');
  return location === undefined ? undefined : namedUrl(access, location, url, 'takes uploads at');
}

function openPath(repository: string, { digest }: Descriptor): string {
  const algorithm = algorithmOf(digest);
  return `${uploadsPath(repository)}${algorithm === 'sha256' ? '' : `?digest-algorithm=${algorithm}`}`;
}

/** How many bytes it has. `0-0` stands for one byte and for none: nothing is lost by beginning anew then. */
function offsetOf({ headers }: RegistryResponse): number | undefined {
  const last = Number(/^(?:bytes=)?0-(\d+)$/.exec(headerOf(headers, 'range') ?? '')?.[1] ?? 0);
  return last === 0 ? undefined : last + 1;
}

const isGood = ({ status }: RegistryResponse): boolean => status >= 200 && status < 300;

const noBody = { 'content-length': '0' };

/**
 * The first and mostly only chunk goes without Content-Range, as containers/image sends it (docker/docker_image_dest.go): with it some
 * registries expect more chunks. What continues an upload says where it begins.
 */
const chunkHeaders = (offset: number, size: number): Record<string, string> => ({
  'content-type': 'application/octet-stream',
  'content-length': String(size - offset),
  ...(offset === 0 ? {} : { 'content-range': `${offset}-${size - 1}` }),
});

/** 401: the login ended in mid-upload, and another was asked for. */
function mayGoOn({ status }: Said, { foreign }: RegistryResponse, { reason }: OperatorError): boolean {
  return (
    reason === 'RegistryUnreachable' ||
    reason === 'RegistryFailed' ||
    status === 429 ||
    (status === 401 && !foreign)
  );
}

function uploadRefusal(
  access: RegistryAccess,
  name: string,
  said: Said,
  { foreign, url }: RegistryResponse,
): OperatorError {
  if (said.status === 401 && foreign) {
    return refused(
      access,
      `takes uploads at another server, ${url.host}, which is not given the login: mend the address that the registry believes to have`,
    );
  }
  if (isLost(said)) {
    return transient(
      'RegistryUnreachable',
      `registry ${access.host} loses uploads of ${name} (${wordsOf(said)}): look at its log; several servers behind one address must share storage and http.secret`,
    );
  }
  const changed = said.codes.some((code) => code === 'DIGEST_INVALID' || code === 'SIZE_INVALID');
  return changed ? otherBytes(access, name, said) : refusal(access, said, name, 'push');
}

const noPlace = (access: RegistryAccess, { repository }: Parcel, said: Said): OperatorError =>
  refused(
    access,
    `has no place for ${repository} (${wordsOf(said)}): create its project or repository there first`,
  );

/** An upload that was open is unknown, or not where we believe it to be. */
const isLost = ({ status, codes }: Said): boolean =>
  status === 404 ||
  status === 416 ||
  codes.some((code) => code.startsWith('BLOB_UPLOAD_') || code === 'RANGE_INVALID');

const otherBytes = ({ host }: RegistryAccess, name: string, said: Said): OperatorError =>
  terminal(
    'DigestMismatch',
    `registry ${host} did not get the bytes of ${name} that were sent (${wordsOf(said)}): something between here and there changes them, or its storage is damaged`,
  );
