// The virtual CD slots of a machine: those of its system, then those of its managers.
import type { Redfish } from './context.ts';
import { linkAt, flagAt, linksAt, textAt, textsAt } from './document.ts';
import type { Document } from './session.ts';

/** Some list dozens of slots of other kinds. */
const mostSlots = 32;

/** Read one after the other; those of another kind (floppy, stick) are left out. */
export async function cdSlots(
  { session }: Redfish,
  system: Document,
  signal: AbortSignal,
): Promise<readonly Document[]> {
  const managers: Document[] = [];
  for (const link of linksAt(system.body, 'Links', 'ManagedBy'))
    managers.push(await session.get(link, signal));
  // Some show one collection at both.
  const collections = new Set(
    [system, ...managers].flatMap(({ body }) => linkAt(body, 'VirtualMedia') ?? []),
  );
  const links = new Set<string>();
  for (const collection of collections) {
    for (const link of linksAt((await session.get(collection, signal)).body, 'Members')) links.add(link);
  }
  const slots: Document[] = [];
  for (const link of [...links].slice(0, mostSlots)) slots.push(await session.get(link, signal));
  return slots.filter(isCd);
}

/** Quirk `dvdOnly`. */
function isCd({ body }: Document): boolean {
  const types = textsAt(body, 'MediaTypes');
  return types.length === 0 || types.includes('CD') || types.includes('DVD');
}

/** Services leave Inserted out, or Image. */
export const isInserted = ({ body }: Document): boolean =>
  flagAt(body, 'Inserted') ?? textAt(body, 'Image') !== undefined;

export const imageIn = ({ body }: Document): string | undefined => textAt(body, 'Image');

export const actionOf = ({ body }: Document, name: 'InsertMedia' | 'EjectMedia'): string | undefined =>
  textAt(body, 'Actions', `#VirtualMedia.${name}`, 'target');
