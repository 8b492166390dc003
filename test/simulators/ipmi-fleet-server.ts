// The child process of ipmi-fleet.ts: one UDP socket for each BMC.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createFakeIpmi } from '../fakes/ipmi.ts';

export interface IpmiFleetOptions {
  readonly count: number;
  readonly suites: readonly number[];
  readonly username: string;
  readonly password: string;
}

const { count, ...login } = JSON.parse(process.argv[2] ?? '{}') as IpmiFleetOptions;

/** Linux answers on all of 127.0.0.0/8: 127.96.0.1 and up, without the addresses that end in 0 or 255. */
const addressOf = (index: number): string =>
  `127.96.${String(Math.floor(index / 254))}.${String((index % 254) + 1)}`;

async function listen(address: string, port: number): Promise<Socket> {
  const fake = createFakeIpmi({ ...login, power: true });
  const socket = createSocket('udp4');
  socket.on('message', (packet, from) => {
    for (const reply of fake.receive(packet)) socket.send(reply, from.port, from.address);
    // Nobody reads it here.
    fake.log.length = 0;
  });
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

const addresses = Array.from({ length: count }, (_, index) => addressOf(index));
const first = await listen(addressOf(0), 0);
const { port } = first.address();
await Promise.all(addresses.slice(1).map((address) => listen(address, port)));

process.on('disconnect', () => process.exit(0));
process.send?.({ port, addresses });
