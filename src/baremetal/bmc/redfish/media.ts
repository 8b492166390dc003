// Virtual media of a Redfish service (DSP0268 VirtualMedia): an ISO image shown to the machine as a CD.
import { busy, refused } from '../errors.ts';
import { says, succeeded } from './answer.ts';
import type { Redfish } from './context.ts';
import { textAt } from './document.ts';
import type { Command } from './exchange.ts';
import type { Reply } from './http.ts';
import { actionOf, cdSlots, imageIn, isInserted } from './media-slots.ts';
import { problem } from './problem.ts';
import type { Document } from './session.ts';

/** How long a slot may take to show what was done to it (quirk `staleInserted`). */
const showingPausesMs = [1_000, 2_000, 3_000, 4_000];
const inserting = (url: string) => ({ what: `inserting ${url}`, purpose: 'media' }) as const;
const ejecting = { what: 'ejecting the virtual CD', purpose: 'media' } as const;

export async function insertMedia(redfish: Redfish, url: string, command: Command): Promise<void> {
  const { address, system } = redfish;
  const machine = await system.read(command.signal);
  const slots = await cdSlots(redfish, machine, command.signal);
  const quirks = await system.quirks(machine, command.signal);
  // Quirk `onlyFirstSlot`.
  const usable = quirks.has('onlyFirstSlot') ? slots.filter(({ body }) => textAt(body, 'Id') === '1') : slots;
  const holder = usable.find((slot) => isInserted(slot) && imageIn(slot) === url);
  // One device may be shown at the system and at the manager: what has our image is left alone.
  const others = slots.filter((slot) => isInserted(slot) && !(holder !== undefined && imageIn(slot) === url));
  for (const slot of others) await eject(redfish, slot, command);
  if (holder !== undefined) return;
  if (usable.length === 0) {
    throw refused(address.text, 'it has no virtual CD: boot this machine over the network');
  }
  const refusals: Reply[] = [];
  // Those with the action come first (quirk `localSlots`); the others may take a PATCH (quirk `insertByPatch`).
  const withAction = usable.filter((slot) => actionOf(slot, 'InsertMedia') !== undefined);
  for (const slot of [...withAction, ...usable.filter((slot) => !withAction.includes(slot))]) {
    const reply = await insertInto(redfish, slot, url, command);
    if (succeeded(reply)) return confirm(redfish, slot, url, command.signal);
    refusals.push(reply);
    if ([401, 403].includes(reply.status)) break;
  }
  // 405 is what a slot says that is not for us: what another says tells more.
  const told = refusals.find(({ status }) => status !== 405) ?? refusals[0];
  if (told !== undefined) throw problem(address, `inserting ${url}${remark(url)}`, told);
}

/** Throws transient BMCBusy when a slot still shows its medium after some seconds. */
export async function ejectMedia(redfish: Redfish, command: Command): Promise<void> {
  const machine = await redfish.system.read(command.signal);
  const full = (await cdSlots(redfish, machine, command.signal)).filter(isInserted);
  for (const slot of full) {
    await eject(redfish, slot, command);
    const empty = await shows(redfish, slot, (now) => !isInserted(now), command.signal);
    if (!empty) throw busy(redfish.address.text, `${slot.link} still shows ${imageIn(slot) ?? 'a medium'}`);
  }
}

const remark = (url: string): string =>
  /[?&]/.test(url) ? ' (some BMCs take no address with a question mark or ampersand)' : '';

/** The reply to what the slot took, or to the last try. */
async function insertInto(redfish: Redfish, slot: Document, url: string, command: Command): Promise<Reply> {
  const { effects } = redfish;
  const action = actionOf(slot, 'InsertMedia');
  if (action === undefined) {
    const body = { Image: url, Inserted: true, WriteProtected: true };
    return effects.tryPatch(slot, body, inserting(url), command);
  }
  // As little as the standard allows (quirk `bareInsert`), then whatever the service asks for, one at a time.
  let body: Readonly<Record<string, string>> = { Image: url };
  for (;;) {
    const reply = await effects.tryPost(action, { body }, inserting(url), command);
    const more = succeeded(reply) ? undefined : askedFor(reply, url, body);
    if (more === undefined) return reply;
    body = { ...body, ...more };
  }
}

/** What a refusal asks for that was not in the request. */
function askedFor(
  reply: Reply,
  url: string,
  body: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  const wants: readonly (readonly [RegExp, Readonly<Record<string, string>>])[] = [
    // Quirks `transferProtocol`, `transferMethod`, `dummyCredentials`.
    [/TransferProtocolType/, { TransferProtocolType: url.startsWith('https:') ? 'HTTPS' : 'HTTP' }],
    [/TransferMethod/, { TransferMethod: 'Stream' }],
    [/UserName|Password/, { UserName: 'none', Password: 'none' }],
  ];
  return wants.find(
    ([name, values]) => says(reply, name) && !Object.keys(values).some((key) => key in body),
  )?.[1];
}

/** Some say yes before they have fetched anything, and some say yes and do nothing. */
async function confirm(redfish: Redfish, slot: Document, url: string, signal: AbortSignal): Promise<void> {
  if (await shows(redfish, slot, isInserted, signal)) return;
  throw busy(
    redfish.address.text,
    `it took ${url} and shows nothing in ${slot.link}: see that the BMC can reach that address`,
  );
}

async function shows(
  { session, clock }: Redfish,
  slot: Document,
  wanted: (now: Document) => boolean,
  signal: AbortSignal,
): Promise<boolean> {
  for (const pause of showingPausesMs) {
    if (wanted(await session.get(slot.link, signal))) return true;
    await clock.sleep(pause, signal);
  }
  return wanted(await session.get(slot.link, signal));
}

async function eject(redfish: Redfish, slot: Document, command: Command): Promise<void> {
  const reply = await sendEject(redfish, slot, command);
  if (succeeded(reply)) return;
  // It may have been on its way out already.
  if (isInserted(await redfish.session.get(slot.link, command.signal))) {
    throw problem(redfish.address, ejecting.what, reply);
  }
}

async function sendEject({ effects }: Redfish, slot: Document, command: Command): Promise<Reply> {
  const action = actionOf(slot, 'EjectMedia');
  if (action === undefined) {
    return effects.tryPatch(slot, { Image: null, Inserted: false }, ejecting, command);
  }
  const reply = await effects.tryPost(action, {}, ejecting, command);
  // Quirk `emptyEject`.
  return [400, 411, 415].includes(reply.status)
    ? effects.tryPost(action, { body: {} }, ejecting, command)
    : reply;
}
