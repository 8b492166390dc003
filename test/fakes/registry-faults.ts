// How a fake registry can misbehave. Set these at any time.
import type { ServerResponse } from 'node:http';

export interface Faults {
  /** So many requests of any kind are answered with 429. */
  throttles: number;
  retryAfter: string;
  /** Announces the digest of something else for manifests. */
  liesAboutDigest: boolean;
  /** Leaves Docker-Content-Digest out. */
  omitsDigest: boolean;
  /** Sends this instead of the manifest's media type. */
  mediaType: string | undefined;
  /** Redirects requests for manifests and blobs to the same path on another server. */
  redirectsTo: string | undefined;
  /** Accepts requests of any kind and never answers. */
  silent: boolean;
  /** Answers any request with this status, and with this body. */
  status: number | undefined;
  statusBody: string;
  /** Gives tokens that are not accepted. */
  badTokens: boolean;
  /** Sends this as WWW-Authenticate. */
  challenge: string | undefined;
  /** The token server answers this. */
  tokenAnswer: { readonly status: number; readonly body: string } | undefined;
  /** Seconds that tokens say they live. */
  tokenLife: number;
  /** Tags are sent in pages of so many. */
  tagsPerPage: number | undefined;
  /** What stands before the path in the Link to the next page of tags. */
  linkPrefix: string;
  /** Answers 200 and the whole blob whatever Range was asked for. */
  ignoresRange: boolean;
  /** Sends blobs with their first byte changed. */
  corruptsBlobs: boolean;
  /** Says nothing of a blob's length beforehand, and sends so many bytes more (fewer, below 0). */
  blobExcess: number | undefined;
  /** So many times blobs are sent half and the connection ends. */
  breaksReads: number;
  /** Blobs are sent half, and then nothing more comes. */
  stallsReads: boolean;
  /** So many times what would be appended to an upload is answered with 429. */
  throttlesUploads: number;
  /** So many times uploads are received and kept half, and the connection ends. */
  breaksUploads: number;
  /** What broke off is unknown afterwards, as with the distribution project's registry up to 2.8. */
  forgetsUploads: boolean;
  /** Says of an upload that it has so many bytes more than it has. */
  overstatesUploads: number;
  /** So many times an upload is closed and the connection ends before the answer. */
  breaksAnswers: number;
  /** Uploads are received half, and then no more is read. */
  stallsUploads: boolean;
  /** So many times the token is not accepted when half of an upload is received. */
  expiresInUploads: number;
  /** Where uploads are sent to: here by path (''), by URL, or another port without a login. */
  uploadLocation: 'path' | 'url' | 'elsewhere';
  /** The other port wants a login all the same. */
  elsewhereWantsLogin: boolean;
  /** Knows no upload that it has opened. */
  losesUploads: boolean;
  /** Keeps other bytes of an upload than it was sent. */
  corruptsUploads: boolean;
  /** So many bytes of uploads fit. */
  room: number;
  /** Opens an upload instead of mounting. */
  refusesMounts: boolean;
  /**
   * Records that a full disk has left half-written, as `repository@digest` and `repository:tag`: asking for them is answered 500
   * until they are written anew (the distribution project's registry 2.8).
   */
  readonly halfWritten: Set<string>;
  /** Blobs come byte by byte, and this is called before each. */
  drips: (() => void) | undefined;
  /** Says this in the body of a 401. */
  loginMessage: string;
  /** Accepts manifests and does not keep them. */
  losesManifests: boolean;
}

export const noFaults = (): Faults => ({
  throttles: 0,
  retryAfter: '1',
  liesAboutDigest: false,
  omitsDigest: false,
  mediaType: undefined,
  redirectsTo: undefined,
  silent: false,
  status: undefined,
  statusBody: '',
  badTokens: false,
  challenge: undefined,
  tokenAnswer: undefined,
  tokenLife: 300,
  tagsPerPage: undefined,
  linkPrefix: '',
  ignoresRange: false,
  corruptsBlobs: false,
  blobExcess: undefined,
  breaksReads: 0,
  stallsReads: false,
  throttlesUploads: 0,
  breaksUploads: 0,
  forgetsUploads: false,
  overstatesUploads: 0,
  breaksAnswers: 0,
  stallsUploads: false,
  expiresInUploads: 0,
  uploadLocation: 'path',
  elsewhereWantsLogin: false,
  losesUploads: false,
  corruptsUploads: false,
  room: Infinity,
  refusesMounts: false,
  halfWritten: new Set(),
  drips: undefined,
  loginMessage: '',
  losesManifests: false,
});

const recordPattern = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/;

export function isHalfWritten({ halfWritten }: Faults, method: string, path: string): boolean {
  const [, repository = '', , reference = ''] = recordPattern.exec(path) ?? [];
  return (
    method !== 'PUT' && halfWritten.has(`${repository}${reference.includes(':') ? '@' : ':'}${reference}`)
  );
}

/** A body, as `drips` has it. */
export async function sendBytes(content: Buffer, { drips }: Faults, response: ServerResponse): Promise<void> {
  if (drips === undefined) return void response.end(content);
  for (const byte of content) {
    if (response.destroyed) return;
    await new Promise(setImmediate);
    drips();
    response.write(Buffer.of(byte));
  }
  response.end();
}
