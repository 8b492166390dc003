// What IPMI has no commands for, in both of its drivers.
import { refused } from '../errors.ts';
import type { Bmc } from '../port.ts';

type RedfishOnly = Pick<
  Bmc,
  'insertMedia' | 'ejectMedia' | 'bios' | 'setBios' | 'secureBoot' | 'setSecureBoot'
>;

/** All of them reject with terminal BMCRefused. */
export function redfishOnly(address: string): RedfishOnly {
  const no = (what: string) => () =>
    Promise.reject(refused(address, `IPMI has no ${what}: give the node a redfish:// address for that`));
  return {
    insertMedia: no('virtual media'),
    ejectMedia: no('virtual media'),
    bios: no('firmware settings'),
    setBios: no('firmware settings'),
    secureBoot: no('secure boot'),
    setSecureBoot: no('secure boot'),
  };
}
