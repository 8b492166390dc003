// A reboot that a person asked for by annotation: off, softly or hard, and then on again as the node's power is wanted. Pure.
import type { BareMetalNode, BareMetalNodeStatus } from '../api/baremetalnode.gen.ts';
import { annotations } from '../api/names.ts';
import type { BmcView, Place } from './lifecycle.ts';

export type RebootRequest = NonNullable<BareMetalNodeStatus['rebootRequest']>;

/** What the annotation asks for; `wrong` is a value that means nothing. */
function askedReboot({ metadata }: BareMetalNode): RebootRequest['mode'] | 'wrong' | undefined {
  const value = metadata.annotations?.[annotations.reboot]?.toLowerCase();
  if (value === undefined) return undefined;
  if (value === 'soft' || value === '') return 'Soft';
  return value === 'hard' ? 'Hard' : 'wrong';
}

/** Whether a reboot means something in `place`: what is only left running would not be powered on again. */
const mayReboot = ({ status }: BareMetalNode, place: Place): boolean =>
  place.state === 'active' && status?.hostRef !== undefined;

/** The request as it stands after this pass; gone once the machine was seen off. */
export function decideReboot({
  node,
  place,
  bmc,
  brake,
  now,
}: {
  readonly node: BareMetalNode;
  readonly place: Place;
  readonly bmc: BmcView;
  /** Why the machine must not be touched: then a request is not put off to a time when nobody expects it. */
  readonly brake: string | undefined;
  readonly now: Date;
}): RebootRequest | undefined {
  if (!mayReboot(node, place)) return undefined;
  const asked = askedReboot(node);
  const pending = node.status?.rebootRequest;
  if (pending !== undefined && bmc.kind === 'answers' && bmc.power === 'Off') return undefined;
  if (pending !== undefined) return pending;
  if (asked === undefined || asked === 'wrong' || brake !== undefined) return undefined;
  // Off already: it is powered on anyway.
  if (bmc.kind === 'answers' && bmc.power === 'Off') return undefined;
  return { mode: asked, requestedAt: `${now.toISOString().slice(0, 19)}Z` };
}
