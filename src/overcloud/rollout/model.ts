// The cloud as the rollout sees it: plain values, taken from Overcloud, Role, Host and BareMetalNode by rollout-input.ts.
import { listed } from '../problem.ts';

/** Steps go from 1 to 5; a host at 5 has all that its revision says. */
export const lastStep = 5;

export interface RolloutHost {
  readonly name: string;
  readonly role: string;
  readonly index: number;
  /** Host.spec.revision; empty for a host that was not given one yet. */
  readonly revision: string;
  /** Host.spec.step: how far it may go; 0 before the first revision. */
  readonly step: number;
  /** The last revision that it finished all steps of; empty for a host that is being deployed for the first time. */
  readonly completed: string;
  /** Host.status.progress. */
  readonly progress: { readonly revision: string; readonly step: number } | undefined;
  /** Where it should be: a pin, or the newest revision of its role; empty when the role has none. */
  readonly target: string;
  /** Stays on its revision because somebody said so. */
  readonly hold: boolean;
  /** In maintenance or paused: nobody moves it, nobody waits for it. */
  readonly aside: boolean;
  readonly ready: boolean;
  /** Milliseconds since it became ready; 0 when it is not. */
  readonly readyForMs: number;
  /** Milliseconds since it was last reached; 0 while it is connected. */
  readonly unreachableForMs: number;
  /** Why `revision` cannot work on this host, in its own words; empty when it can or that is not known. */
  readonly failure: string;
}

export interface RolloutRole {
  readonly name: string;
  readonly tags: readonly string[];
  /** How many hosts of the role one wave of an update takes: a number, or a share as `25%`. */
  readonly serial: number | string;
}

export interface UpdatePolicy {
  /**
   * How many hosts of one role may be not ready at a time, for whatever reason: a number, or a share as `10%`; undefined: as
   * many as a wave takes.
   */
  readonly maxUnavailable: number | string | undefined;
  /** The share of a role's hosts that may be out of reach for long without stopping the others. */
  readonly maxFailPercent: number;
  readonly onFailure: 'Rollback' | 'Pause';
  readonly canary: { readonly hosts: number; readonly pauseMs: number } | undefined;
}

/** A revision that failed on a host and is not tried again. */
export interface Rejection {
  readonly role: string;
  readonly revision: string;
  /** Where it failed, and how. */
  readonly host: string;
  readonly reason: string;
}

export interface RolloutInput {
  /** In the order in which they are updated. */
  readonly roles: readonly RolloutRole[];
  readonly hosts: readonly RolloutHost[];
  /** New hosts that are not there yet, as their nodes are on the way to be available: a deployment waits for them too. */
  readonly arriving: number;
  /** Why no host may move to another revision, as a clause; undefined when they may. */
  readonly frozen: string | undefined;
  /** Show targets as plans instead of moving to them. */
  readonly planOnly: boolean;
  readonly update: UpdatePolicy;
  readonly rejected: readonly Rejection[];
}

/** What Host.spec should say. */
export interface Assignment {
  readonly revision: string;
  readonly proposedRevision: string;
  readonly step: number;
}

/** Why hosts that should move do not; `stopped` when only a person can change that. */
export interface Wait {
  readonly role: string;
  readonly stopped: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface RolloutDecision {
  /** By host. */
  readonly assignments: ReadonlyMap<string, Assignment>;
  readonly rejected: readonly Rejection[];
  readonly waits: readonly Wait[];
  /** When time alone can change the decision, in milliseconds. */
  readonly lookAgainMs: number | undefined;
}

/** Never finished a revision: it belongs to the cohort of a deployment or scale-out. */
export const isNew = (host: RolloutHost): boolean => host.completed === '';

/** On its way to a revision that it has not finished. */
export const isMoving = (host: RolloutHost): boolean =>
  host.revision !== '' && host.revision !== host.completed;

/** The hosts' names for a sentence. */
export const namesOf = (hosts: readonly { readonly name: string }[]): string =>
  listed(hosts.map(({ name }) => name));
