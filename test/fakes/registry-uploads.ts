// The half of a fake registry that is written to: mounts, uploads and their faults (distribution-spec, "Pushing blobs").
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Faults } from './registry-faults.ts';
import { digestOf, type OpenUpload, type Store } from './registry-store.ts';

export interface UploadDesk {
  readonly store: Store;
  readonly faults: Faults;
  /** `http://127.0.0.1:port`, where it is and where it also takes uploads, without a login. */
  readonly origin: () => string;
  readonly otherOrigin: () => string;
  readonly expireTokens: () => void;
  readonly challenge: string;
}

/** Uploads have this in their query: a client that loses it loses the upload. */
const state = '_state=kept%2Fas%20it~is*';

export function openUpload(desk: UploadDesk, repository: string, url: URL, response: ServerResponse): void {
  const { store, faults } = desk;
  const [mount, from] = [url.searchParams.get('mount'), url.searchParams.get('from')];
  const mounted = mount !== null && from !== null ? store.blob(from, mount) : undefined;
  if (mounted !== undefined && !faults.refusesMounts && !faults.halfWritten.has(`${repository}@${mount}`)) {
    const digest = store.putBlob(repository, mounted);
    response
      .writeHead(201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest })
      .end();
    return;
  }
  const upload = store.openUpload(repository);
  response.writeHead(202, { location: locationOf(desk, upload), range: '0-0' }).end();
}

export async function answerUpload(
  desk: UploadDesk,
  { id, url }: { readonly id: string; readonly url: URL },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { store } = desk;
  const upload = store.upload(id);
  if (desk.faults.losesUploads) store.endUpload(id);
  if (desk.faults.losesUploads || upload === undefined || !url.search.includes(state)) {
    fail(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry');
    return;
  }
  switch (request.method) {
    case 'PATCH':
      await append(desk, upload, request, response);
      return;
    case 'PUT':
      closeUpload(desk, upload, url, response);
      return;
    case 'DELETE':
      store.endUpload(id);
      response.writeHead(204).end();
      return;
    default:
      progress(desk, upload, response, 204);
  }
}

async function append(
  desk: UploadDesk,
  upload: OpenUpload,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { faults, store } = desk;
  const range = /^(\d+)-(\d+)$/.exec(request.headers['content-range'] ?? '');
  if (range !== null && Number(range[1]) !== upload.size) {
    progress(desk, upload, response, 416);
    return;
  }
  if (faults.throttlesUploads > 0) {
    faults.throttlesUploads -= 1;
    response.writeHead(429, { 'retry-after': faults.retryAfter }).end();
    request.resume();
    return;
  }
  const before = upload.size;
  const half = Math.floor(Number(request.headers['content-length'] ?? 0) / 2);
  let received = 0;
  // Servers that answer early read the rest nevertheless, or close the connection.
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of body) {
    received += chunk.length;
    upload.chunks.push(chunk);
    upload.size += chunk.length;
    if (store.size() > faults.room) {
      fail(response, 500, 'UNKNOWN', 'unknown error', 'write /var/lib/registry/x: no space left on device');
      break;
    }
    if (received >= half && breaksOff(desk, upload, request, response)) {
      upload.chunks = [Buffer.concat(upload.chunks).subarray(0, before + half)];
      upload.size = before + half;
      break;
    }
  }
  if (response.headersSent) request.resume();
  else if (request.complete) progress(desk, upload, response, 202);
}

/** True when nothing more is received. */
function breaksOff(
  { faults, store, expireTokens, challenge }: UploadDesk,
  { id }: OpenUpload,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (faults.breaksUploads > 0) {
    faults.breaksUploads -= 1;
    if (faults.forgetsUploads) store.endUpload(id);
    request.socket.destroy();
    return true;
  }
  if (faults.expiresInUploads > 0) {
    faults.expiresInUploads -= 1;
    expireTokens();
    response.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  }
  if (faults.stallsUploads && faults.forgetsUploads) store.endUpload(id);
  return faults.stallsUploads;
}

function closeUpload(desk: UploadDesk, upload: OpenUpload, url: URL, response: ServerResponse): void {
  const { faults, store } = desk;
  const content = faults.corruptsUploads
    ? changed(Buffer.concat(upload.chunks))
    : Buffer.concat(upload.chunks);
  const digest = url.searchParams.get('digest') ?? '';
  store.endUpload(upload.id);
  if (digestOf(content) !== digest) {
    fail(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
    return;
  }
  store.putBlob(upload.repository, content);
  faults.halfWritten.delete(`${upload.repository}@${digest}`);
  if (faults.breaksAnswers > 0) {
    faults.breaksAnswers -= 1;
    response.socket?.destroy();
    return;
  }
  response
    .writeHead(201, { location: `/v2/${upload.repository}/blobs/${digest}`, 'docker-content-digest': digest })
    .end();
}

function progress(desk: UploadDesk, upload: OpenUpload, response: ServerResponse, status: number): void {
  const last = Math.max(upload.size - 1, 0) + desk.faults.overstatesUploads;
  response.writeHead(status, { location: locationOf(desk, upload), range: `0-${last}` }).end();
}

function locationOf({ faults, origin, otherOrigin }: UploadDesk, { id, repository }: OpenUpload): string {
  const path = `/v2/${repository}/blobs/uploads/${id}?${state}`;
  switch (faults.uploadLocation) {
    case 'path':
      return path;
    case 'url':
      return `${origin()}${path}`;
    case 'elsewhere':
      return `${otherOrigin()}${path}`;
  }
}

export const changed = (content: Buffer): Buffer => {
  const other = Buffer.from(content);
  other[0] = (other[0] ?? 0) ^ 1;
  return other;
};

/** An error as the distribution specification has it ("Error Codes"). */
export function fail(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  detail?: unknown,
): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message, detail }] }));
}
