// Opens a session: open session request, RAKP 1 to 4 (IPMI v2.0 rev 1.1 section 13.15).
import type { KeyObject } from 'node:crypto';
import { authFailed, busy, refused, unreachable } from '../errors.ts';
import { isEqual, type CipherSuite, type SessionKeys } from './algorithms.ts';
import { brief, type Exchanger, type Patience } from './exchange.ts';
import { discovery, payloadTypes, plainPacket, type Packet, type PayloadType } from './packet.ts';
import {
  deriveKeys,
  isProven,
  openRequest,
  parseAnswer,
  rakp1,
  rakp3,
  rakp3Refusal,
  readChallenge,
  readOpened,
  type Answer,
  type Challenge,
  type Handshake,
} from './rakp.ts';
import { refusalOf, statusText } from './status.ts';

export interface LoginDeps {
  /** Gets the packets that belong to no session. */
  readonly exchanger: Exchanger<Packet>;
  readonly send: (packet: Buffer) => void;
  readonly randomBytes: (count: number) => Buffer;
  /** The BMC's address as it is written, for errors. */
  readonly address: string;
  readonly username: Buffer;
  readonly password: KeyObject;
}

/** Session IDs as on the wire. */
export interface Opened {
  readonly kind: 'opened';
  /**
   * False: RAKP 4 did not come. The BMC may have sent it once and ignore RAKP 3 by now (as ipmi_sim does): then the session is
   * open, and an answer in it, which is signed with the same keys, proves as much.
   */
  readonly isConfirmed: boolean;
  readonly keys: SessionKeys;
  readonly consoleId: Buffer;
  readonly bmcId: Buffer;
}

/**
 * `suite`: not spoken there; `role`: this user is no administrator, or not in this suite; `silence`: no answer to the first
 * message. Another suite may do in each case.
 */
export type LoginResult = Opened | { readonly kind: 'suite' | 'role' | 'silence'; readonly detail: string };

interface Restart {
  readonly kind: 'restart';
  readonly detail: string;
}

/** Logins that begin again because the BMC lost track. */
const mostRounds = 3;
/** About 2 s. */
const proofPatience: Patience = { ...brief, times: 3 };

/**
 * Throws terminal BMCAuthFailed (a wrong password is found out before the BMC is sent a proof), BMCRefused, transient BMCBusy
 * and BMCUnreachable.
 */
export async function logIn(
  deps: LoginDeps,
  suite: CipherSuite,
  patience: Patience,
  signal: AbortSignal,
): Promise<LoginResult> {
  let detail = '';
  for (let round = 0; round < mostRounds; round += 1) {
    const result = await attempt(deps, suite, patience, signal);
    if (result.kind !== 'restart') return result;
    detail = result.detail;
  }
  throw unreachable(deps.address, `it drops the login half-way: ${detail}`);
}

async function attempt(
  deps: LoginDeps,
  suite: CipherSuite,
  patience: Patience,
  signal: AbortSignal,
): Promise<LoginResult | Restart> {
  const consoleId = deps.randomBytes(4);
  // 0 stands for "outside of a session".
  if (consoleId.readUInt32LE() === 0) consoleId[0] = 1;
  const ask = createAsk(deps, consoleId, patience, signal);
  let sent = 0;
  const greet = (tag: number): Buffer => {
    sent += 1;
    // In place of the second one, and not beside it: pyghmi's server ends when both come at once.
    return sent === 2 ? discovery : plainPacket(payloadTypes.openRequest, openRequest(tag, consoleId, suite));
  };
  const greeting = await ask(payloadTypes.openReply, greet);
  if (greeting === undefined) return { kind: 'silence', detail: 'silence over IPMI' };
  const opened = readOpened(greeting);
  if (greeting.status !== 0) return refusal(deps.address, greeting.status);
  if (opened === undefined) throw unreachable(deps.address, 'its open session response is cut off');
  const proposed = [suite.authentication, suite.integrity, suite.confidentiality];
  // Some answer with what they speak instead of an error: taking it would let others choose our suite.
  if (proposed.some((algorithm, kind) => opened.algorithms[kind] !== algorithm))
    return { kind: 'suite', detail: `it answers a proposal of suite ${suite.id} with other algorithms` };
  const { username, password } = deps;
  const { bmcId } = opened;
  const known = { suite, consoleId, bmcId, consoleRandom: deps.randomBytes(16), username, password };
  return prove(deps, known, ask);
}

async function prove(deps: LoginDeps, known: Handshake, ask: Ask): Promise<LoginResult | Restart> {
  let asked = 0;
  const answer = await ask(payloadTypes.rakp2, (tag) => {
    asked += 1;
    return plainPacket(payloadTypes.rakp1, rakp1(tag, known));
  });
  if (answer === undefined)
    throw unreachable(deps.address, 'it falls silent when it is told the user name, and may not know it');
  if (answer.status !== 0) return refusal(deps.address, answer.status);
  const challenge = readChallenge(answer);
  if (challenge === undefined) throw unreachable(deps.address, 'its RAKP 2 message is cut off');
  if (!isProven(known, challenge)) {
    // The BMC need not wait for us any longer.
    deps.send(plainPacket(payloadTypes.rakp3, rakp3Refusal(0, known, 0x0f)));
    throw authFailed(deps.address, 'the BMC signs RAKP 2 with another password');
  }
  return finish(deps, known, challenge, { ask, garbled: asked > 1 });
}

async function finish(
  deps: LoginDeps,
  known: Handshake,
  challenge: Challenge,
  { ask, garbled }: { readonly ask: Ask; readonly garbled: boolean },
): Promise<LoginResult | Restart> {
  const { keys, check } = deriveKeys(known, challenge);
  const opened = { kind: 'opened', keys, consoleId: known.consoleId, bmcId: known.bmcId } as const;
  const message = (tag: number): Buffer => plainPacket(payloadTypes.rakp3, rakp3(tag, known, challenge));
  const answer = await ask(payloadTypes.rakp4, message, proofPatience);
  if (answer === undefined) return { ...opened, isConfirmed: false };
  // A BMC that was asked twice may have drawn two random numbers, and want the proof for the one that we did not see first.
  if (answer.status === 0x0f && garbled) return { kind: 'restart', detail: statusText(answer.status) };
  if (answer.status === 0x0f) throw authFailed(deps.address, statusText(answer.status));
  if (answer.status !== 0) return refusal(deps.address, answer.status);
  if (isEqual(check, answer.rest)) return { ...opened, isConfirmed: true };
  throw authFailed(deps.address, 'it knows the password, and signs with another key: is a BMC key (Kg) set?');
}

function refusal(address: string, status: number): LoginResult | Restart {
  const detail = statusText(status);
  const kind = refusalOf(status);
  switch (kind) {
    case 'suite':
    case 'role':
    case 'restart':
      return { kind, detail };
    case 'busy':
      throw busy(address, detail);
    case 'user':
      throw authFailed(address, `unknown user: ${detail}`);
    case 'other':
      throw refused(address, `the login, with ${detail}`);
  }
}

/** Sends what `packet` makes until there is an answer of this type. Undefined: silence. */
type Ask = (
  type: PayloadType,
  packet: (tag: number) => Buffer,
  patience?: Patience,
) => Promise<Answer | undefined>;

function createAsk(deps: LoginDeps, consoleId: Buffer, usual: Patience, signal: AbortSignal): Ask {
  let tag = 0;
  return (type, packet, patience = usual) => {
    tag += 1;
    const ours = tag;
    return deps.exchanger.ask(
      {
        patience,
        send: () => deps.send(packet(ours)),
        read(received) {
          const answer = received.type === type ? parseAnswer(received.payload) : undefined;
          if (answer?.tag !== ours) return undefined;
          // With an error some leave our ID out.
          return answer.status !== 0 || answer.consoleId.equals(consoleId) ? answer : undefined;
        },
      },
      signal,
    );
  };
}
