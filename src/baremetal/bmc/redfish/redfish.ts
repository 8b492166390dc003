// A BMC over Redfish: finds the system by following links from the service root, reads and sets its power.
import type { Clock } from '../../../kernel/clock.ts';
import { refused } from '../errors.ts';
import type { Bmc, BmcTarget, PowerAction, PowerState } from '../port.ts';
import { at, linkAt, linksAt } from './document.ts';
import { createRedfishHttp, type RedfishAddress } from './http.ts';
import { readInventory } from './inventory.ts';
import { sendReset } from './reset.ts';
import { createRedfishSession, problem, serviceRoot, type Document } from './session.ts';

/** The state in which there is nothing left to do. */
const reached: Readonly<Record<PowerAction, PowerState | undefined>> = {
  On: 'On',
  Off: 'Off',
  SoftOff: 'Off',
  Reset: undefined,
};

export function createRedfishBmc(
  target: BmcTarget & { readonly address: RedfishAddress },
  clock: Clock,
): Bmc {
  const { address, username, password, trust } = target;
  const http = createRedfishHttp(address, trust);
  const session = createRedfishSession({ http, clock, address, username, password });
  let found = address.systemPath;

  const findSystem = async (signal: AbortSignal): Promise<string> => {
    const root = await session.get(serviceRoot, signal);
    const systems = linkAt(root.body, 'Systems');
    const members =
      systems === undefined ? [] : linksAt((await session.get(systems, signal)).body, 'Members');
    const [only, ...others] = members;
    if (only !== undefined && others.length === 0) return only;
    const names = members.slice(0, 5).join(', ');
    throw refused(
      address.text,
      `it has ${members.length} systems: add the path of one to the address (${names})`,
    );
  };
  const readSystem = async (signal: AbortSignal): Promise<Document> => {
    found ??= await findSystem(signal);
    return session.get(found, signal);
  };

  return {
    power: async (signal) => powerOf((await readSystem(signal)).body),
    async setPower(action, permit, signal) {
      const system = await readSystem(signal);
      if (powerOf(system.body) === reached[action]) return;
      const reply = await sendReset({ address, session, readSystem, permit }, action, system, signal);
      if (reply.status < 300) return;
      // Some call it a conflict when the system got there by itself meanwhile.
      if (reached[action] !== undefined && powerOf((await readSystem(signal)).body) === reached[action])
        return;
      throw problem(address, `power ${action}`, reply);
    },
    async inventory(signal) {
      const root = await session.get(serviceRoot, signal);
      const system = await readSystem(signal);
      return readInventory(root.body, system.body, async (link) => (await session.get(link, signal)).body);
    },
    close: () => session.close(),
  };
}

function powerOf(system: unknown): PowerState {
  const state = at(system, 'PowerState');
  return state === 'On' || state === 'Off' || state === 'PoweringOn' || state === 'PoweringOff'
    ? state
    : 'Unknown';
}
