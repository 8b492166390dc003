// Keeps image sets resolved: finds what their clouds need, asks the registry for digests, and says when a tag moves later.
import { canonicalJson } from '../api/canonical.ts';
import {
  containerImageSets,
  type ContainerImageSet,
  type ContainerImageSetStatus,
} from '../api/containerimageset.gen.ts';
import { overclouds, type Overcloud } from '../api/overcloud.gen.ts';
import { overcloudServices } from '../api/overcloudservice.gen.ts';
import { roles } from '../api/role.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import {
  requeueAfter,
  settled,
  soonest,
  type Controller,
  type Outcome,
  type Watch,
} from '../kernel/controller.ts';
import type { EventRecorder } from '../kernel/events.ts';
import type { StatusWriter } from '../kernel/status.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { keyOf, type KubeObject, type ObjectKey, type Resource } from '../kube/objects.ts';
import { createLookup } from './lookup.ts';
import { neededImages, setsOf, type Clouds } from './needed.ts';
import type { RegistryConnector } from './registry/port.ts';
import { pausedReport, reportOf } from './report.ts';
import { createSearch } from './search.ts';

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
  const { cache, clock, events } = deps;
  const search = createSearch({ lookup: createLookup(deps), clock, random: deps.random });

  const report = async (set: ContainerImageSet, status: ContainerImageSetStatus): Promise<Outcome> => {
    // Clouds wait for what is resolved: that is more than progress.
    const urgent = canonicalJson(status.resolved) !== canonicalJson(set.status?.resolved);
    const written = await deps.status.write(containerImageSets, set, { ...status }, { urgent });
    if (written.kind === 'deferred') return requeueAfter(written.ms, 'the status is written no more often');
    if (written.kind === 'written') tellOfReady(events, set, status);
    return settled;
  };

  return {
    name: 'containerimageset',
    workers: 4,
    watches: watchesOf(cache),
    async reconcile(context, key) {
      const set = cache.store(containerImageSets).get(key);
      if (set === undefined || set.metadata.deletionTimestamp !== undefined) {
        search.forget(key);
        return settled;
      }
      if (set.spec.paused) return report(set, pausedReport(set, clock.now()));
      const needed = neededImages(set, cloudsIn(cache, key.namespace));
      const { findings, next } = await search.run(context, set, needed);
      return soonest(next, await report(set, reportOf(set, findings, clock.now())));
    },
  };
}

function cloudsIn(cache: Cache, namespace: string): Clouds {
  return {
    overclouds: cache.store(overclouds).list(namespace),
    role: (name) => cache.store(roles).get({ namespace, name })?.spec,
    service: (name) => cache.store(overcloudServices).get({ namespace, name })?.spec,
  };
}

function watchesOf(cache: Cache): readonly Watch[] {
  /** Which of them it concerns shows when they are reconciled; that costs nothing when nothing is missing. */
  const allSets = ([object]: readonly KubeObject[]) =>
    cache.store(containerImageSets).list(object?.metadata.namespace).map(keyOf);
  const setsOfClouds = (versions: readonly Overcloud[]) =>
    versions.flatMap((cloud) => setsOf(cloud).map((name) => ({ namespace: cloud.metadata.namespace, name })));
  return [
    { resource: containerImageSets, keys: (before, after) => versionsOf(before, after).slice(-1).map(keyOf) },
    onSpec(overclouds, setsOfClouds),
    onSpec(roles, allSets),
    onSpec(overcloudServices, allSets),
  ];
}

/** Only specs count: the status of an Overcloud changes all the time while it is being deployed. */
const onSpec = <T extends KubeObject>(
  resource: Resource<T>,
  keys: (versions: readonly T[]) => readonly ObjectKey[],
): Watch<T> => ({
  resource,
  keys: (before, after) => {
    const same = before !== undefined && before.metadata.generation === after?.metadata.generation;
    return same ? [] : keys(versionsOf(before, after));
  },
});

const versionsOf = <T>(before: T | undefined, after: T | undefined): readonly T[] =>
  [before, after].filter((version) => version !== undefined);

/** One event each time Ready changes, or the reason why it is not. */
function tellOfReady(events: EventRecorder, set: ContainerImageSet, status: ContainerImageSetStatus): void {
  const readyOf = (conditions: ContainerImageSetStatus['conditions']) =>
    conditions?.find(({ type }) => type === 'Ready');
  const [before, after] = [readyOf(set.status?.conditions), readyOf(status.conditions)];
  if (after === undefined || (before?.status === after.status && before.reason === after.reason)) return;
  if (after.status === 'True') events.normal(set, 'ImagesResolved', 'Resolve', after.message);
  else if (set.spec.paused) events.normal(set, after.reason, 'Pause', after.message);
  else events.warning(set, after.reason, 'Resolve', after.message);
}
