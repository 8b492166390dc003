// Jobs: what has to run here now, what another host runs first, and how the last runs ended. Pure.
import { jobKey, type ManifestJob } from '../manifest/types.ts';
import type { ContainerSummary } from '../ports.ts';
import { isOurs } from './ours.ts';
import type { ActionOf, Hold, JobState, PlanInput } from './types.ts';

export interface JobPlan {
  readonly actions: readonly ActionOf<'runJob'>[];
  readonly holds: readonly Hold[];
  readonly states: readonly JobState[];
}

export function planJobs(input: PlanInput, byName: ReadonlyMap<string, ContainerSummary>): JobPlan {
  const allowed = input.manifest.jobs.filter((job) => job.step <= input.step);
  const verdicts = allowed.map((job) => planJob(job, byName.get(job.name), input));
  return {
    actions: verdicts.flatMap(({ action }) => (action === undefined ? [] : [action])),
    holds: verdicts.flatMap(({ hold }) => (hold === undefined ? [] : [hold])),
    states: input.manifest.jobs.flatMap((job) => stateOf(job, input)),
  };
}

interface JobVerdict {
  readonly action?: ActionOf<'runJob'>;
  readonly hold?: Hold;
}

function planJob(job: ManifestJob, here: ContainerSummary | undefined, input: PlanInput): JobVerdict {
  const { step, startOrder } = job;
  const target = jobKey(job);
  const hold = { step, startOrder, on: 'job', target, stalled: false } as const;
  switch (job.action) {
    case 'Done':
      return {};
    case 'Wait':
      // A host that has been past this step heals without asking: nothing there waits for a job any more.
      if (step <= input.reached) return {};
      return {
        hold: {
          ...hold,
          reason: 'WaitingForJob',
          message: 'runs on another host first, and has not ended yet',
        },
      };
    case 'Run':
      return planRun(job, here, input);
  }
}

function planRun(job: ManifestJob, here: ContainerSummary | undefined, input: PlanInput): JobVerdict {
  const { step, startOrder } = job;
  const target = jobKey(job);
  const hold = { step, startOrder, on: 'job', target, stalled: false } as const;
  const last = input.observed.ledger.jobs[target];
  if (last?.hash === job.hash && last.exitCode === 0) return {};
  if (here !== undefined && job.work.kind === 'container' && !isOurs(here, input.manifest.owner)) {
    const message = `cannot run: there is a container ${job.name} that Undercloud did not make; remove or rename it`;
    return { hold: { ...hold, reason: 'NameTaken', message, stalled: true } };
  }
  const remembered = input.failures.get(target);
  if (remembered?.again === false) {
    const { reason, message } = remembered.failure;
    return { hold: { ...hold, reason, message } };
  }
  const reason = last === undefined ? 'has not run yet' : reasonAfter(last.exitCode, last.hash === job.hash);
  return { action: { kind: 'runJob', target, reason, fields: [], job, id: here?.id, step, startOrder } };
}

const reasonAfter = (exitCode: number, sameRun: boolean): string =>
  sameRun ? `failed with exit code ${exitCode}` : 'it, or its image, changed since it ran';

/** From the ledger, so that it survives the loss of every status. */
function stateOf(job: ManifestJob, { observed, failures }: PlanInput): readonly JobState[] {
  const last = observed.ledger.jobs[jobKey(job)];
  if (last?.hash !== job.hash) return [];
  const { service, name, hash } = job;
  const succeeded = last.exitCode === 0;
  return [
    {
      service,
      name,
      hash,
      state: succeeded ? 'Succeeded' : 'Failed',
      exitCode: last.exitCode,
      finishedAt: last.finishedAt,
      message: succeeded ? '' : (failures.get(jobKey(job))?.failure.message ?? `exits ${last.exitCode}`),
    },
  ];
}
