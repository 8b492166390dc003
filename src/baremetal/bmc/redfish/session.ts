// A Redfish service as one who is logged in sees it: documents to read, requests to send, both again where that helps.
import { unreachable } from '../errors.ts';
import { isTransient } from './answer.ts';
import { textAt } from './document.ts';
import { createExchange, type Command } from './exchange.ts';
import { lostKept, neverSent, type Method, type Reply, type Sent } from './http.ts';
import type { LoginDeps } from './login.ts';
import { problem } from './problem.ts';

export interface RedfishSession {
  /** A document by its link. Throws what http.ts throws, and BMCAuthFailed, BMCBusy, BMCRefused. */
  get(link: string, signal: AbortSignal): Promise<Document>;
  /** The reply to a GET whatever its status, but for a refused login: where a failure has a meaning of its own. */
  look(link: string, signal: AbortSignal): Promise<Reply>;
  /** Sends what has an effect; the reply whatever its status, but for a refused login. */
  send(method: Exclude<Method, 'GET'>, link: string, sent: Sent, command: Command): Promise<Reply>;
  close(): Promise<void>;
}

export interface Document {
  readonly link: string;
  readonly body: unknown;
  readonly etag: string | undefined;
}

/** How often a request is tried when the service stumbles, and for how long it is left alone after the first and second time. */
const pausesMs = [1_000, 2_000];
const nobodyMinds = (): void => undefined;

export function createRedfishSession(deps: LoginDeps): RedfishSession {
  const { clock, address } = deps;
  const { exchange, logOut } = createExchange(deps);

  /** Tries again after what passes, as long as `mayAgain` says that it does no harm. */
  const patiently = async <T>(
    signal: AbortSignal,
    mayAgain: (thrown: unknown) => boolean,
    work: () => Promise<T>,
  ): Promise<T> => {
    for (const pause of pausesMs) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted || !isTransient(error) || !mayAgain(error)) throw error;
        // Quirk `stalledConnections`: the service itself has not stumbled.
        if (!lostKept(error)) await clock.sleep(pause, signal);
      }
    }
    return work();
  };
  const look = (link: string, signal: AbortSignal): Promise<Reply> =>
    exchange('GET', link, {}, { permit: nobodyMinds, signal });
  const read = async (link: string, signal: AbortSignal): Promise<Document> => {
    const reply = await look(link, signal);
    if (reply.status !== 200) throw problem(address, `GET ${link}`, reply);
    if (typeof reply.body === 'object' && reply.body !== null) {
      // Quirk `etagInBody`.
      return { link, body: reply.body, etag: reply.header('etag') ?? textAt(reply.body, '@odata.etag') };
    }
    throw unreachable(address.text, `what it sends for ${link} is no JSON`);
  };
  const always = (): boolean => true;

  return {
    get: (link, signal) => patiently(signal, always, () => read(link, signal)),
    look: (link, signal) => patiently(signal, always, () => look(link, signal)),
    send: (method, link, sent, command) =>
      // A PATCH that is sent twice does what it does once. Only a GET can lose a kept connection: one before the effect.
      patiently(
        command.signal,
        (error) => method === 'PATCH' || neverSent(error) || lostKept(error),
        () => exchange(method, link, sent, command),
      ),
    async close() {
      await logOut();
      await deps.http.close();
    },
  };
}
