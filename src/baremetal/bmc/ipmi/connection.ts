// Commands for one BMC, one at a time: in a session that is kept, kept alive while idle, and opened again when it is lost.
import type { Clock, Timer } from '../../../kernel/clock.ts';
import { createLimiter } from '../../../kernel/limiter.ts';
import { busy, unreachable } from '../errors.ts';
import { brief, patient, type Patience } from './exchange.ts';
import { createSessionHolder } from './holder.ts';
import { netFns, type Reply, type Request } from './message.ts';
import type { Session } from './session.ts';
import type { OpenLine } from './socket.ts';
import { completionText, isBusy } from './status.ts';

export interface Connection {
  /**
   * The reply, whatever its completion code, but for those that say "busy". Logs in where there is no session. Throws terminal
   * BMCAuthFailed and BMCRefused (the login), transient BMCUnreachable and BMCBusy. One at a time: others wait in line.
   */
  send(request: Request, signal: AbortSignal, effect?: Effect): Promise<Reply>;
  /** For what goes on beside commands: the session that the last command was sent in, if it still is. */
  current(): Session | undefined;
  /** Calls back once, when `session`, which is the current one, is lost or given back; until what it returns is called. */
  onLost(session: Session, lost: () => void): () => void;
  /** The number of the cipher suite of the last login. */
  suite(): number | undefined;
  /** Gives the session back. Never throws. */
  close(): Promise<void>;
}

export interface Effect {
  /** Called before every packet that carries the command, the repeated ones too. Throws when it must not be sent any more. */
  readonly permit: () => void;
  /** False: what was not answered is not sent again in another session, where the BMC cannot tell that it has done it. */
  readonly repeatable: boolean;
}

export interface ConnectionDeps {
  readonly clock: Clock;
  /** For what must not keep the process alive. */
  readonly background: Pick<Clock, 'schedule'>;
  readonly openLine: OpenLine;
  readonly randomBytes: (count: number) => Buffer;
  /** As it is written, for errors. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** BMCs end sessions after 60 s of silence, give or take 3 (IPMI v2.0 rev 1.1 section 6.12.15). */
const idleMs = 30_000;
const idleJitterMs = 15_000;
/** How long a BMC is left alone after each time that it says it is busy. */
const busyPausesMs = [300, 600, 1200, 2400];
const closingPatience: Patience = { ...brief, times: 2 };

const read: Effect = { permit: () => undefined, repeatable: true };
const getDeviceId: Request = { netFn: netFns.app, command: 0x01, data: [] };
const { signal: never } = new AbortController();
const silence = (): undefined => undefined;

export function createConnection(deps: ConnectionDeps): Connection {
  const { clock, background, address, randomBytes } = deps;
  const holder = createSessionHolder(deps);
  const inLine = createLimiter(1);
  let keepalive: Timer | undefined;
  let closed = false;

  const send = async (request: Request, effect: Effect, signal: AbortSignal): Promise<Reply> => {
    const beforeSend = effect.permit;
    const kept = holder.current();
    const reply = await kept?.command(request, { patience: brief, beforeSend }, signal);
    if (reply !== undefined) return reply;
    holder.lose();
    if (kept !== undefined && !effect.repeatable) throw unreachable(address, doubt);
    const fresh = await holder.open(signal);
    const patience = effect.repeatable ? patient : brief;
    const second = await fresh.command(request, { patience, beforeSend }, signal);
    if (second !== undefined) return second;
    holder.lose();
    throw unreachable(address, effect.repeatable ? 'it falls silent after the login' : doubt);
  };
  const sendUntilFree = async (request: Request, effect: Effect, signal: AbortSignal): Promise<Reply> => {
    for (const pause of busyPausesMs) {
      const reply = await send(request, effect, signal);
      if (!isBusy(reply.completion)) return reply;
      await clock.sleep(pause, signal);
    }
    const reply = await send(request, effect, signal);
    if (isBusy(reply.completion)) throw busy(address, completionText(reply.completion));
    return reply;
  };

  const stayAwake = async (): Promise<void> => {
    const how = { patience: brief, beforeSend: read.permit };
    const reply = await holder.current()?.command(getDeviceId, how, never).catch(silence);
    if (reply === undefined) holder.lose();
  };
  /** One after the other. What comes in time puts off the next sign of life. */
  const run = <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
    inLine.run(signal, async () => {
      keepalive?.cancel();
      try {
        return await work();
      } finally {
        if (!closed && holder.current() !== undefined) {
          const ms = idleMs + (idleJitterMs * randomBytes(1).readUInt8()) / 256;
          keepalive = background.schedule(ms, () => void run(never, stayAwake));
        }
      }
    });

  return {
    send: (request, signal, effect = read) => run(signal, () => sendUntilFree(request, effect, signal)),
    current: () => holder.current(),
    onLost: (session, lost) => holder.onLost(session, lost),
    suite: () => holder.suite(),
    async close() {
      closed = true;
      await run(never, async () => {
        const session = holder.current();
        const how = { patience: closingPatience, beforeSend: read.permit };
        await session?.command(session.closeRequest, how, never).catch(silence);
        holder.close();
      });
    },
  };
}

const doubt = 'no answer to a command which it may have taken';
