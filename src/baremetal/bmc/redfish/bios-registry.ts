// Checks BIOS settings against the attribute registry of the BIOS (DSP0268 AttributeRegistry) before they are sent.
import type { BiosSettings } from '../port.ts';
import type { Redfish } from './context.ts';
import { flagAt, linkAt, linksAt, listAt, numberAt, textAt } from './document.ts';

/** The registry's entries by attribute name. */
export type BiosRegistry = ReadonlyMap<string, unknown>;

/** More than any service has. */
const mostRegistries = 64;

/** Undefined where the service names none, or does not have the one that it names: many do not. */
export async function readRegistry(
  redfish: Redfish,
  name: string | undefined,
  signal: AbortSignal,
): Promise<BiosRegistry | undefined> {
  const { session, system, address } = redfish;
  const collection = linkAt((await system.root(signal)).body, 'Registries');
  if (name === undefined || collection === undefined) return undefined;
  const files = await session.look(collection, signal);
  const link = await fileLink(redfish, linksAt(files.body, 'Members'), name, signal);
  // Some have it on a web site of theirs, where a credential of ours must not go.
  if (link === undefined || URL.parse(link, address.origin)?.origin !== address.origin) return undefined;
  const { body } = await session.look(link, signal);
  const entries = listAt(body, 'RegistryEntries', 'Attributes');
  if (entries.length === 0) return undefined;
  return new Map(entries.flatMap((entry) => named(textAt(entry, 'AttributeName'), entry)));
}

const named = (name: string | undefined, entry: unknown): [string, unknown][] =>
  name === undefined ? [] : [[name, entry]];

/** Where the registry `name` is, by the file that describes it (DSP0268 MessageRegistryFile). */
async function fileLink(
  { session }: Redfish,
  members: readonly string[],
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  // Names end in a version, links often do not: the likely ones first.
  const stem = name.replace(/\.v?\d.*$/, '').toLowerCase();
  const likely = members.filter((link) => link.toLowerCase().includes(stem));
  for (const link of [...new Set([...likely, ...members])].slice(0, mostRegistries)) {
    const { body } = await session.look(link, signal);
    if (![textAt(body, 'Registry'), textAt(body, 'Id')].includes(name)) continue;
    const places = listAt(body, 'Location');
    const english = places.find((place) => textAt(place, 'Language')?.startsWith('en') === true);
    return textAt(english ?? places[0], 'Uri');
  }
  return undefined;
}

/** What is wrong with `wanted`, an attribute each; empty when nothing is. Without a registry, what is in force is the measure. */
export function complaints(
  wanted: BiosSettings,
  inForce: BiosSettings,
  registry: BiosRegistry | undefined,
): readonly string[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    const entry = registry?.get(name);
    const now = inForce[name];
    if (entry === undefined && now === undefined) return [`this machine has no attribute ${name}`];
    const wrong = entry === undefined ? unlike(value, now) : against(entry, value);
    return wrong === undefined ? [] : [`${name} cannot be ${JSON.stringify(value)}: ${wrong}`];
  });
}

const unlike = (value: BiosSettings[string], now: BiosSettings[string] | undefined): string | undefined =>
  typeof value === typeof now ? undefined : `it is a ${typeof now}`;

function against(entry: unknown, value: BiosSettings[string]): string | undefined {
  if (flagAt(entry, 'ReadOnly') === true) return 'it is read-only';
  switch (textAt(entry, 'Type')) {
    case 'Enumeration':
      return ofEnumeration(entry, value);
    case 'Integer':
      return Number.isInteger(value)
        ? within(entry, Number(value), 'LowerBound', 'UpperBound', '')
        : 'it is a whole number';
    case 'Boolean':
      return typeof value === 'boolean' ? undefined : 'it is true or false';
    case 'String':
      return typeof value === 'string'
        ? within(entry, value.length, 'MinLength', 'MaxLength', ' characters')
        : 'it is a text';
    default:
      return undefined;
  }
}

function ofEnumeration(entry: unknown, value: BiosSettings[string]): string | undefined {
  const names = listAt(entry, 'Value').flatMap((item) => textAt(item, 'ValueName') ?? []);
  return names.length === 0 || names.includes(String(value)) ? undefined : `it is one of ${names.join(', ')}`;
}

function within(entry: unknown, size: number, low: string, high: string, unit: string): string | undefined {
  const [least, most] = [numberAt(entry, low) ?? -Infinity, numberAt(entry, high) ?? Infinity];
  if (size >= least && size <= most) return undefined;
  return `it has from ${least} to ${most}${unit}`;
}
