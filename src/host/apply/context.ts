// What the carrying out of a plan has at hand, and how a failure of one thing is told apart from the loss of the host.
import type { Clock } from '../../kernel/clock.ts';
import { asOperatorError, messageOf } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/log.ts';
import type { FailureBook } from '../failures.ts';
import type { LedgerKeeper } from '../ledger.ts';
import type { Manifest, ManifestImage } from '../manifest/types.ts';
import type { Action, Failure } from '../plan/types.ts';
import type { HostSession, RegistryAuth } from '../ports.ts';
import type { Prober } from '../prober.ts';
import type { JobRuns } from './runs.ts';

export interface ApplyContext {
  readonly manifest: Manifest;
  readonly session: HostSession;
  readonly ledger: LedgerKeeper;
  readonly prober: Prober;
  readonly runs: JobRuns;
  readonly failures: FailureBook;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Something else is asked for by now (another spec, a brake, deletion): what is left of the plan is for the next pass. */
  readonly superseded: () => boolean;
  /** Steps up to here had been in place: what is done in them is healing. */
  readonly reached: number;
  /** Credentials for the registry of an image; undefined where it wants none. */
  readonly authFor: (image: ManifestImage) => Promise<RegistryAuth | undefined>;
  /** What a person may have to do before images can be pulled; empty where nothing is known. */
  readonly pullHint: string;
  /** Tells people: an event on the Host. */
  readonly tell: (note: Note) => void;
  /** What takes long, as it begins: `pulls 3 images`; `job` is the key of the job that it is. */
  readonly onPhase: (message: string, job?: string) => Promise<void>;
}

/** An event's parts. */
export interface Note {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

/** After these nothing more can be done in this pass. */
const ofTheSession: ReadonlySet<string> = new Set(['EngineUnavailable', 'SessionClosed', 'Fenced']);

/** Throws on what concerns the whole host or the whole pass; returns for what concerns one thing only. */
export function throwIfLost(error: unknown, context: Pick<ApplyContext, 'session' | 'signal'>): void {
  context.signal.throwIfAborted();
  if (context.session.closed.aborted || ofTheSession.has(asOperatorError(error).reason)) throw error;
}

/** `reason` is for the condition; the engine's words follow "cannot …". */
export function failureOf(error: unknown, reason: string): Failure {
  const words = messageOf(error).replace(/^.*?: (cannot )/, '$1');
  return {
    reason,
    message: words.startsWith('cannot ') ? words : `fails: ${words}`,
    state: 'failed',
    exitCode: 0,
  };
}

/** Healing mends what had been in place; everything else is progress. */
export const isHealing = (action: Action, reached: number): boolean => action.step <= reached;
