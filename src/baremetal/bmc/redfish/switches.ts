// Two switches of a Redfish machine: secure boot (DSP0268 SecureBoot) and the locator light.
import { refused } from '../errors.ts';
import { succeeded } from './answer.ts';
import type { Redfish } from './context.ts';
import { flagAt, linkAt, linksAt, textAt } from './document.ts';
import type { Command } from './exchange.ts';
import { problem } from './problem.ts';
import type { Document } from './session.ts';

/** What the machine booted with, else what it will boot with. Undefined: it has no such thing. */
export async function readSecureBoot(redfish: Redfish, signal: AbortSignal): Promise<boolean | undefined> {
  const found = await secureBootOf(redfish, signal);
  const now = textAt(found?.body, 'SecureBootCurrentBoot');
  return now === undefined ? flagAt(found?.body, 'SecureBootEnable') : now === 'Enabled';
}

export async function setSecureBoot(redfish: Redfish, enabled: boolean, command: Command): Promise<void> {
  const found = await secureBootOf(redfish, command.signal);
  if (found === undefined) throw refused(redfish.address.text, 'the system has no secure boot');
  if (flagAt(found.body, 'SecureBootEnable') === enabled) return;
  const effect = { what: 'setting secure boot', patience: 'scheduled' } as const;
  await redfish.effects.patch(found, { SecureBootEnable: enabled }, effect, command);
}

async function secureBootOf(
  { session, system }: Redfish,
  signal: AbortSignal,
): Promise<Document | undefined> {
  const link = linkAt((await system.read(signal)).body, 'SecureBoot');
  return link === undefined ? undefined : session.get(link, signal);
}

/** At the system, else at its chassis; LocationIndicatorActive, else IndicatorLED, which it replaces (DSP0268). */
export async function setIndicator(redfish: Redfish, lit: boolean, command: Command): Promise<void> {
  const { address, session, system, effects } = redfish;
  const own = await system.read(command.signal);
  const [chassis] = linksAt(own.body, 'Links', 'Chassis');
  const holder = hasLight(own) || chassis === undefined ? own : await session.get(chassis, command.signal);
  if (!hasLight(holder)) throw refused(address.text, 'the machine has no locator light that it can switch');
  const effect = { what: 'switching the locator light' };
  if (flagAt(holder.body, 'LocationIndicatorActive') !== undefined) {
    return effects.patch(holder, { LocationIndicatorActive: lit }, effect, command);
  }
  const [value, ...others] = lit ? ['Lit', 'Blinking'] : ['Off'];
  const reply = await effects.tryPatch(holder, { IndicatorLED: value }, effect, command);
  if (succeeded(reply)) return;
  // Quirk `blinkOnly`.
  for (const other of others) {
    if (reply.status === 400) return effects.patch(holder, { IndicatorLED: other }, effect, command);
  }
  throw problem(address, effect.what, reply);
}

const hasLight = ({ body }: Document): boolean =>
  flagAt(body, 'LocationIndicatorActive') !== undefined || textAt(body, 'IndicatorLED') !== undefined;
