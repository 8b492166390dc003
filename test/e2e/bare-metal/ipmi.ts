// A simulated machine behind Debian's ipmi_sim: the BMC presses its button and sets its boot device by calls to this process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Machine } from '../../simulators/machine.ts';
import { eventually } from '../../support/wait.ts';
import { keepTrackOf, killChild } from './children.ts';
import { freeUdpPort, isUdpTaken, portOf } from './ports.ts';

export interface IpmiBmc {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** What the BMC did, in order: `power 1`, `boot pxe`. */
  readonly presses: readonly string[];
  stop(): Promise<void>;
}

/** Called as `chassis dev get KEY…` and `chassis dev set KEY VALUE…` (ipmi_lan(5), chassis_control). */
const button = (url: string): string => `#!/bin/sh
shift
exec curl -sf --max-time 5 --data "$*" ${url}
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

export async function startIpmiBmc(machine: Machine): Promise<IpmiBmc> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-ipmi-'));
  const file = (name: string): string => path.join(directory, name);
  const [port, password, panel] = [await freeUdpPort(), 'secret-1', await startPanel(machine)];
  await Promise.all([
    mkdir(file('state')),
    writeFile(file('button'), button(panel.url)),
    writeFile(file('lan.conf'), lan(port, password, file('button'))),
    writeFile(file('sim.emu'), emulator),
  ]);
  await chmod(file('button'), 0o755);
  const args = ['-c', file('lan.conf'), '-f', file('sim.emu'), '-s', file('state'), '-n'];
  const child = spawn('ipmi_sim', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  keepTrackOf(child);
  await eventually('ipmi_sim listens', 10, async () => ((await isUdpTaken(port)) ? true : undefined));
  return {
    ...{ port, username: 'admin', password, presses: panel.presses },
    async stop() {
      await killChild(child);
      await panel.close();
      await rm(directory, { recursive: true });
    },
  };
}

/**
 * ipmi_sim does not say whether a boot device is for once (test/integration/baremetal/ipmi-native.test.ts): the network is, which is what
 * a BMC that does as it is told makes of it here.
 */
async function startPanel(machine: Machine) {
  const presses: string[] = [];
  let boot = 'default';
  const start = (): void => {
    const device = boot === 'pxe' ? 'Network' : 'Disk';
    if (boot === 'pxe') boot = 'default';
    machine.powerOn({ device });
  };
  const set = (key: string, value: string): void => {
    presses.push(`${key} ${value}`);
    if (key === 'boot') boot = value;
    else if (key === 'power' && value === '1') start();
    else if (key === 'power' || key === 'shutdown') machine.powerOff();
    else if (key === 'reset') {
      machine.powerOff();
      start();
    }
  };
  const get = (key: string): string => (key === 'power' ? (machine.power === 'On' ? '1' : '0') : boot);
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes: Buffer) => (body += bytes.toString()));
    request.on('end', () => {
      const [verb, ...words] = body.split(' ');
      if (verb === 'get') response.end(words.map((key) => `${key}:${get(key)}\n`).join(''));
      else {
        for (let at = 0; at < words.length; at += 2) set(words[at] ?? '', words[at + 1] ?? '');
        response.end();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    presses,
    url: `http://127.0.0.1:${portOf(server)}/`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
