// The boot override of a Redfish system (DSP0268 ComputerSystem, Boot): what the firmware boots from at the next power-on.
import { refused } from '../errors.ts';
import type { BootDevice, BootMode, BootOverride } from '../port.ts';
import { present } from '../present.ts';
import { succeeded } from './answer.ts';
import type { Redfish } from './context.ts';
import { at, entriesAt, linkAt, textAt, textsAt } from './document.ts';
import type { Command } from './exchange.ts';
import type { Reply } from './http.ts';
import { setVirtualCdFirst } from './idrac.ts';
import { problem } from './problem.ts';
import { passesByItself, type QuirkName } from './quirks.ts';
import type { Document } from './session.ts';

/** BootSourceOverrideTarget values, best first. */
const targets: Readonly<Record<BootDevice, readonly string[]>> = {
  Network: ['Pxe'],
  Disk: ['Hdd'],
  Cd: ['Cd', 'UsbCd'],
};
const targetKey = 'BootSourceOverrideTarget';
const enabledKey = 'BootSourceOverrideEnabled';
const modeKey = 'BootSourceOverrideMode';
const allowable = '@Redfish.AllowableValues';
const effect = { what: 'setting the boot device', patience: 'scheduled' } as const;

type Values = Readonly<Record<string, string>>;

/** The system with the settings resource that may hold its boot override (quirk `bootInSettings`). */
interface Place {
  readonly system: Document;
  readonly settings: Document | undefined;
}

export async function setBoot(redfish: Redfish, override: BootOverride, command: Command): Promise<void> {
  const system = await redfish.system.read(command.signal);
  const quirks = await redfish.system.quirks(system, command.signal);
  const place = { system, settings: await settingsOf(redfish, system, command.signal) };
  const oem = override.device === 'Cd' && quirks.has('oemVirtualCd');
  if (oem) await setVirtualCdFirst(redfish, system, override.persistent, command);
  const target = oem ? {} : { [targetKey]: targetFor(redfish, place, override.device, quirks) };
  const mode = modeFor(place, override.mode, quirks);
  if (oem && mode === undefined) return;
  await insist(
    redfish,
    place,
    variants(target, oem ? [] : enabledFor(place, override, quirks), mode),
    command,
  );
  if (quirks.has('modeForgotten')) await restoreMode(redfish, override.mode, command);
}

/** Undefined: none is set, or the service does not say. */
export async function readBoot(
  redfish: Redfish,
  signal: AbortSignal,
): Promise<Partial<BootOverride> | undefined> {
  const system = await redfish.system.read(signal);
  const place = { system, settings: await settingsOf(redfish, system, signal) };
  const [target, enabled] = [current(place, targetKey), current(place, enabledKey)];
  if (target === undefined || target === 'None' || enabled === 'Disabled') return undefined;
  const devices = Object.keys(targets) as BootDevice[];
  const mode = current(place, modeKey);
  return present<Partial<BootOverride>>({
    device: devices.find((device) => targets[device].includes(target)),
    mode: mode === 'UEFI' || mode === 'Legacy' ? mode : undefined,
    persistent: enabled === undefined ? undefined : enabled === 'Continuous',
  });
}

async function settingsOf(
  { session }: Redfish,
  system: Document,
  signal: AbortSignal,
): Promise<Document | undefined> {
  const link = linkAt(system.body, '@Redfish.Settings', 'SettingsObject');
  if (link === undefined) return undefined;
  const settings = await session.get(link, signal);
  return at(settings.body, 'Boot') === undefined ? undefined : settings;
}

/** The settings resource comes first, for those keys that it has. */
const documentWith = ({ system, settings }: Place, key: string): Document =>
  settings !== undefined && at(settings.body, 'Boot', key) !== undefined ? settings : system;

const current = (place: Place, key: string): string | undefined =>
  textAt(documentWith(place, key).body, 'Boot', key);

/** Empty where the service does not say. */
function allowedTargets({ system, settings }: Place): readonly string[] {
  const own = textsAt(settings?.body, 'Boot', targetKey + allowable);
  return own.length > 0 ? own : textsAt(system.body, 'Boot', targetKey + allowable);
}

function targetFor(
  { address }: Redfish,
  place: Place,
  device: BootDevice,
  quirks: ReadonlySet<QuirkName>,
): string {
  const offered = allowedTargets(place);
  const wanted = quirks.has('usbCd') ? targets[device].toReversed() : targets[device];
  const found = wanted.find((target) =>
    offered.length === 0 ? target === targets[device][0] : offered.includes(target),
  );
  if (found !== undefined) return found;
  throw refused(address.text, `the system cannot boot from ${device}: it offers ${offered.join(', ')}`);
}

/** The values of Enabled to try, best first; undefined: it is left as it is. */
function enabledFor(
  place: Place,
  { persistent }: BootOverride,
  quirks: ReadonlySet<QuirkName>,
): readonly (string | undefined)[] {
  const wanted = persistent ? 'Continuous' : 'Once';
  const other = persistent ? 'Once' : 'Continuous';
  const always = quirks.has('enabledAlways') || quirks.has('wholeBoot');
  // Quirk `noContinuous`: the other is for those that refuse this one.
  return [!always && current(place, enabledKey) === wanted ? undefined : wanted, other];
}

/** Undefined: it is left as it is (quirk `noMode`: there is none). */
function modeFor(place: Place, mode: BootMode, quirks: ReadonlySet<QuirkName>): string | undefined {
  if (quirks.has('wholeBoot')) return mode;
  const now = current(place, modeKey);
  return now === undefined || now === mode ? undefined : mode;
}

/** What to send, best first: the mode is given up before the wish for once or for good. */
function variants(
  target: Values,
  enabled: readonly (string | undefined)[],
  mode: string | undefined,
): readonly Values[] {
  const modes = mode === undefined ? [{}] : [{ [modeKey]: mode }, {}];
  const firsts = enabled.length === 0 ? [undefined] : enabled;
  return firsts
    .flatMap((value) => modes.map((part) => ({ ...target, ...(value && { [enabledKey]: value }), ...part })))
    .filter((values) => Object.keys(values).length > 0);
}

/** Sends the first of `wanted` that is taken. Throws what the first refusal means when none is. */
async function insist(
  redfish: Redfish,
  place: Place,
  wanted: readonly Values[],
  command: Command,
): Promise<void> {
  let first: Reply | undefined;
  for (const values of wanted) {
    const reply = await send(redfish, place, values, command);
    if (reply === undefined) return;
    first ??= reply;
    if (!isAboutValues(reply, values)) break;
  }
  if (first !== undefined) throw problem(redfish.address, effect.what, first);
}

/**
 * Refusals that another value may turn: not those that pass, and not those of a login or of a service that is away. Some answer
 * Continuous with an internal error.
 */
const isAboutValues = (reply: Reply, values: Values): boolean =>
  ([400, 405, 422, 501].includes(reply.status) && !passesByItself(reply)) ||
  (reply.status === 500 && values[enabledKey] === 'Continuous');

/** Undefined: taken. */
async function send(
  { effects }: Redfish,
  place: Place,
  values: Values,
  command: Command,
): Promise<Reply | undefined> {
  for (const document of [place.settings, place.system]) {
    if (document === undefined) continue;
    const own = Object.entries(values).filter(([key]) => documentWith(place, key) === document);
    if (own.length === 0) continue;
    const reply = await effects.tryPatch(document, { Boot: Object.fromEntries(own) }, effect, command);
    if (!succeeded(reply)) return reply;
  }
  return undefined;
}

/** Quirk `modeForgotten`. */
async function restoreMode(redfish: Redfish, mode: BootMode, command: Command): Promise<void> {
  const system = await redfish.system.read(command.signal);
  const now = entriesAt(system.body, 'Boot').find(([key]) => key === modeKey)?.[1];
  if (now === undefined || now === mode) return;
  await redfish.effects.patch(system, { Boot: { [modeKey]: mode } }, effect, command);
}
