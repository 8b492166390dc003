// Carries out a plan: images first, then files, then step by step, group by group, each group in parallel. Thin: what is to be
// done, and why, the plan has said.
import { messageOf } from '../kernel/errors.ts';
import { createLimiter } from '../kernel/limiter.ts';
import {
  createContainer,
  discardPrevious,
  removeContainer,
  removeFile,
  restartContainer,
  startContainer,
} from './apply/containers.ts';
import { failureOf, isHealing, throwIfLost, type ApplyContext } from './apply/context.ts';
import { applyFiles } from './apply/files.ts';
import { pullImages } from './apply/images.ts';
import { runJob } from './apply/jobs.ts';
import { failureNote, noteOf } from './apply/journal.ts';
import { putBack, replaceContainer } from './apply/replace.ts';
import { jobKey, type Manifest, type Place } from './manifest/types.ts';
import { groupsOf, heldBy, holdsOf, provingHold } from './plan/schedule.ts';
import type { Action, Failure, Hold, Plan } from './plan/types.ts';

/** Engines gain nothing from more at once (measured with Podman 4.3 and Docker 20). */
const parallelActions = 8;

/**
 * Does what may be done now and returns; what has to wait is found by the next pass. One thing's failure is remembered in
 * `context.failures`, told, and keeps only what builds on it waiting. Throws when the host, or the session, is lost.
 */
export async function applyPlan(plan: Plan, context: ApplyContext): Promise<void> {
  const { ledger, signal, manifest, reached } = context;
  await ledger.update((current) => ({ ...current, files: plan.recorded }), signal);
  const holds: Hold[] = [...holdsOf(plan)];
  holds.push(...(await applyFiles(plan.actions, true, context)));
  const missing = await pullImages(plan.actions, context);
  if (context.superseded()) return;
  for (const [action, failure] of missing) {
    remember(action, failure, context);
    holds.push(failedHold(action, failure));
  }
  const files = { step: 1, startOrder: 0, phase: 'containers', actions: [] } as const;
  const imageHolds = holds.filter(({ on }) => on === 'image');
  if (heldBy(files, imageHolds, reached) === undefined) {
    holds.push(...(await applyFiles(plan.actions, false, context)));
  }
  await applyGroups(
    plan.actions.filter((action) => !missing.has(action) && !isNeedless(action, context)),
    holds,
    context,
  );
  context.failures.keep(targetsOf(manifest));
}

/** A restart for a file that the host refused, or that is not written yet. */
const isNeedless = (action: Action, { ledger }: ApplyContext): boolean =>
  action.kind === 'restart' && !ledger.current().pendingRestarts.includes(action.target);

async function applyGroups(
  actions: readonly Action[],
  known: readonly Hold[],
  context: ApplyContext,
): Promise<void> {
  const holds = [...known];
  let done: readonly Action[] = [];
  for (const group of groupsOf(actions)) {
    if (context.superseded()) return;
    const later = group.phase === 'removals' || group.step > context.reached;
    if (later && done.some(({ step }) => step < group.step || group.phase === 'removals')) {
      holds.push(...(await fallen(done, context)));
      done = [];
    }
    if (heldBy(group, holds, context.reached) !== undefined) continue;
    holds.push(...(await applyGroup(group.actions, context)));
    done = [...done, ...group.actions];
  }
}

/** Before the next step begins: what was just started and runs no more. Why, the next pass will find out. */
async function fallen(
  actions: readonly Action[],
  { session, signal }: ApplyContext,
): Promise<readonly Hold[]> {
  const containers = await session.engine.list(signal);
  const running = new Set(containers.filter(({ state }) => state === 'running').map(({ name }) => name));
  return actions
    .filter(
      (action) =>
        'container' in action && action.container.spec.restart !== 'No' && !running.has(action.target),
    )
    .map((action) => provingHold(action, action.target));
}

/** What came out of it that later groups have to wait for. */
async function applyGroup(actions: readonly Action[], context: ApplyContext): Promise<readonly Hold[]> {
  const limiter = createLimiter(parallelActions);
  const results = await Promise.allSettled(
    actions.map((action) => limiter.run(context.signal, () => applyOne(action, context))),
  );
  return results.flatMap((result) => {
    if (result.status === 'rejected') throw result.reason as Error;
    return result.value;
  });
}

async function applyOne(action: Action, context: ApplyContext): Promise<readonly Hold[]> {
  const failure = await attempt(action, context);
  if (failure !== undefined) return [failedHold(action, failure)];
  const note = noteOf(action, isHealing(action, context.reached));
  if (note !== undefined) context.tell(note);
  context.log.info('action done', { action: action.kind, target: action.target, reason: action.reason });
  return 'container' in action && action.container.spec.healthcheck !== undefined
    ? [provingHold(action, action.target)]
    : [];
}

async function attempt(action: Action, context: ApplyContext): Promise<Failure | undefined> {
  try {
    const failure = await perform(action, context);
    // putBack has remembered it before it began.
    if (action.kind === 'putBack' && failure !== undefined)
      context.tell(failureNote(action, failure.message));
    else if (failure !== undefined) remember(action, failure, context);
    return failure;
  } catch (error) {
    throwIfLost(error, context);
    const failure = failureIn(action, error);
    remember(action, failure, context);
    context.log.warn('action failed', {
      action: action.kind,
      target: action.target,
      error: messageOf(error),
    });
    return failure;
  }
}

/** A failure that is no exception is returned. */
async function perform(action: Action, context: ApplyContext): Promise<Failure | undefined> {
  switch (action.kind) {
    case 'create':
      return done(createContainer(action, context));
    case 'start':
      return done(startContainer(action, context));
    case 'restart':
      return done(restartContainer(action, context));
    case 'replace':
      return done(replaceContainer(action, context));
    case 'putBack':
      return putBack(action, context);
    case 'discard':
      return done(discardPrevious(action, context));
    case 'remove':
      return done(removeContainer(action.id, context));
    case 'removeFile':
      return done(removeFile(action.target, context));
    case 'runJob':
      return runJob(action, context);
    case 'ensureDirectory':
    case 'writeFile':
      return undefined;
  }
}

const done = async (work: Promise<void>): Promise<undefined> => {
  await work;
  return undefined;
};

/** An attempt that threw. */
function failureIn({ kind }: Action, error: unknown): Failure {
  if (kind === 'putBack') return { ...failureOf(error, 'ReplaceFailed'), stuck: true };
  return failureOf(error, kind === 'runJob' ? 'JobFailed' : 'ActionFailed');
}

function remember(action: Action, failure: Failure, context: ApplyContext): void {
  context.failures.record(action.target, failure);
  context.tell(failureNote(action, failure.message));
}

/** All that a failure can be remembered of. */
const targetsOf = (manifest: Manifest): ReadonlySet<string> =>
  new Set([
    ...manifest.containers.map(({ name }) => name),
    ...manifest.jobs.map(jobKey),
    ...[...manifest.files, ...manifest.directories].map(({ path }) => path),
  ]);

const placeOf = ({ step, startOrder }: Place): Place => ({ step, startOrder });

/** Nothing of a new revision is begun while one of its images is missing. */
const failedHold = (action: Action, { reason, message }: Failure): Hold => ({
  ...(reason === 'ImagePullFailed' ? { step: 1, startOrder: 0 } : placeOf(action)),
  on: reason === 'ImagePullFailed' ? 'image' : action.kind === 'runJob' ? 'job' : 'container',
  target: action.target,
  reason,
  message,
  stalled: false,
});
