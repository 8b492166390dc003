// Keeps image sets as their specs say: one look at a set, one status.
import { canonicalJson } from '../api/canonical.ts';
import {
  containerImageSets,
  type ContainerImageSet,
  type ContainerImageSetStatus,
} from '../api/containerimageset.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import { requeueAfter, settled, soonest, type Controller, type Outcome } from '../kernel/controller.ts';
import { asOperatorError } from '../kernel/errors.ts';
import type { EventRecorder } from '../kernel/events.ts';
import type { Logger } from '../kernel/log.ts';
import type { StatusWriter } from '../kernel/status.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { createRegistries } from './access.ts';
import { createLook } from './look.ts';
import { createMirror } from './mirror/copy.ts';
import { logged, tell } from './news.ts';
import type { RegistryConnector } from './registry/port.ts';
import { leavingReport, pausedReport, reportOf, unusableReport } from './report.ts';
import { createTransfer } from './transfer.ts';
import { usersOf, watchesOf } from './watches.ts';

export interface ContainerImageSetControllerDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly status: StatusWriter;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly random: () => number;
  readonly registries: RegistryConnector;
}

export function createContainerImageSetController(deps: ContainerImageSetControllerDeps): Controller {
  const { cache, clock, events, random } = deps;
  const registries = createRegistries(deps);
  const transfer = createTransfer({ registries, mirror: createMirror({ clock }), clock, random });
  const look = createLook({ ...deps, registries, transfer });

  const report = async (
    log: Logger,
    set: ContainerImageSet,
    status: ContainerImageSetStatus,
  ): Promise<Outcome> => {
    // Clouds wait for what is resolved: that is more than progress.
    const urgent = canonicalJson(status.resolved) !== canonicalJson(set.status?.resolved);
    const written = await deps.status.write(containerImageSets, set, { ...status }, { urgent });
    if (written.kind === 'deferred') return requeueAfter(written.ms, 'the status is written no more often');
    if (written.kind === 'written') tell(logged(events, log), set, status);
    return settled;
  };

  return {
    name: 'containerimageset',
    workers: 8,
    watches: watchesOf(cache),
    start: (enqueue, signal) => transfer.start((key) => enqueue(key), signal),
    finish: () => transfer.finish(),
    async reconcile({ signal, log }, key) {
      const set = cache.store(containerImageSets).get(key);
      if (set === undefined) {
        look.forget(key);
        return settled;
      }
      if (set.metadata.deletionTimestamp !== undefined) {
        look.forget(key);
        return report(log, set, leavingReport(set, usersOf(set, cache), clock.now()));
      }
      if (set.spec.paused) {
        transfer.forget(key);
        return report(log, set, pausedReport(set, clock.now()));
      }
      try {
        const { picture, next } = await look.at(set, signal);
        return soonest(next, await report(log, set, reportOf(set, picture, clock.now())));
      } catch (thrown) {
        signal.throwIfAborted();
        const error = asOperatorError(thrown);
        // What a person has to mend stands in the status; the rest is tried again by whoever called.
        if (error.kind === 'transient') throw thrown;
        return report(log, set, unusableReport(set, error, clock.now()));
      }
    },
  };
}
