// The boot media server's HTTP: the files of a directory, and its ISOs with one machine's kernel arguments in them.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decodeArguments } from '../api/media.ts';
import { messageOf, transient } from '../kernel/errors.ts';
import { listen, type Listening } from '../kernel/listen.ts';
import type { Logger } from '../kernel/log.ts';
import { createFiles, type Files, type OpenFile } from './files.ts';
import { argumentsTag, overlaid, type Piece } from './overlay.ts';
import { type Span, type Version, wantedOf } from './range.ts';

export interface MediaServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly directory: string;
  readonly log: Logger;
}

/** A BMC or an agent that takes nothing for so long has gone, milliseconds. */
const idleMs = 120_000;
const slowestHeadersMs = 10_000;
const mostConnections = 1024;
/** Of a file at a time, for one download. */
const chunkBytes = 256 * 1024;

/** Throws terminal DirectoryUnusable and PortUnavailable. */
export async function startMediaServer(options: MediaServerOptions): Promise<Listening> {
  const { host, port, log } = options;
  const files = await createFiles(options.directory);
  const limits = { headersTimeout: slowestHeadersMs, requestTimeout: slowestHeadersMs, maxHeaderSize: 8192 };
  const server = createServer(limits, (request, response) => {
    serve(files, request, response).catch((error: unknown) => giveUp(log, request, response, error));
  });
  server.maxConnections = mostConnections;
  server.timeout = idleMs;
  return listen(server, { host, port }, 'boot media');
}

type Answer = { readonly status: number; readonly headers: OutgoingHttpHeaders } & (
  | { readonly kind: 'text'; readonly text: string }
  /** Of `file`, which is to be closed afterwards. */
  | { readonly kind: 'bytes'; readonly file: OpenFile; readonly pieces: readonly Piece[] }
);

async function serve(files: Files, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await answerTo(files, request);
  const { status, headers } = answer;
  if (answer.kind === 'text') {
    const length = Buffer.byteLength(answer.text);
    const type = 'text/plain; charset=utf-8';
    response.writeHead(status, {
      'Content-Type': type,
      'Cache-Control': 'no-store',
      'Content-Length': length,
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : answer.text);
    return;
  }
  try {
    response.writeHead(status, headers);
    if (request.method === 'HEAD') response.end();
    else await pipeline(Readable.from(bytesOf(answer.file, answer.pieces), { objectMode: false }), response);
  } finally {
    await answer.file.handle.close();
  }
}

async function answerTo(files: Files, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return text(405, 'only GET and HEAD\n', { Allow: 'GET, HEAD' });
  }
  const path = request.url?.split('?')[0] ?? '';
  if (path === '/healthz') {
    await files.list();
    return text(200, 'ok\n');
  }
  if (path === '/') {
    const listed = `${JSON.stringify(await files.list(), undefined, 1)}\n`;
    return text(200, listed, { 'Content-Type': 'application/json' });
  }
  const medium = /^\/media\/(?<segment>[^/]+)\/(?<iso>[^/]+)$/.exec(path)?.groups;
  if (medium === undefined) return fileAnswer(files, request, path.slice(1));
  const kernelArguments = decodeArguments(medium.segment ?? '');
  if (kernelArguments !== undefined) return fileAnswer(files, request, medium.iso ?? '', kernelArguments);
  return text(400, 'these kernel arguments were not made by this version of Undercloud\n');
}

/** Without `kernelArguments` the file as it is. */
async function fileAnswer(
  files: Files,
  request: IncomingMessage,
  name: string,
  kernelArguments?: string,
): Promise<Answer> {
  const file = await files.open(name);
  if (file === undefined) return text(404, 'there is no such file; / lists them\n');
  let answer: Answer | undefined;
  try {
    answer = await contentOf(file, request, kernelArguments);
    return answer;
  } finally {
    if (answer?.kind !== 'bytes') await file.handle.close();
  }
}

async function contentOf(
  file: OpenFile,
  { headers }: IncomingMessage,
  kernelArguments: string | undefined,
): Promise<Answer> {
  const { size } = file;
  if (kernelArguments === undefined) return rangeOf(file, headers, file.version, (span) => [span]);
  const region = await file.region();
  if (region === undefined) {
    return text(409, `this file of ${size} bytes has no region for kernel arguments, or more than one\n`);
  }
  const version = versionWith(file.version, kernelArguments);
  return rangeOf(file, headers, version, (span) => overlaid(span, region, kernelArguments));
}

function rangeOf(
  file: OpenFile,
  asked: IncomingHttpHeaders,
  { etag, lastModified }: Version,
  piecesOf: (span: Span) => readonly Piece[],
): Answer {
  const { size } = file;
  const ifRange = asked['if-range'];
  const wanted = wantedOf(asked.range, Array.isArray(ifRange) ? '' : ifRange, size, { etag, lastModified });
  const headers = { ETag: etag, 'Last-Modified': lastModified, 'Accept-Ranges': 'bytes' };
  if (wanted.kind === 'beyond') {
    return text(416, `the file has ${size} bytes\n`, { ...headers, 'Content-Range': `bytes */${size}` });
  }
  const { start, end } = wanted.kind === 'part' ? wanted : { start: 0, end: size };
  return {
    kind: 'bytes',
    status: wanted.kind === 'part' ? 206 : 200,
    headers: {
      ...headers,
      ...(wanted.kind === 'part' ? { 'Content-Range': `bytes ${start}-${end - 1}/${size}` } : {}),
      'Content-Type': 'application/octet-stream',
      'Content-Length': end - start,
    },
    file,
    pieces: piecesOf({ start, end }),
  };
}

const versionWith = ({ etag, lastModified }: Version, kernelArguments: string): Version => ({
  etag: `${etag.slice(0, -1)}-${argumentsTag(kernelArguments)}"`,
  lastModified,
});

async function* bytesOf(file: OpenFile, pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) yield piece;
    else yield* spanOf(file, piece);
  }
}

async function* spanOf({ handle }: OpenFile, { start, end }: Span): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end;) {
    const length = Math.min(chunkBytes, end - at);
    // A new buffer each time: the former may still wait to be sent.
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(length), 0, length, at);
    // The length was promised in the header: only a broken connection tells the other side.
    if (bytesRead === 0) throw transient('FileChanged', 'the file got shorter while it was sent');
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

const text = (status: number, body: string, headers: OutgoingHttpHeaders = {}): Answer => ({
  kind: 'text',
  status,
  headers,
  text: body,
});

function giveUp(log: Logger, request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const gone = error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
  // BMCs read a medium in pieces and hang up whenever they like.
  if (gone) {
    log.debug('A client went away', { path: request.url });
    return;
  }
  log.error('A request failed', { path: request.url, error: messageOf(error) });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(500, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end('the file could not be read: see the log of the media server\n');
}
