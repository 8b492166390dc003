// Picks the driver for a BMC by its address.
import type { Clock } from '../../kernel/clock.ts';
import { createIpmiBmc } from './ipmi/ipmi.ts';
import { createSharedSockets } from './ipmi/socket.ts';
import { createIpmitoolBmc } from './ipmitool/ipmitool.ts';
import { runIpmitool } from './ipmitool/run.ts';
import type { BmcConnector } from './port.ts';
import { createRedfishBmc } from './redfish/redfish.ts';

/** Keeping an idle session alive is no reason to keep the process alive, as the clock's timers do. */
const background: Pick<Clock, 'schedule'> = {
  schedule(ms, run) {
    const handle = setTimeout(run, ms).unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

export function createBmcConnector(clock: Clock): BmcConnector {
  const openLine = createSharedSockets();
  return (target) => {
    const { address, ...login } = target;
    switch (address.driver) {
      case 'ipmi':
        return createIpmiBmc({ ...login, address }, { clock, background, openLine });
      case 'ipmitool':
        return createIpmitoolBmc({ ...login, address }, runIpmitool);
      case 'redfish':
        return createRedfishBmc({ ...login, address }, clock);
    }
  };
}
