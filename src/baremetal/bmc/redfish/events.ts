// Event subscriptions of a Redfish service (DSP0266, eventing; DSP0268, EventDestination).
import { refused } from '../errors.ts';
import { succeeded } from './answer.ts';
import type { Redfish } from './context.ts';
import { flagAt, linkAt, linksAt, textAt } from './document.ts';
import type { Command } from './exchange.ts';
import { problem } from './problem.ts';

export interface RedfishEvents {
  /**
   * Has the service post its events to `destination` (https) with `context` in each; one that it has already is taken. Resolves
   * with the link of the subscription. Terminal BMCRefused where the service has no events.
   */
  subscribe(destination: string, context: string, permit: () => void, signal: AbortSignal): Promise<string>;
  /** One that is gone is no error. */
  unsubscribe(subscription: string, permit: () => void, signal: AbortSignal): Promise<void>;
}

const what = 'subscribing to events';
/** Services have fewer places. */
const mostSubscriptions = 64;

export async function subscribe(
  redfish: Redfish,
  destination: string,
  context: string,
  command: Command,
): Promise<string> {
  const { address, session, system, effects } = redfish;
  const link = linkAt((await system.root(command.signal)).body, 'EventService');
  const service = link === undefined ? undefined : (await session.get(link, command.signal)).body;
  const collection = linkAt(service, 'Subscriptions');
  if (collection === undefined || flagAt(service, 'ServiceEnabled') === false) {
    throw refused(address.text, 'it offers no event subscription');
  }
  const known = await existing(redfish, collection, destination, context, command.signal);
  if (known !== undefined) return known;
  const body = { Destination: destination, Context: context, Protocol: 'Redfish' };
  let reply = await effects.tryPost(collection, { body }, { what }, command);
  // EventTypes is deprecated, and older services want it (IR redfish/vendor.py sends it always).
  if (reply.status === 400) {
    reply = await effects.tryPost(
      collection,
      { body: { ...body, EventTypes: ['Alert'] } },
      { what },
      command,
    );
  }
  if (!succeeded(reply)) throw problem(address, what, reply);
  const location = reply.header('location');
  const path = location === undefined ? linkAt(reply.body) : URL.parse(location, address.origin)?.pathname;
  const found = path ?? (await existing(redfish, collection, destination, context, command.signal));
  if (found === undefined)
    throw refused(address.text, `${what}: it took the subscription and does not list it`);
  return found;
}

async function existing(
  { session }: Redfish,
  collection: string,
  destination: string,
  context: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const members = linksAt((await session.get(collection, signal)).body, 'Members');
  for (const link of members.slice(0, mostSubscriptions)) {
    // It may go while we look.
    const { body } = await session.look(link, signal);
    if (textAt(body, 'Destination') === destination && textAt(body, 'Context') === context) return link;
  }
  return undefined;
}

export async function unsubscribe(
  { address, session }: Redfish,
  subscription: string,
  command: Command,
): Promise<void> {
  const reply = await session.send('DELETE', subscription, {}, command);
  if (succeeded(reply) || reply.status === 404 || reply.status === 410) return;
  throw problem(address, 'removing an event subscription', reply);
}
