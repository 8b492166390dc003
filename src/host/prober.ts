// Probes the containers of one session in the background, so that one slow starter keeps no other from being healed.
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { Logger } from '../kernel/log.ts';
import type { ManifestContainer } from './manifest/types.ts';
import type { Verdict } from './plan/types.ts';
import type { Engine } from './ports.ts';
import { probe } from './probe.ts';

export interface Prober {
  /** By container ID. */
  verdicts(): ReadonlyMap<string, Verdict>;
  /** Does nothing for a container that is being probed, or has proven itself. */
  watch(id: string, container: ManifestContainer): void;
  /** It was started anew: nothing that was known of it counts. */
  forget(id: string): void;
  /** Something happened to it: if it had proven itself, it has to do so again. */
  suspect(id: string): void;
  /** Forgets all but these. */
  keep(ids: ReadonlySet<string>): void;
}

export interface ProberDeps {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  /** The session's end. */
  readonly signal: AbortSignal;
  readonly onProven: (name: string) => void;
  /** Somebody should look: a probe failed, or the last one that was open has ended. */
  readonly onSettled: () => void;
}

interface Watched {
  readonly stop: AbortController;
  verdict: Verdict;
}

export function createProber(deps: ProberDeps): Prober {
  const watched = new Map<string, Watched>();

  const drop = (id: string) => {
    watched.get(id)?.stop.abort();
    watched.delete(id);
  };

  const conclude = (entry: Watched, verdict: Verdict) => {
    const news = entry.verdict.kind !== verdict.kind;
    entry.verdict = verdict;
    const open = [...watched.values()].some((other) => other.verdict.kind === 'probing');
    if (news && (verdict.kind === 'failed' || !open)) deps.onSettled();
  };

  const follow = async (id: string, container: ManifestContainer, entry: Watched): Promise<void> => {
    const signal = AbortSignal.any([deps.signal, entry.stop.signal]);
    try {
      const proven = await probe({ ...deps, signal }, id, container.spec, (failure) =>
        conclude(entry, { kind: 'failed', failure }),
      );
      signal.throwIfAborted();
      if (!proven) {
        drop(id);
        deps.onSettled();
        return;
      }
      deps.onProven(container.name);
      conclude(entry, { kind: 'proven' });
    } catch (error) {
      if (signal.aborted) return;
      // The session fails: the next pass finds the container unproven, and watches it again.
      deps.log.debug('probe broke off', { container: container.name, error: messageOf(error) });
      drop(id);
    }
  };

  return {
    verdicts: () => new Map([...watched].map(([id, { verdict }]) => [id, verdict])),
    watch(id, container) {
      if (watched.has(id)) return;
      const entry: Watched = { verdict: { kind: 'probing' }, stop: new AbortController() };
      watched.set(id, entry);
      void follow(id, container, entry);
    },
    forget: drop,
    suspect(id) {
      if (watched.get(id)?.verdict.kind === 'proven') drop(id);
    },
    keep(ids) {
      for (const id of [...watched.keys()]) if (!ids.has(id)) drop(id);
    },
  };
}
