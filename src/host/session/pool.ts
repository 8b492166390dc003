// Keeps one live session per host across reconciles, and tells when one ends or its engine says something.
import type { Clock } from '../../kernel/clock.ts';
import { createBackoff } from '../../kernel/backoff.ts';
import { asOperatorError } from '../../kernel/errors.ts';
import type { OperatorError } from '../../kernel/errors.ts';
import type { Fence } from '../../kernel/fence.ts';
import { createLimiter } from '../../kernel/limiter.ts';
import type { Logger } from '../../kernel/log.ts';
import type { EngineEvent, HostSession, SessionConnector, SessionTarget } from '../ports.ts';
import { untilAborted } from './abort.ts';
import { FencedError, sessionClosed } from './errors.ts';

/** The pool adds the epoch: it is this leader's. */
export type PoolTarget = Omit<SessionTarget, 'epoch'>;

interface SessionPoolListener {
  engineEvent(owner: string, event: EngineEvent): void;
  /** A session ended that nobody dropped: the host must be looked at. */
  closed(owner: string, reason: OperatorError): void;
}

export interface SessionPool {
  /**
   * The live session of `target.owner`, or a new one: where there is none, or the target changed (another
   * key, address…). Throws what SessionConnector.connect throws; while the backoff after a failure runs, the
   * same error again, without trying.
   */
  session(
    target: PoolTarget,
    onTrusted: (hostKey: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<HostSession>;
  /** Ends the session of a host that we leave alone from now on, and forgets its failures. */
  drop(owner: string): void;
  listen(listener: SessionPoolListener): void;
  /** Ends every session. */
  close(): void;
}

export interface SessionPoolDeps {
  readonly connector: SessionConnector;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** A handshake costs some 10 ms of CPU: more at a time only makes each one late. */
const connectWidth = 32;
const retry = { baseMs: 1_000, maxMs: 30_000 };
/** A session that lived shorter than this did not prove that the host is well. */
const provenMs = 30_000;

interface Entry {
  target: PoolTarget;
  readonly over: AbortController;
  /** Pinned for this entry, also before it stands in the target. */
  trustedKey?: string;
  connecting?: Promise<HostSession>;
  session?: HostSession;
}

export function createSessionPool(deps: SessionPoolDeps): SessionPool {
  const { clock, log } = deps;
  const entries = new Map<string, Entry>();
  const listeners = new Set<SessionPoolListener>();
  const failures = createFailures(deps);
  const limiter = createLimiter(connectWidth);
  const connect = createFencedConnect(deps);

  const discard = (entry: Entry) => {
    const { owner, host } = entry.target;
    if (entries.get(owner) === entry) entries.delete(owner);
    failures.forget(owner);
    entry.over.abort(sessionClosed(host));
    entry.session?.close();
  };
  const watch = (entry: Entry, session: HostSession) => {
    const { owner, host, address } = entry.target;
    const since = clock.monotonic();
    session.onEngineEvent((event) => listeners.forEach((listener) => listener.engineEvent(owner, event)));
    session.closed.addEventListener('abort', () => {
      delete entry.session;
      if (entries.get(owner) !== entry) return;
      const reason = asOperatorError(session.closed.reason);
      log.warn('session closed', { host, address, reason: reason.message });
      if (clock.monotonic() - since < provenMs) failures.note(owner, reason);
      else failures.forget(owner);
      listeners.forEach((listener) => listener.closed(owner, reason));
    });
    log.info('session opened', { host, address });
  };
  const open = async (entry: Entry, onTrusted: (hostKey: string) => Promise<void>) => {
    try {
      const { signal } = entry.over;
      const session = await limiter.run(signal, () => connect(entry, onTrusted, signal));
      entry.session = session;
      watch(entry, session);
      return session;
    } catch (error) {
      const { owner } = entry.target;
      if (entries.get(owner) === entry) failures.note(owner, asOperatorError(error));
      throw error;
    } finally {
      delete entry.connecting;
    }
  };

  return {
    async session(target, onTrusted, signal) {
      const former = entries.get(target.owner);
      if (former !== undefined && !sameTarget(former, target)) discard(former);
      const entry = entries.get(target.owner) ?? { target, over: new AbortController() };
      entry.target = target;
      entries.set(target.owner, entry);
      if (entry.session !== undefined && !entry.session.closed.aborted) return entry.session;
      failures.throwUntilRetry(target.owner);
      entry.connecting ??= open(entry, onTrusted);
      return untilAborted(entry.connecting, signal);
    },
    drop(owner) {
      const entry = entries.get(owner);
      if (entry !== undefined) discard(entry);
    },
    listen: (listener) => void listeners.add(listener),
    close: () => [...entries.values()].forEach(discard),
  };
}

/** Remembers for each host how the last try ended, until it may be tried again. */
function createFailures({ clock, random }: SessionPoolDeps) {
  const backoff = createBackoff({ ...retry, random });
  const last = new Map<string, { readonly error: OperatorError; readonly retryAt: number }>();
  return {
    note(owner: string, error: OperatorError) {
      last.set(owner, { error, retryAt: clock.monotonic() + backoff.next(owner) });
    },
    forget(owner: string) {
      last.delete(owner);
      backoff.reset(owner);
    },
    throwUntilRetry(owner: string) {
      const failure = last.get(owner);
      if (failure !== undefined && clock.monotonic() < failure.retryAt) throw failure.error;
    },
  };
}

/**
 * Connects with this leader's epoch. A host that saw a higher one refuses; if the lease is still ours then
 * that leader is not in charge any more (a restored cluster, another one before ours), and our epoch is
 * raised above its, once.
 */
function createFencedConnect({ connector, fence }: SessionPoolDeps) {
  return async (
    entry: Entry,
    onTrusted: (hostKey: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<HostSession> => {
    const trust = async (hostKey: string) => {
      await onTrusted(hostKey);
      entry.trustedKey = hostKey;
    };
    const connect = async () => {
      const given = entry.target.hostKeys;
      const hostKeys = given.length === 0 && entry.trustedKey !== undefined ? [entry.trustedKey] : given;
      const session = await connector.connect(
        { ...entry.target, hostKeys, epoch: fence.epoch },
        trust,
        signal,
      );
      if (!signal.aborted) return session;
      session.close();
      throw signal.reason;
    };
    try {
      return await connect();
    } catch (error) {
      if (!(error instanceof FencedError) || fence.remainingMs() <= 0) throw error;
      await fence.raiseAbove(error.epoch, signal);
      return connect();
    }
  };
}

/** The key that was trusted at first is pinned afterwards: that is no change. */
function sameTarget(entry: Entry, target: PoolTarget): boolean {
  const { hostKeys: formerKeys, ...former } = entry.target;
  const { hostKeys, ...wanted } = target;
  const sameKeys =
    hostKeys.join('\n') === formerKeys.join('\n') ||
    (entry.trustedKey !== undefined && hostKeys.includes(entry.trustedKey));
  return (
    sameKeys && (Object.keys(wanted) as (keyof typeof wanted)[]).every((key) => wanted[key] === former[key])
  );
}
