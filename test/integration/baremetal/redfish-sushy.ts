// sushy-tools' Redfish emulator with one machine of its own fake driver, on a free loopback port: nobody's lab.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../../support/wait.ts';

const run = promisify(execFile);
const lab = path.resolve(import.meta.dirname, '../../../hack/lab.d');

export interface Sushy {
  /** As spec.bmc.address has it. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
  stop(): Promise<void>;
}

export async function startSushy(): Promise<Sushy> {
  const [environment, directory] = await Promise.all([
    emulator(),
    mkdtemp(path.join(tmpdir(), 'undercloud-sushy-')),
  ]);
  const python = path.join(environment, 'bin/python');
  const file = (name: string): string => path.join(directory, name);
  const [username, password, port] = ['admin', 'secret-1', await freePort()];
  const { stdout: hash } = await run(python, [
    '-c',
    'import bcrypt, sys; print(bcrypt.hashpw(sys.argv[1].encode(), bcrypt.gensalt(rounds=4)).decode())',
    password,
  ]);
  await writeFile(file('accounts'), `${username}:${hash}`);
  await writeFile(file('config.py'), config(directory));
  const server = spawn(
    python,
    [
      '-B',
      '-m',
      'sushy_tools.emulator.main',
      '--fake',
      '-i',
      '127.0.0.1',
      '-p',
      String(port),
      '--config',
      file('config.py'),
    ],
    // It keeps the images that it fetches in the temporary directory.
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TMPDIR: directory } },
  );
  let said = '';
  server.stderr.on('data', (chunk) => (said = (said + String(chunk)).slice(-4_000)));
  const answers = async (): Promise<true | undefined> =>
    (await fetch(`http://127.0.0.1:${port}/redfish/v1/`)).ok ? true : undefined;
  await eventually("sushy-tools' emulator answers", 30, answers, () => Promise.resolve(said));
  return {
    address: `redfish+http://127.0.0.1:${port}`,
    username,
    password,
    async stop() {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

/** The lab's, from PyPI at the first use. */
async function emulator(): Promise<string> {
  const { stdout } = await run('/usr/bin/python3', [
    '-B',
    '-c',
    'import sys; sys.path.insert(0, sys.argv[1]); import redfish; print(redfish.emulator())',
    lab,
  ]);
  return stdout.trim().split('\n').at(-1) ?? '';
}

const config = (directory: string): string => `
SUSHY_EMULATOR_AUTH_FILE = '${directory}/accounts'
SUSHY_EMULATOR_STATE_DIR = '${directory}/state'
SUSHY_EMULATOR_FAKE_SYSTEMS = [{
    'uuid': '27946b59-9e44-4fa7-8e91-f3527a1ef094', 'name': 'one', 'power_state': 'Off',
    'nics': [{'mac': '00:5c:52:31:3a:9c', 'ip': '172.22.0.100'}],
}]
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
