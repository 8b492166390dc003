// Debian's ipmi_sim with one BMC on a free loopback port, whose power is a file.
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
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
  stop(): Promise<void>;
}

/** Called as `chassis dev get KEY` and `chassis dev set KEY VALUE` (ipmi_lan(5), chassis_control). */
const chassis = (file: string): string => `#!/bin/sh
case "$2 $3" in
  "get power") echo "power:$(cat ${file})" ;;
  "set power") echo "$4" >${file} ;;
  "set shutdown") echo 0 >${file} ;;
  "set reset") ;;
  *) exit 1 ;;
esac
`;

const lan = (port: number, password: string, script: string): string => `name "test"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 ${port}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "${script} dev"
  startnow false
  user 2 true "admin" "${password}" admin 10 none md2 md5 straight
`;

const emulator = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
`;

export async function startIpmiSim(): Promise<IpmiSim> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-ipmi-sim-'));
  const file = (name: string): string => path.join(directory, name);
  const [port, password] = [await freePort(), 'secret-1'];
  await Promise.all([
    mkdir(file('state')),
    writeFile(file('power'), '0\n'),
    writeFile(file('chassis'), chassis(file('power'))),
    writeFile(file('lan.conf'), lan(port, password, file('chassis'))),
    writeFile(file('sim.emu'), emulator),
  ]);
  await chmod(file('chassis'), 0o755);
  const args = ['-c', file('lan.conf'), '-f', file('sim.emu'), '-s', file('state'), '-n'];
  const child = spawn('ipmi_sim', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  // It does not heed SIGTERM.
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(directory, { recursive: true });
  };
  await writeFile(file('password'), password);
  try {
    await answering(port, file('password'));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address: `ipmi://127.0.0.1:${port}`,
    password,
    power: async () => ((await readFile(file('power'), 'utf8')).trim() === '1' ? 'on' : 'off'),
    setPower: (power) => writeFile(file('power'), power === 'on' ? '1\n' : '0\n'),
    stop,
  };
}

function freePort(): Promise<number> {
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
