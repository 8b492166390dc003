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

/** What has to be known before a node can leave its state. `Credentials` reads the Secret and leaves the BMC alone. */
export type Look = 'Credentials' | 'Power' | 'Inventory';

/** An available node whose BMC fails this often in a row is no longer offered. */
const failuresToLeaveAvailable = 3;

const minute = 60_000;
/** How long a state may take before a person should look, in ms. States that wait for somebody have none. */
const deadlines: Partial<Record<State, number>> = {
  enroll: minute,
  verifying: 5 * minute,
  manageable: 5 * minute,
  inspecting: 15 * minute,
  adopting: 10 * minute,
};

export interface LifecycleInput {
  readonly spec: Pick<BareMetalNodeSpec, 'externallyProvisioned' | 'inspectionMode'>;
  readonly place: Place;
  /** A Host has it, or has left its containers on it. */
  readonly held: boolean;
  readonly bmc: BmcView;
  /** The inventory is known, now or from before. */
  readonly inspected: boolean;
}

/** The state that follows; the same one where there is nothing to move on for. */
export const nextPlace = (input: LifecycleInput): Place => steps[input.place.state](input);

const stay = ({ place }: LifecycleInput): Place => place;

const steps: Readonly<Record<State, (input: LifecycleInput) => Place>> = {
  enroll: (input) => unlessFailed(input, 'verifying'),
  verifying: (input) => unlessFailed(input, input.bmc.kind === 'answers' ? 'manageable' : 'verifying'),
  manageable: (input) =>
    unlessFailed(input, input.bmc.kind === 'answers' ? afterManageable(input) : 'manageable'),
  inspecting: (input) => unlessFailed(input, afterInspecting(input)),
  available(input) {
    if (input.held) return { state: 'adopting' };
    const tired = input.bmc.kind === 'fails' && input.bmc.failure.count >= failuresToLeaveAvailable;
    return tired ? unlessFailed(input, 'available') : input.place;
  },
  adopting(input) {
    if (!input.held) return { state: 'available' };
    return unlessFailed(input, input.bmc.kind === 'answers' ? 'active' : 'adopting');
  },
  // A BMC that fails is no reason to take a running machine from its host.
  active: (input) => (input.held ? input.place : { state: 'available' }),
  error({ place, held, bmc }) {
    const from = place.errorFrom ?? 'enroll';
    const mended = from === 'enroll' ? bmc.kind !== 'fails' : bmc.kind === 'answers';
    const state = from === 'adopting' && !held ? 'available' : from;
    return mended ? { state } : { state: 'error', errorFrom: state };
  },
  deploying: stay,
  cleaning: stay,
  deleting: stay,
};

function unlessFailed({ place, bmc }: LifecycleInput, next: State): Place {
  return bmc.kind === 'fails' ? { state: 'error', errorFrom: place.state } : { state: next };
}

function afterManageable({ spec, inspected }: LifecycleInput): State {
  switch (spec.inspectionMode) {
    case 'Disabled':
      return 'available';
    case 'Agent':
      return 'manageable';
    case 'OutOfBand':
      if (inspected) return 'available';
      return spec.externallyProvisioned ? 'manageable' : 'inspecting';
  }
}

function afterInspecting({ spec, inspected }: LifecycleInput): State {
  if (spec.inspectionMode !== 'OutOfBand') return 'manageable';
  return inspected ? 'available' : 'inspecting';
}

/** What to ask the BMC for in this state. */
export function lookFor({ spec, place, inspected }: Omit<LifecycleInput, 'held' | 'bmc'>): Look {
  const state = place.state === 'error' ? (place.errorFrom ?? 'enroll') : place.state;
  if (state === 'enroll') return 'Credentials';
  if (state === 'verifying' || inspected || spec.inspectionMode !== 'OutOfBand') return 'Power';
  return 'Inventory';
}

/** Milliseconds that a state may last; undefined for one without end. */
export const deadlineOf = (state: State): number | undefined => deadlines[state];

const firstRetryMs = 10_000;
const longestRetryMs = 10 * minute;
/** Many BMCs lock an account after the third wrong password, and unlock it after some minutes. */
export const loginsBeforePause = 3;

/** Milliseconds until the BMC is tried again after `failure`, without jitter: 10 s, doubling up to 10 min. */
export function retryDelay({ reason, count }: Pick<Failure, 'reason' | 'count'>): number {
  if (reason === 'BMCAuthFailed' && count >= loginsBeforePause) return longestRetryMs;
  return Math.min(firstRetryMs * 2 ** Math.max(count - 1, 0), longestRetryMs);
}
