// The reset action of a Redfish system: which of its types does what we want, and how it is sent.
import { refused } from '../errors.ts';
import type { PowerAction } from '../port.ts';
import { listAt, textAt } from './document.ts';
import type { RedfishAddress, Reply } from './http.ts';
import type { Document, RedfishSession } from './session.ts';

/** ResetType values (DSP2046, Resource.ResetType) that do what is asked, best first. */
const resetTypes: Readonly<Record<PowerAction, readonly string[]>> = {
  On: ['On', 'ForceOn'],
  Off: ['ForceOff'],
  SoftOff: ['GracefulShutdown'],
  Reset: ['ForceRestart', 'PowerCycle'],
};
const resetAction = ['Actions', '#ComputerSystem.Reset'] as const;

export interface ResetDeps {
  readonly address: RedfishAddress;
  readonly session: RedfishSession;
  readonly readSystem: (signal: AbortSignal) => Promise<Document>;
  /** Throws when the command must not be sent any more. */
  readonly permit: () => void;
}

/** The reply, whatever its status. Throws terminal BMCRefused when the system has no such action. */
export async function sendReset(
  { address, session, readSystem, permit }: ResetDeps,
  action: PowerAction,
  system: Document,
  signal: AbortSignal,
): Promise<Reply> {
  const link = textAt(system.body, ...resetAction, 'target');
  if (link === undefined) throw refused(address.text, 'the system offers no reset action');
  const allowed = await allowedTypes(session, system.body, signal);
  const type = resetTypes[action].find((candidate) => allowed.length === 0 || allowed.includes(candidate));
  if (type === undefined) {
    throw refused(address.text, `the system cannot do ${action}: it offers ${allowed.join(', ')}`);
  }
  const body = { ResetType: type };
  permit();
  const reply = await session.post(link, { body }, signal);
  if (reply.status !== 412 && reply.status !== 428) return reply;
  // If-Match only when the service asks for it: some refuse it where they do not need it.
  const { etag } = await readSystem(signal);
  permit();
  return session.post(link, { body, headers: etag === undefined ? {} : { 'if-match': etag } }, signal);
}

/** Empty where the service does not say. */
async function allowedTypes(
  session: RedfishSession,
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
