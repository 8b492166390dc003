// The parts of a Redfish service that belong to our machine, found by following links from the service root.
import { refused } from '../errors.ts';
import { linkAt, linksAt } from './document.ts';
import type { RedfishAddress } from './http.ts';
import { serviceRoot } from './login.ts';
import { identityOf, managerWorthAsking, quirksOf, type QuirkName } from './quirks.ts';
import type { Document, RedfishSession } from './session.ts';

export interface RedfishSystem {
  /** The ComputerSystem, fetched anew. Throws terminal BMCRefused when the address does not say which of several. */
  read(signal: AbortSignal): Promise<Document>;
  /** The service root, fetched once. */
  root(signal: AbortSignal): Promise<Document>;
  /** Quirks that the service has by what it says of itself; told once. */
  quirks(system: Document, signal: AbortSignal): Promise<ReadonlySet<QuirkName>>;
}

export function createRedfishSystem(address: RedfishAddress, session: RedfishSession): RedfishSystem {
  let found = address.systemPath;
  let known: Document | undefined;
  let own: ReadonlySet<QuirkName> | undefined;

  const root = async (signal: AbortSignal): Promise<Document> =>
    (known ??= await session.get(serviceRoot, signal));

  const find = async (signal: AbortSignal): Promise<string> => {
    const systems = linkAt((await root(signal)).body, 'Systems');
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

  return {
    root,
    async read(signal) {
      found ??= await find(signal);
      return session.get(found, signal);
    },
    async quirks(system, signal) {
      if (own !== undefined) return own;
      const service = (await root(signal)).body;
      const link = managerWorthAsking(service, system.body);
      const manager = link === undefined ? undefined : (await session.get(link, signal)).body;
      own = quirksOf(identityOf(service, system.body, manager));
      return own;
    },
  };
}
