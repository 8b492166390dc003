// One UDP socket per address family for all BMCs: packets come back by the address and port that they were sent to.
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { SocketAddress } from 'node:net';

export interface Remote {
  readonly family: 'ipv4' | 'ipv6';
  /** As the platform writes it. */
  readonly address: string;
  readonly port: number;
}

/** One BMC as seen from here. */
export interface Line {
  send(packet: Buffer): void;
  /** No packet comes in after this. */
  close(): void;
}

/** `onError` gets what the system says when it cannot send at all (no route, no permission). */
export type OpenLine = (
  remote: Remote,
  onPacket: (packet: Buffer) => void,
  onError: (error: Error) => void,
) => Line;

/** What the kernel may keep for us between two turns of the event loop; it gives less where it is told to. */
const receiveBytes = 4 * 1024 * 1024;

/** Looks a name up, or takes an IP address as it is. Throws the system's error. */
export async function resolveRemote(host: string, port: number): Promise<Remote> {
  const { address, family } = await lookup(host);
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  return { family: kind, address: new SocketAddress({ address, family: kind }).address, port };
}

/** The sockets are open while lines are, and do not keep the process alive. */
export function createSharedSockets(): OpenLine {
  const sockets = new Map<Remote['family'], SharedSocket>();
  return (remote, onPacket, onError) => {
    const shared =
      sockets.get(remote.family) ?? openShared(remote.family, () => sockets.delete(remote.family));
    sockets.set(remote.family, shared);
    return shared.line(remote, onPacket, onError);
  };
}

interface SharedSocket {
  line: OpenLine;
}

const keyOf = (address: string, port: number): string => `${address} ${port}`;

function openShared(family: Remote['family'], onClose: () => void): SharedSocket {
  /** Two nodes can have one BMC: each gets everything, and knows its own session. */
  const lines = new Map<string, Set<(packet: Buffer) => void>>();
  const socket = createSocket({ type: family === 'ipv6' ? 'udp6' : 'udp4', recvBufferSize: receiveBytes });
  socket.on('message', (packet, from) => {
    for (const receive of lines.get(keyOf(from.address, from.port)) ?? []) receive(packet);
  });
  // Errors of sending go to the line that sent; there are no others that would say more.
  socket.on('error', () => undefined);
  socket.unref();
  return {
    line(remote, onPacket, onError) {
      const key = keyOf(remote.address, remote.port);
      const receivers = lines.get(key) ?? new Set();
      lines.set(key, receivers);
      // A receiver of its own, even where two lines are given the same function.
      const receive = (packet: Buffer) => onPacket(packet);
      receivers.add(receive);
      return {
        send: (packet) => sendOn(socket, remote, packet, onError),
        close() {
          receivers.delete(receive);
          if (receivers.size === 0 && lines.get(key) === receivers) lines.delete(key);
          if (lines.size > 0) return;
          onClose();
          closeQuietly(socket);
        },
      };
    },
  };
}

function sendOn(
  socket: Socket,
  { address, port }: Remote,
  packet: Buffer,
  onError: (error: Error) => void,
): void {
  socket.send(packet, port, address, (error) => {
    if (error) onError(error);
  });
}

function closeQuietly(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It was closed before, by a line that was closed twice.
  }
}
