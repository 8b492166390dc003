// A network between us and a BMC, on loopback: it loses, repeats and reorders packets, always the same ones for a seed.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface Network {
  readonly port: number;
  /** How many packets were lost, both ways together. */
  lost(): number;
  close(): void;
}

export interface NetworkFaults {
  /** Shares of all packets, each way. */
  readonly loses?: number;
  readonly repeats?: number;
  /** Held back for a time at random, up to this. */
  readonly delaysMs?: number;
  readonly seed: number;
}

/** Mulberry32: enough for a lottery. */
function lottery(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What comes in at `port` goes to `target` on loopback, and back. */
export async function startNetwork(target: number, faults: NetworkFaults): Promise<Network> {
  const { loses = 0, repeats = 0, delaysMs = 0 } = faults;
  const random = lottery(faults.seed);
  const front = createSocket('udp4');
  const backs = new Map<number, Socket>();
  let lost = 0;
  let open = true;

  const pass = (deliver: () => void): void => {
    if (random() < loses) {
      lost += 1;
      return;
    }
    const copies = random() < repeats ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) setTimeout(() => open && deliver(), delaysMs * random());
  };
  const backOf = (client: number): Socket => {
    const known = backs.get(client);
    if (known !== undefined) return known;
    const back = createSocket('udp4');
    back.on('message', (packet) => pass(() => front.send(packet, client, '127.0.0.1')));
    backs.set(client, back);
    return back;
  };
  front.on('message', (packet, { port }) => pass(() => backOf(port).send(packet, target, '127.0.0.1')));
  front.bind(0, '127.0.0.1');
  await once(front, 'listening');
  return {
    port: front.address().port,
    lost: () => lost,
    close() {
      open = false;
      for (const socket of [front, ...backs.values()]) socket.close();
    },
  };
}
