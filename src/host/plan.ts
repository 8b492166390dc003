// Compares the manifest with the host as it is: what is to be done and why, what has drifted, how far the host has come. Pure.
import { byPlace } from './manifest/types.ts';
import { lookOnly, orphans, planContainer } from './plan/containers.ts';
import { planFiles } from './plan/files.ts';
import { planJobs } from './plan/jobs.ts';
import type { Action, Drift, Hold, Plan, PlanInput, Unproven } from './plan/types.ts';

/**
 * Actions are in order of step and startOrder; within one, files come first, then jobs, then containers. Containers of steps
 * that the host may not go to yet are left as they are. What nobody wants any more is removed last, in step 5.
 */
export function planHost(input: PlanInput): Plan {
  const { manifest, observed, step, reached } = input;
  const allowed = step > 0;
  const files = planFiles(input);
  const byName = new Map(observed.containers.map((container) => [container.name, container]));
  const restarts = new Set([
    ...observed.ledger.pendingRestarts,
    ...files.actions.flatMap((action) => (action.kind === 'writeFile' ? action.restarts : [])),
  ]);
  const containers = manifest.containers.map((container) =>
    container.step <= step
      ? planContainer(container, byName, restarts, input)
      : lookOnly(container, byName, manifest.owner),
  );
  const jobs = planJobs(input, byName);
  const orphaned = step === 5 ? orphans(input) : [];
  const present = <T>(values: readonly (T | undefined)[]): readonly T[] =>
    values.filter((value): value is T & {} => value !== undefined);
  const actions: readonly Action[] = [
    ...(allowed ? files.actions : []),
    ...[...jobs.actions, ...present(containers.map(({ action }) => action))].toSorted(byPlace),
    ...orphaned.map((container): Action => ({
      kind: 'remove',
      target: container.name,
      reason: 'no service has it any more',
      fields: [],
      id: container.id,
      step: 5,
      startOrder: 0,
    })),
    ...files.removals,
  ];
  const holds = [
    ...(allowed ? files.holds : []),
    ...jobs.holds,
    ...present(containers.map(({ hold }) => hold)),
  ];
  const unproven = present(containers.map((container) => container.unproven));
  const drift: readonly Drift[] = [
    ...present(containers.map((container) => container.drift)),
    ...(reached === 5 ? orphaned.map(({ name }): Drift => ({ kind: 'Orphan', what: name })) : []),
    ...files.drift,
  ];
  return {
    actions,
    holds,
    unproven,
    drift,
    unready: present(containers.map(({ unready }) => unready)),
    containers: { desired: containers.length, ready: containers.filter(({ ready }) => ready).length },
    jobs: jobs.states,
    stepDone: stepDone(step, actions, holds, unproven),
    recorded: allowed ? files.recorded : observed.ledger.files,
  };
}

/** Everything in a step is in place when nothing is left to do, to wait for or to prove in it and those before. */
function stepDone(
  step: number,
  actions: readonly Action[],
  holds: readonly Hold[],
  unproven: readonly Unproven[],
): number {
  const open = [...actions, ...holds, ...unproven.map(({ container }) => container)].map(
    (place) => place.step,
  );
  return Math.min(step, ...open.map((first) => first - 1));
}
