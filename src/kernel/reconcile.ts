// Runs one reconcile within its deadline and says what its end means for the key.
import { keyText, type ObjectKey } from '../kube/objects.ts';
import type { Clock } from './clock.ts';
import type { Controller } from './controller.ts';
import { withDeadline } from './deadline.ts';
import { asOperatorError, messageOf, OperatorError, transient } from './errors.ts';
import type { Logger } from './log.ts';
import type { LoopObserver } from './metrics.ts';

const defaultDeadlineMs = 10 * 60_000;

/**
 * When the key is to run again:
 * - `done`, `dropped`: when something happens, or with the slow pass. `again`: in `ms` milliseconds.
 * - `conflict`, `failed`: after the key's backoff. `stopped`: never, we are shutting down.
 */
export type Verdict =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly ms: number }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'stopped' };

export interface ReconcileDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly observer: LoopObserver;
}

/** Never rejects. */
export async function reconcileOnce(
  controller: Controller,
  key: ObjectKey,
  deps: ReconcileDeps,
  signal: AbortSignal,
): Promise<Verdict> {
  const { clock, random, observer } = deps;
  const reconcileId = Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0');
  const log = deps.log.child({ controller: controller.name, ...key, reconcileID: reconcileId });
  const ms = controller.deadlineMs ?? defaultDeadlineMs;
  const startedAt = clock.monotonic();
  const late = () =>
    transient('ReconcileTimeout', `${controller.name} ${keyText(key)} took more than ${ms / 1000} s`);
  observer.reconcileStarted();
  let verdict: Verdict;
  try {
    const outcome = await withDeadline({ clock, ms, signal, late }, (inner) =>
      controller.reconcile({ signal: inner, log, reconcileId }, key),
    );
    verdict = outcome.kind === 'settled' ? { kind: 'done' } : { kind: 'again', ms: outcome.ms };
    const because = outcome.kind === 'settled' ? {} : { because: outcome.because, afterMs: outcome.ms };
    log.debug('Reconciled', {
      outcome: outcome.kind,
      ...because,
      ms: Math.round(clock.monotonic() - startedAt),
    });
  } catch (thrown) {
    verdict = signal.aborted ? { kind: 'stopped' } : judge(thrown, log, observer);
  }
  observer.reconcileEnded(results[verdict.kind], clock.monotonic() - startedAt);
  return verdict;
}

const results = {
  done: 'success',
  again: 'requeue_after',
  conflict: 'requeue',
  stopped: 'requeue',
  failed: 'error',
  dropped: 'error',
} as const;

function judge(thrown: unknown, log: Logger, observer: LoopObserver): Verdict {
  const error = asOperatorError(thrown);
  const fields = { reason: error.reason, error: error.message };
  if (error.reason === 'Conflict') {
    // Somebody was quicker, or the cache was behind our own write: nothing to tell anybody.
    log.debug('Reconcile met a conflict', fields);
    return { kind: 'conflict' };
  }
  if (error.reason === 'ReconcileTimeout') observer.timedOut();
  if (!(thrown instanceof OperatorError)) {
    observer.panicked();
    log.error('Reconcile failed in a way that nobody foresaw', { ...fields, stack: stackOf(thrown) });
    return { kind: 'failed' };
  }
  if (error.kind === 'transient') {
    log.warn('Reconcile failed', fields);
    return { kind: 'failed' };
  }
  observer.terminalError();
  log.error('Reconcile failed: it will not mend by itself', { kind: error.kind, ...fields });
  return { kind: 'dropped' };
}

const stackOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.stack : undefined) ?? messageOf(thrown);
