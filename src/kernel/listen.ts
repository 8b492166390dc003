// Has a server listen, and ends it with every connection that it has: for all the listeners of our programs.
import type { AddressInfo, Server, Socket } from 'node:net';
import { terminal } from './errors.ts';

export interface Listening {
  /** The port it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

/** `what` is what is served, for the error: terminal PortUnavailable. Port 0 is any free one. */
export async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  what: string,
): Promise<Listening> {
  // Node's own list of connections lacks those that are in their TLS handshake still.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const listening = Promise.withResolvers<AddressInfo>();
  server.once('error', (error) =>
    listening.reject(
      terminal('PortUnavailable', `cannot serve ${what} on ${host}:${port}: ${error.message}`, error),
    ),
  );
  server.listen(port, host, () => listening.resolve(server.address() as AddressInfo));
  const address = await listening.promise;
  return {
    port: address.port,
    close() {
      const closed: PromiseWithResolvers<void> = Promise.withResolvers();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      return closed.promise;
    },
  };
}
