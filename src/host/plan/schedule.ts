// The order in which a plan is carried out, and what keeps a part of it waiting. Pure.
import { byPlace, type Place } from '../manifest/types.ts';
import type { Action, ActionKind, Hold, Plan } from './types.ts';

/** What is done at once. Jobs come before the containers of the same place; what nobody wants any more goes last. */
export interface Group extends Place {
  readonly phase: 'jobs' | 'containers' | 'removals';
  readonly actions: readonly Action[];
}

const phases = ['jobs', 'containers', 'removals'] as const;

/** Files are not in here: they are written before the first group. */
export function groupsOf(actions: readonly Action[]): readonly Group[] {
  const groups = new Map<string, { readonly group: Group; readonly actions: Action[] }>();
  for (const action of actions) {
    const phase = phaseOf(action.kind);
    if (phase === undefined) continue;
    const { step } = action;
    const startOrder = phase === 'removals' ? Number.MAX_SAFE_INTEGER : action.startOrder;
    const key = [step, startOrder, phase].join();
    const known = groups.get(key);
    if (known !== undefined) {
      known.actions.push(action);
      continue;
    }
    const members = [action];
    groups.set(key, { group: { step, startOrder, phase, actions: members }, actions: members });
  }
  return [...groups.values()]
    .map(({ group }) => group)
    .sort((a, b) => byPlace(a, b) || phases.indexOf(a.phase) - phases.indexOf(b.phase));
}

/**
 * What `group` has to wait for, if anything. Steps up to `reached` heal whatever else is wrong. Beyond, a step waits for all
 * of the step before; within a step a job waits for the containers that start before it, and everything waits for jobs.
 * A removal waits for everything.
 */
export function heldBy(group: Group, holds: readonly Hold[], reached: number): Hold | undefined {
  if (group.phase === 'removals') return holds[0];
  if (group.step <= reached) return undefined;
  return holds.find((hold) => {
    if (hold.step !== group.step) return hold.step < group.step;
    if (hold.startOrder > group.startOrder) return false;
    if (hold.on === 'job' || hold.on === 'file' || hold.on === 'image') return true;
    return group.phase === 'jobs' && hold.startOrder < group.startOrder;
  });
}

/** Whether a pass would find something to do, beside files. */
export function hasRunnable(plan: Plan, reached: number): boolean {
  const holds = holdsOf(plan);
  return groupsOf(plan.actions).some((group) => heldBy(group, holds, reached) === undefined);
}

/** A plan's holds, and the containers that have yet to prove themselves. */
export const holdsOf = ({ holds, unproven }: Plan): readonly Hold[] => [
  ...holds,
  ...unproven.map(({ container }) => provingHold(container, container.name)),
];

export const provingHold = ({ step, startOrder }: Place, target: string): Hold => ({
  step,
  startOrder,
  on: 'container',
  target,
  reason: 'ContainersStarting',
  message: 'has yet to prove itself',
  stalled: false,
});

function phaseOf(kind: ActionKind): Group['phase'] | undefined {
  switch (kind) {
    case 'ensureDirectory':
    case 'writeFile':
      return undefined;
    case 'runJob':
      return 'jobs';
    case 'create':
    case 'start':
    case 'restart':
    case 'replace':
    case 'putBack':
    case 'discard':
      return 'containers';
    case 'remove':
    case 'removeFile':
      return 'removals';
  }
}
