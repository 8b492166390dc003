// One open session: commands one after the other, each repeated until answered, and the serial console beside them.
import type { Clock } from '../../../kernel/clock.ts';
import { createExchanger, type Patience } from './exchange.ts';
import type { Opened } from './login.ts';
import { encodeRequest, netFns, parseReply, type Reply, type Request } from './message.ts';
import { openPacket, payloadTypes, sealPacket, type Packet, type PayloadType } from './packet.ts';
import { duplicated } from './status.ts';
import { createSequenceWindow } from './window.ts';

export interface Session {
  /** The cipher suite's number. */
  readonly suite: number;
  /**
   * Undefined: silence. `beforeSend` is called before every packet that carries the command, the repeated ones too; what it
   * throws ends the command. One at a time.
   */
  command(request: Request, how: Sending, signal: AbortSignal): Promise<Reply | undefined>;
  /** A packet for this session, from anyone. */
  receive(packet: Packet): void;
  isFor(packet: Packet): boolean;
  /** Ends the command that is under way. */
  fail(error: Error): void;
  sendSol(payload: Buffer): void;
  /** Gets the payloads of the serial console from now on. */
  onSol(receive: (payload: Buffer) => void): void;
  /** Tells the BMC once that we are done (IPMI v2.0 rev 1.1 section 22.19), and waits for nothing. */
  end(): void;
  readonly closeRequest: Request;
}

export interface Sending {
  readonly patience: Patience;
  readonly beforeSend: () => void;
}

export interface SessionDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomBytes: (count: number) => Buffer;
  readonly send: (packet: Buffer) => void;
}

export function createSession(deps: SessionDeps, { keys, consoleId, bmcId }: Opened): Session {
  const exchanger = createExchanger<Buffer>(deps.clock, deps.random);
  const window = createSequenceWindow();
  const ids = { ours: consoleId.readUInt32LE(), theirs: bmcId.readUInt32LE() };
  let sequence = 0;
  let requesterSequence = 0;
  let receiveSol: (payload: Buffer) => void = () => undefined;

  const send = (type: PayloadType, payload: Buffer): void => {
    // Each packet has a number of its own, a repeated one too (section 6.12.13); 0 is none.
    sequence = (sequence % 0xffffffff) + 1;
    const to = { type, sessionId: ids.theirs, sequence };
    deps.send(sealPacket(keys, to, payload, deps.randomBytes(16)));
  };
  const nextRequesterSequence = (): number => {
    requesterSequence = (requesterSequence + 1) % 64;
    return requesterSequence;
  };
  const closeRequest = { netFn: netFns.app, command: 0x3c, data: [...bmcId] } as const;

  return {
    suite: keys.suite.id,
    command(request, { patience, beforeSend }, signal) {
      const number = nextRequesterSequence();
      // A repeated request has the number of the first, by which the BMC can tell that it has done it (section 5.6).
      const message = encodeRequest(request, number);
      return exchanger.ask(
        {
          patience,
          send() {
            beforeSend();
            send(payloadTypes.ipmi, message);
          },
          read(payload) {
            const reply = parseReply(payload, request, number);
            return reply?.completion === duplicated ? undefined : reply;
          },
        },
        signal,
      );
    },
    isFor: ({ sessionId }) => sessionId === ids.ours,
    receive(packet) {
      const payload = openPacket(keys, packet);
      if (payload === undefined || !window.accept(packet.sequence)) return;
      if (packet.type === payloadTypes.ipmi) exchanger.offer(payload);
      if (packet.type === payloadTypes.sol) receiveSol(payload);
    },
    fail: (error) => exchanger.fail(error),
    sendSol: (payload) => send(payloadTypes.sol, payload),
    onSol(receive) {
      receiveSol = receive;
    },
    end: () => send(payloadTypes.ipmi, encodeRequest(closeRequest, nextRequesterSequence())),
    closeRequest,
  };
}
