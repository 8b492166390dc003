// What controllers rely on an API server for. Run against the fake and against the real one, so that the fake stays honest.
import { expect } from 'chai';
import { hosts, type Host } from '../../src/api/host.gen.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { configMaps, type ConfigMap, type Manifest } from '../../src/kube/objects.ts';

/** The reason of the error that `work` ends with. */
export const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => (error as { readonly reason?: unknown }).reason ?? error,
  );

/** Cases on objects in `namespace`, which exists and is empty of our objects. */
export function itBehavesLikeAnApiServer(kube: () => KubeClient, namespace: string): void {
  let count = 0;
  const newKey = () => ({ namespace, name: `thing-${(count += 1)}` });
  const configMap = (data: Readonly<Record<string, string>>, metadata = newKey()): Manifest<ConfigMap> => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data,
  });
  const spec = {
    overcloudName: 'lab',
    role: 'controller',
    index: 0,
    hostname: 'a',
    ssh: { user: 'u', keyName: 'k', port: 22 },
    nodeName: 'node-1',
  };
  /** A spec in part: the server fills in the defaults. */
  const host = (metadata: Manifest<Host>['metadata'], more: object = {}): Manifest<Host> => {
    const manifest: unknown = {
      apiVersion: 'undercloud.dev/v1alpha1',
      kind: 'Host',
      metadata,
      spec: { ...spec, ...more },
    };
    return manifest as Manifest<Host>;
  };

  it('knows nothing of what is not there', async () => {
    const key = newKey();
    expect(await kube().get(configMaps, key)).to.equal(undefined);
    expect(await reasonOf(kube().patch(configMaps, key, { data: { a: '1' } }))).to.equal('NotFound');
    await kube().delete(configMaps, key);
  });

  it('creates an object once', async () => {
    const manifest = configMap({ a: '1' });
    const created = await kube().create(configMaps, manifest);
    expect([typeof created.metadata.uid, typeof created.metadata.resourceVersion]).to.deep.equal([
      'string',
      'string',
    ]);
    expect(await reasonOf(kube().create(configMaps, manifest))).to.equal('AlreadyExists');
  });

  it('patches only the version that is asked for', async () => {
    const manifest = configMap({ a: '1', b: '2' });
    const { metadata } = await kube().create(configMaps, manifest);
    const { resourceVersion } = metadata;
    const patched = await kube().patch(configMaps, metadata, {
      metadata: { resourceVersion },
      data: { a: null, c: '3' },
    });
    expect(patched.data).to.deep.equal({ b: '2', c: '3' });
    const stale = kube().patch(configMaps, metadata, { metadata: { resourceVersion }, data: { a: '4' } });
    expect(await reasonOf(stale)).to.equal('Conflict');
  });

  it('makes no new version of what stays the same', async () => {
    const manifest = configMap({ a: '1' });
    const first = await kube().apply(configMaps, manifest, 'one');
    const applied = await kube().apply(configMaps, manifest, 'one');
    const patched = await kube().patch(configMaps, first.metadata, { data: { a: '1' } });
    expect(applied.metadata.resourceVersion).to.equal(first.metadata.resourceVersion);
    expect(patched.metadata.resourceVersion).to.equal(first.metadata.resourceVersion);
  });

  it('counts changes of the spec, and of nothing else, in generation', async () => {
    const { metadata } = await kube().create(hosts, host(newKey()));
    const labelled = await kube().patch(hosts, metadata, { metadata: { labels: { a: 'b' } } });
    const reported = await kube().replaceStatus(hosts, labelled, { observedGeneration: 1 });
    expect([labelled, reported].map((each) => each.metadata.generation)).to.deep.equal([1, 1]);
    const changed = await kube().patch(hosts, metadata, { spec: { step: 3 } });
    expect(changed.metadata.generation).to.equal(2);
  });

  it('keeps status apart: only its own writes change it, and they replace it whole', async () => {
    const status = { observedGeneration: 5 };
    const key = newKey();
    const created = await kube().create(hosts, { ...host(key), status } as Manifest<Host>);
    expect(created.status).to.deep.equal({ observedGeneration: -1 });
    const first = await kube().replaceStatus(hosts, created, { observedGeneration: 1, bootId: 'x' });
    expect(first.status).to.deep.equal({ observedGeneration: 1, bootId: 'x' });
    const patched = await kube().patch(hosts, key, { status: { bootId: 'y' }, spec: { step: 1 } });
    expect(patched.status).to.deep.equal({ observedGeneration: 1, bootId: 'x' });
    const second = await kube().replaceStatus(
      hosts,
      { ...patched, spec: first.spec },
      { observedGeneration: 2 },
    );
    expect([second.status, second.spec.step]).to.deep.equal([{ observedGeneration: 2 }, 1]);
    expect(await reasonOf(kube().replaceStatus(hosts, first, status))).to.equal('Conflict');
  });

  it('does not report on an object that was deleted and made again', async () => {
    const key = newKey();
    const former = await kube().create(hosts, host(key));
    await kube().delete(hosts, key);
    await kube().create(hosts, host(key));
    expect(await reasonOf(kube().replaceStatus(hosts, former, { observedGeneration: 1 }))).to.equal(
      'Conflict',
    );
  });

  it('applies for several managers side by side', async () => {
    const metadata = newKey();
    await kube().apply(configMaps, configMap({ a: '1', shared: 'x' }, metadata), 'one');
    await kube().apply(configMaps, configMap({ b: '2', shared: 'x' }, metadata), 'two');
    const dropped = await kube().apply(configMaps, configMap({}, metadata), 'one');
    expect(dropped.data).to.deep.equal({ b: '2', shared: 'x' });
    const forced = await kube().apply(configMaps, configMap({ b: '9' }, metadata), 'one');
    expect(forced.data).to.deep.equal({ b: '9', shared: 'x' });
    const left = await kube().apply(configMaps, configMap({}, metadata), 'two');
    expect(left.data).to.deep.equal({ b: '9' });
  });

  it('leaves what somebody else has changed when a manager stops applying it', async () => {
    const metadata = newKey();
    await kube().apply(configMaps, configMap({ a: '1', b: '2' }, metadata), 'one');
    await kube().patch(configMaps, metadata, { data: { a: '5' } });
    expect((await kube().apply(configMaps, configMap({}, metadata), 'one')).data).to.deep.equal({ a: '5' });
  });

  it('adds up the finalizers that managers apply', async () => {
    const key = newKey();
    await kube().apply(hosts, host({ ...key, finalizers: ['undercloud.dev/a'] }), 'one');
    const both = await kube().apply(hosts, host({ ...key, finalizers: ['undercloud.dev/b'] }), 'two');
    expect(both.metadata.finalizers).to.have.members(['undercloud.dev/a', 'undercloud.dev/b']);
    const one = await kube().apply(hosts, host(key), 'one');
    expect(one.metadata.finalizers).to.deep.equal(['undercloud.dev/b']);
    await kube().patch(hosts, key, { metadata: { finalizers: [] } });
  });

  it('keeps an object until its last finalizer is gone, and takes no new one then', async () => {
    const metadata = { ...newKey(), finalizers: ['undercloud.dev/a', 'undercloud.dev/b'] };
    await kube().create(hosts, host(metadata));
    await kube().delete(hosts, metadata);
    await kube().delete(hosts, metadata);
    const deleting = await kube().get(hosts, metadata);
    expect(deleting?.metadata.deletionTimestamp).to.be.a('string');
    const another = { metadata: { finalizers: [...metadata.finalizers, 'undercloud.dev/c'] } };
    expect(await reasonOf(kube().patch(hosts, metadata, another))).to.equal('Invalid');
    await kube().patch(hosts, metadata, { metadata: { finalizers: ['undercloud.dev/b'] } });
    expect(await kube().get(hosts, metadata)).not.to.equal(undefined);
    await kube().patch(hosts, metadata, { metadata: { finalizers: [] } });
    expect(await kube().get(hosts, metadata)).to.equal(undefined);
  });

  it('deletes only the object that is meant', async () => {
    const manifest = configMap({});
    const { metadata } = await kube().create(configMaps, manifest);
    expect(await reasonOf(kube().delete(configMaps, metadata, { uid: 'another' }))).to.equal('Conflict');
    expect(await reasonOf(kube().delete(configMaps, metadata, { resourceVersion: '1' }))).to.equal(
      'Conflict',
    );
    await kube().delete(configMaps, metadata, {
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
    });
    expect(await kube().get(configMaps, metadata)).to.equal(undefined);
  });

  it('lists by namespace and label, in order', async () => {
    const [a, b, c] = [newKey(), newKey(), newKey()];
    for (const [key, colour] of [
      [b, 'red'],
      [a, 'red'],
      [c, 'blue'],
    ] as const) {
      await kube().create(configMaps, { ...configMap({}), metadata: { ...key, labels: { colour } } });
    }
    const found = await kube().list(configMaps, { namespace, labelSelector: 'colour=red' });
    expect(found.map(({ metadata }) => metadata.name)).to.deep.equal([a.name, b.name].sort());
    expect(await kube().list(configMaps, { namespace: 'elsewhere' })).to.deep.equal([]);
  });
}
