// A fleet of Redfish BMCs in one child process: each has its own loopback address, all the same port, and answers from memory.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { FleetOptions } from './redfish-fleet-server.ts';

export interface FleetMember {
  /** As spec.bmc.address has it. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
}

export interface Fleet {
  /** The `index`th BMC, from 0 to 65,023. */
  member(index: number): FleetMember;
  /** Of all of them together, since the start. */
  counts(): Promise<{ readonly requests: number; readonly logins: number; readonly refused: number }>;
  stop(): Promise<void>;
}

/** Linux answers on all of 127.0.0.0/8: 127.64.0.1 and up, without the addresses that end in 0 or 255. */
const ipOf = (index: number): string =>
  `127.${String(64 + Math.floor(index / 65_024))}.${String(Math.floor(index / 254) % 256)}.${String((index % 254) + 1)}`;

const username = 'admin';
const passwordPrefix = 'secret of ';

/** `delayMs`: what every answer takes. All machines are off at first. */
export async function startRedfishFleet(delayMs = 0): Promise<Fleet> {
  const options: FleetOptions = { username, passwordPrefix, delayMs };
  const server = path.join(import.meta.dirname, 'redfish-fleet-server.ts');
  const child = fork(server, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ask = async <T>(): Promise<T> => {
    const [answer] = (await once(child, 'message')) as [T];
    return answer;
  };
  const { port } = await ask<{ readonly port: number }>();
  return {
    member(index) {
      const ip = ipOf(index);
      const address = `redfish+http://${ip}:${String(port)}/redfish/v1/Systems/1`;
      return { address, username, password: `${passwordPrefix}${ip}` };
    },
    counts() {
      child.send('counts');
      return ask();
    },
    async stop() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
