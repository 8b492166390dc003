// Simulated machines behind sushy-tools' emulator: its fake driver notifies this process of power, boot device and media.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Machine } from '../../simulators/machine.ts';
import { eventually } from '../../support/wait.ts';
import { keepTrackOf, killChild } from './children.ts';
import { freeTcpPort, portOf } from './ports.ts';

const run = promisify(execFile);
const lab = path.resolve(import.meta.dirname, '../../../hack/lab.d');

export interface Sushy {
  readonly username: string;
  readonly password: string;
  /** `redfish+http://…` with the path of the system that this machine is; its power takes up to 11 s, as the emulator has it. */
  addressOf(machine: Machine, scheme: string): string;
  stop(): Promise<void>;
}

/** What the fake driver tells (sushy_tools/emulator/resources/systems/fakedriver.py, _send_external_notification). */
interface System {
  readonly name: string;
  readonly power_state: 'On' | 'Off';
  readonly boot_device?: string;
  /** By slot: the file that the emulator downloaded, and more. */
  readonly boot_image?: Readonly<Record<string, readonly [file: string | null, ...unknown[]]>>;
}

export async function startSushy(machines: readonly Machine[]): Promise<Sushy> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-sushy-'));
  const [python, port, panel] = [await pythonOfEmulator(), await freeTcpPort(), await startPanel(machines)];
  const [username, password] = ['admin', 'secret-1'];
  const hashed =
    'import bcrypt, sys; print(bcrypt.hashpw(sys.argv[1].encode(), bcrypt.gensalt(rounds=4)).decode())';
  const { stdout: hash } = await run(python, ['-c', hashed, password]);
  const file = (name: string): string => path.join(directory, name);
  await writeFile(file('accounts'), `${username}:${hash}`);
  await writeFile(file('config.py'), config(directory, machines, panel.url));
  const main = ['-B', '-m', 'sushy_tools.emulator.main', '--fake', '-i', '127.0.0.1'];
  const server = spawn(python, [...main, '-p', String(port), '--config', file('config.py')], {
    // It keeps the images that it fetches in the temporary directory.
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, TMPDIR: directory },
  });
  keepTrackOf(server);
  let said = '';
  server.stderr.on('data', (chunk) => (said = (said + String(chunk)).slice(-4000)));
  const answers = async (): Promise<true | undefined> =>
    (await fetch(`http://127.0.0.1:${port}/redfish/v1/`)).ok ? true : undefined;
  await eventually("sushy-tools' emulator answers", 30, answers, () => Promise.resolve(said));
  return {
    username,
    password,
    addressOf: (machine, scheme) => `${scheme}://127.0.0.1:${port}/redfish/v1/Systems/${uuidOf(machine)}`,
    async stop() {
      await killChild(server);
      await panel.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** The lab's, from PyPI at the first use. */
async function pythonOfEmulator(): Promise<string> {
  const script = 'import sys; sys.path.insert(0, sys.argv[1]); import redfish; print(redfish.emulator())';
  const { stdout } = await run('/usr/bin/python3', ['-B', '-c', script, lab]);
  return path.join(stdout.trim().split('\n').at(-1) ?? '', 'bin/python');
}

const uuidOf = ({ macs }: Machine): string =>
  `27946b59-9e44-4fa7-8e91-${(macs[0] ?? '').replaceAll(':', '')}`;

const config = (directory: string, machines: readonly Machine[], panel: string): string => {
  const systems = machines.map((machine) => ({
    uuid: uuidOf(machine),
    name: machine.macs[0],
    power_state: 'Off',
    nics: machine.macs.map((mac) => ({ mac, ip: machine.address })),
  }));
  // JSON is Python, but for true and false.
  return `
SUSHY_EMULATOR_AUTH_FILE = '${directory}/accounts'
SUSHY_EMULATOR_STATE_DIR = '${directory}/state'
SUSHY_EMULATOR_FAKE_SYSTEMS = [dict(system, external_notifier=True) for system in ${JSON.stringify(systems)}]
EXTERNAL_NOTIFICATION_URL = '${panel}'
`;
};

/** Takes notifications, and gives the machines what the emulator downloaded for their virtual CDs. */
async function startPanel(machines: readonly Machine[]) {
  const media = new Set<string>();
  const server = createServer((request, response) => {
    const wanted = decodeURIComponent(request.url?.slice(1) ?? '');
    if (request.method === 'GET' && media.has(wanted)) {
      createReadStream(wanted).pipe(response);
      return;
    }
    let body = '';
    request.on('data', (bytes: Buffer) => (body += bytes.toString()));
    request.on('end', () => {
      press(JSON.parse(body) as System);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${portOf(server)}/`;

  const press = (system: System): void => {
    const machine = machines.find(({ macs }) => macs[0] === system.name);
    if (machine === undefined || machine.power === system.power_state) return;
    if (system.power_state === 'Off') return machine.powerOff();
    const [cd] = system.boot_image?.Cd ?? [];
    if (typeof cd === 'string') media.add(cd);
    machine.powerOn({
      device: devices[system.boot_device ?? ''] ?? 'Disk',
      media: typeof cd === 'string' ? `${url}${encodeURIComponent(cd)}` : undefined,
    });
  };
  return {
    url,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const devices: Readonly<Record<string, 'Network' | 'Cd'>> = { Pxe: 'Network', Cd: 'Cd' };
