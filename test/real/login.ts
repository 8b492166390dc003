// A login as a person's: SSH with a key, by a client that takes only the host keys that it is given.
import { once } from 'node:events';
import { Client, type ClientChannel } from 'ssh2';
import { eventually } from '../support/wait.ts';

export interface Login {
  readonly address: string;
  readonly user: string;
  /** In OpenSSH's format. */
  readonly privateKey: string;
  /** Lines `TYPE BASE64`; no other key is accepted. */
  readonly hostKeys: readonly string[];
}

export interface Shell {
  /** What it prints; throws when it exits with another code than 0. */
  run(command: string): Promise<string>;
  close(): void;
}

/** Tries until the machine is up, for `seconds`. */
export const logIn = (login: Login, seconds: number): Promise<Shell> =>
  eventually(`${login.user}@${login.address} logs in`, seconds, () => connect(login));

async function connect({ address, user, privateKey, hostKeys }: Login): Promise<Shell> {
  const client = new Client();
  // One that fails says so a second time when it is closed; and in the end the machine is switched off under it.
  client.on('error', () => undefined);
  const known = hostKeys.map((line) => line.split(' ')[1]);
  const ready = once(client, 'ready');
  client.connect({
    host: address,
    username: user,
    privateKey,
    // Without KVM a key exchange takes seconds.
    readyTimeout: 60_000,
    hostVerifier: (key: Buffer) => known.includes(key.toString('base64')),
  });
  try {
    await ready;
  } catch (error) {
    client.destroy();
    throw error;
  }
  return { run: (command) => run(client, command), close: () => client.destroy() };
}

async function run(client: Client, command: string): Promise<string> {
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    client.exec(command, (error, opened) => (error === undefined ? resolve(opened) : reject(error)));
  });
  let [output, errors] = ['', ''];
  channel.on('data', (bytes: Buffer) => (output += bytes.toString()));
  channel.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
  const closed: readonly unknown[] = await once(channel, 'close');
  const code = closed[0];
  if (code !== 0) throw new Error(`${command}: exit code ${String(code)}: ${errors.trim()}`);
  return output.trim();
}
