// Debian's ipmi_sim with one BMC on a free loopback port, whose power is a file and whose serial console is ours.
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export interface IpmiSim {
  /** As spec.bmc.address has it. */
  readonly address: string;
  readonly password: string;
  power(): Promise<'on' | 'off'>;
  /** Behind the BMC's back. */
  setPower(power: 'on' | 'off'): Promise<void>;
  /** How often the machine was reset. */
  resets(): Promise<number>;
  /** What the locator light was last told: seconds, and 1 for without an end. */
  identified(): Promise<string>;
  /** Has the machine print on its serial console. */
  print(text: string): void;
  /** A file with the password, for ipmitool. */
  readonly passwordFile: string;
  readonly port: number;
  /** Another process at the same port, which knows nothing of former sessions. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Called as `chassis dev get KEY` and `chassis dev set KEY VALUE` (ipmi_lan(5), chassis_control). */
const chassis = (file: string): string => `#!/bin/sh
case "$2 $3" in
  "get power") echo "power:$(cat ${file})" ;;
  "set power") echo "$4" >${file} ;;
  "set shutdown") echo 0 >${file} ;;
  "set reset") echo reset >>${file}.resets ;;
  "set boot") echo "$4" >${file}.boot ;;
  "get boot") echo "boot:$(cat ${file}.boot 2>/dev/null || echo default)" ;;
  "set identify") echo "$4 $5" >${file}.identify ;;
  *) exit 1 ;;
esac
`;

const lan = (port: number, password: string, script: string, console: number): string => `name "test"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 ${port}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "${script} dev"
  startnow false
  sol "tcp:127.0.0.1:${console}" 115200
  user 2 true "admin" "${password}" admin 10 none md2 md5 straight
`;

const emulator = (fru: string): string => `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_add_fru_data 0x20 0 256 file 0 "${fru}"
mc_enable 0x20
`;

/** FRU information storage (Intel's definition, version 1.0): a common header and a product area with two texts of 8-bit ASCII. */
function fruRecord(): Buffer {
  const field = (text: string): Buffer =>
    Buffer.concat([Buffer.from([0xc0 | text.length]), Buffer.from(text)]);
  const none = Buffer.from([0xc0]);
  const fields = [field('ACME'), field('Anvil 9000'), none, none, field('S-0042'), Buffer.from([0xc1])];
  const body = Buffer.concat([Buffer.from([1, 0, 25]), ...fields]);
  const area = Buffer.alloc(Math.ceil((body.length + 1) / 8) * 8);
  body.copy(area);
  area[1] = area.length / 8;
  const header = Buffer.from([1, 0, 0, 0, 1, 0, 0, 0]);
  return Buffer.concat([summedUp(header), summedUp(area)], 256);
}

/** Its last byte makes the sum of all zero. */
function summedUp(bytes: Buffer): Buffer {
  bytes[bytes.length - 1] = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return bytes;
}

export async function startIpmiSim(): Promise<IpmiSim> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-ipmi-sim-'));
  const file = (name: string): string => path.join(directory, name);
  const text = (name: string): Promise<string> => readFile(file(name), 'utf8').catch(() => '');
  const [port, password, serial] = [await freePort(), 'secret-1', await startSerial()];
  await Promise.all([
    mkdir(file('state')),
    writeFile(file('power'), '0\n'),
    writeFile(file('fru'), fruRecord()),
    writeFile(file('chassis'), chassis(file('power'))),
    writeFile(file('lan.conf'), lan(port, password, file('chassis'), serial.port)),
    writeFile(file('sim.emu'), emulator(file('fru'))),
    writeFile(file('password'), password),
  ]);
  await chmod(file('chassis'), 0o755);
  const args = ['-c', file('lan.conf'), '-f', file('sim.emu'), '-s', file('state'), '-n'];
  const start = () => spawn('ipmi_sim', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let child = start();
  // It does not heed SIGTERM.
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  const stop = async (): Promise<void> => {
    await kill();
    serial.close();
    await rm(directory, { recursive: true });
  };
  try {
    await answering(port, file('password'));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address: `ipmi://127.0.0.1:${port}`,
    port,
    password,
    passwordFile: file('password'),
    power: async () => ((await text('power')).trim() === '1' ? 'on' : 'off'),
    setPower: (power) => writeFile(file('power'), power === 'on' ? '1\n' : '0\n'),
    resets: async () => (await text('power.resets')).split('\n').length - 1,
    identified: async () => (await text('power.identify')).trim(),
    print: serial.print,
    async restart() {
      await kill();
      child = start();
      await answering(port, file('password'));
    },
    stop,
  };
}

/** What ipmi_sim takes for the machine's serial port. */
async function startSerial() {
  const connected = new Set<Socket>();
  const server = createServer((socket) => {
    connected.add(socket);
    socket.on('error', () => undefined).on('close', () => connected.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    print(text: string) {
      for (const socket of connected) socket.write(text);
    },
    close() {
      server.close();
      for (const socket of connected) socket.destroy();
    },
  };
}

export function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

async function answering(port: number, passwordFile: string): Promise<void> {
  const login = ['-H', '127.0.0.1', '-p', String(port), '-U', 'admin', '-f', passwordFile];
  const args = ['-I', 'lanplus', '-C', '3', '-N', '1', '-R', '1', ...login, 'mc', 'info'];
  for (let tries = 0; tries < 10; tries += 1) {
    try {
      await promisify(execFile)('ipmitool', args);
      return;
    } catch {
      // Not up yet: the call itself has waited.
    }
  }
  throw new Error('ipmi_sim does not answer');
}
