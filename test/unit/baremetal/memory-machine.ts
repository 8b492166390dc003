// A machine in memory behind a BMC in memory: booted from the network it runs an agent that speaks to the desk of whoever operates now.
import { makeCertificate } from '../../../src/baremetal/agent/certificate.ts';
import { createDesk } from '../../../src/baremetal/agent/desk.ts';
import type { AgentClient, AgentCommand } from '../../../src/baremetal/agent/port.ts';
import type { ProvisioningServices } from '../../../src/baremetal/controller.ts';
import { createSlots } from '../../../src/baremetal/slots.ts';
import type { Clock } from '../../../src/kernel/clock.ts';
import { transient } from '../../../src/kernel/errors.ts';
import type { ManualClock } from '../../fakes/clock.ts';
import type { FakeBmc } from './fake-bmc.ts';

export interface MemoryMachine {
  readonly mac: string;
  running: 'nothing' | 'ramdisk' | 'system';
  /** What was done to its disk, in order: `write URL`, `erase MODE`. */
  readonly disk: string[];
  /** How often the ramdisk was booted. */
  boots: number;
  /** Errors with which the next steps end. */
  readonly failures: string[];
  /** True: the steps that do something do not come to an end. */
  holds: boolean;
  /** False: the ramdisk never calls. */
  calls: boolean;
  attach(bmc: FakeBmc): void;
  /** What an operator's process has machines boot with; the newest is the one that the machine speaks to. */
  operate(clock: Clock): ProvisioningServices;
  /** The agent calls whoever operates now: its lookup, its data, its heartbeat. */
  call(): void;
}

const peer = '172.16.0.50';
const certificate = makeCertificate([peer], new Date('2026-01-01T00:00:00Z')).cert;

export function createMemoryMachine(mac: string, mostAtWork = 10): MemoryMachine {
  let commands: AgentCommand[] = [];
  let token: string | undefined;
  let services: ProvisioningServices | undefined;
  let news: (uid: string) => void = () => undefined;

  const machine: MemoryMachine = {
    mac,
    running: 'nothing',
    disk: [],
    boots: 0,
    failures: [],
    holds: false,
    calls: true,
    attach(bmc) {
      bmc.onPower = (power) => {
        commands = [];
        token = undefined;
        machine.running = 'nothing';
        if (power === 'Off') return;
        const plan = services?.desk.byMac(mac);
        const ramdisk = bmc.override?.device !== 'Disk' && plan !== undefined;
        if (bmc.override?.persistent === false) bmc.override = undefined;
        if (ramdisk) {
          machine.running = 'ramdisk';
          machine.boots += 1;
          services?.desk.scriptFetched(mac);
        } else if (machine.disk.at(-1)?.startsWith('write') === true) machine.running = 'system';
      };
    },
    operate(clock) {
      const desk = createDesk({ clock, onNews: (uid) => news(uid) });
      services = {
        desk,
        plans: new Map(),
        slots: createSlots(mostAtWork),
        connectAgent: () => agentOf(),
        api: () => ({ url: 'https://172.16.0.1:6385', sha256: 'ab'.repeat(32) }),
        start: (onNews) => void (news = onNews),
        finish: () => Promise.resolve(),
      };
      return services;
    },
    call() {
      const desk = services?.desk;
      if (desk === undefined || machine.running !== 'ramdisk' || !machine.calls) return;
      if (token === undefined) {
        desk.inspection(payload(mac), peer);
        const found = desk.lookup({ addresses: [mac], uuid: undefined, peer });
        if ('fault' in found) return;
        token = found.body.token;
      }
      const uuid = desk.byMac(mac)?.uid ?? '';
      desk.heartbeat({
        uuid,
        peer,
        callbackUrl: `https://${peer}:9999`,
        token,
        version: '10.2',
        certificate,
      });
    },
  };

  /** What it is at comes to its end. */
  const progress = (): void => {
    const last = commands.at(-1);
    if (last?.status !== 'RUNNING' || machine.holds) return;
    const error = machine.failures.shift();
    if (error === undefined) machine.disk.push(last.id);
    const status = error === undefined ? 'SUCCEEDED' : 'FAILED';
    commands = [...commands.slice(0, -1), { ...last, status, error }];
  };
  const agentOf = (): AgentClient => ({
    commands() {
      if (machine.running !== 'ramdisk') return Promise.reject(transient('AgentUnreachable', 'nobody there'));
      progress();
      return Promise.resolve(commands);
    },
    run(name, params, permit) {
      permit();
      const what = effectOf(params);
      const status = what === undefined ? 'SUCCEEDED' : 'RUNNING';
      const id = what ?? String(commands.length);
      commands = [
        ...commands,
        { id, name: name.split('.')[1] ?? name, status, error: undefined, result: {} },
      ];
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
  return machine;
}

/** What a step does to the disk; undefined: nothing. */
function effectOf(params: Readonly<Record<string, unknown>>): string | undefined {
  const step = params.step as { readonly step: string; readonly args: ImageArguments } | undefined;
  if (step === undefined) return undefined;
  return step.step === 'write_image' ? `write ${step.args.image_info.urls[0] ?? ''}` : step.step;
}

interface ImageArguments {
  readonly image_info: { readonly urls: readonly string[] };
}

const payload = (mac: string) => ({
  inventory: {
    interfaces: [{ name: 'eno1', mac_address: mac }],
    disks: [{ name: '/dev/sda', size: 500e9, rotational: false }],
    cpu: { count: 8, architecture: 'x86_64' },
    memory: { physical_mb: 65536 },
    system_vendor: { manufacturer: 'ACME', product_name: 'R1', serial_number: 'S1' },
  },
});

/** Lets time go by with the machine alive: it calls every five seconds. */
export async function live(
  room: { readonly clock: ManualClock; pass(ms?: number): Promise<void> },
  machine: MemoryMachine,
  ms: number,
): Promise<void> {
  for (let gone = 0; gone < ms; gone += 5_000) {
    machine.call();
    await room.pass(5_000);
  }
}

/** Until `what` is so, for at most three hours. */
export async function liveUntil(
  room: { readonly clock: ManualClock; pass(ms?: number): Promise<void> },
  machine: MemoryMachine,
  what: () => boolean,
): Promise<void> {
  for (let gone = 0; !what() && gone < 10_800; gone += 1) {
    machine.call();
    await room.pass(1_000);
  }
  if (!what()) throw new Error('it did not come to it within three hours');
}
