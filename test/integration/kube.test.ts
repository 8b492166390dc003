// How we speak to the API server, with the real one.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { hosts, type Host } from '../../src/api/host.gen.ts';
import { loadAccess, type ApiServerAccess } from '../../src/kube/access.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { createElector } from '../../src/kube/elector.ts';
import { createApiServer } from '../../src/kube/http.ts';
import { createLeaseHold, leases } from '../../src/kube/lease.ts';
import { createListWatch, type ListWatch } from '../../src/kube/list-watch.ts';
import { configMaps, type ConfigMap, type Manifest } from '../../src/kube/objects.ts';
import { createReflector } from '../../src/kube/reflector.ts';
import { createKubeClient } from '../../src/kube/rest.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createEventRecorder, events } from '../../src/kernel/events.ts';
import { silentLogger } from '../../src/kernel/log.ts';
import { itBehavesLikeAnApiServer, reasonOf } from '../fakes/conformance.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { eventually, pause } from '../support/wait.ts';

const crds = path.resolve(import.meta.dirname, '../../crds');
const random = Math.random;

/** Passes everything on to the API server, until it is told to cut all that is open. */
interface Proxy {
  readonly port: number;
  cut(): void;
  close(): Promise<void>;
}

async function startProxy(port: number): Promise<Proxy> {
  const open = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket));
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => open.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}

describe('API server', function () {
  this.timeout(60_000);
  let controlPlane: ControlPlane;
  let proxy: Proxy;
  let access: ApiServerAccess;
  let client: KubeClient;
  let source: ListWatch;

  before(async function () {
    this.timeout(20 * 60_000);
    controlPlane = await startControlPlane('test-kube');
    await controlPlane.kubectl(['apply', '--server-side', '-k', crds]);
    for (const namespace of ['lab', 'watched', 'undercloud', 'doomed']) {
      await controlPlane.kubectl(['create', 'namespace', namespace]);
    }
    const text = await readFile(controlPlane.kubeconfig, 'utf8');
    const port = Number(/server: https:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1]);
    proxy = await startProxy(port);
    const kubeconfig = `${controlPlane.kubeconfig}.proxied`;
    await writeFile(kubeconfig, text.replace(`127.0.0.1:${port}`, `127.0.0.1:${proxy.port}`));
    access = loadAccess({ kubeconfig }, systemClock);
    const server = createApiServer(access);
    client = createKubeClient(server);
    source = createListWatch(server);
    await eventually('the CRDs are served', 30, () => client.list(hosts));
  });
  after(async () => {
    await access.close();
    await proxy.close();
    await controlPlane.stop();
  });

  itBehavesLikeAnApiServer(() => client, 'lab');

  describe('refusals', () => {
    const spec = {
      overcloudName: 'lab',
      role: 'r',
      index: 0,
      hostname: 'a',
      ssh: { user: 'u', keyName: 'k' },
      nodeName: 'n',
    };
    const host = (more: object): Manifest<Host> => {
      const manifest: unknown = {
        apiVersion: 'undercloud.dev/v1alpha1',
        kind: 'Host',
        metadata: { namespace: 'lab', name: 'refused' },
        spec: { ...spec, ...more },
      };
      return manifest as Manifest<Host>;
    };

    it('takes an apply of an unknown field for invalid, though the server says 500', async () => {
      expect(await reasonOf(client.apply(hosts, host({ pony: true }), 'test'))).to.equal('Invalid');
    });

    it('takes what the schema forbids for invalid', async () => {
      expect(await reasonOf(client.apply(hosts, host({ step: 77 }), 'test'))).to.equal('Invalid');
      expect(await reasonOf(client.create(hosts, host({ pony: true })))).to.equal('Invalid');
    });

    it('does not drop an unknown field of a status in silence', async () => {
      const made = await client.create(hosts, host({}));
      expect(
        await reasonOf(client.replaceStatus(hosts, made, { observedGeneration: 1, pony: true })),
      ).to.equal('Invalid');
    });

    it('knows a namespace that is going away', async () => {
      const metadata = { namespace: 'doomed', name: 'anchor', finalizers: ['undercloud.dev/test'] };
      await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
      await controlPlane.kubectl(['delete', 'namespace', 'doomed', '--wait=false']);
      const late: Manifest<ConfigMap> = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'doomed', name: 'late' },
      };
      const reason = await eventually('it is refused', 10, async () => {
        const found = await reasonOf(client.create(configMaps, late));
        return found === 'no error' || found === 'AlreadyExists' ? undefined : found;
      });
      expect(reason).to.equal('NamespaceTerminating');
      await client.patch(configMaps, metadata, { metadata: { finalizers: [] } });
    });

    it('names a version that the server has forgotten Expired, however it says so', async () => {
      const never = new AbortController().signal;
      // Older than the kind itself.
      const options = { resourceVersion: '2', timeoutSeconds: 5 };
      const watch = async () => {
        for await (const event of await source.watch(hosts, options, never))
          expect(event.type).to.be.a('string');
      };
      expect(await reasonOf(watch())).to.equal('Expired');
    });
  });

  it('follows objects through cut connections without missing or inventing a change', async () => {
    const counts = { lists: 0, watches: 0 };
    const reflector = createReflector(configMaps, {
      source,
      clock: systemClock,
      random,
      log: silentLogger,
      observer: {
        listed: () => void (counts.lists += 1),
        watchStarted: () => void (counts.watches += 1),
        event: () => undefined,
        failed: () => undefined,
      },
      scope: { namespace: 'watched' },
    });
    /** What is known from the changes alone. */
    const told = new Map<string, ConfigMap>();
    const surprises: string[] = [];
    reflector.onChange(({ before, after }) => {
      const name = (after ?? before)?.metadata.name ?? '';
      if (told.get(name) !== before) surprises.push(name);
      if (after === undefined) told.delete(name);
      else told.set(name, after);
    });
    const stop = new AbortController();
    const ended = reflector.run(stop.signal);
    await reflector.synced;

    const make = (name: string, value: string): Promise<unknown> =>
      client.apply(
        configMaps,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'watched', name }, data: { value } },
        'test',
      );
    // Writes go through the same proxy: the one that a cut hits is made again.
    const surely = async (work: () => Promise<unknown>) => {
      await eventually('the write gets through', 20, () => work().then(() => true));
    };
    for (let round = 0; round < 5; round += 1) {
      for (let i = 0; i < 10; i += 1) await surely(() => make(`map-${i}`, String(round)));
      await surely(() => client.delete(configMaps, { namespace: 'watched', name: `map-${round}` }));
      proxy.cut();
    }
    const versions = (maps: readonly ConfigMap[]) =>
      maps.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();
    await eventually(
      'the store is level with the server',
      30,
      async () => {
        const real = versions(await client.list(configMaps, { namespace: 'watched' }));
        return real.join() === versions(reflector.store.list()).join() ? true : undefined;
      },
      () => Promise.resolve(versions(reflector.store.list()).join()),
    );
    expect(versions([...told.values()])).to.deep.equal(versions(reflector.store.list()));
    expect(surprises).to.deep.equal([]);
    expect(counts.watches).to.be.greaterThan(1);
    stop.abort();
    await ended;
  });

  it('hears of a change at once', async () => {
    const observer = {
      listed: () => undefined,
      watchStarted: () => undefined,
      event: () => undefined,
      failed: () => undefined,
    };
    const deps = {
      source,
      clock: systemClock,
      random,
      log: silentLogger,
      observer,
      scope: { namespace: 'watched' },
    };
    const reflector = createReflector(configMaps, deps);
    const stop = new AbortController();
    const ended = reflector.run(stop.signal);
    await reflector.synced;
    const heard: PromiseWithResolvers<number> = Promise.withResolvers();
    reflector.onChange(() => heard.resolve(performance.now()));
    const metadata = { namespace: 'watched', name: 'quick' };
    const sent = performance.now();
    await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
    expect((await heard.promise) - sent).to.be.below(2_000);
    stop.abort();
    await ended;
  });

  it('hands leadership over, and raises the epoch each time', async () => {
    const key = { namespace: 'undercloud', name: 'operator' };
    const start = (identity: string) => {
      const hold = createLeaseHold({ client, clock: systemClock, lease: key, identity });
      const elector = createElector({ hold, clock: systemClock, random, log: silentLogger });
      const leading: PromiseWithResolvers<void> = Promise.withResolvers();
      const work: PromiseWithResolvers<void> = Promise.withResolvers();
      const ended = elector.run(new AbortController().signal, () => {
        leading.resolve();
        return work.promise;
      });
      return { fence: elector.fence, leading: leading.promise, stop: () => (work.resolve(), ended) };
    };
    const first = start('first');
    await first.leading;
    const second = start('second');
    await first.fence.raiseAbove(5, new AbortController().signal);
    await pause(5_000);
    expect([first.fence.epoch, second.fence.remainingMs()]).to.deep.equal([6, 0]);
    await first.stop();
    await second.leading;
    expect(second.fence.epoch).to.equal(7);
    expect((await client.get(leases, key))?.spec).to.include({
      holderIdentity: 'second',
      leaseTransitions: 1,
    });
    await second.stop();
    expect((await client.get(leases, key))?.spec.holderIdentity).to.equal('');
  });

  it('records events that kubectl shows, with their count', async () => {
    const object = await client.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'lab', name: 'eventful' },
    });
    const recorder = createEventRecorder({
      client,
      clock: systemClock,
      log: silentLogger,
      controller: 'undercloud.dev/operator',
      instance: 'test',
    });
    for (let i = 0; i < 3; i += 1) recorder.warning(object, 'Healed', 'Start', 'started memcached again');
    await recorder.drain();
    const { stdout } = await controlPlane.kubectl(['events', '-n', 'lab', '--for', 'configmap/eventful']);
    expect(stdout).to.match(/Warning\s+Healed\s+ConfigMap\/eventful\s+started memcached again/);
    const recorded = await client.list(events, { namespace: 'lab' });
    expect(recorded.find(({ reason }) => reason === 'Healed')?.series?.count).to.equal(2);
  });
});
