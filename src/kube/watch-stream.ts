// Turns the bytes of a watch into events: one JSON document per line, whatever pieces they arrive in.
import { transient, type OperatorError } from '../kernel/errors.ts';
import { errorOf, type ApiStatus } from './errors.ts';
import type { KubeObject } from './objects.ts';

/** etcd takes no object above 1.5 MiB; as JSON with its managed fields one may be larger, but not ten times. */
const longestLine = 16 * 1024 * 1024;
const newline = 0x0a;

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing happened up to this version. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/**
 * Yields what arrives until the stream ends; half a line at the end is dropped, as it will come again. Throws transient
 * Expired when the server has forgotten the version asked for (HTTP 200 with an ERROR event of code 410), and other
 * errors that come within the stream.
 */
export async function* watchEvents<T extends KubeObject>(
  bytes: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of splitLines(bytes, what)) {
    if (line !== '') yield parseEvent<T>(line, what);
  }
}

async function* splitLines(bytes: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<string> {
  let pieces: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of bytes) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const line = Buffer.concat([...pieces, chunk.subarray(start, end)]).toString('utf8');
      pieces = [];
      held = 0;
      start = end + 1;
      yield line;
    }
    pieces.push(chunk.subarray(start));
    held += chunk.length - start;
    if (held > longestLine) throw broken(what, `a line of more than ${longestLine} bytes`);
  }
}

function parseEvent<T extends KubeObject>(line: string, what: string): WatchEvent<T> {
  const { type, object } = parseLine(line, what);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: object as T };
    case 'BOOKMARK':
      return { type, resourceVersion: object.metadata.resourceVersion };
    case 'ERROR': {
      const status = object as unknown as ApiStatus;
      throw errorOf(what, status.code ?? 500, status);
    }
    default:
      throw broken(what, `an event of the unknown type ${String(type)}`);
  }
}

function parseLine(line: string, what: string): { readonly type?: unknown; readonly object: KubeObject } {
  try {
    const value = JSON.parse(line) as { readonly type?: unknown; readonly object?: KubeObject } | null;
    if (value?.object !== undefined) return { ...value, object: value.object };
  } catch {
    // Said below, like any other line that is no event.
  }
  throw broken(what, 'a line that is no event');
}

const broken = (what: string, found: string): OperatorError =>
  transient('Unavailable', `cannot ${what}: the stream has ${found}`);
