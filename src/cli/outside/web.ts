// Fetches images over HTTP, to know their checksum and size.
import { fetch } from 'undici';
import { messageOf, terminal } from '../../kernel/errors.ts';
import type { Source } from './port.ts';

/** A list of images is worth more now than with sizes later. */
const headTimeoutMs = 5_000;
/** As the machines will get it. */
const headers = { 'accept-encoding': 'identity' };

/** Follows redirects, as the machines that boot do. Throws terminal DownloadFailed, also while the chunks are read. */
export async function openUrl(url: string): Promise<Source> {
  try {
    const response = await fetch(url, { headers });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Error(`the server answers ${`${response.status} ${response.statusText}`.trim()}`);
    }
    return { size: lengthOf(response.headers), chunks: chunksOf(url, response.body) };
  } catch (error) {
    throw failed(url, error);
  }
}

/** Undefined when the server does not tell, or not in time. */
export async function sizeOfUrl(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, {
      method: 'HEAD',
      headers,
      signal: AbortSignal.timeout(headTimeoutMs),
    });
    return response.ok ? lengthOf(response.headers) : undefined;
  } catch {
    // Images are often served on a network that only the machines reach.
    return undefined;
  }
}

async function* chunksOf(url: string, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw failed(url, error);
  }
}

/** Of a body that is compressed on the way, the length says nothing about the file. */
function lengthOf(answered: { get(name: string): string | null }): number | undefined {
  const length = answered.get('content-length');
  return length === null || answered.get('content-encoding') !== null ? undefined : Number(length);
}

function failed(url: string, error: unknown): Error {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const remedy = 'check the URL, or give the checksum with --checksum or the file with --file';
  return terminal('DownloadFailed', `cannot download ${url}: ${messageOf(cause)}; ${remedy}`, error);
}
