// Logging in at a Redfish service: a session where it offers sessions and has one left, else Basic authentication.
import type { Clock } from '../../../kernel/clock.ts';
import { authFailed } from '../errors.ts';
import { isSessionLimit } from './answer.ts';
import { errorTextIn, linkAt } from './document.ts';
import type { RedfishAddress, RedfishHttp, Reply } from './http.ts';
import { problem, suffix } from './problem.ts';

/** Where every service begins (DSP0266 section 6.3). */
export const serviceRoot = '/redfish/v1/';

export type Login =
  | {
      readonly kind: 'basic';
      /** What the service said when it had no session left for us. */
      readonly full?: Error;
    }
  | { readonly kind: 'token'; readonly token: string; readonly session: string | undefined };

export interface LoginDeps {
  readonly http: RedfishHttp;
  readonly clock: Clock;
  readonly address: RedfishAddress;
  readonly username: string;
  readonly password: string;
}

const closingMs = 5_000;

/** Throws BMCAuthFailed for a wrong password, BMCBusy and BMCRefused for the rest, and what http.ts throws. */
export async function logIn(deps: LoginDeps, signal: AbortSignal): Promise<Login> {
  const { http, address, username, password } = deps;
  let root = await http.send('GET', serviceRoot, {}, signal);
  // The root is open to all by the standard; where it is not (quirk `closedRoot`), there is only Basic to ask with.
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
  return otherwise(deps, reply);
}

/** What to make of a login that gave no session. */
function otherwise({ address, password }: LoginDeps, reply: Reply): Login {
  // The standard's own messages repeat the value that they complain of.
  const told = { ...reply, body: without(password, reply.body) };
  // Quirk `fewSessions`.
  if (isSessionLimit(reply))
    return { kind: 'basic', full: problem(address, 'logging in', { ...told, status: 503 }) };
  if ([404, 405, 501].includes(reply.status)) return { kind: 'basic' };
  if ([400, 401, 403].includes(reply.status)) {
    throw authFailed(address.text, `HTTP ${reply.status}${suffix(errorTextIn(told.body))}`);
  }
  throw problem(address, 'logging in', told);
}

/** `body` with `secret` blanked out of its texts. */
const without = (secret: string, body: unknown): unknown =>
  JSON.parse(JSON.stringify(body ?? null), (_name, part: unknown) =>
    typeof part === 'string' ? part.replaceAll(secret, '…') : part,
  );

/** A session that is not given back stays open on the BMC for half an hour, and it has few. Never throws. */
export async function logOut(deps: LoginDeps, login: Login): Promise<void> {
  if (login.kind === 'basic' || login.session === undefined) return;
  const deadline = new AbortController();
  const timer = deps.clock.schedule(closingMs, () => deadline.abort());
  try {
    await deps.http.send('DELETE', login.session, { headers: credentials(deps, login) }, deadline.signal);
  } catch {
    // A BMC that is away has no use for our goodbye; it ends idle sessions by itself.
  } finally {
    timer.cancel();
  }
}

const basic = ({ username, password }: LoginDeps): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

/** The headers that a request of this login has. */
export const credentials = (deps: LoginDeps, login: Login): Record<string, string> =>
  login.kind === 'basic' ? basic(deps) : { 'x-auth-token': login.token };
