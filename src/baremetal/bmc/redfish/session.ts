// A login at a Redfish service: a session where it offers sessions, else Basic authentication on every request.
import type { Clock } from '../../../kernel/clock.ts';
import { OperatorError } from '../../../kernel/errors.ts';
import { authFailed, busy, refused, unreachable } from '../errors.ts';
import { errorTextIn, linkAt, textAt } from './document.ts';
import type { RedfishAddress, RedfishHttp, Reply, Sent } from './http.ts';

export interface RedfishSession {
  /** A document by its link. Throws what http.ts throws, and BMCAuthFailed, BMCBusy, BMCRefused. */
  get(link: string, signal: AbortSignal): Promise<Document>;
  /** The reply whatever its status, but for a refused login. */
  post(link: string, sent: Sent, signal: AbortSignal): Promise<Reply>;
  close(): Promise<void>;
}

export interface Document {
  readonly body: unknown;
  readonly etag: string | undefined;
}

/** Where every service begins (DSP0266 section 6.3). */
export const serviceRoot = '/redfish/v1/';

type Login =
  | { readonly kind: 'basic' }
  | { readonly kind: 'token'; readonly token: string; readonly session: string | undefined };

/** How often a GET is tried when the service stumbles, and for how long it is left alone after the first and second time. */
const pausesMs = [1_000, 2_000];
const closingMs = 5_000;

export interface SessionDeps {
  readonly http: RedfishHttp;
  readonly clock: Clock;
  readonly address: RedfishAddress;
  readonly username: string;
  readonly password: string;
}

export function createRedfishSession(deps: SessionDeps): RedfishSession {
  const { http, clock, address } = deps;
  let login: Login | undefined;

  const attempt = async (
    method: 'GET' | 'POST',
    link: string,
    sent: Sent,
    signal: AbortSignal,
  ): Promise<Reply> => {
    login ??= await logIn(deps, signal);
    return http.send(
      method,
      link,
      { ...sent, headers: { ...sent.headers, ...credentials(deps, login) } },
      signal,
    );
  };
  const send = async (
    method: 'GET' | 'POST',
    link: string,
    sent: Sent,
    signal: AbortSignal,
  ): Promise<Reply> => {
    let reply = await attempt(method, link, sent, signal);
    if (reply.status === 401 && login?.kind === 'token') {
      // The session expired, or the BMC restarted: once is normal, twice is not.
      login = undefined;
      reply = await attempt(method, link, sent, signal);
    }
    if (reply.status === 401) throw authFailed(address.text, errorTextIn(reply.body) ?? 'HTTP 401');
    return reply;
  };
  const read = async (link: string, signal: AbortSignal): Promise<Document> => {
    const reply = await send('GET', link, {}, signal);
    if (reply.status === 200 && typeof reply.body === 'object' && reply.body !== null) {
      return { body: reply.body, etag: reply.header('etag') ?? textAt(reply.body, '@odata.etag') };
    }
    if (reply.status === 200) throw unreachable(address.text, `what it sends for ${link} is no JSON`);
    throw problem(address, `GET ${link}`, reply);
  };

  return {
    post: (link, sent, signal) => send('POST', link, sent, signal),
    async get(link, signal) {
      for (const pause of pausesMs) {
        try {
          return await read(link, signal);
        } catch (error) {
          if (signal.aborted || !(error instanceof OperatorError && error.kind === 'transient')) throw error;
          await clock.sleep(pause, signal);
        }
      }
      return read(link, signal);
    },
    async close() {
      const former = login;
      login = undefined;
      if (former?.kind === 'token' && former.session !== undefined)
        await logOut(deps, former, former.session);
      await http.close();
    },
  };
}

/** What a reply that is no success means: 5xx (but for 501), 409, 423 and 429 pass, the rest does not. */
export function problem(address: RedfishAddress, what: string, reply: Reply): Error {
  const text = `${what}: HTTP ${reply.status}${suffix(errorTextIn(reply.body))}`;
  return (reply.status >= 500 && reply.status !== 501) || [409, 423, 429].includes(reply.status)
    ? busy(address.text, text)
    : refused(address.text, text);
}

async function logIn(deps: SessionDeps, signal: AbortSignal): Promise<Login> {
  const { http, address, username, password } = deps;
  let root = await http.send('GET', serviceRoot, {}, signal);
  // The root is open to all by the standard; where it is not, there is only Basic to ask with.
  if (root.status === 401) root = await http.send('GET', serviceRoot, { headers: basic(deps) }, signal);
  if (root.status === 401) throw authFailed(address.text, 'HTTP 401');
  if (root.status !== 200) throw problem(address, `GET ${serviceRoot}`, root);
  const sessions = linkAt(root.body, 'Links', 'Sessions');
  if (sessions === undefined) return { kind: 'basic' };
  const body = { UserName: username, Password: password };
  const reply = await http.send('POST', sessions, { body }, signal);
  const token = reply.header('x-auth-token');
  if (reply.status < 300 && token !== undefined) {
    const session = reply.header('location') ?? linkAt(reply.body);
    // Some put another of their names into the Location: only its path counts.
    return { kind: 'token', token, session: session && URL.parse(session, address.origin)?.pathname };
  }
  if ([404, 405, 501].includes(reply.status)) return { kind: 'basic' };
  // The standard's own messages repeat the value that they complain of.
  const told = { ...reply, body: without(password, reply.body) };
  if ([400, 401, 403].includes(reply.status))
    throw authFailed(address.text, `HTTP ${reply.status}${suffix(errorTextIn(told.body))}`);
  throw problem(address, 'logging in', told);
}

/** `body` with `secret` blanked out of its texts. */
const without = (secret: string, body: unknown): unknown =>
  JSON.parse(JSON.stringify(body ?? null), (_name, part: unknown) =>
    typeof part === 'string' ? part.replaceAll(secret, '…') : part,
  );

/** A session that is not given back stays open on the BMC for half an hour, and it has few. */
async function logOut(deps: SessionDeps, login: Login, session: string): Promise<void> {
  const deadline = new AbortController();
  const timer = deps.clock.schedule(closingMs, () => deadline.abort());
  try {
    await deps.http.send('DELETE', session, { headers: credentials(deps, login) }, deadline.signal);
  } catch {
    // A BMC that is away has no use for our goodbye; it ends idle sessions by itself.
  } finally {
    timer.cancel();
  }
}

const suffix = (detail: string | undefined): string => (detail === undefined ? '' : ` (${detail})`);

const basic = ({ username, password }: SessionDeps): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

const credentials = (deps: SessionDeps, login: Login): Record<string, string> =>
  login.kind === 'basic' ? basic(deps) : { 'x-auth-token': login.token };
