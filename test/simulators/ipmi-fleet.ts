// A fleet of IPMI BMCs in one child process: each has its own loopback address, all the same port, and answers from memory.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { IpmiFleetOptions } from './ipmi-fleet-server.ts';

export interface IpmiFleet {
  /** Of the `index`th BMC, without the scheme. */
  place(index: number): string;
  readonly username: string;
  readonly password: string;
  stop(): Promise<void>;
}

/** `suites`: the cipher suites that they speak. All machines are on. */
export async function startIpmiFleet(count: number, suites: readonly number[] = [17, 3]): Promise<IpmiFleet> {
  const options: IpmiFleetOptions = { count, suites, username: 'admin', password: 'secret' };
  const server = path.join(import.meta.dirname, 'ipmi-fleet-server.ts');
  const child = fork(server, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ port, addresses }] = (await once(child, 'message')) as [
    { readonly port: number; readonly addresses: readonly string[] },
  ];
  return {
    place: (index) => `${addresses[index] ?? 'none.invalid'}:${String(port)}`,
    username: options.username,
    password: options.password,
    async stop() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
