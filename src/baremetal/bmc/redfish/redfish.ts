// A BMC over Redfish: puts the parts of the driver together behind the Bmc port.
import type { Clock } from '../../../kernel/clock.ts';
import { refused } from '../errors.ts';
import type { Bmc, BmcTarget } from '../port.ts';
import { readBios, setBios } from './bios.ts';
import { readBoot, setBoot } from './boot.ts';
import type { Redfish } from './context.ts';
import { createEffects } from './effect.ts';
import { subscribe, unsubscribe, type RedfishEvents } from './events.ts';
import { createRedfishHttp, type RedfishAddress } from './http.ts';
import { readInventory } from './inventory.ts';
import { serviceRoot } from './login.ts';
import { ejectMedia, insertMedia } from './media.ts';
import { powerOf, setPower } from './power.ts';
import { createRedfishSession } from './session.ts';
import { readSecureBoot, setIndicator, setSecureBoot } from './switches.ts';
import { createRedfishSystem } from './system.ts';

export type RedfishBmc = Bmc & RedfishEvents;

export function createRedfishBmc(
  target: BmcTarget & { readonly address: RedfishAddress },
  clock: Clock,
): RedfishBmc {
  const { address, username, password, trust } = target;
  const http = createRedfishHttp(address, trust);
  const session = createRedfishSession({ http, clock, address, username, password });
  const system = createRedfishSystem(address, session);
  const effects = createEffects({ address, session, clock });
  const redfish: Redfish = { address, session, system, effects, clock };

  const events: RedfishEvents = {
    subscribe: (destination, context, permit, signal) =>
      subscribe(redfish, destination, context, { permit, signal }),
    unsubscribe: (subscription, permit, signal) => unsubscribe(redfish, subscription, { permit, signal }),
  };

  return {
    power: async (signal) => powerOf((await system.read(signal)).body),
    setPower: (action, permit, signal) => setPower(redfish, action, { permit, signal }),
    async inventory(signal) {
      const root = await session.get(serviceRoot, signal);
      const { body } = await system.read(signal);
      return readInventory(root.body, body, async (link) => (await session.get(link, signal)).body);
    },
    setBoot: (override, permit, signal) => setBoot(redfish, override, { permit, signal }),
    boot: (signal) => readBoot(redfish, signal),
    insertMedia: (url, permit, signal) => insertMedia(redfish, url, { permit, signal }),
    ejectMedia: (permit, signal) => ejectMedia(redfish, { permit, signal }),
    bios: (signal) => readBios(redfish, signal),
    setBios: (settings, permit, signal) => setBios(redfish, settings, { permit, signal }),
    secureBoot: (signal) => readSecureBoot(redfish, signal),
    setSecureBoot: (enabled, permit, signal) => setSecureBoot(redfish, enabled, { permit, signal }),
    setIndicator: (lit, permit, signal) => setIndicator(redfish, lit, { permit, signal }),
    console: () =>
      Promise.reject(
        refused(
          address.text,
          'Redfish names consoles over SSH and IPMI, and carries none itself: to see this machine’s console, log in to its ' +
            'BMC, or give its node an ipmi:// address',
        ),
      ),
    events,
    ...events,
    close: () => session.close(),
  };
}
