// Leader election, as client-go does it: wait for the lease, lead while it can be renewed, give up before others may start.
//
// A lease is a promise about time, not mutual exclusion: a process that was frozen may act after its lease ran out. Hence
// the epoch: each new leader raises it, and hosts refuse orders under a lower one (DESIGN.md, Safety 2).
import type { Clock } from '../kernel/clock.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { asOperatorError, messageOf, transient, unsafe, type OperatorError } from '../kernel/errors.ts';
import type { Fence } from '../kernel/fence.ts';
import { createLimiter } from '../kernel/limiter.ts';
import type { Logger } from '../kernel/log.ts';
import { notLeader, type LeaseHold } from './lease.ts';

/** A leader that could not renew for this long gives up: 5 s before the lease ends for others. */
const renewDeadlineMs = 10_000;
/** One request may take this long: a dead connection must not eat up the whole deadline. */
const attemptMs = 4_000;
const retryMs = 2_000;
/** Waiting replicas come at different times. */
const retryJitter = 0.2;

export interface Elector {
  readonly fence: Fence;
  /**
   * Waits until this process leads, runs `lead`, and releases the lease when `lead` has ended. When the lease cannot be
   * kept, `lost` aborts with the cause (unsafe LeaseLost) and `run` rejects with it at once, without waiting for `lead`.
   * Aborting `signal` ends the wait; a leader leads until `lead` ends.
   */
  run(signal: AbortSignal, lead: (lost: AbortSignal) => Promise<void>): Promise<void>;
  /** Milliseconds since the election last did anything: grows when its timers do not run. */
  idleMs(): number;
}

export interface ElectorDeps {
  readonly hold: LeaseHold;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export function createElector(deps: ElectorDeps): Elector {
  const { hold, clock, log } = deps;
  /** Renewals and raises of the epoch come one after the other: each needs the other's resourceVersion. */
  const writes = createLimiter(1);
  let activeAt = clock.monotonic();
  const campaign: Campaign = {
    ...deps,
    alive() {
      activeAt = clock.monotonic();
    },
    attempt: (signal, work, ms = attemptMs) =>
      withDeadline({ clock, ms, signal, late }, (inner) => writes.run(inner, () => work(inner))),
  };

  return {
    fence: createFence(campaign),
    async run(signal, lead) {
      await waitForLease(campaign, signal);
      log.info('Became the leader', { epoch: hold.epoch() });
      const lost = new AbortController();
      const done = new AbortController();
      try {
        await Promise.race([lead(lost.signal), keepLease(campaign, done.signal)]);
      } catch (error) {
        // Not released: what `lead` has begun may still be going on. The lease runs out by itself.
        hold.drop();
        lost.abort(error);
        throw error;
      } finally {
        done.abort();
      }
      await release(campaign);
    },
    idleMs: () => clock.monotonic() - activeAt,
  };
}

interface Campaign extends ElectorDeps {
  /** The election's timers run. */
  readonly alive: () => void;
  /** One request to the API server, alone and within `ms` milliseconds. */
  readonly attempt: <T>(
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
    ms?: number,
  ) => Promise<T>;
}

async function waitForLease(
  { hold, clock, random, log, alive, attempt }: Campaign,
  signal: AbortSignal,
): Promise<void> {
  for (let told = false; ;) {
    alive();
    try {
      if (await attempt(signal, (inner) => hold.tryAcquire(inner))) return;
      // Whoever killed the leader and looks at this log wonders for up to 15 s.
      if (!told) log.info('Waiting for the Lease: another holds it, or was killed and it has yet to run out');
      told = true;
    } catch (thrown) {
      signal.throwIfAborted();
      const { reason, message } = asOperatorError(thrown);
      const anotherWasQuicker = reason === 'Conflict' || reason === 'AlreadyExists';
      if (!anotherWasQuicker) log.warn('Cannot get the lease', { reason, error: message });
    }
    await clock.sleep(retryMs * (1 + retryJitter * random()), signal);
  }
}

/** Renews until `signal` aborts. Rejects when that has failed for too long. */
async function keepLease(
  { hold, clock, log, alive, attempt }: Campaign,
  signal: AbortSignal,
): Promise<never> {
  let failure: OperatorError | undefined;
  for (;;) {
    const isConflict = failure?.reason === 'Conflict';
    if (!isConflict) await clock.sleep(retryMs, signal);
    alive();
    // Before every try: a process that stood still for long finds the lease another's.
    const leftMs = hold.renewedAt() + renewDeadlineMs - clock.monotonic();
    if (leftMs <= 0) throw leaseLost(failure?.message ?? 'this process stood still');
    const next = (inner: AbortSignal) => (isConflict ? hold.readAgain(inner) : hold.renew(inner));
    try {
      await attempt(signal, next, Math.min(attemptMs, leftMs));
      failure = undefined;
    } catch (thrown) {
      signal.throwIfAborted();
      failure = asOperatorError(thrown);
      if (failure.kind === 'unsafe') throw failure;
      log.warn('Cannot renew the lease', { reason: failure.reason, error: failure.message });
    }
  }
}

async function release({ hold, log, attempt }: Campaign): Promise<void> {
  try {
    await attempt(new AbortController().signal, (inner) => hold.release(inner));
  } catch (error) {
    log.warn('Cannot release the lease: the next leader has to wait for its end', {
      error: messageOf(error),
    });
  }
}

function createFence({ hold, attempt }: Campaign): Fence {
  return {
    get epoch() {
      const epoch = hold.epoch();
      if (epoch === undefined || hold.remainingMs() === 0) throw notLeader();
      return epoch;
    },
    remainingMs: () => hold.remainingMs(),
    async raiseAbove(seen, signal) {
      if ((hold.epoch() ?? 0) <= seen) await attempt(signal, (inner) => hold.renew(inner, seen));
    },
  };
}

const late = (): OperatorError => transient('Timeout', `no answer within ${attemptMs / 1000} s`);
const leaseLost = (cause: string): OperatorError =>
  unsafe('LeaseLost', `the lease could not be renewed for ${renewDeadlineMs / 1000} s: ${cause}`);
