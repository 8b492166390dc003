// The whole machinery on an API server in memory: start, standby, handover, loss of the lease, orderly stop.
import { expect } from 'chai';
import { settled, type Controller } from '../../../src/kernel/controller.ts';
import { transient } from '../../../src/kernel/errors.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { createManager, type Manager } from '../../../src/kernel/manager.ts';
import { createMetrics } from '../../../src/kernel/metrics.ts';
import { leases } from '../../../src/kube/lease.ts';
import { configMaps, keyOf, secrets } from '../../../src/kube/objects.ts';
import { createManualClock, settle, type ManualClock } from '../../fakes/clock.ts';
import { createFakeKube, type FakeKube } from '../../fakes/kube.ts';
import { listWatchOf } from '../../fakes/list-watch.ts';

interface Replica {
  readonly manager: Manager;
  readonly reconciled: string[];
  readonly stop: AbortController;
  readonly port: () => number;
  run(): Promise<void>;
  code(): number | undefined;
  drained(): boolean;
}

describe('manager', () => {
  let clock: ManualClock;
  let kube: FakeKube;
  const replicas: Replica[] = [];
  const lease = { namespace: 'undercloud', name: 'operator' };

  const controllerInto = (reconciled: string[], more: Partial<Controller> = {}): Controller => ({
    name: 'thing',
    workers: 1,
    watches: [
      {
        resource: configMaps,
        keys: (before, after) => [before ?? after].filter((o) => o !== undefined).map(keyOf),
      },
    ],
    reconcile: (_, { name }) => {
      reconciled.push(name);
      return Promise.resolve(settled);
    },
    ...more,
  });
  const replica = (identity: string): Replica => {
    const reconciled: string[] = [];
    let code: number | undefined;
    let drained = false;
    let port = 0;
    const manager = createManager({
      client: kube.client,
      source: listWatchOf(kube),
      clock,
      random: Math.random,
      log: { ...silentLogger, info: (_, fields) => (port = Number(fields?.port ?? port)) },
      metrics: createMetrics(),
      resources: [configMaps],
      lease,
      identity,
      listen: { host: '127.0.0.1', port: 0 },
      drain: () => {
        drained = true;
        return Promise.resolve();
      },
    });
    const stop = new AbortController();
    const made: Replica = {
      manager,
      reconciled,
      stop,
      port: () => port,
      run: async () => {
        void manager.run(stop.signal).then((given) => {
          code = given;
        });
        // The HTTP server listens on a real socket: give it the time.
        for (let i = 0; i < 200 && port === 0; i += 1) await settle();
        await clock.advance(0);
      },
      code: () => code,
      drained: () => drained,
    };
    replicas.push(made);
    return made;
  };
  const ended = async (of: Replica) => {
    for (let i = 0; i < 200 && of.code() === undefined; i += 1) await clock.advance(0);
    return of.code();
  };
  const probe = async (of: Replica, path: string) => {
    const response = await fetch(`http://127.0.0.1:${of.port()}${path}`);
    return { status: response.status, text: await response.text() };
  };
  const add = (name: string) =>
    kube.seed(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'lab', name } });

  beforeEach(() => {
    clock = createManualClock();
    kube = createFakeKube(clock);
  });
  afterEach(async () => {
    for (const each of replicas.splice(0)) {
      each.stop.abort();
      await ended(each);
    }
  });

  it('reconciles once it leads, and answers its probes', async () => {
    add('a');
    const one = replica('one');
    one.manager.add(controllerInto(one.reconciled));
    await one.run();
    expect(one.reconciled).to.deep.equal(['a']);
    expect(one.manager.fence.epoch).to.equal(1);
    expect(one.manager.cache.store(configMaps).list().length).to.equal(1);
    expect(
      [await probe(one, '/healthz'), await probe(one, '/readyz')].map(({ status }) => status),
    ).to.deep.equal([200, 200]);
    const { text } = await probe(one, '/metrics');
    expect(text).to.include('leader_election_master_status{name="operator"} 1');
    expect(text).to.include('controller_runtime_reconcile_total{controller="thing",result="success"} 1');
    expect(text).to.include('workqueue_depth{name="thing",controller="thing"} 0');
    expect((await probe(one, '/pony')).status).to.equal(404);
  });

  it('writes nothing at rest but its lease', async () => {
    add('a');
    const one = replica('one');
    one.manager.add(controllerInto(one.reconciled));
    await one.run();
    const changed = new Set<string>();
    kube.onChange((resource) => changed.add(resource.plural));
    await clock.advance(60_000);
    expect([...changed]).to.deep.equal([leases.plural]);
  });

  it('is not ready, and says why, while it cannot list', async () => {
    const one = replica('one');
    const store = kube.cache.store(configMaps);
    Object.assign(kube.cache, {
      store: () => {
        throw transient('Unavailable', 'connection refused');
      },
    });
    await one.run();
    expect(await probe(one, '/readyz')).to.deep.equal({
      status: 503,
      text: 'configmaps: not listed yet: connection refused\n',
    });
    expect((await probe(one, '/healthz')).status).to.equal(200);
    Object.assign(kube.cache, { store: () => store });
    await clock.advance(2_000);
    expect((await probe(one, '/readyz')).status).to.equal(200);
  });

  it('stands by with a warm cache, and takes over when the leader stops', async () => {
    const [one, two] = [replica('one'), replica('two')];
    for (const each of [one, two]) each.manager.add(controllerInto(each.reconciled));
    await one.run();
    await two.run();
    add('a');
    await clock.advance(1_000);
    expect([one.reconciled, two.reconciled]).to.deep.equal([['a'], []]);
    expect(two.manager.cache.store(configMaps).list().length).to.equal(1);
    expect((await probe(two, '/readyz')).status).to.equal(200);
    one.stop.abort();
    expect([await ended(one), one.drained()]).to.deep.equal([0, true]);
    await clock.advance(3_000);
    expect(two.reconciled).to.deep.equal(['a']);
    expect(two.manager.fence.epoch).to.equal(2);
  });

  it('ends at once with code 1 when its lease is lost, and interrupts what runs', async () => {
    add('a');
    const one = replica('one');
    let interrupted = false;
    one.manager.add(
      controllerInto([], {
        reconcile: ({ signal }) => {
          signal.addEventListener('abort', () => {
            interrupted = true;
          });
          return new Promise(() => undefined);
        },
      }),
    );
    await one.run();
    await kube.edit(leases, lease, { spec: { holderIdentity: 'thief' } });
    await clock.advance(2_000);
    expect([await ended(one), interrupted, one.drained()]).to.deep.equal([1, true, false]);
  });

  it('waits for reconciles at an orderly stop, but not for ever', async () => {
    add('a');
    const one = replica('one');
    one.manager.add(controllerInto([], { reconcile: () => new Promise(() => undefined) }));
    await one.run();
    one.stop.abort();
    await clock.advance(29_000);
    expect(one.code()).to.equal(undefined);
    await clock.advance(2_000);
    expect(await ended(one)).to.equal(1);
    expect(kube.cache.store(leases).get(lease)?.spec.holderIdentity).to.match(/^one_/);
  });

  it('ends when a background task ends by itself', async () => {
    const one = replica('one');
    one.manager.spawn('listener', () => clock.sleep(5_000));
    await one.run();
    await clock.advance(4_000);
    expect(one.code()).to.equal(undefined);
    await clock.advance(2_000);
    expect(await ended(one)).to.equal(1);
  });

  it('refuses a controller, or a look into the cache, for what nobody watches', () => {
    const one = replica('one');
    expect(() => one.manager.cache.store(secrets)).to.throw('nobody watches secrets');
    const watches = [{ resource: secrets, keys: () => [] }];
    expect(() => one.manager.add(controllerInto([], { watches }))).to.throw('nobody watches secrets');
  });
});
