// What a controller is: a key comes in, the world is brought a little closer to the object's spec, an outcome goes out.
import type { KubeObject, ObjectKey, Resource } from '../kube/objects.ts';
import type { Logger } from './log.ts';

/** `settled`: nothing to do until an event says so. `requeueAfter`: look again in `ms`, for the reason given. */
export type Outcome =
  | { readonly kind: 'settled' }
  | { readonly kind: 'requeueAfter'; readonly ms: number; readonly because: string };

export const settled: Outcome = { kind: 'settled' };
export const requeueAfter = (ms: number, because: string): Outcome => ({ kind: 'requeueAfter', ms, because });

/** The sooner of two outcomes. */
export function soonest(a: Outcome, b: Outcome): Outcome {
  if (a.kind === 'settled') return b;
  if (b.kind === 'settled') return a;
  return a.ms <= b.ms ? a : b;
}

export interface ReconcileContext {
  /** Aborts at shutdown, at the loss of leadership and at the reconcile's deadline. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly reconcileId: string;
}

/** Which keys of this controller an event on an object of another (or its own) kind concerns. */
export interface Watch<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  /** `before` is undefined for an added object, `after` for a deleted one. Must not throw; must be quick. */
  keys(before: T | undefined, after: T | undefined): readonly ObjectKey[];
}

/**
 * One kind's reconcile loop. A thrown transient error is retried with backoff, a terminal or unsafe one waits for an
 * event or the slow pass. Throwing is for the unforeseen: what a user can mend belongs in the object's conditions.
 */
export interface Controller {
  /** Lower case, as it stands in metrics and logs: `baremetalnode`. */
  readonly name: string;
  readonly workers: number;
  /** A reconcile's signal aborts after this many milliseconds; 10 minutes where nothing is said. */
  readonly deadlineMs?: number;
  readonly watches: readonly Watch[];
  reconcile(context: ReconcileContext, key: ObjectKey): Promise<Outcome>;
  /**
   * Lets something outside the API server (an engine event, a lost connection) ask for a reconcile; called once, before
   * the first one.
   */
  start?(enqueue: (key: ObjectKey, afterMs?: number) => void, signal: AbortSignal): void;
  /** Puts things in order (connections, sessions) when nothing is being reconciled any more; the stop waits for it. */
  finish?(): Promise<void>;
}
