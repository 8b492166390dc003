// One container of the manifest against what the engine has: what is to be done, what it waits for, how it does. Pure.
import type { ManifestContainer } from '../manifest/types.ts';
import type { ContainerDetail, ContainerSummary } from '../ports.ts';
import { differences, replaceReason } from './compare.ts';
import { isOurs, previousName, specHashOf } from './ours.ts';
import type { Action, Drift, Failure, Hold, PlanInput, Unproven, Unready } from './types.ts';

/** What the plan says of one container. In place is what neither has an action nor a hold nor is unproven. */
export interface ContainerPlan {
  readonly action?: Action;
  readonly hold?: Hold;
  readonly unproven?: Unproven;
  readonly drift?: Drift;
  readonly unready?: Unready;
  readonly ready: boolean;
}

/** One container with all that is known of it. */
interface Case {
  readonly container: ManifestContainer;
  readonly input: PlanInput;
  /** The ID of the former one, where it waits beside its successor. */
  readonly aside: string | undefined;
  /** What we did not make has the name under which a former one waits. */
  readonly asideTaken: boolean;
  /** A former one may come back if its successor fails: it waits aside, or is noted in the ledger. */
  readonly previous: boolean;
  readonly mustRestart: boolean;
  /** What failed before; `again`: it may be tried now. */
  readonly remembered: Failure | undefined;
  readonly again: boolean;
  /** It has failed for so long that only another configuration can help: a rollout takes that for a failure of its revision. */
  readonly hopeless: boolean;
}

/** Longer than what a container waits for at start takes to come up. */
const hopelessMs = 30_000;

type Here = ContainerSummary;

/** `restarts`: the names of those that have to be restarted, now or since an earlier pass. */
export function planContainer(
  container: ManifestContainer,
  byName: ReadonlyMap<string, ContainerSummary>,
  restarts: ReadonlySet<string>,
  input: PlanInput,
): ContainerPlan {
  const here = byName.get(container.name);
  const of = caseOf(container, byName, restarts, input);
  if (here === undefined) return planMissing(of);
  if (!isOurs(here, input.manifest.owner)) return nameTaken(of, here);
  if (specHashOf(here) !== container.specHash) return planChanged(of, here);
  switch (here.state) {
    case 'running':
      return planRunning(of, here);
    case 'created':
    case 'exited':
    case 'dead':
    case 'unknown':
      return planStopped(of, here);
    case 'restarting':
      return { ...failed(of, exitOf(of, here)), ...drifted(of, 'Stopped') };
    case 'removing':
      return { ...failed(of, simply('is being removed', 'removing')), ...drifted(of, 'Stopped') };
    case 'paused':
      return failed(of, {
        ...simply('was paused by hand: unpause or remove it', 'paused'),
        reason: 'ContainerPaused',
      });
  }
}

/** In a step that may not be touched yet, a container of ours that runs is as good as it gets. */
export function lookOnly(
  container: ManifestContainer,
  byName: ReadonlyMap<string, ContainerSummary>,
  owner: string,
): ContainerPlan {
  const here = byName.get(container.name);
  return { ready: here?.state === 'running' && isOurs(here, owner) };
}

/** What is ours on the host and in no list of the manifest. */
export function orphans({ manifest, observed }: PlanInput): readonly ContainerSummary[] {
  const names = new Set([
    ...manifest.containers.flatMap(({ name }) => [name, previousName(name)]),
    ...manifest.jobs.map(({ name }) => name),
  ]);
  return observed.containers.filter(
    (container) => isOurs(container, manifest.owner) && !names.has(container.name),
  );
}

function caseOf(
  container: ManifestContainer,
  byName: ReadonlyMap<string, ContainerSummary>,
  restarts: ReadonlySet<string>,
  input: PlanInput,
): Case {
  const { name } = container;
  const waiting = byName.get(previousName(name));
  const asideTaken = waiting !== undefined && !isOurs(waiting, input.manifest.owner);
  const aside = asideTaken ? undefined : waiting?.id;
  const remembered = input.failures.get(name);
  return {
    container,
    input,
    aside,
    asideTaken,
    previous: aside !== undefined || input.observed.ledger.replaced[name] !== undefined,
    mustRestart: restarts.has(name),
    remembered: remembered?.failure,
    again: remembered?.again ?? true,
    hopeless: (remembered?.forMs ?? 0) >= hopelessMs,
  };
}

function planMissing(of: Case): ContainerPlan {
  const { container, remembered } = of;
  const drift = drifted(of, 'Missing');
  if (remembered !== undefined && of.previous && remembered.stuck !== true)
    return putBack(of, undefined, remembered);
  if (remembered !== undefined && !of.again) return { ...failed(of, remembered), ...drift };
  const unready = unreadyAs(of, remembered ?? simply('is missing', 'missing'));
  return {
    action: { kind: 'create', container, ...planned(of, 'is missing') },
    ...drift,
    unready,
    ready: false,
  };
}

function planChanged(of: Case, here: Here): ContainerPlan {
  const { container, aside, asideTaken, remembered } = of;
  const drift = drifted(of, 'Changed');
  if (remembered !== undefined && !of.again) return { ...failed(of, remembered), ...drift };
  const fields = differences(here.labels, container.spec.labels);
  const reason = replaceReason(fields);
  return {
    action: { kind: 'replace', container, id: here.id, aside, asideTaken, ...planned(of, reason), fields },
    ...drift,
    unready: unreadyAs(of, simply(`is to be replaced: ${reason}`, here.state)),
    ready: false,
  };
}

function planRunning(of: Case, here: Here): ContainerPlan {
  const { container, previous, aside } = of;
  const verdict = of.input.verdicts.get(here.id);
  if (verdict?.kind === 'failed' && previous) return putBack(of, here.id, verdict.failure);
  if (of.mustRestart) {
    const action = { kind: 'restart', container, id: here.id, ...planned(of, 'its files changed') } as const;
    return { action, ready: true };
  }
  const health = of.input.observed.details.get(here.id)?.health ?? 'none';
  if (verdict?.kind === 'failed') return ailing(of, here, verdict.failure);
  if (health === 'unhealthy') return ailing(of, here, unhealthy);
  if (verdict?.kind !== 'proven' && mustProve(of, health)) return proving(of, here);
  return previous
    ? { action: { kind: 'discard', aside, ...planned(of, 'its successor runs') }, ready: true }
    : { ready: true };
}

const ailing = (of: Case, here: Here, failure: Failure): ContainerPlan => ({
  ...failed(of, failure),
  ...drifted(of, failure.state === 'running' ? 'Unhealthy' : 'Stopped'),
  unproven: { id: here.id, container: of.container },
});

function planStopped(of: Case, here: Here): ContainerPlan {
  const { container, input, remembered } = of;
  const never = here.state === 'created';
  const failure = exitOf(of, here);
  if (isComplete(container, here, input.observed.details.get(here.id))) return { ready: true };
  if (of.previous && (!never || remembered !== undefined))
    return putBack(of, here.id, newest(failure, remembered));
  const drift = never ? {} : drifted(of, 'Stopped');
  if (!never && container.spec.restart === 'No') return { ...failed(of, failure), ...drift };
  if (remembered !== undefined && !of.again) {
    return { ...failed(of, failure.exitCode === 0 ? remembered : failure), ...drift };
  }
  const start = { kind: 'start', container, id: here.id } as const;
  return {
    action: never
      ? { ...start, failure: undefined, ...planned(of, 'was created and never started') }
      : { ...start, failure, ...planned(of, failure.message) },
    ...drift,
    unready: unreadyAs(of, failure),
    ready: false,
  };
}

/** That it could not be replaced earlier is no news: how this one ended is. */
const newest = (failure: Failure, remembered: Failure | undefined): Failure =>
  remembered?.reason === 'ReplaceFailed' && failure.exitCode !== 0 ? failure : (remembered ?? failure);

/** Ran to its end, as it was asked to. */
const isComplete = (container: ManifestContainer, here: Here, detail: ContainerDetail | undefined): boolean =>
  (container.spec.restart === 'No' || container.spec.restart === 'OnFailure') &&
  here.state === 'exited' &&
  detail?.exitCode === 0;

/**
 * The engine's own check counts, but not for one whose former may come back: that has to be sure. Without a check, only what
 * has failed or ended before, or follows another, has to show that it stays up.
 */
const mustProve = (
  { container, input, previous, remembered }: Case,
  health: ContainerDetail['health'],
): boolean =>
  previous ||
  (health !== 'healthy' &&
    (container.spec.healthcheck !== undefined ||
      remembered !== undefined ||
      input.suspects.has(container.name)));

function proving(of: Case, here: Here): ContainerPlan {
  const failure =
    of.remembered !== undefined && of.remembered.exitCode !== 0
      ? of.remembered
      : { ...simply('is starting and has yet to prove itself', 'starting'), reason: 'ContainersStarting' };
  return { ...failed(of, failure), unproven: { id: here.id, container: of.container } };
}

function nameTaken(of: Case, here: Here): ContainerPlan {
  const message = `cannot be created: there is a container of that name (${here.id.slice(0, 12)}) that Undercloud did not make and leaves alone; remove or rename it`;
  return failed(of, { ...simply(message, 'blocked'), reason: 'NameTaken' }, true);
}

function putBack(of: Case, id: string | undefined, failure: Failure): ContainerPlan {
  const { container, aside } = of;
  const reason = `its successor ${failure.message}`;
  return {
    action: { kind: 'putBack', container, id, aside, failure, ...planned(of, reason) },
    unready: unreadyAs(of, failure),
    ready: false,
  };
}

const failed = (of: Case, failure: Failure, stalled = of.hopeless): ContainerPlan => ({
  hold: {
    // An image that cannot be had keeps all of a new revision waiting, whatever step it is for.
    ...(failure.reason === 'ImagePullFailed'
      ? ({ step: 1, startOrder: 0, on: 'image' } as const)
      : ({ ...placeOf(of.container), on: 'container' } as const)),
    target: of.container.name,
    reason: failure.reason,
    message: failure.message,
    stalled,
  },
  unready: unreadyAs(of, failure),
  ready: false,
});

/** Only what had been in place can drift away. */
const drifted = ({ container, input }: Case, kind: Drift['kind']): { readonly drift?: Drift } =>
  container.step <= input.reached ? { drift: { kind, what: container.name } } : {};

/** How a container ended, with its last log line where that says why. */
function exitOf({ input }: Case, here: Here): Failure {
  const exitCode = input.observed.details.get(here.id)?.exitCode ?? 0;
  if (exitCode === 0) return simply('is stopped', here.state);
  const line = input.observed.lastLines.get(here.id) ?? '';
  const message = `exits ${exitCode}${line === '' ? '' : `: ${line}`}`;
  return { reason: 'ContainerExited', message, line, state: here.state, exitCode };
}

const simply = (message: string, state: string): Failure => ({
  reason: 'ContainerNotRunning',
  message,
  state,
  exitCode: 0,
});

const unhealthy: Failure = {
  reason: 'ContainerUnhealthy',
  message: 'is unhealthy: its health check fails',
  state: 'running',
  exitCode: 0,
};

const placeOf = ({ step, startOrder }: ManifestContainer) => ({ step, startOrder });

const planned = ({ container }: Case, reason: string) => ({
  target: container.name,
  reason,
  fields: [],
  ...placeOf(container),
});

const unreadyAs = ({ container }: Case, failure: Failure): Unready => ({
  name: container.name,
  state: failure.state,
  exitCode: failure.exitCode,
  message: failure.line === undefined || failure.line === '' ? failure.message : failure.line,
});
