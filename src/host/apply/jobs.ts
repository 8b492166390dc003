// Runs a job to its end and records how it ended: in a container of its own, which stays for its log, or inside one that runs.
import { transient } from '../../kernel/errors.ts';
import { jobHashLabel } from '../manifest/containers.ts';
import { jobKey, type ManifestJob, type JobWork } from '../manifest/types.ts';
import { isOurs } from '../plan/ours.ts';
import type { ActionOf, Failure } from '../plan/types.ts';
import type { ContainerDetail } from '../ports.ts';
import { lastLine, lastLogLine } from '../probe.ts';
import { removeContainer } from './containers.ts';
import type { ApplyContext } from './context.ts';
import type { Ended } from './runs.ts';

/** Undefined when it succeeded. */
export async function runJob(
  { job, id }: ActionOf<'runJob'>,
  context: ApplyContext,
): Promise<Failure | undefined> {
  await context.onPhase(`runs job ${jobKey(job)}`, jobKey(job));
  // The run outlives a pass that ends before it: begun anew, there would be two of it.
  const begin = (signal: AbortSignal): Promise<Ended> =>
    job.work.kind === 'container'
      ? runContainer(job, job.work, id, { ...context, signal })
      : runInside(job, job.work, { ...context, signal });
  const { exitCode, line } = await context.runs.follow(jobKey(job), job.hash, begin, context.signal);
  const record = { hash: job.hash, exitCode, finishedAt: context.clock.now().toISOString() };
  await context.ledger.update(
    (current) => ({ ...current, jobs: { ...current.jobs, [jobKey(job)]: record } }),
    context.signal,
  );
  if (exitCode === 0) return undefined;
  const message = `exits ${exitCode}${line === '' ? '' : `: ${line}`}`;
  return { reason: 'JobFailed', message, line, state: 'exited', exitCode };
}

async function runContainer(
  job: ManifestJob,
  work: Extract<JobWork, { readonly kind: 'container' }>,
  formerId: string | undefined,
  context: ApplyContext,
): Promise<Ended> {
  const { engine } = context.session;
  const { signal } = context;
  const former = formerId === undefined ? undefined : await engine.inspect(formerId, signal);
  if (former !== undefined && isThisRun(former, job, context)) return endOf(former.id, job, context);
  if (former !== undefined) await removeContainer(former.id, context);
  const id = await engine.create(work.spec, signal);
  await engine.start(id, signal);
  return endOf(id, job, context);
}

/** We were away when it ran: it counts, unless the ledger knows its end already, and this is another try. */
function isThisRun(former: ContainerDetail, job: ManifestJob, { ledger }: ApplyContext): boolean {
  const known = ledger.current().jobs[jobKey(job)]?.hash === job.hash;
  const ran = former.state === 'running' || (former.state === 'exited' && !known);
  return ran && former.labels[jobHashLabel] === job.hash;
}

async function endOf(id: string, job: ManifestJob, context: ApplyContext): Promise<Ended> {
  const { session, signal } = context;
  const exitCode = await inTime(
    job,
    context,
    (limited) => session.engine.wait(id, limited),
    async () => {
      await session.engine.stop(id, 0, signal);
    },
  );
  const line = exitCode === 0 ? '' : await lastLogLine(session.engine, id, signal);
  return { exitCode, line };
}

async function runInside(
  job: ManifestJob,
  work: Extract<JobWork, { readonly kind: 'exec' }>,
  { session, signal, manifest }: ApplyContext,
): Promise<Ended> {
  const target = (await session.engine.list(signal)).find(
    (container) => container.name === work.container && isOurs(container, manifest.owner),
  );
  if (target?.state !== 'running') {
    const why = `container ${work.container} of this cloud does not run`;
    throw transient('JobFailed', `job ${jobKey(job)}: cannot run: ${why}`);
  }
  const { argv, user, environment } = work;
  const options = { user, environment, timeoutMs: job.timeoutSeconds * 1000 };
  const { exitCode, output } = await session.engine.exec(target.id, argv, options, signal);
  return { exitCode, line: exitCode === 0 ? '' : lastLine(output) };
}

/** Throws transient JobTimeout, after `giveUp`, when `work` does not end in the job's time. */
async function inTime<T>(
  job: ManifestJob,
  { clock, signal }: ApplyContext,
  work: (signal: AbortSignal) => Promise<T>,
  giveUp: () => Promise<void>,
): Promise<T> {
  const limit = new AbortController();
  const timer = clock.schedule(job.timeoutSeconds * 1000, () => limit.abort());
  try {
    return await work(AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.signal.aborted) throw error;
    await giveUp();
    throw transient(
      'JobTimeout',
      `job ${jobKey(job)}: cannot end in ${job.timeoutSeconds} s and was stopped`,
    );
  } finally {
    timer.cancel();
  }
}
