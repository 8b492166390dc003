// When a host is looked at again if nobody calls: soon while it moves, calmly while something fails, rarely at rest.
import { requeueAfter, type Outcome } from '../kernel/controller.ts';
import type { FailureBook } from './failures.ts';
import type { Link } from './memory.ts';
import { hasRunnable } from './plan/schedule.ts';
import type { Plan } from './plan/types.ts';

const moreToDoMs = 250;
const movingMs = 2_000;
const waitingMs = 30_000;

export interface NextLookInput {
  readonly plan: Plan;
  readonly reached: number;
  readonly act: boolean;
  /** The proposed revision could not be planned: a Secret of it may come yet. */
  readonly unplanned: boolean;
  readonly link: Pick<Link, 'prober'>;
  readonly failures: FailureBook;
  /** Milliseconds until another image is to be pulled ahead; undefined while none waits for that, or is not to be. */
  readonly pullAgainMs: number | undefined;
  /** When the status writer wants to write what it has put off. */
  readonly writeAgainMs: number | undefined;
  readonly slowPassMs: number;
  readonly random: () => number;
}

export function nextLook(input: NextLookInput): Outcome {
  const { plan, reached, act, unplanned, link, failures, slowPassMs, random } = input;
  const { writeAgainMs, pullAgainMs } = input;
  const slow = slowPassMs * (0.95 + 0.1 * random());
  const verdicts = link.prober.verdicts();
  const probing = plan.unproven.some(({ id }) => verdicts.get(id)?.kind === 'probing');
  const passing = plan.unready.some(({ state }) => state === 'removing' || state === 'restarting');
  const retryMs = failures.nextMs();
  const looks: readonly (readonly [boolean, number, string])[] = [
    [writeAgainMs !== undefined, writeAgainMs ?? 0, 'progress to report'],
    [act && hasRunnable(plan, reached), moreToDoMs, 'more to do'],
    [act && (probing || passing), movingMs, 'work in progress'],
    [act && retryMs !== undefined, retryMs ?? 0, 'another try'],
    // What it waits for tells: the engine, a probe, or whoever changes the Host.
    [act && plan.actions.length + plan.holds.length > 0, waitingMs, 'something is not as it should be'],
    [pullAgainMs !== undefined, pullAgainMs ?? 0, 'another image to pull ahead'],
    [unplanned, waitingMs, 'a proposal that cannot be planned'],
    [true, slow, 'slow pass'],
  ];
  const due = looks.filter(([applies]) => applies).sort(([, a], [, b]) => a - b)[0];
  const [, ms, because] = due ?? [true, slow, 'slow pass'];
  return requeueAfter(ms, because);
}
