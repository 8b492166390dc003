// An image set controller with all that it needs in memory: API server, registry, clock.
import {
  containerImageSets,
  type ContainerImageSet,
  type ContainerImageSetStatus,
} from '../../../src/api/containerimageset.gen.ts';
import { overclouds } from '../../../src/api/overcloud.gen.ts';
import { overcloudServices } from '../../../src/api/overcloudservice.gen.ts';
import { roles } from '../../../src/api/role.gen.ts';
import { createContainerImageSetController } from '../../../src/images/controller.ts';
import type { Registry, RegistryAccess, RegistryConnector } from '../../../src/images/registry/port.ts';
import type { Controller, Outcome } from '../../../src/kernel/controller.ts';
import { terminal, type OperatorError } from '../../../src/kernel/errors.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { createStatusWriter } from '../../../src/kernel/status.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { createFakeKube, type FakeKube } from '../../fakes/kube.ts';
import { createMemoryRegistry } from '../../fakes/memory-registry.ts';
import { digestOf } from '../../fakes/registry.ts';
import { imageSet, namespace, overcloud, role, service } from './builders.ts';

export const key = { namespace, name: 'pike' };
export const keystone = 'rhosp12/openstack-keystone';
export const novaApi = 'rhosp12/openstack-nova-api';

interface Said {
  readonly value: string;
  readonly reason: string;
  readonly message: string;
}

export interface Harness {
  readonly kube: FakeKube;
  readonly controller: Controller;
  /** What the registry has: `path:tag` → digest. Change it at will. */
  readonly images: Map<string, string>;
  /** Reconciles the set once. */
  readonly look: () => Promise<Outcome>;
  /** Moves time on by what the last look asked for, and looks again. */
  readonly later: (outcome: Outcome) => Promise<Outcome>;
  readonly edit: (spec: object) => Promise<unknown>;
  readonly status: () => Partial<ContainerImageSetStatus>;
  readonly conditions: () => Partial<
    Record<
      'Ready' | 'Reconciling' | 'Stalled' | 'Resolved' | 'TagMoved' | 'UpdateAvailable' | 'Consistent',
      Said
    >
  >;
  readonly digests: () => readonly string[] | undefined;
  /** The reasons of all events. */
  readonly events: readonly string[];
  /** How many manifests were fetched. */
  readonly pulls: () => number;
  /** How the registry was spoken to last. */
  readonly access: () => RegistryAccess | undefined;
  /** Whatever is asked of the registry fails with this, until it is undefined again. */
  readonly breakRegistry: (error: OperatorError | undefined) => void;
}

/** One set `pike`, used by a cloud whose controller runs keystone and nova-api; the registry has both under 12.0-1. */
export function setUp(set: ContainerImageSet = imageSet()): Harness {
  const clock = createManualClock();
  const kube = createFakeKube(clock);
  kube.seed(containerImageSets, set);
  kube.seed(overclouds, overcloud([{ role: 'controller' }]));
  kube.seed(roles, role('controller', ['api']));
  kube.seed(overcloudServices, service('api', { containers: ['keystone', 'nova-api'] }));

  const registry = createRegistryInMemory();
  const events: string[] = [];
  const note = (_: unknown, reason: string) => void events.push(reason);
  const controller = createContainerImageSetController({
    client: kube.client,
    cache: kube.cache,
    status: createStatusWriter({ client: kube.client, clock }),
    events: { normal: note, warning: note },
    clock,
    random: () => 0,
    registries: registry.connector,
  });
  const look = () =>
    controller.reconcile({ signal: new AbortController().signal, log: silentLogger, reconcileId: '' }, key);
  const status: Harness['status'] = () => kube.cache.store(containerImageSets).get(key)?.status ?? {};

  return {
    ...registry,
    kube,
    controller,
    events,
    look,
    later: async (outcome) => {
      if (outcome.kind === 'settled') throw new Error('nothing was to come');
      await clock.advance(outcome.ms);
      return look();
    },
    edit: (spec) => kube.edit(containerImageSets, key, { spec }),
    status,
    conditions: () => {
      const entries = (status().conditions ?? []).map(({ type, status: value, reason, message }) => ({
        [type]: { value, reason, message },
      }));
      return Object.assign({}, ...entries) as ReturnType<Harness['conditions']>;
    },
    digests: () => status().resolved?.images.map(({ digest }) => digest),
  };
}

type RegistryInMemory = Pick<Harness, 'images' | 'pulls' | 'access' | 'breakRegistry'> & {
  readonly connector: RegistryConnector;
};

function createRegistryInMemory(): RegistryInMemory {
  const images = new Map([keystone, novaApi].map((path) => [`${path}:12.0-1`, digestOf(path)]));
  const seen: RegistryAccess[] = [];
  let failure: OperatorError | undefined;
  let pulls = 0;
  const registry: Registry = {
    ...createMemoryRegistry().registry,
    check: () => (failure === undefined ? Promise.resolve() : Promise.reject(failure)),
    manifest: (path, tag) => {
      pulls += 1;
      const digest = images.get(`${path}:${tag}`);
      return digest === undefined
        ? Promise.reject(terminal('ImageNotFound', `${path}:${tag} is missing`))
        : Promise.resolve({ digest, mediaType: '', size: 1, content: Buffer.from('{}') });
    },
    digest: (path, tag) => Promise.resolve(images.get(`${path}:${tag}`)),
  };
  const connect = (access: RegistryAccess): Registry => {
    seen.push(access);
    return registry;
  };
  return {
    connector: { connect, close: () => Promise.resolve() },
    images,
    pulls: () => pulls,
    access: () => seen.at(-1),
    breakRegistry: (error) => void (failure = error),
  };
}
