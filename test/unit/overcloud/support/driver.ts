// Runs the overcloud controller on the fake API server as the loop would: by events, with delays, until nothing is left to do.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../../src/api/baremetalnode.gen.ts';
import { containerImageSets } from '../../../../src/api/containerimageset.gen.ts';
import { hosts, type Host } from '../../../../src/api/host.gen.ts';
import { overclouds, type Overcloud } from '../../../../src/api/overcloud.gen.ts';
import { overcloudServices } from '../../../../src/api/overcloudservice.gen.ts';
import { decodeRevision } from '../../../../src/api/revision.ts';
import { roles } from '../../../../src/api/role.gen.ts';
import type { Controller } from '../../../../src/kernel/controller.ts';
import { asOperatorError, OperatorError, transient } from '../../../../src/kernel/errors.ts';
import { silentLogger } from '../../../../src/kernel/log.ts';
import { createStatusWriter } from '../../../../src/kernel/status.ts';
import type { Cache, KubeClient, Store } from '../../../../src/kube/client.ts';
import {
  controllerRevisions,
  keyText,
  secrets,
  type KubeObject,
  type ObjectKey,
  type Resource,
} from '../../../../src/kube/objects.ts';
import { createOvercloudController } from '../../../../src/overcloud/controller.ts';
import { createManualClock, type ManualClock } from '../../../fakes/clock.ts';
import { createFakeKube, type FakeKube } from '../../../fakes/kube.ts';
import { container, imageSet, job, namespace, node, overcloud, role, secret, service } from './objects.ts';
import { otherRooms, type Faults } from './rooms.ts';

export interface Cloud {
  readonly kube: FakeKube;
  readonly clock: ManualClock;
  readonly events: readonly string[];
  /** Runs the controller, and nobody else, until it has nothing to do. */
  reconcile(): Promise<void>;
  /** Everybody does their part until nobody has anything to do. */
  settle(faults?: Faults): Promise<void>;
  /** What was held in memory is gone. */
  restart(): void;
  /** From now on the operator's cache shows these hosts, whatever there is. */
  showInCache(stale: readonly Host[]): void;
  /** How many writes the operator has sent. */
  operatorWrites(): number;
  get<T extends KubeObject>(resource: Resource<T>, name: string): Promise<T>;
  overcloud(): Promise<Overcloud>;
  /** `lab-controller-0 on ctrl01: 12.0-1 5 Done` for every host: its node, images, step and what it does about jobs. */
  fleet(): Promise<readonly string[]>;
  /** `True Ready: 3 of 3 hosts are ready` of a condition of the Overcloud. */
  says(type?: string): Promise<string>;
}

/**
 * A lab: three controllers, a compute, their services, images and Secrets; and the Overcloud itself, unless `empty`.
 * `diesAfter`: the operator dies after so many writes, and is started again.
 */
export function createCloud(options: { readonly empty?: boolean; readonly diesAfter?: number } = {}): Cloud {
  const clock = createManualClock();
  const kube = createFakeKube(clock);
  const queue = new Set<string>();
  const events: string[] = [];
  const record = (_object: KubeObject, reason: string, _action: string, note: string) =>
    void events.push(`${reason}: ${note}`);
  let shown: readonly Host[] | undefined;
  const cache: Cache = {
    store: <T extends KubeObject>(resource: Resource<T>): Store<T> => {
      const store = kube.cache.store(resource);
      if (shown === undefined || resource.plural !== hosts.plural) return store;
      const stale = shown as unknown as readonly T[];
      return { get: (key) => stale.find(({ metadata }) => metadata.name === key.name), list: () => stale };
    },
  };
  const mortal = mortalClient(kube.client, options.diesAfter);
  const make = (): Controller =>
    createOvercloudController({
      client: mortal.client,
      cache,
      status: createStatusWriter({ client: mortal.client, clock }),
      events: { normal: record, warning: record },
      clock,
      random: () => 0.5,
      randomBytes: (size) => new Uint8Array(size).fill(7),
    });
  let controller = make();
  const add = (key: ObjectKey) => queue.add(keyText(key));
  kube.onChange((resource, before, after) => {
    for (const watch of controller.watches) {
      if (watch.resource.plural === resource.plural) watch.keys(before, after).forEach(add);
    }
  });

  const once = async (key: ObjectKey): Promise<void> => {
    try {
      const outcome = await controller.reconcile(
        { signal: new AbortController().signal, log: silentLogger, reconcileId: 'test' },
        key,
      );
      // What waits for a few seconds at most is waited for; what only looks again is not.
      if (outcome.kind === 'requeueAfter' && outcome.because === 'status') {
        await clock.advance(outcome.ms);
        add(key);
      }
    } catch (thrown) {
      if (asOperatorError(thrown).kind !== 'transient' || !(thrown instanceof OperatorError)) throw thrown;
      add(key);
    }
  };
  const restart = () => {
    controller = make();
    for (const each of kube.cache.store(overclouds).list(namespace)) add(each.metadata);
  };
  const reconcile = async (): Promise<void> => {
    for (let rounds = 0; queue.size > 0; rounds += 1) {
      if (rounds > 500) throw new Error('the controller does not come to rest');
      const [text = ''] = queue;
      queue.delete(text);
      const [inNamespace = '', name = ''] = text.split('/');
      await once({ namespace: inNamespace, name });
      if (mortal.died()) restart();
    }
  };
  if (options.empty !== true) seedLab(kube);

  const read = async <T extends KubeObject>(resource: Resource<T>, name: string): Promise<T> => {
    const object = await kube.client.get(resource, { namespace, name });
    if (object === undefined) throw new Error(`${resource.kind} ${name} does not exist`);
    return object;
  };
  return {
    kube,
    clock,
    events,
    reconcile,
    async settle(faults) {
      for (let round = 0; round < 200; round += 1) {
        await reconcile();
        await clock.advance(1_000);
        const busy = await otherRooms(kube, clock, faults);
        if (!busy && queue.size === 0) return;
      }
      throw new Error('the cloud does not come to rest');
    },
    restart,
    operatorWrites: mortal.writes,
    showInCache: (stale) => void (shown = stale),
    get: read,
    overcloud: () => read(overclouds, 'lab'),
    fleet: () => fleetOf(kube),
    async says(type = 'Ready') {
      const { status } = await read(overclouds, 'lab');
      const condition = status?.conditions?.find((each) => each.type === type);
      return condition === undefined
        ? 'nothing'
        : `${condition.status} ${condition.reason}: ${condition.message}`;
    },
  };
}

async function fleetOf({ client }: FakeKube): Promise<readonly string[]> {
  const revisions = await client.list(controllerRevisions);
  const tags = new Map(
    revisions.map(({ metadata, data }) => [metadata.name, decodeRevision(metadata.name, data).imagesTag]),
  );
  return (await client.list(hosts)).map(({ metadata, spec }) => {
    const jobs = (spec.jobs ?? []).map(({ action }) => action).join();
    const images = tags.get(spec.revision) ?? 'none';
    return `${metadata.name} on ${spec.nodeName}: ${images} ${String(spec.step)} ${jobs}`.trim();
  });
}

/** What a lab comes to when all goes well. */
export const ready = 'True Ready: 4 of 4 hosts are ready';
export const whole: readonly string[] = [
  'lab-compute-0 on cmpt01: 12.0-1 5',
  'lab-controller-0 on ctrl01: 12.0-1 5 Done',
  'lab-controller-1 on ctrl02: 12.0-1 5 Done',
  'lab-controller-2 on ctrl03: 12.0-1 5 Done',
];

export async function deployed(): Promise<Cloud> {
  const cloud = createCloud();
  await cloud.settle();
  expect(await cloud.says()).to.equal(ready);
  return cloud;
}

/** A client whose owner dies right after its `lives`th write: that one arrives, and nothing after it until the restart. */
function mortalClient(client: KubeClient, lives = Infinity) {
  let writes = 0;
  let dead = false;
  const mortally = async <T>(write: () => Promise<T>): Promise<T> => {
    if (dead) throw transient('Unavailable', 'dead');
    const result = await write();
    writes += 1;
    if (writes !== lives) return result;
    dead = true;
    throw transient('Unavailable', 'the operator died here');
  };
  const wrapped: KubeClient = {
    ...client,
    create: (...args) => mortally(() => client.create(...args)),
    apply: (...args) => mortally(() => client.apply(...args)),
    patch: (...args) => mortally(() => client.patch(...args)),
    replaceStatus: (...args) => mortally(() => client.replaceStatus(...args)),
    delete: (...args) => mortally(() => client.delete(...args)),
  };
  return {
    client: wrapped,
    writes: () => writes,
    /** True once, and alive again. */
    died() {
      const was = dead;
      dead = false;
      return was;
    },
  };
}

/** Objects of one test must not depend on another's: everything is made anew. */
function seedLab(kube: FakeKube): void {
  const sync = job('db_sync', { schemaChange: true, command: ['sync'] });
  kube.seed(secrets, secret('lab-ssh', { 'ssh-privatekey': '' }));
  kube.seed(secrets, secret('passwords', { admin: 'c2VjcmV0' }));
  for (const name of ['ctrl01', 'ctrl02', 'ctrl03'])
    kube.seed(bareMetalNodes, node(name, { profile: 'control' }));
  kube.seed(bareMetalNodes, node('cmpt01', { profile: 'compute' }));
  const environmentFrom = [{ secret: 'passwords', keys: { ADMIN: 'admin' } }];
  const keystone = container('keystone', { environmentFrom });
  kube.seed(overcloudServices, service('keystone', { containers: [keystone], jobs: [sync] }));
  kube.seed(overcloudServices, service('nova-compute'));
  kube.seed(roles, role('controller', { profile: 'control' }));
  kube.seed(roles, role('compute', { profile: 'compute', services: ['nova-compute'] }));
  kube.seed(containerImageSets, imageSet('pike', '12.0-1', ['keystone', 'nova-compute']));
  kube.seed(
    overclouds,
    overcloud({
      roles: [
        { role: 'controller', count: 3 },
        { role: 'compute', count: 1 },
      ],
    }),
  );
}
