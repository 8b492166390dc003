// Holds the session with a BMC, if there is one: opens it, sorts the packets that come in, and lets it go.
import { createSecretKey } from 'node:crypto';
import { messageOf } from '../../../kernel/errors.ts';
import { authFailed, busy, refused, unreachable } from '../errors.ts';
import type { ConnectionDeps } from './connection.ts';
import { brief, createExchanger, patient, type Patience } from './exchange.ts';
import { netFns, type Request } from './message.ts';
import { parsePacket, type Packet } from './packet.ts';
import { administrator } from './rakp.ts';
import { createSession, type Session } from './session.ts';
import { resolveRemote, type Line } from './socket.ts';
import { completionText, isBusy } from './status.ts';
import { createSuiteLogin } from './suites.ts';

export interface SessionHolder {
  current(): Session | undefined;
  /** A new one. Throws terminal BMCAuthFailed and BMCRefused, transient BMCUnreachable and BMCBusy. */
  open(signal: AbortSignal): Promise<Session>;
  /** There is none any more. The BMC is told, and not waited for: perhaps only its answers were lost, and its slots are few. */
  lose(): void;
  /** Calls back once, when `session`, which is the current one, is held no more; until what it returns is called. */
  onLost(session: Session, lost: () => void): () => void;
  suite(): number | undefined;
  /** Forgets the session, without a word to the BMC, and hears nothing more. */
  close(): void;
}

/** Logins in a row that end in silence. */
const mostRounds = 3;
/** IPMI v2.0 rev 1.1 section 22.18. */
const setPrivilege: Request = { netFn: netFns.app, command: 0x3b, data: [administrator] };

export function createSessionHolder(deps: ConnectionDeps): SessionHolder {
  const { clock, address, randomBytes } = deps;
  const random = (): number => randomBytes(1).readUInt8() / 256;
  const exchanger = createExchanger<Packet>(clock, random);
  const suites = createSuiteLogin();
  let line: Line | undefined;
  let held: { readonly session: Session; readonly lost: Set<() => void> } | undefined;

  const send = (packet: Buffer): void => line?.send(packet);
  const receive = (raw: Buffer): void => {
    const packet = parsePacket(raw);
    if (packet?.sessionId === 0) exchanger.offer(packet);
    else if (packet !== undefined && held?.session.isFor(packet)) held.session.receive(packet);
  };
  const fail = (cause: Error): void => {
    const error = unreachable(address, messageOf(cause), cause);
    exchanger.fail(error);
    held?.session.fail(error);
  };
  const forget = (): void => {
    const former = held;
    held = undefined;
    for (const lost of former?.lost ?? []) lost();
  };
  const lose = (): void => {
    held?.session.end();
    forget();
  };
  const losing = (error: unknown): never => {
    lose();
    throw error;
  };

  return {
    current: () => held?.session,
    suite: () => suites.suite(),
    lose,
    async open(signal) {
      lose();
      checkLengths(deps);
      const remote = await resolved(deps, signal);
      line?.close();
      line = deps.openLine(remote, receive, fail);
      const username = Buffer.from(deps.username);
      const password = createSecretKey(Buffer.from(deps.password));
      const login = { exchanger, send, randomBytes, address, username, password };
      for (let round = 0; round < mostRounds; round += 1) {
        const opened = await suites.logIn(login, signal);
        const session = createSession({ clock, random, randomBytes, send }, opened);
        held = { session, lost: new Set() };
        const patience = opened.isConfirmed ? patient : brief;
        if (await becomeAdministrator(address, session, patience, signal).catch(losing)) return session;
        lose();
      }
      throw unreachable(address, 'it falls silent after the login');
    },
    onLost(session, lost) {
      const callbacks = held?.session === session ? held.lost : new Set<() => void>();
      callbacks.add(lost);
      return () => void callbacks.delete(lost);
    },
    close() {
      forget();
      line?.close();
      line = undefined;
    },
  };
}

/** False: silence. */
async function becomeAdministrator(
  address: string,
  session: Session,
  patience: Patience,
  signal: AbortSignal,
): Promise<boolean> {
  const reply = await session.command(setPrivilege, { patience, beforeSend: () => undefined }, signal);
  if (reply === undefined) return false;
  if (reply.completion === 0) return true;
  const why = completionText(reply.completion);
  throw isBusy(reply.completion)
    ? busy(address, why)
    : refused(address, `the user is no administrator (${why})`);
}

/** The standard's bounds (sections 13.20 and 22.30): what is longer cannot be right. */
function checkLengths({ address, username, password }: ConnectionDeps): void {
  if (Buffer.byteLength(username) > 16) throw authFailed(address, 'the user name is longer than 16 bytes');
  if (Buffer.byteLength(password) > 20) throw authFailed(address, 'the password is longer than 20 bytes');
}

/** Looking up a name cannot be called off; waiting for it can. */
function resolved(
  { address, host, port }: ConnectionDeps,
  signal: AbortSignal,
): ReturnType<typeof resolveRemote> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    resolveRemote(host, port)
      .then(resolve, (error: unknown) => reject(unreachable(address, messageOf(error), error)))
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
