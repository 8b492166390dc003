// The operator's side of the agent room on real sockets: the boot listener, the agents' listener, the desk, and a server of images.
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeCertificate } from '../../../src/baremetal/agent/certificate.ts';
import { createDesk, type Desk } from '../../../src/baremetal/agent/desk.ts';
import type { ExpectedAgent } from '../../../src/baremetal/agent/port.ts';
import { startAgentServer } from '../../../src/baremetal/agent/server.ts';
import { ramdiskArguments } from '../../../src/baremetal/boot/arguments.ts';
import { startBootServer } from '../../../src/baremetal/boot/listener.ts';
import type { Listening } from '../../../src/kernel/listen.ts';
import type { BootPlan } from '../../../src/baremetal/boot/script.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { type Machine, createMachine } from '../../simulators/machine.ts';
import type { MachineOptions } from '../../simulators/machine-model.ts';
import { pause } from '../../support/wait.ts';

export const image = Buffer.from('an operating system, whole');
export const imageSum = `sha256:${createHash('sha256').update(image).digest('hex')}`;

export interface AgentRig {
  readonly desk: Desk;
  readonly agents: Listening;
  /** PEM of the agents' listener. */
  readonly cert: string;
  /** UIDs that there was news of, in order. */
  readonly news: string[];
  readonly bootUrl: string;
  readonly imageUrl: string;
  /** Changed at will: what the machine with this MAC address boots. */
  readonly plans: Map<string, BootPlan>;
  /** Awaits this machine's agent; the machine is off. Every machine is closed with the rig. */
  machine(options: Pick<MachineOptions, 'macs'> & Partial<MachineOptions>): Machine;
  expect(machine: Machine, options?: Partial<ExpectedAgent>): ExpectedAgent;
  close(): Promise<void>;
}

const file = { url: 'http://127.0.0.1/none', checksum: `sha256:${'0'.repeat(64)}` };
let lastAddress = 0;

export async function startRig(): Promise<AgentRig> {
  const { key, cert } = makeCertificate(['127.0.0.1'], new Date());
  const news: string[] = [];
  const plans = new Map<string, BootPlan>();
  const machines: Machine[] = [];
  const desk = createDesk({
    clock: { monotonic: () => performance.now() },
    onNews: (uid) => void news.push(uid),
  });
  const log = silentLogger;
  const agents = await startAgentServer({ host: '127.0.0.1', port: 0, tls: { key, cert }, desk, log });
  const boot: Listening = await startBootServer({
    host: '127.0.0.1',
    port: 0,
    desk,
    log,
    bootFor: (mac) => plans.get(mac),
  });
  const images = createServer((request, response) => {
    const there = request.url === '/disk.raw' || request.url === '/disk.iso';
    response.writeHead(there ? 200 : 404).end(there ? image : 'no such image');
  });
  await new Promise<void>((resolve) => void images.listen(0, '127.0.0.1', resolve));
  const bootUrl = `http://127.0.0.1:${boot.port}`;

  return {
    ...{ desk, agents, cert, news, bootUrl, plans },
    imageUrl: `http://127.0.0.1:${(images.address() as AddressInfo).port}/disk.raw`,
    machine(options) {
      lastAddress += 1;
      const address = `127.0.61.${lastAddress}`;
      const made = createMachine({ address, bootUrl, speed: { heartbeat: 100, retry: 30 }, ...options });
      machines.push(made);
      return made;
    },
    expect(machine, options = {}) {
      const uid = randomUUID();
      const agent: ExpectedAgent = {
        ...{ uid, name: 'n1', macs: machine.macs, boot: 'first', token: 't'.repeat(43), inspecting: false },
        node: {
          uuid: uid,
          ...{ properties: {}, instance_info: {}, driver_info: {}, driver_internal_info: {} },
        },
        ...options,
      };
      desk.expect(agent);
      const collectors = agent.inspecting ? ['default'] : undefined;
      const kernel = ramdiskArguments({
        agentApi: [`https://127.0.0.1:${agents.port}`],
        trust: { kind: 'Insecure' },
        collectors,
      });
      for (const mac of machine.macs)
        plans.set(mac, {
          ...{ kind: 'Ramdisk', node: agent.name, purpose: 'test' },
          ...{ kernel: file, ramdisk: file, arguments: kernel },
        });
      return agent;
    },
    async close() {
      await Promise.all(machines.map((machine) => machine.close()));
      await Promise.all([agents.close(), boot.close()]);
      await new Promise((resolve) => void images.close(resolve));
    },
  };
}

/** Looks every 10 ms, for 5 s; says what the machine did when it never comes. */
export async function until<T>(
  machine: Machine,
  what: string,
  probe: () => T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + 5000;
  while (performance.now() < deadline) {
    const found = probe();
    if (found !== undefined && found !== false) return found;
    await pause(10);
  }
  throw new Error(`not within 5 s: ${what}; the machine: ${machine.log.join(' | ')}`);
}
