// One request and its answer as one who is logged in: logs in at the first, and once more when the session has ended.
import { authFailed } from '../errors.ts';
import { errorTextIn } from './document.ts';
import type { Method, Reply, Sent } from './http.ts';
import { credentials, logIn, logOut, type Login, type LoginDeps } from './login.ts';

export interface Command {
  /** Called right before each request that is sent. Throws when it must not be sent any more. */
  readonly permit: () => void;
  readonly signal: AbortSignal;
}

export interface Exchange {
  /** The reply whatever its status, but for a refused login. Throws what http.ts throws, and what logging in does. */
  exchange(method: Method, link: string, sent: Sent, command: Command): Promise<Reply>;
  /** Gives the session back, if there is one. Never throws. */
  logOut(): Promise<void>;
}

export function createExchange(deps: LoginDeps): Exchange {
  const { http, address } = deps;
  let login: Login | undefined;
  /** Basic authentication was refused where sessions had run out. Asking again would only add to the failed logins. */
  let noBasic = false;

  const logInAgain = async (signal: AbortSignal): Promise<Login> => {
    const fresh = await logIn(deps, signal);
    if (noBasic && fresh.kind === 'basic' && fresh.full !== undefined) throw fresh.full;
    return fresh;
  };
  const attempt = async (method: Method, link: string, sent: Sent, command: Command): Promise<Reply> => {
    login ??= await logInAgain(command.signal);
    command.permit();
    const headers = { ...sent.headers, ...credentials(deps, login) };
    return http.send(method, link, { ...sent, headers }, command.signal);
  };
  const authenticated: typeof attempt = async (method, link, sent, command) => {
    let reply = await attempt(method, link, sent, command);
    if (reply.status === 401 && login?.kind === 'token') {
      // The session expired, or the BMC restarted: once is normal, twice is not.
      login = undefined;
      reply = await attempt(method, link, sent, command);
    }
    if (reply.status !== 401) return reply;
    if (login?.kind !== 'basic' || login.full === undefined) {
      throw authFailed(address.text, errorTextIn(reply.body) ?? 'HTTP 401');
    }
    // It takes no Basic authentication, so it is as the login was told: no session is left.
    const { full } = login;
    login = undefined;
    noBasic = true;
    throw full;
  };

  return {
    async exchange(method, link, sent, command) {
      const reply = await authenticated(method, link, sent, command);
      // Quirk `trailingSlash`.
      return reply.status === 404 && !link.endsWith('/')
        ? authenticated(method, `${link}/`, sent, command)
        : reply;
    },
    async logOut() {
      const former = login;
      login = undefined;
      if (former !== undefined) await logOut(deps, former);
    },
  };
}
