// BIOS settings of a Redfish system (DSP0268 Bios): read in force, checked against the registry, left for the next restart.
import { refused } from '../errors.ts';
import type { BiosSettings } from '../port.ts';
import { complaints, readRegistry } from './bios-registry.ts';
import type { Redfish } from './context.ts';
import { entriesAt, linkAt, textAt, textsAt } from './document.ts';
import type { Command } from './exchange.ts';
import type { Document } from './session.ts';

type Value = BiosSettings[string];

const isValue = (value: unknown): value is Value =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** Throws terminal BMCRefused where the machine has no BIOS settings. */
export async function readBios(redfish: Redfish, signal: AbortSignal): Promise<BiosSettings> {
  return attributesOf(await biosOf(redfish, signal));
}

/** Sends only what differs from what is in force or waits for the restart already. */
export async function setBios(redfish: Redfish, settings: BiosSettings, command: Command): Promise<void> {
  const { address, session, effects } = redfish;
  const bios = await biosOf(redfish, command.signal);
  const registry = await readRegistry(redfish, textAt(bios.body, 'AttributeRegistry'), command.signal);
  const inForce = attributesOf(bios);
  const wrong = complaints(settings, inForce, registry);
  if (wrong.length > 0) throw refused(address.text, `BIOS settings: ${wrong.slice(0, 5).join('; ')}`);
  const link = linkAt(bios.body, '@Redfish.Settings', 'SettingsObject');
  const target = link === undefined ? bios : await session.get(link, command.signal);
  const pending = link === undefined ? inForce : { ...inForce, ...attributesOf(target) };
  const changed = Object.entries(settings).filter(([name, value]) => pending[name] !== value);
  if (changed.length === 0) return;
  const body = { ...applyTime(bios), Attributes: Object.fromEntries(changed) };
  await effects.patch(target, body, { what: 'setting the BIOS', patience: 'scheduled' }, command);
}

async function biosOf({ address, session, system }: Redfish, signal: AbortSignal): Promise<Document> {
  const link = linkAt((await system.read(signal)).body, 'Bios');
  if (link === undefined) throw refused(address.text, 'the system offers no BIOS settings');
  return session.get(link, signal);
}

const attributesOf = ({ body }: Document): BiosSettings =>
  Object.fromEntries(
    entriesAt(body, 'Attributes').filter((entry): entry is [string, Value] => isValue(entry[1])),
  );

/** Without it, an iDRAC keeps the settings and never applies them (quirk `jobAtRestart`). */
const applyTime = ({ body }: Document): object =>
  textsAt(body, '@Redfish.Settings', 'SupportedApplyTimes').includes('OnReset')
    ? { '@Redfish.SettingsApplyTime': { ApplyTime: 'OnReset' } }
    : {};
