// The Service of deploy/agent for operators that are processes: machines call one address, and reach the replica that leads.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freeTcpPort, portOf } from './ports.ts';

/** Where one replica listens. */
export interface ReplicaPorts {
  readonly agent: number;
  readonly boot: number;
}

export interface Service {
  readonly ports: ReplicaPorts;
  /** From now on machines reach this replica. */
  select(replica: ReplicaPorts): void;
  close(): Promise<void>;
}

export const freePorts = async (): Promise<ReplicaPorts> => ({
  agent: await freeTcpPort(),
  boot: await freeTcpPort(),
});

export async function startService(): Promise<Service> {
  let selected: ReplicaPorts | undefined;
  const open = new Set<Socket>();
  const [agent, boot] = [
    await startForwarder(() => selected?.agent, open),
    await startForwarder(() => selected?.boot, open),
  ];
  return {
    ports: { agent: portOf(agent), boot: portOf(boot) },
    select(replica) {
      selected = replica;
      for (const socket of open) socket.destroy();
    },
    async close() {
      const closed = [agent, boot].map((server) => once(server, 'close'));
      for (const server of [agent, boot]) server.close();
      for (const socket of open) socket.destroy();
      await Promise.all(closed);
    },
  };
}

/** The replica sees the machine's own address, as with `externalTrafficPolicy: Local`. */
async function startForwarder(port: () => number | undefined, open: Set<Socket>): Promise<Server> {
  const server = createServer((client) => {
    const target = port();
    const localAddress = client.remoteAddress;
    if (target === undefined || localAddress === undefined) {
      client.destroy();
      return;
    }
    const replica = connect({ host: '127.0.0.1', port: target, localAddress });
    for (const [one, other] of [
      [client, replica],
      [replica, client],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy()).on('close', () => open.delete(one) && other.destroy());
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
