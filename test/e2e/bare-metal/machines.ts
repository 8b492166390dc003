// The machines of a site: each with its own loopback address, behind a BMC that presses its button.
import { createMachine, type Machine } from '../../simulators/machine.ts';
import type { MachineOptions } from '../../simulators/machine-model.ts';
import { type IpmiBmc, startIpmiBmc } from './ipmi.ts';
import { bareNode, bmcSecret } from './manifests.ts';
import type { Site } from './site.ts';
import { startSushy } from './sushy.ts';
import type { Walker } from './walk.ts';

let last = 0;

/** Off; closed with the site. */
function newMachine(site: Site, options: Partial<MachineOptions> = {}): Machine {
  last += 1;
  const machine = createMachine({
    macs: [`52:54:00:00:70:${last.toString(16).padStart(2, '0')}`],
    address: `127.0.70.${last}`,
    bootUrl: site.bootUrl,
    speed: { boot: 200, step: 300, heartbeat: 1000 },
    ...options,
  });
  site.onEnd(() => machine.close());
  return machine;
}

export interface IpmiMachine extends Walker {
  readonly bmc: IpmiBmc;
}

/** A machine behind ipmi_sim, and the node of that name for it. */
export async function enrolIpmi(
  site: Site,
  name: string,
  options: Partial<MachineOptions> & {
    readonly spec?: Parameters<typeof bareNode>[3];
    /** Where the BMC seems to be, when not where it is. */
    readonly port?: (real: number) => Promise<number>;
    /** In the Secret, when not the right one. */
    readonly password?: string;
  } = {},
): Promise<IpmiMachine> {
  const { spec, port, password, ...machineOptions } = options;
  const machine = newMachine(site, machineOptions);
  const bmc = await startIpmiBmc(machine);
  site.onEnd(() => bmc.stop());
  const address = `ipmi://127.0.0.1:${(await port?.(bmc.port)) ?? bmc.port}`;
  await site.apply(
    bmcSecret(name, bmc.username, password ?? bmc.password),
    bareNode(name, address, machine.macs[0] ?? '', spec),
  );
  return { site, name, machine, patience: 60, bmc };
}

/** A machine behind sushy-tools' emulator for each of these nodes, which differ in the scheme of their BMC's address. */
export async function enrolSushy(
  site: Site,
  schemes: Readonly<Record<string, string>>,
): Promise<readonly Walker[]> {
  const named = Object.entries(schemes).map(([name, scheme]) => ({
    name,
    scheme,
    machine: newMachine(site),
  }));
  const sushy = await startSushy(named.map(({ machine }) => machine));
  site.onEnd(() => sushy.stop());
  for (const { name, scheme, machine } of named) {
    await site.apply(
      bmcSecret(name, sushy.username, sushy.password),
      bareNode(name, sushy.addressOf(machine, scheme), machine.macs[0] ?? ''),
    );
  }
  return named.map(({ name, machine }) => ({ site, name, machine, patience: 120 }));
}
