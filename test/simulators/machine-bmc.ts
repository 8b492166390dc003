// A simulated machine behind a fake BMC: its power and its boot device are what the BMC says.
import type { FakeBmc } from '../unit/baremetal/fake-bmc.ts';
import type { Machine } from './machine.ts';

/** Without a boot override the machine boots from its disk, as one whose boot order begins with it. */
export function createMachineBmc(machine: Machine, bmc: FakeBmc): void {
  bmc.onPower = (power) => {
    if (power === 'Off' || bmc.commands.at(-1) === 'Reset') machine.powerOff();
    if (power === 'Off') return;
    const device = bmc.override?.device ?? 'Disk';
    if (machine.power === 'Off' && bmc.override?.persistent === false) bmc.override = undefined;
    machine.powerOn({ device, media: bmc.media });
  };
}
