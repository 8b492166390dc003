// The serial console over the network: text from the machine, acknowledged packet by packet (IPMI v2.0 rev 1.1 section 15).
import type { Clock } from '../../../kernel/clock.ts';
import { busy, refused, unreachable } from '../errors.ts';
import type { Connection } from './connection.ts';
import { netFns, type Request } from './message.ts';
import { completionText } from './status.ts';

const solPayload = 1;
const instance = 1;
/** Sections 24.1 and 24.2. Encrypted and authenticated, as all of our packets are. */
const activate: Request = { netFn: netFns.app, command: 0x48, data: [solPayload, instance, 0xc0, 0, 0, 0] };
const deactivate: Request = { netFn: netFns.app, command: 0x49, data: [solPayload, instance, 0, 0, 0, 0] };
const closingMs = 3_000;

/** A packet from the BMC (table 15-2). */
export interface SolPacket {
  /** 1 to 15; 0: it only acknowledges. */
  readonly sequence: number;
  /** The BMC has ended the console. */
  readonly ended: boolean;
  readonly characters: Buffer;
}

export function parseSol(payload: Buffer): SolPacket | undefined {
  if (payload.length < 4) return undefined;
  return {
    sequence: payload.readUInt8(0) & 0x0f,
    ended: (payload.readUInt8(3) & 0x10) !== 0,
    characters: payload.subarray(4),
  };
}

/** Acknowledges a packet, all of it, and carries nothing (table 15-2). */
export const solAcknowledgement = ({ sequence, characters }: SolPacket): Buffer =>
  Buffer.from([0, sequence, Math.min(characters.length, 0xff), 0]);

/**
 * Resolves when `signal` aborts or the BMC ends it. Throws terminal BMCRefused (it has no console for us), transient BMCBusy
 * (another has it) and BMCUnreachable (the session was lost).
 */
export async function followConsole(
  deps: { readonly address: string; readonly clock: Clock; readonly connection: Connection },
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { address, connection } = deps;
  const { completion } = await connection.send(activate, signal);
  // Section 24.1: already active, and as many as it can have.
  if (completion === 0x80 || completion === 0x82)
    throw busy(address, 'somebody else follows its serial console');
  if (completion !== 0) throw refused(address, `the serial console, with ${completionText(completion)}`);
  try {
    await relay(deps, onText, signal);
  } finally {
    await release(deps);
  }
}

function relay(
  { address, connection }: { readonly address: string; readonly connection: Connection },
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const session = connection.current();
  if (session === undefined) throw unreachable(address, 'its session was lost');
  const take = createReceiver(onText);
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      signal.removeEventListener('abort', onAbort);
      stopWatching();
      settle();
    };
    const onAbort = () => finish(resolve);
    const stopWatching = connection.onLost(session, () =>
      finish(() => reject(unreachable(address, 'its session was lost'))),
    );
    signal.addEventListener('abort', onAbort, { once: true });
    session.onSol((payload) => {
      const packet = parseSol(payload);
      if (packet === undefined) return;
      if (packet.sequence !== 0) session.sendSol(solAcknowledgement(packet));
      take(packet);
      if (packet.ended) finish(resolve);
    });
    if (signal.aborted) finish(resolve);
  });
}

/** Passes on each character once: a packet that comes again, because an acknowledgement was lost, may have grown. */
export function createReceiver(onText: (text: string) => void): (packet: SolPacket) => void {
  const decoder = new TextDecoder();
  let last = { sequence: 0, count: 0 };
  return ({ sequence, characters }) => {
    if (sequence === 0) return;
    const known = sequence === last.sequence ? last.count : 0;
    last = { sequence, count: Math.max(known, characters.length) };
    if (characters.length > known) onText(decoder.decode(characters.subarray(known), { stream: true }));
  };
}

/** The caller's signal is over by now. A BMC that is away has no use for it. */
async function release({
  clock,
  connection,
}: {
  readonly clock: Clock;
  readonly connection: Connection;
}): Promise<void> {
  const session = connection.current();
  session?.onSol(() => undefined);
  if (session === undefined) return;
  const deadline = new AbortController();
  const timer = clock.schedule(closingMs, () => deadline.abort(new Error('no answer')));
  try {
    await connection.send(deactivate, deadline.signal);
  } catch {
    // It ends with the session.
  } finally {
    timer.cancel();
  }
}
