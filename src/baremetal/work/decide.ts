// The next step of a machine's work with the agent: a pure function of what is recorded and what is seen.
import type { AgentMove } from '../agent/plan.ts';
import { failureOf, overdue } from './deadlines.ts';
import type { Phase, Todo, Work, WorkKind, WorkSeen, WorkStep } from './model.ts';

export interface WorkInput {
  readonly kind: WorkKind;
  /** As recorded; undefined, or another kind's or host's: to be begun. */
  readonly recorded: Work | undefined;
  /** UID of the Host that it is done for; undefined for work without one. */
  readonly hostUID: string | undefined;
  readonly image: Work['image'] | undefined;
  readonly seen: WorkSeen;
  /** How long the burn-in after the inspection takes, in ms; undefined: there is none. */
  readonly burnInMs: number | undefined;
  readonly now: Date;
  /** A name that no boot had before. */
  readonly newBoot: string;
  /** A person asked for another try. */
  readonly again: boolean;
  /** From 0 to 1: spreads retries. */
  readonly jitter: number;
}

/** Milliseconds until a machine whose power went away unasked counts as lost: firmware resets look alike. */
const powerLossMs = 60_000;

export function decideWork(input: WorkInput): WorkStep {
  const work = currentWork(input);
  if (work.failure !== undefined) return step(work, { outcome: 'failed', says: work.failure.message });
  const { failure, trouble } = input.seen;
  if (failure !== undefined && work.phase !== 'Queued') return failed(work, failure, input);
  const next = withTrouble(phases[work.phase](work, input), trouble);
  if (next.outcome !== 'going' || next.work.phase !== work.phase) return next;
  const late = overdue(work, input.seen, input);
  return late === undefined ? next : failed(work, late, input);
}

/** The work to go on with: the recorded one, or a new try. */
function currentWork({ kind, recorded, hostUID, image, now, newBoot, again }: WorkInput): Work {
  const same = recorded?.kind === kind && recorded.hostUID === hostUID;
  const retry =
    recorded?.failure !== undefined && (again || now.getTime() >= Date.parse(recorded.failure.retryAt));
  if (same && !retry) return recorded;
  return {
    kind,
    phase: 'Queued',
    phaseSince: wholeSeconds(now),
    attempt: same ? recorded.attempt + 1 : 1,
    boot: newBoot,
    ...(same && recorded.failure !== undefined && { lastFailure: recorded.failure.message }),
    ...(hostUID !== undefined && { hostUID }),
    ...(image !== undefined && { image }),
  };
}

const phases: Readonly<Record<Phase, (work: Work, input: WorkInput) => WorkStep>> = {
  Queued(work, input) {
    const { blocker, turn } = input.seen;
    if (blocker !== undefined) return step(work, { says: blocker.message, percent: 0 });
    if (!turn) return step(work, { says: 'waits for its turn: as many machines as may be are worked on' });
    return to(withImage(work, input), 'PoweringOff', input);
  },
  PoweringOff(work, input) {
    if (input.seen.power === 'Off') return to(work, 'Booting', input);
    return step(work, { power: 'Off', says: 'is powered off, to boot the agent', percent: 5 });
  },
  Booting(work, input) {
    const { power, prepared, blocker } = input.seen;
    if (power === 'On' && prepared) return to(work, 'AwaitingAgent', input);
    // What runs was not started by us, or before we had to leave it alone. Its agent, if it is one, is none of the next boot.
    if (power === 'On') return to({ ...work, boot: input.newBoot }, 'PoweringOff', input);
    if (!prepared && blocker !== undefined) return step(work, { says: blocker.message, percent: 8 });
    if (!prepared) return step(work, { todo: { kind: 'prepare' }, says: 'gets its boot device', percent: 8 });
    return step(work, { power: 'On', says: 'is powered on, to boot the agent', percent: 10 });
  },
  AwaitingAgent(work, input) {
    const { heard, power, inventoryKept } = input.seen;
    if (power === 'Off' && ageMs(work, input.now) > powerLossMs)
      return failed(
        work,
        { reason: 'PowerLost', message: 'its power went off while the agent booted' },
        input,
      );
    const awaitsData = work.kind === 'Inspect' && !inventoryKept;
    if (heard.address === undefined || awaitsData) return step(work, awaiting(input));
    if (work.kind === 'Inspect' && input.burnInMs === undefined) return to(work, 'Finishing', input);
    const { plan } = input.seen;
    return to(plan === undefined ? work : { ...work, plan }, 'Working', input);
  },
  Working(work, input) {
    const { move, power } = input.seen;
    if (power === 'Off' && ageMs(work, input.now) > powerLossMs)
      return failed(
        work,
        { reason: 'PowerLost', message: 'its power went off while the agent worked' },
        input,
      );
    if (work.plan !== undefined && work.plan !== input.seen.plan) return failed(work, changed, input);
    if (move === undefined) return step(work, { says: 'waits for its agent to answer', percent: 30 });
    return moved(work, move, input);
  },
  Finishing(work, input) {
    const { power, retired } = input.seen;
    if (power !== 'Off') return step(work, { power: 'Off', says: 'is powered off', percent: 92 });
    const todo: Todo = { kind: 'retire' };
    if (!retired) return step(work, { todo, says: 'gets its disk back as boot device', percent: 95 });
    if (work.kind !== 'Deploy') return step(work, { outcome: 'done', says: 'is through', percent: 100 });
    return to(work, 'Starting', input);
  },
  Starting(work, { seen }) {
    if (seen.power === 'On') return step(work, { outcome: 'done', says: 'runs its system', percent: 100 });
    return step(work, { power: 'On', says: 'is started from its disk', percent: 98 });
  },
};

function moved(work: Work, move: AgentMove, input: WorkInput): WorkStep {
  switch (move.kind) {
    case 'run':
      return step(work, { todo: { kind: 'command', move }, says: move.what, percent: share(move.percent) });
    case 'wait':
      return step(work, { says: move.what, percent: share(move.percent) });
    case 'failed':
      return failed(work, move, input);
    case 'done':
      return to(work, 'Finishing', input);
  }
}

const changed = {
  reason: 'PlanChanged',
  message: 'is wanted otherwise than when its agent began: it is booted anew',
} as const;

const withTrouble = (next: WorkStep, trouble: string | undefined): WorkStep =>
  trouble === undefined || next.todo === undefined ? next : { ...next, says: `${next.says}: ${trouble}` };

/** What was heard so far tells how far it is. */
function awaiting({ seen }: WorkInput): Partial<WorkStep> {
  const { heard } = seen;
  if (heard.trouble !== undefined) return { says: `waits for the agent: ${heard.trouble}`, percent: 20 };
  if (heard.lookupAt !== undefined)
    return { says: 'was looked up by its agent, and waits for the first heartbeat', percent: 25 };
  if (heard.inspection !== undefined)
    return { says: 'told its inventory, and waits for the lookup', percent: 22 };
  if (heard.scriptAt !== undefined)
    return { says: 'fetched its boot script, and loads the agent', percent: 15 };
  return { says: 'boots, and waits for its firmware to fetch the agent', percent: 12 };
}

/** The image may have another version by the time it is this node's turn. */
const withImage = ({ image: _former, ...work }: Work, { image }: WorkInput): Work =>
  image === undefined ? work : { ...work, image };

/** How each phase begins: no percent falls behind the one before it, and people may read these words for some seconds. */
const beginnings: Readonly<Record<Phase, Pick<WorkStep, 'says' | 'percent'>>> = {
  Queued: { says: 'waits for its turn', percent: 0 },
  PoweringOff: { says: 'is powered off, to boot the agent', percent: 5 },
  Booting: { says: 'gets its boot device', percent: 8 },
  AwaitingAgent: { says: 'boots, and waits for its firmware to fetch the agent', percent: 12 },
  Working: { says: 'was heard of, and is told what to do', percent: 30 },
  Finishing: { says: 'is powered off', percent: 92 },
  Starting: { says: 'is started from its disk', percent: 98 },
};

const to = (work: Work, phase: Phase, { now }: WorkInput): WorkStep =>
  step({ ...work, phase, phaseSince: wholeSeconds(now) }, beginnings[phase]);

function failed(
  work: Work,
  why: { readonly reason: string; readonly message: string },
  { now, jitter, seen }: WorkInput,
): WorkStep {
  const tail = seen.consoleTail === undefined ? '' : `; its console ends with: ${seen.consoleTail}`;
  const failure = failureOf(work, { ...why, message: `${why.message}${tail}` }, now, jitter);
  return step({ ...work, failure }, { outcome: 'failed', says: failure.message });
}

const step = (work: Work, rest: Partial<WorkStep>): WorkStep => ({
  work,
  power: undefined,
  todo: undefined,
  outcome: 'going',
  says: 'goes on',
  percent: 0,
  ...rest,
});

/** The agent's own percent lies between its first heartbeat and its last command. */
const share = (percent: number): number => Math.round(30 + 0.6 * Math.min(Math.max(percent, 0), 100));

const ageMs = ({ phaseSince }: Work, now: Date): number => now.getTime() - Date.parse(phaseSince);

const wholeSeconds = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;
