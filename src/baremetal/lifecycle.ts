// The states of a node and how it moves between them: a pure function of spec, status and what was seen.
import type { BareMetalNodeSpec, BareMetalNodeStatus } from '../api/baremetalnode.gen.ts';
import type { ErrorKind } from '../kernel/errors.ts';
import type { PowerState } from './bmc/port.ts';

export type State = NonNullable<BareMetalNodeStatus['state']>;

/** Why the BMC cannot be worked with, and for the how-manieth time in a row. */
export interface Failure {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

/** `unseen`: not looked at since this process started, or not looked at on purpose. */
export type BmcView =
  | { readonly kind: 'unseen' }
  | { readonly kind: 'answers'; readonly power: PowerState }
  | { readonly kind: 'fails'; readonly failure: Failure };

export interface Place {
  readonly state: State;
  /** Set in `error` only: where it goes on. */
  readonly errorFrom?: State;
}

export const placeOf = ({ status }: { readonly status?: BareMetalNodeStatus }): Place =>
  status?.errorFrom === undefined
    ? { state: status?.state ?? 'enroll' }
    : { state: status.state ?? 'enroll', errorFrom: status.errorFrom };

/** What has to be known before a node can leave its state. `Credentials` reads the Secret and leaves the BMC alone. */
export type Look = 'Credentials' | 'Power' | 'Inventory';

/** An available node whose BMC fails this often in a row is no longer offered. */
const failuresToLeaveAvailable = 3;

const minute = 60_000;
/** How long a state may take before a person should look, in ms. States that wait for somebody, or have phases, have none. */
const deadlines: Partial<Record<State, number>> = {
  enroll: minute,
  verifying: 5 * minute,
  manageable: 5 * minute,
  adopting: 10 * minute,
  deleting: 10 * minute,
};
const outOfBandInspection = 15 * minute;

export interface LifecycleInput {
  readonly spec: Pick<
    BareMetalNodeSpec,
    'externallyProvisioned' | 'inspectionMode' | 'automatedCleaningMode'
  >;
  readonly place: Place;
  /** A Host has it, or has left its containers on it. */
  readonly held: boolean;
  /** The system of whoever has it, or left it running, is on it already. */
  readonly installed: boolean;
  readonly bmc: BmcView;
  /** The inventory is known, now or from before. */
  readonly inspected: boolean;
  /** How the work of this state stands, which the agent does; undefined where there is none, or nobody may touch the machine. */
  readonly work: 'going' | 'done' | 'failed' | undefined;
}

/** The state that follows; the same one where there is nothing to move on for. */
export const nextPlace = (input: LifecycleInput): Place => steps[input.place.state](input);

const steps: Readonly<Record<State, (input: LifecycleInput) => Place>> = {
  enroll: (input) => unlessFailed(input, 'verifying'),
  verifying: (input) => unlessFailed(input, input.bmc.kind === 'answers' ? 'manageable' : 'verifying'),
  manageable: (input) =>
    unlessFailed(input, input.bmc.kind === 'answers' ? afterManageable(input) : 'manageable'),
  inspecting(input) {
    // A machine that carries somebody's system, and lost its status, is not rebooted to be looked at.
    if (input.spec.inspectionMode === 'Agent')
      return input.installed ? { state: 'available' } : byWork(input, 'available');
    return unlessFailed(input, afterInspecting(input));
  },
  available(input) {
    const { spec, held, installed, bmc, place } = input;
    if (held) return { state: spec.externallyProvisioned || installed ? 'adopting' : 'deploying' };
    const tired = bmc.kind === 'fails' && bmc.failure.count >= failuresToLeaveAvailable;
    return tired ? unlessFailed(input, 'available') : place;
  },
  adopting(input) {
    if (!input.held) return { state: afterHost(input) };
    return unlessFailed(input, input.bmc.kind === 'answers' ? 'active' : 'adopting');
  },
  // Without a host what is being written is of no use to anybody.
  deploying: (input) => (input.held ? byWork(input, 'active') : { state: 'deleting' }),
  // A BMC that fails is no reason to take a running machine from its host.
  active: (input) => (input.held ? input.place : { state: afterHost(input) }),
  deleting({ bmc, spec, place }) {
    if (bmc.kind !== 'answers' || bmc.power !== 'Off') return place;
    return { state: spec.automatedCleaningMode === 'Disabled' ? 'available' : 'cleaning' };
  },
  // No cleaning any more: the agent may be at it, and is powered off first.
  cleaning: (input) =>
    input.spec.automatedCleaningMode === 'Disabled' ? { state: 'deleting' } : byWork(input, 'available'),
  error: afterError,
};

const afterHost = ({ spec }: LifecycleInput): State =>
  spec.externallyProvisioned ? 'available' : 'deleting';

/** The BMC's own failures do not end the agent's work: its phases have deadlines of their own. */
function byWork({ place, work }: LifecycleInput, next: State): Place {
  if (work === 'failed') return { state: 'error', errorFrom: place.state };
  return work === 'done' ? { state: next } : place;
}

function unlessFailed({ place, bmc }: LifecycleInput, next: State): Place {
  return bmc.kind === 'fails' ? { state: 'error', errorFrom: place.state } : { state: next };
}

function afterManageable({ spec, inspected, installed }: LifecycleInput): State {
  switch (spec.inspectionMode) {
    case 'Disabled':
      return 'available';
    case 'Agent':
      return inspected || installed ? 'available' : 'inspecting';
    case 'OutOfBand':
      if (inspected) return 'available';
      return spec.externallyProvisioned ? 'manageable' : 'inspecting';
  }
}

function afterInspecting({ spec, inspected }: LifecycleInput): State {
  if (spec.inspectionMode !== 'OutOfBand') return 'manageable';
  return inspected ? 'available' : 'inspecting';
}

/** Where the agent works. */
const workStates: readonly State[] = ['inspecting', 'deploying', 'cleaning'];

function afterError(input: LifecycleInput): Place {
  const { place, held, bmc, spec, work } = input;
  const from = place.errorFrom ?? 'enroll';
  if (from === 'deploying' && !held) return { state: 'deleting' };
  if (from === 'adopting' && !held) return { state: afterHost(input) };
  if (from === 'cleaning' && spec.automatedCleaningMode === 'Disabled') return { state: 'deleting' };
  if (workStates.includes(from) && work !== undefined) return work === 'failed' ? place : { state: from };
  const mended = from === 'enroll' ? bmc.kind !== 'fails' : bmc.kind === 'answers';
  return mended ? { state: from } : { state: 'error', errorFrom: from };
}

/** What the agent is to do in this place; undefined where there is nothing for it to do. */
export function workIn(
  { externallyProvisioned, inspectionMode }: LifecycleInput['spec'],
  place: Place,
): 'Inspect' | 'Deploy' | 'Clean' | undefined {
  if (externallyProvisioned) return undefined;
  switch (settledState(place)) {
    case 'inspecting':
      return inspectionMode === 'Agent' ? 'Inspect' : undefined;
    case 'deploying':
      return 'Deploy';
    case 'cleaning':
      return 'Clean';
    default:
      return undefined;
  }
}

/** True while a machine that we installed was not given back yet, or is on its way: its node cannot go. */
export function isUnfinished({
  spec,
  status,
}: {
  readonly spec: Pick<BareMetalNodeSpec, 'externallyProvisioned'>;
  readonly status?: BareMetalNodeStatus;
}): boolean {
  if (spec.externallyProvisioned || status?.retainedFrom !== undefined) return false;
  const unfinished: readonly State[] = ['adopting', 'deploying', 'active', 'deleting', 'cleaning'];
  return unfinished.includes(settledState(placeOf({ ...(status && { status }) })));
}

/** The state it is in, or would be without its error. */
export const settledState = ({ state, errorFrom }: Place): State =>
  state === 'error' ? (errorFrom ?? 'enroll') : state;

/** What to ask the BMC for in this state. */
export function lookFor({
  spec,
  place,
  inspected,
}: Pick<LifecycleInput, 'spec' | 'place' | 'inspected'>): Look {
  const state = settledState(place);
  if (state === 'enroll') return 'Credentials';
  if (state === 'verifying' || inspected || spec.inspectionMode !== 'OutOfBand') return 'Power';
  return 'Inventory';
}

/** Milliseconds that a state may last; undefined for one without end. */
export const deadlineOf = (
  state: State,
  { inspectionMode }: Pick<BareMetalNodeSpec, 'inspectionMode'>,
): number | undefined =>
  state === 'inspecting' && inspectionMode === 'OutOfBand' ? outOfBandInspection : deadlines[state];

const firstRetryMs = 10_000;
const longestRetryMs = 10 * minute;
/** Many BMCs lock an account after the third wrong password, and unlock it after some minutes. */
export const loginsBeforePause = 3;

/** Milliseconds until the BMC is tried again after `failure`, without jitter: 10 s, doubling up to 10 min. */
export function retryDelay({ reason, count }: Pick<Failure, 'reason' | 'count'>): number {
  if (reason === 'BMCAuthFailed' && count >= loginsBeforePause) return longestRetryMs;
  return Math.min(firstRetryMs * 2 ** Math.max(count - 1, 0), longestRetryMs);
}
