// The power of a Redfish system: its state, and the reset action that changes it.
import { refused } from '../errors.ts';
import type { PowerAction, PowerState } from '../port.ts';
import { says, succeeded } from './answer.ts';
import type { Redfish } from './context.ts';
import { at, listAt, textAt } from './document.ts';
import { ifMatch, type Effect } from './effect.ts';
import type { Command } from './exchange.ts';
import type { Reply } from './http.ts';
import { problem } from './problem.ts';
import type { Document } from './session.ts';

/** ResetType values (DSP2046, Resource.ResetType) that do what is asked, best first. */
const resetTypes: Readonly<Record<PowerAction, readonly string[]>> = {
  On: ['On', 'ForceOn'],
  Off: ['ForceOff'],
  SoftOff: ['GracefulShutdown'],
  Reset: ['ForceRestart', 'PowerCycle'],
};
/** The state in which there is nothing left to do. */
const reached: Readonly<Record<PowerAction, 'On' | 'Off' | undefined>> = {
  On: 'On',
  Off: 'Off',
  SoftOff: 'Off',
  Reset: undefined,
};
const resetAction = ['Actions', '#ComputerSystem.Reset'] as const;

export function powerOf(system: unknown): PowerState {
  const state = at(system, 'PowerState');
  return state === 'On' || state === 'Off' || state === 'PoweringOn' || state === 'PoweringOff'
    ? state
    : 'Unknown';
}

/** Sends nothing where the power is as wanted. */
export async function setPower(redfish: Redfish, action: PowerAction, command: Command): Promise<void> {
  const { address, system } = redfish;
  const before = await system.read(command.signal);
  if (powerOf(before.body) === reached[action]) return;
  const reply = await sendReset(redfish, action, before, command);
  if (succeeded(reply)) return;
  const after = powerOf((await system.read(command.signal)).body);
  if (!isThere(action, after, reply)) throw problem(address, `power ${action}`, reply);
}

/** Quirk `alreadyThere`, also where the system got there by itself meanwhile. */
function isThere(action: PowerAction, state: PowerState, reply: Reply): boolean {
  const wanted = reached[action];
  if (wanted === undefined) return false;
  if (state !== 'Unknown') return state === wanted;
  return says(reply, new RegExp(`(is|already) powered ${wanted}`, 'i'));
}

/** The reply, whatever its status. Throws terminal BMCRefused when the system has no such action. */
async function sendReset(
  { address, session, system, effects }: Redfish,
  action: PowerAction,
  before: Document,
  command: Command,
): Promise<Reply> {
  const link = textAt(before.body, ...resetAction, 'target');
  if (link === undefined) throw refused(address.text, 'the system offers no reset action');
  const allowed = await allowedTypes({ session }, before.body, command.signal);
  const type = resetTypes[action].find((candidate) => allowed.length === 0 || allowed.includes(candidate));
  if (type === undefined) {
    throw refused(address.text, `the system cannot do ${action}: it offers ${allowed.join(', ')}`);
  }
  const body = { ResetType: type };
  const effect: Effect = {
    what: `power ${action}`,
    purpose: action === 'On' ? 'power on' : 'other',
    patience: 'taken',
  };
  const reply = await effects.tryPost(link, { body }, effect, command);
  if (reply.status !== 412 && reply.status !== 428) return reply;
  // If-Match only when the service asks for it: some refuse it where they do not need it.
  const { etag } = await system.read(command.signal);
  return effects.tryPost(link, { body, headers: ifMatch(etag) }, effect, command);
}

/** Empty where the service does not say. */
async function allowedTypes(
  { session }: Pick<Redfish, 'session'>,
  system: unknown,
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  const inline = listAt(system, ...resetAction, 'ResetType@Redfish.AllowableValues');
  const infoLink = textAt(system, ...resetAction, '@Redfish.ActionInfo');
  if (inline.length > 0 || infoLink === undefined) return inline;
  const parameters = listAt((await session.get(infoLink, signal)).body, 'Parameters');
  return listAt(
    parameters.find((parameter) => textAt(parameter, 'Name') === 'ResetType'),
    'AllowableValues',
  );
}
