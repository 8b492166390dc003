// Picks the driver for a BMC by its address.
import type { Clock } from '../../kernel/clock.ts';
import { createIpmiBmc } from './ipmi/ipmi.ts';
import { runIpmitool } from './ipmi/ipmitool.ts';
import type { BmcConnector } from './port.ts';
import { createRedfishBmc } from './redfish/redfish.ts';

export const createBmcConnector =
  (clock: Clock): BmcConnector =>
  (target) => {
    const { address, ...login } = target;
    return address.driver === 'ipmi'
      ? createIpmiBmc({ ...login, address }, runIpmitool)
      : createRedfishBmc({ ...login, address }, clock);
  };
