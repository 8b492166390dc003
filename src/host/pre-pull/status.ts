// When a host may pull images ahead, and what is told of that: in its status, and in events. Pure.
import type { Host, HostStatusPrePulled } from '../../api/host.gen.ts';
import type { Health } from '../../kernel/conditions.ts';
import type { Note } from '../apply/context.ts';
import { mayAct, type Brake } from '../brakes.ts';
import type { Plan, Verdict } from '../plan/types.ts';
import { shortImage, type PullState } from './puller.ts';

const longestMessage = 512;

/**
 * Nothing is to be done on the host, nothing has just been done, and it is not on its way to another revision. In mode Plan
 * and on a host that is held, images are pulled: they change nothing that runs. What keeps failing and waits for another
 * try keeps no image waiting.
 */
export function mayPullAhead(
  brake: Brake,
  reached: number,
  { actions, stepDone, unproven }: Pick<Plan, 'actions' | 'stepDone' | 'unproven'>,
  verdicts: ReadonlyMap<string, Verdict>,
): boolean {
  if (!mayAct(brake) || actions.length > 0 || Math.max(reached, stepDone) < 5) return false;
  return !unproven.some(({ id }) => verdicts.get(id)?.kind === 'probing');
}

/** What a pass has seen of it. */
export interface PrePullSeen {
  /** Undefined while nobody has looked which images are there. */
  readonly state: PullState | undefined;
  /** What comes first, or forbids it; undefined when nothing does. */
  readonly waitsFor: string | undefined;
}

/**
 * Undefined for a host that has nothing to pull ahead. What was counted stays, for the same list, until somebody counts again;
 * `seen` is undefined where the host was not looked at: `health` says why.
 */
export function prePulledStatus(
  { metadata, spec, status }: Host,
  health: Health,
  seen: PrePullSeen | undefined,
): HostStatusPrePulled | undefined {
  if (spec.prePull === undefined) return undefined;
  const { hash, images } = spec.prePull;
  const former = status?.prePulled?.hash === hash ? status.prePulled : undefined;
  const counted = countedAs(hash, images.length, seen?.state ?? former);
  if (counted.present === counted.desired) return counted;
  const waitsFor = seen === undefined ? health.message : seen.waitsFor;
  const waits = waitsFor === undefined ? undefined : `waits: ${withoutName(metadata.name, waitsFor)}`;
  return { ...counted, message: cut(waits ?? wordsOf(seen?.state)) };
}

function countedAs(
  hash: string,
  desired: number,
  counted: PullState | HostStatusPrePulled | undefined,
): HostStatusPrePulled {
  const { present = 0 } = counted ?? {};
  const failed =
    counted === undefined || !('failures' in counted) ? counted?.failed : counted.failures.length;
  return {
    hash,
    desired,
    present,
    summary: `${present}/${desired}`,
    ...(failed === undefined || failed === 0 ? {} : { failed }),
  };
}

/** The event that says so, once, when all images are there, and when one could not be pulled. */
export function noteOfPrePull(
  before: HostStatusPrePulled | undefined,
  after: HostStatusPrePulled | undefined,
): Note | undefined {
  if (after === undefined) return undefined;
  const { hash, present, desired, failed = 0, message = '' } = after;
  const former = before?.hash === hash ? before : undefined;
  const action = 'PrePull';
  if (present === desired) {
    if (former?.present === desired) return undefined;
    const note = `all ${desired} images of spec.prePull are here`;
    return { type: 'Normal', reason: 'ImagesPrePulled', action, note };
  }
  if (failed === 0 || (former?.failed ?? 0) > 0) return undefined;
  return { type: 'Warning', reason: 'ImagePullFailed', action, note: message };
}

function wordsOf(state: PullState | undefined): string {
  if (state === undefined) return 'looks which images are here';
  const [failure] = state.failures;
  if (failure !== undefined) {
    const others = state.failures.length - 1;
    return others === 0 ? failure : `${failure} (and ${others} more)`;
  }
  return state.pulling === undefined ? 'waits for its turn' : `pulls ${shortImage(state.pulling)}`;
}

const withoutName = (name: string, message: string): string =>
  message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;

const cut = (text: string): string =>
  text.length > longestMessage ? `${text.slice(0, longestMessage - 1).toWellFormed()}…` : text;
