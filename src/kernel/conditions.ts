// The one grammar of Ready, Reconciling and Stalled, and how conditions are carried from one status to the next.
import type { Condition } from '../kube/objects.ts';
import { timestamp } from '../kube/time.ts';

/** Conditions are read in terminals: what does not fit on a few lines does not help. */
const longestMessage = 1024;
/** These come first, whatever else an object reports. */
const leading: readonly string[] = ['Ready', 'Reconciling', 'Stalled'];

export interface ConditionInput {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase, from a small fixed vocabulary. */
  readonly reason: string;
  readonly message: string;
}

/**
 * How an object does, as kstatus reads it (Reconciling and Stalled are there only while they are True):
 * - `ready`: as wanted.
 * - `progressing`: being worked on, or retrying what will mend by itself.
 * - `stalled`: needs a person; still looked at, and recovers by itself when mended.
 * - `paused`: left alone because somebody said so.
 */
export type Health =
  | { readonly kind: 'ready'; readonly message: string; readonly reason?: string }
  | { readonly kind: 'progressing'; readonly reason: string; readonly message: string }
  | { readonly kind: 'stalled'; readonly reason: string; readonly message: string }
  | { readonly kind: 'paused'; readonly reason: string; readonly message: string };

/** The conditions that say `health`. */
export function summarise(health: Health): readonly ConditionInput[] {
  const { message } = health;
  switch (health.kind) {
    case 'ready':
      return [{ type: 'Ready', status: 'True', reason: health.reason ?? 'Ready', message }];
    case 'progressing':
      return [notReady(health), { type: 'Reconciling', status: 'True', reason: health.reason, message }];
    case 'stalled':
      return [notReady(health), { type: 'Stalled', status: 'True', reason: health.reason, message }];
    case 'paused':
      return [notReady(health)];
  }
}

/**
 * The conditions to write: `wanted`, in a fixed order, with the time at which each last changed its status taken from
 * `former`. What is not wanted any more is dropped; of two of one type the later counts.
 */
export function mergeConditions(
  former: readonly Condition[] | undefined,
  wanted: readonly ConditionInput[],
  generation: number,
  now: Date,
): readonly Condition[] {
  const before = new Map(former?.map((condition) => [condition.type, condition]));
  const byType = new Map(wanted.map((input) => [input.type, input]));
  return [...byType.values()].sort(inReadingOrder).map((input) => {
    const same = before.get(input.type);
    return {
      type: input.type,
      status: input.status,
      reason: input.reason,
      message: shortened(input.message),
      observedGeneration: generation,
      lastTransitionTime: same?.status === input.status ? same.lastTransitionTime : timestamp(now),
    };
  });
}

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}

const notReady = ({
  reason,
  message,
}: {
  readonly reason: string;
  readonly message: string;
}): ConditionInput => ({
  type: 'Ready',
  status: 'False',
  reason,
  message,
});

function inReadingOrder(a: ConditionInput, b: ConditionInput): number {
  const rank = (type: string) => (leading.includes(type) ? leading.indexOf(type) : leading.length);
  return rank(a.type) - rank(b.type) || (a.type < b.type ? -1 : 1);
}

/** Cut by characters, not by UTF-16 units: half a surrogate pair is not valid JSON text for the API server. */
function shortened(message: string): string {
  if (message.length <= longestMessage) return message;
  const cut = message.slice(0, longestMessage - 1);
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}…`;
}
