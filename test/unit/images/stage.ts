// An image set between two registries in memory, a source and a destination, with labels, tags and signatures as a case wants.
import {
  containerImageSets,
  type ContainerImageSet,
  type ContainerImageSetStatus,
} from '../../../src/api/containerimageset.gen.ts';
import { annotations } from '../../../src/api/names.ts';
import { overclouds } from '../../../src/api/overcloud.gen.ts';
import { overcloudServices } from '../../../src/api/overcloudservice.gen.ts';
import { roles } from '../../../src/api/role.gen.ts';
import { createContainerImageSetController } from '../../../src/images/controller.ts';
import type { RegistryConnector } from '../../../src/images/registry/port.ts';
import type { Controller, Outcome } from '../../../src/kernel/controller.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { createStatusWriter } from '../../../src/kernel/status.ts';
import { configMaps, type KubeObject } from '../../../src/kube/objects.ts';
import { createManualClock, type ManualClock } from '../../fakes/clock.ts';
import { createFakeKube, type FakeKube } from '../../fakes/kube.ts';
import { createMemoryRegistry, type MemoryRegistry } from '../../fakes/memory-registry.ts';
import { imageSet, namespace, overcloud, role, service } from './builders.ts';

export const key = { namespace, name: 'pike' };
export const destination = { registry: '172.16.0.1:8787', insecure: true };
export const pathOf = (name: string): string => `rhosp12/openstack-${name}`;

export interface Stage {
  readonly kube: FakeKube;
  readonly clock: ManualClock;
  readonly source: MemoryRegistry;
  readonly target: MemoryRegistry;
  /** Pushes an image to the source under `tag`; its labels are what a build has. Yields its digest. */
  readonly push: (name: string, tag: string, build?: Build) => string;
  /** Looks at the set until nothing runs and nothing new comes of it; yields what the last look asked for. */
  readonly settle: () => Promise<Outcome>;
  /** Moves time on and settles. */
  readonly pass: (ms: number) => Promise<Outcome>;
  readonly edit: (spec: object) => Promise<unknown>;
  readonly annotate: (name: keyof typeof annotations, value: string | null) => Promise<unknown>;
  readonly status: () => Partial<ContainerImageSetStatus>;
  readonly condition: (type: string) => {
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  };
  /** `name:tag` of what clouds get, and nothing where they get nothing. */
  readonly tags: () => readonly string[];
  readonly events: readonly string[];
  /** The operator is killed, and another begins with what the API server has. */
  readonly restart: () => void;
  readonly loseStatus: () => Promise<void>;
  /** Names of the sets that an added object wakes. */
  readonly watched: (resource: { readonly plural: string }, object: KubeObject) => readonly string[];
  /** The next look alone, which may have work begun and not done. */
  readonly look: () => Promise<Outcome>;
}

interface Build {
  readonly version?: string;
  readonly release?: string;
  readonly layers?: readonly string[];
}

/** A cloud whose one role runs keystone and nova-api from set `pike`. */
export function setStage(spec: Parameters<typeof imageSet>[0] = {}): Stage {
  const clock = createManualClock();
  const kube = createFakeKube(clock);
  kube.seed(containerImageSets, imageSet(spec));
  kube.seed(overclouds, overcloud([{ role: 'controller' }]));
  kube.seed(roles, role('controller', ['api']));
  kube.seed(overcloudServices, service('api', { containers: ['keystone', 'nova-api'] }));
  const [source, target] = [createMemoryRegistry(), createMemoryRegistry()];
  const events: string[] = [];
  const note = (_: unknown, reason: string) => void events.push(reason);
  const registries: RegistryConnector = {
    connect: ({ host }) => (host === destination.registry ? target.registry : source.registry),
    close: () => Promise.resolve(),
  };
  const begin = (): Controller => {
    const controller = createContainerImageSetController({
      client: kube.client,
      cache: kube.cache,
      status: createStatusWriter({ client: kube.client, clock }),
      events: { normal: note, warning: note },
      clock,
      random: () => 0,
      registries,
    });
    controller.start?.(() => undefined, new AbortController().signal);
    return controller;
  };
  let controller = begin();
  const look = () =>
    controller.reconcile({ signal: new AbortController().signal, log: silentLogger, reconcileId: '' }, key);
  const found = (): ContainerImageSet | undefined => kube.cache.store(containerImageSets).get(key);

  const settle = async (): Promise<Outcome> => {
    let outcome = await look();
    for (let looks = 0; looks < 6; looks += 1) {
      await controller.finish?.();
      outcome = await look();
      // A status is written no more often than every 5 s.
      if (outcome.kind === 'requeueAfter' && outcome.because.includes('status'))
        await clock.advance(outcome.ms);
    }
    return outcome;
  };

  return {
    kube,
    clock,
    source,
    target,
    events,
    settle,
    watched: (resource, object) =>
      controller.watches
        .filter((watch) => watch.resource.plural === resource.plural)
        .flatMap((watch) => watch.keys(undefined, object).map(({ name }) => name)),
    look,
    push: (name, tag, { version = '12.0', release = '1', layers = [`base`, `${name} ${tag}`] } = {}) =>
      source.push(pathOf(name), tag, {
        layers,
        config: JSON.stringify({ config: { Labels: { version, release, name } } }),
      }),
    pass: async (ms) => {
      await clock.advance(ms);
      return settle();
    },
    edit: (change) => kube.edit(containerImageSets, key, { spec: change }),
    annotate: (name, value) =>
      kube.edit(containerImageSets, key, { metadata: { annotations: { [annotations[name]]: value } } }),
    status: () => found()?.status ?? {},
    condition: (type) => {
      const condition = found()?.status?.conditions?.find((one) => one.type === type);
      return condition ?? { status: '', reason: '', message: '' };
    },
    tags: () => (found()?.status?.resolved?.images ?? []).map(({ name, tag }) => `${name}:${tag}`),
    restart: () => {
      controller = begin();
    },
    loseStatus: async () => {
      const set = found();
      if (set === undefined) throw new Error('no set');
      await kube.client.replaceStatus(containerImageSets, set, { observedGeneration: -1 });
      controller = begin();
    },
  };
}

/** What was pinned, in the ConfigMap that outlives a status. */
export const pinsIn = (kube: FakeKube): string =>
  kube.cache.store(configMaps).get({ namespace, name: 'pike-image-pins' })?.data?.['pins.json'] ?? '';
