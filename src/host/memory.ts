// What is remembered of each host between passes: its session's caches, its failures. Losing it costs a few calls, no more.
import type { Clock } from '../kernel/clock.ts';
import type { Limiter } from '../kernel/limiter.ts';
import type { Logger } from '../kernel/log.ts';
import { createJobRuns, type JobRuns } from './apply/runs.ts';
import { createFailureBook, type FailureBook } from './failures.ts';
import type { PoolTarget } from './gather.ts';
import { openLedger, type LedgerKeeper } from './ledger.ts';
import type { Manifest } from './manifest/types.ts';
import { createObserver, type Observer } from './observe.ts';
import type { HostSession } from './ports.ts';
import { createPrePuller, type PrePuller } from './pre-pull/puller.ts';
import { createProber, type Prober } from './prober.ts';

/** What lives as long as one session. */
export interface Link {
  readonly session: HostSession;
  readonly ledger: LedgerKeeper;
  readonly observer: Observer;
  readonly prober: Prober;
  readonly runs: JobRuns;
}

export interface HostMemory {
  readonly failures: FailureBook;
  readonly prePuller: PrePuller;
  /** Undefined before the first session; may be of a session that has ended. */
  readonly link: Link | undefined;
  /** How the host was reached last: for its drain, when the objects that say so are gone. */
  readonly target: PoolTarget | undefined;
  /** Names of all containers of its manifest. */
  readonly names: ReadonlySet<string>;
  /** The link of `session`: the one there is, or a new one. */
  linkTo(session: HostSession, target: PoolTarget, signal: AbortSignal): Promise<Link>;
  /** Takes the names of a manifest that has just been compiled. */
  learn(manifest: Manifest): void;
}

export interface MemoryDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Of all hosts: bounds how many pull images ahead at once. */
  readonly pulls: Limiter;
  /** A probe has said something, or an image was pulled ahead: the host is to be looked at. */
  readonly onSettled: () => void;
}

export function createHostMemory(deps: MemoryDeps): HostMemory {
  const failures = createFailureBook(deps);
  let link: Link | undefined;
  let target: PoolTarget | undefined;
  let names: ReadonlySet<string> = new Set();
  return {
    failures,
    prePuller: createPrePuller(deps),
    get link() {
      return link;
    },
    get target() {
      return target;
    },
    get names() {
      return names;
    },
    learn({ containers, jobs }) {
      names = new Set([...containers, ...jobs].map(({ name }) => name));
    },
    async linkTo(session, wanted, signal) {
      target = wanted;
      if (link?.session === session) return link;
      const ledger = await openLedger(session, signal);
      const { engine, closed } = session;
      const prober = createProber({
        ...deps,
        engine,
        signal: closed,
        onProven: (name) => failures.forget(name),
      });
      link = { session, ledger, observer: createObserver(session), prober, runs: createJobRuns(closed) };
      return link;
    },
  };
}
