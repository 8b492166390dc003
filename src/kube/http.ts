// One HTTP request to the API server: JSON in, JSON or a stream of bytes out, errors mapped.
import { request, type Dispatcher } from 'undici';
import type { ApiServerAccess } from './access.ts';
import { connectionError, errorOf, type ApiStatus } from './errors.ts';

/** For an answer to begin, and between two parts of it. */
const timeoutMs = 30_000;

export interface ApiRequest {
  /** For messages: `list Hosts`. */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From `/api` or `/apis` on. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ApiServer {
  /** The parsed answer. Throws as KubeClient says; what `signal` aborts throws its reason. */
  json(request: ApiRequest): Promise<unknown>;
  /** The answer's body as it comes, without a limit on silence. */
  stream(request: ApiRequest): Promise<AsyncIterable<Uint8Array>>;
}

/** `observe` hears of every answer, with `<error>` as the code where none came (as client-go's metrics have it). */
export function createApiServer(
  access: ApiServerAccess,
  observe: (method: string, code: string) => void = () => undefined,
): ApiServer {
  const send = async (wanted: ApiRequest, bodyTimeout: number): Promise<Dispatcher.ResponseData> => {
    const { dispatcher, headers } = await access.current();
    const query = wanted.query === undefined ? '' : `?${new URLSearchParams(wanted.query).toString()}`;
    const response = await request(`${access.server}${wanted.path}${query}`, {
      dispatcher,
      method: wanted.method,
      headers: {
        ...headers,
        Accept: 'application/json',
        'Content-Type': wanted.contentType ?? 'application/json',
      },
      body: wanted.body === undefined ? null : JSON.stringify(wanted.body),
      signal: wanted.signal ?? null,
      headersTimeout: timeoutMs,
      bodyTimeout,
    });
    observe(wanted.method, String(response.statusCode));
    if (response.statusCode < 300) return response;
    if (response.statusCode === 401) access.refused();
    throw errorOf(wanted.what, response.statusCode, asStatus(await response.body.text()));
  };
  const answered = async <T>(wanted: ApiRequest, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      wanted.signal?.throwIfAborted();
      const error = connectionError(wanted.what, access.server, thrown);
      if (error !== thrown) observe(wanted.method, '<error>');
      throw error;
    }
  };
  return {
    json: (wanted) => answered(wanted, async () => (await send(wanted, timeoutMs)).body.json()),
    stream: (wanted) => answered(wanted, async () => (await send(wanted, 0)).body),
  };
}

/** A proxy in between may answer anything. */
function asStatus(text: string): ApiStatus {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
