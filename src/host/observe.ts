// Looks at a host as cheaply as it can: one list, one stat call, and an inspect only where the list does not tell enough.
import { createLimiter } from '../kernel/limiter.ts';
import type { Manifest } from './manifest/types.ts';
import { jobHashLabel } from './manifest/containers.ts';
import { pathsOf } from './plan/files.ts';
import { isOurs } from './plan/ours.ts';
import type { Observation, Verdict } from './plan/types.ts';
import type { ContainerDetail, ContainerSummary, HostSession, Ledger } from './ports.ts';
import { lastLogLine } from './probe.ts';

const parallelInspects = 8;

/** Of one session: what it inspected is kept until an event names the container. */
export interface Observer {
  /** Everything that the plan for `manifest` wants to know. */
  observe(
    manifest: Manifest,
    ledger: Ledger,
    verdicts: ReadonlyMap<string, Verdict>,
    signal: AbortSignal,
  ): Promise<Observation>;
  /** The same host, looked at for another manifest. */
  alsoFor(observation: Observation, manifest: Manifest, signal: AbortSignal): Promise<Observation>;
  /** An event named this container: what is known of it is old. */
  touch(id: string): void;
  touchAll(): void;
}

export function createObserver(session: HostSession): Observer {
  const details = new Map<string, ContainerDetail>();
  const lastLines = new Map<string, string>();
  const touched = new Set<string>();

  const filesFor = async (manifest: Manifest, ledger: Ledger, signal: AbortSignal) => {
    const paths = pathsOf(manifest, ledger);
    const states = paths.length === 0 ? [] : await session.files.stat(paths, signal);
    return new Map(states.map((state) => [state.path, state]));
  };

  const inspect = async (container: ContainerSummary, signal: AbortSignal) => {
    touched.delete(container.id);
    lastLines.delete(container.id);
    const detail = await session.engine.inspect(container.id, signal);
    if (detail === undefined) {
      details.delete(container.id);
      return undefined;
    }
    details.set(container.id, detail);
    if (detail.state !== 'running' && detail.exitCode !== 0) {
      lastLines.set(container.id, await lastLogLine(session.engine, container.id, signal));
    }
    return detail;
  };

  return {
    async observe(manifest, ledger, verdicts, signal) {
      const [containers, files] = await Promise.all([
        session.engine.list(signal),
        filesFor(manifest, ledger, signal),
      ]);
      const here = new Set(containers.map(({ id }) => id));
      for (const known of [details, lastLines, touched])
        for (const id of known.keys()) if (!here.has(id)) known.delete(id);
      const checked = new Set(
        manifest.containers.filter(({ spec }) => spec.healthcheck !== undefined).map(({ name }) => name),
      );
      const unclear = containers.filter(
        (container) =>
          isOurs(container, manifest.owner) &&
          container.labels[jobHashLabel] === undefined &&
          (touched.has(container.id) ||
            isUnclear(container, details.get(container.id), checked.has(container.name), verdicts)),
      );
      const limiter = createLimiter(parallelInspects);
      const inspected = new Map<string, ContainerDetail | undefined>();
      const look = async (container: ContainerSummary) =>
        void inspected.set(container.id, await inspect(container, signal));
      await Promise.all(unclear.map((container) => limiter.run(signal, () => look(container))));
      return {
        containers: containers.flatMap((container) => asInspected(container, inspected)),
        details: new Map(details),
        lastLines: new Map(lastLines),
        files,
        ledger,
      };
    },
    alsoFor: async (observation, manifest, signal) => ({
      ...observation,
      files: await filesFor(manifest, observation.ledger, signal),
    }),
    touch: (id) => void touched.add(id),
    touchAll() {
      details.clear();
      lastLines.clear();
      touched.clear();
    },
  };
}

/**
 * The inspection is the later word: one that the engine restarts all the time may have ended in the list, and run, with no
 * exit code any more, in the inspection. What is gone by then is left out.
 */
function asInspected(
  container: ContainerSummary,
  inspected: ReadonlyMap<string, ContainerDetail | undefined>,
): readonly ContainerSummary[] {
  if (!inspected.has(container.id)) return [container];
  const detail = inspected.get(container.id);
  return detail === undefined ? [] : [{ ...container, state: detail.state }];
}

/** A container that runs well is inspected once; one that does not, until it does, or its state says nothing new. */
function isUnclear(
  container: ContainerSummary,
  known: ContainerDetail | undefined,
  checked: boolean,
  verdicts: ReadonlyMap<string, Verdict>,
): boolean {
  if (container.state !== 'running') return known?.state !== container.state;
  if (known === undefined) return checked && !verdicts.has(container.id);
  return known.state !== 'running' || known.health === 'unhealthy';
}
