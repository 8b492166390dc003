// A machine for tests, without its BMC: firmware that boots from the network, a virtual CD or a disk, and the ramdisk that it boots.
import { setTimeout as sleep } from 'node:timers/promises';
import { argumentRegion } from '../../src/api/media.ts';
import { messageOf } from '../../src/kernel/errors.ts';
import { runAgent } from './machine-agent.ts';
import type { MachineDisk, MachineFaults, MachineOptions, MachineSpeed, Ramdisk } from './machine-model.ts';
import { createMachineWeb } from './machine-web.ts';

export interface BootFrom {
  readonly device: 'Network' | 'Disk' | 'Cd';
  /** URL of the ISO. */
  readonly media?: string | undefined;
}

export interface Machine {
  /** Lower case, with colons. */
  readonly macs: readonly string[];
  readonly address: string;
  readonly faults: MachineFaults;
  readonly disks: readonly MachineDisk[];
  /** The one that the agent wrote an image to last; until then the first. */
  readonly disk: MachineDisk;
  readonly power: 'On' | 'Off';
  readonly running: 'nothing' | 'ramdisk' | 'system';
  /** What happened, in sentences; what repeats itself is there once. */
  readonly log: readonly string[];
  /** What the agents of all boots were told: `clean.get_clean_steps`, and `deploy.execute_deploy_step write_image` for a step. */
  readonly commands: readonly string[];
  /** Kernel arguments of the last boot of the ramdisk, by name. */
  readonly arguments: ReadonlyMap<string, string>;
  /** Where the agent listens, while it does. */
  readonly agentUrl: string | undefined;
  /** No effect on a machine that is on. */
  powerOn(boot: BootFrom): void;
  powerOff(): void;
  /** Off, with all its connections closed. */
  close(): Promise<void>;
}

const gibibyte = 2 ** 30;
const usual: MachineSpeed = { boot: 5, retry: 100, heartbeat: 500, step: 5 };

/** One power-on until the next power-off. */
interface Boot {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

export function createMachine(options: MachineOptions): Machine {
  const { address, bootUrl, bootMode = 'uefi' } = options;
  const macs = options.macs.map((mac) => mac.toLowerCase());
  const faults: MachineFaults = { ...options.faults };
  const speed = { ...usual, ...options.speed };
  const disks = (options.disks ?? [{}]).map((disk, index): MachineDisk => ({
    name: `/dev/sd${String.fromCharCode(97 + index)}`,
    sizeBytes: 16 * gibibyte,
    serial: `${macs[0] ?? ''}-${index}`,
    model: 'Simulated',
    rotational: false,
    ...disk,
    image: undefined,
    configDrive: undefined,
    hostUid: undefined,
    erased: undefined,
  }));
  const web = createMachineWeb(address);
  const log: string[] = [];
  const commands: string[] = [];
  const boots = new Set<Promise<void>>();
  let root = disks[0];
  let running: Machine['running'] = 'nothing';
  let current: Boot | undefined;
  let agentUrl: string | undefined;
  let given: ReadonlyMap<string, string> = new Map();

  const say = (text: string): void => {
    if (log.at(-1) !== text) log.push(text);
  };

  const bootDisk = (): void => {
    const bootable = disks.find(({ image }) => image !== undefined);
    running = bootable === undefined ? 'nothing' : 'system';
    say(bootable === undefined ? 'no disk has a system: halted' : `runs the system on ${bootable.name}`);
  };

  const bootRamdisk = async (line: string, controller: AbortController): Promise<void> => {
    running = 'ramdisk';
    given = argumentsIn(line);
    say(`boots the ramdisk with ${line}`);
    const ramdisk: Ramdisk = {
      ...{ macs, address, bootMode, disks, faults, speed, web, signal: controller.signal },
      arguments: given,
      log: say,
      told: (command) => commands.push(command),
      serving: (url) => void (agentUrl = url),
      rooted: (disk) => void (root = disk),
      die(why) {
        say(`died: ${why}`);
        controller.abort();
      },
    };
    try {
      await runAgent(ramdisk);
    } finally {
      // A later boot may have begun since.
      if (current?.controller === controller || current === undefined) {
        running = 'nothing';
        agentUrl = undefined;
      }
    }
  };

  const lineFrom = ({ device, media }: BootFrom, signal: AbortSignal): Promise<Found> => {
    switch (device) {
      case 'Disk':
        return Promise.resolve({ said: 'boots its disk' });
      case 'Cd':
        return lineOfMedium(media, web, signal);
      case 'Network':
        return lineOfScript(macs, bootUrl, web, signal);
    }
  };

  const firmware = async (boot: BootFrom, controller: AbortController): Promise<void> => {
    const { signal } = controller;
    await sleep(speed.boot, undefined, { signal });
    if (faults.neverBoots === true) {
      say('its power is on, and nothing happens');
      return;
    }
    const found = await lineFrom(boot, signal);
    // Without power it may look like an answer.
    signal.throwIfAborted();
    say(found.said);
    if (faults.diesAfterScript === true) say('died after it got its script');
    else if (found.line === undefined) bootDisk();
    else await bootRamdisk(found.line, controller);
  };

  const powerOn: Machine['powerOn'] = (boot) => {
    if (current !== undefined) return;
    say(`power on, boots from ${boot.device}`);
    const controller = new AbortController();
    const done = firmware(boot, controller).catch((error: unknown) => {
      if (!controller.signal.aborted) say(`broke: ${messageOf(error)}`);
    });
    boots.add(done);
    void done.then(() => boots.delete(done));
    current = { controller, done };
  };

  const powerOff = (): void => {
    if (current === undefined) return;
    say('power off');
    current.controller.abort();
    current = undefined;
    running = 'nothing';
    agentUrl = undefined;
  };

  return {
    ...{ macs, address, faults, disks, log, commands, powerOn, powerOff },
    get disk() {
      if (root === undefined) throw new Error('this machine has no disk');
      return root;
    },
    get power() {
      return current === undefined ? 'Off' : 'On';
    },
    get running() {
      return running;
    },
    get arguments() {
      return given;
    },
    get agentUrl() {
      return agentUrl;
    },
    async close() {
      powerOff();
      await Promise.all(boots);
      await web.close();
    },
  };
}

/** The kernel's command line, or why there is none. */
interface Found {
  readonly said: string;
  readonly line?: string;
}

/** As the first script has iPXE do it (src/baremetal/boot/script.ts): it asks for one NIC after the other until one is known. */
async function lineOfScript(
  macs: readonly string[],
  bootUrl: string,
  web: Ramdisk['web'],
  signal: AbortSignal,
): Promise<Found> {
  for (const mac of macs) {
    const url = `${bootUrl}/boot/ipxe/${mac.replaceAll(':', '-')}`;
    const answer = await web.call('GET', url, { signal }).catch(() => undefined);
    if (answer?.status !== 200)
      return { said: `no boot script from ${url}: ${answer?.status ?? 'no answer'}` };
    const kernel = /^kernel (?:--\w+ \S+ )*\S+ (?<line>.*) initrd=ramdisk/m.exec(answer.text)?.groups?.line;
    if (kernel !== undefined) return { said: `got its boot script as ${mac}`, line: kernel };
    if (answer.text.includes('set undercloud-known')) return { said: 'is told to boot from its disk' };
  }
  return { said: 'is known by none of its MAC addresses' };
}

/** As GRUB on our ISO does it (hack/agent-ramdisk.d/grub.cfg). */
async function lineOfMedium(
  url: string | undefined,
  web: Ramdisk['web'],
  signal: AbortSignal,
): Promise<Found> {
  if (url === undefined) return { said: 'has no medium in its virtual CD' };
  const { marker, length } = argumentRegion;
  const found = await web.find(url, marker, length, signal).catch((error: unknown) => messageOf(error));
  if (typeof found === 'string') return { said: `cannot read its virtual CD: ${found}` };
  const line = /^set undercloud_args="(?<line>[^"]*)"$/m.exec(found.text ?? '')?.groups?.line;
  if (line === undefined) return { said: `its virtual CD has no arguments (HTTP ${found.status})` };
  return { said: 'boots its virtual CD', line };
}

const argumentsIn = (line: string): ReadonlyMap<string, string> =>
  new Map(
    line.split(' ').map((word) => {
      const [name = '', ...value] = word.split('=');
      return [name, value.join('=')];
    }),
  );
