// The end of a cloud.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import { containerImageSets } from '../../../src/api/containerimageset.gen.ts';
import { hosts } from '../../../src/api/host.gen.ts';
import { finalizers } from '../../../src/api/names.ts';
import { overclouds } from '../../../src/api/overcloud.gen.ts';
import { overcloudServices } from '../../../src/api/overcloudservice.gen.ts';
import { roles } from '../../../src/api/role.gen.ts';
import type { Cache, Store } from '../../../src/kube/client.ts';
import {
  configMaps,
  controllerRevisions,
  secrets,
  type KubeObject,
  type Resource,
} from '../../../src/kube/objects.ts';
import { releaseSecret } from '../../../src/overcloud/in-use.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { createFakeKube } from '../../fakes/kube.ts';
import { createCloud, deployed, whole } from './support/driver.ts';
import { host, meta, namespace, overcloud, role, secret } from './support/objects.ts';

const at = (name: string) => ({ namespace, name });
const lab = at('lab');

describe('the end of an overcloud', () => {
  it('takes its hosts first, keeps what they run, and frees what it used', async () => {
    const cloud = await deployed();
    expect((await cloud.get(roles, 'controller')).metadata.finalizers).to.deep.equal([finalizers.inUse]);
    expect((await cloud.get(secrets, 'lab-ssh')).metadata.finalizers).to.deep.equal([finalizers.inUse]);
    await cloud.kube.client.delete(overclouds, lab);
    await cloud.settle({ stuck: () => true });
    expect(await cloud.says()).to.contain(
      'False Deleting: the cloud is being deleted, still here: lab-compute-0',
    );
    await cloud.settle();
    expect(await cloud.kube.client.list(overclouds)).to.deep.equal([]);
    expect(await cloud.kube.client.list(hosts)).to.deep.equal([]);
    const { status } = await cloud.get(bareMetalNodes, 'ctrl01');
    expect([status?.state, status?.retainedFrom?.host]).to.deep.equal(['active', 'lab-controller-0']);
    const used: readonly Resource[] = [roles, overcloudServices, containerImageSets, secrets];
    for (const resource of used) {
      const left = await cloud.kube.client.list(resource);
      expect(left.flatMap(({ metadata }) => metadata.finalizers ?? [])).to.deep.equal([]);
    }
  });

  it('takes the same hosts back when it is made again, on the same nodes, with the same key', async () => {
    const cloud = await deployed();
    const key = (await cloud.get(secrets, 'lab-hmac-key')).data;
    const spec = (await cloud.overcloud()).spec;
    await cloud.kube.client.delete(overclouds, lab);
    await cloud.settle();
    cloud.kube.seed(overclouds, overcloud(spec, { uid: 'another' }));
    await cloud.settle();
    expect(await cloud.fleet()).to.deep.equal(whole);
    expect((await cloud.get(secrets, 'lab-hmac-key')).data).to.deep.equal(key);
  });

  it('with policy Delete frees its nodes, and leaves its key to the garbage collector', async () => {
    const cloud = await deployed();
    await cloud.kube.edit(overclouds, lab, { spec: { deletionPolicy: 'Delete' } });
    await cloud.kube.client.delete(overclouds, lab);
    await cloud.settle();
    expect((await cloud.get(bareMetalNodes, 'ctrl01')).status?.state).to.equal('available');
    expect((await cloud.get(secrets, 'lab-hmac-key')).metadata.ownerReferences?.[0]?.name).to.equal('lab');
  });

  it('comes by itself when everything in the namespace is deleted at once', async () => {
    const cloud = await deployed();
    const guarded: readonly Resource[] = [
      roles,
      overcloudServices,
      containerImageSets,
      overclouds,
      hosts,
      secrets,
    ];
    const others: readonly Resource[] = [configMaps, controllerRevisions];
    for (const resource of [...guarded, ...others]) {
      for (const { metadata } of await cloud.kube.client.list(resource)) {
        await cloud.kube.client.delete(resource, metadata);
      }
    }
    await cloud.settle();
    for (const resource of guarded) {
      expect((await cloud.kube.client.list(resource)).map(({ metadata }) => metadata.name)).to.deep.equal([]);
    }
  });

  it('of one cloud leaves what another one uses', async () => {
    const cloud = await deployed();
    cloud.kube.seed(overclouds, {
      ...overcloud({ roles: [{ role: 'controller', count: 0 }] }),
      metadata: meta('other'),
    });
    await cloud.settle();
    await cloud.kube.client.delete(overclouds, lab);
    await cloud.settle();
    expect((await cloud.get(roles, 'controller')).metadata.finalizers).to.deep.equal([finalizers.inUse]);
    expect((await cloud.get(roles, 'compute')).metadata.finalizers ?? []).to.deep.equal([]);
    expect((await cloud.get(secrets, 'lab-ssh')).metadata.finalizers).to.deep.equal([finalizers.inUse]);
  });

  it('frees the Secret that two ending clouds share, though the cache still shows a host of the other', async () => {
    const kube = createFakeKube(createManualClock());
    const [mine] = ['lab', 'other'].map((name) => {
      const metadata = meta(name, { finalizers: [finalizers.overcloud] });
      return kube.seed(overclouds, { ...overcloud(), metadata });
    });
    await kube.client.delete(overclouds, at('other'));
    const key = secret('lab-ssh');
    kube.seed(secrets, { ...key, metadata: { ...key.metadata, finalizers: [finalizers.inUse] } });
    const gone = host('other-controller-0', { overcloudName: 'other' });
    const cache: Cache = {
      store: <T extends KubeObject>(resource: Resource<T>): Store<T> =>
        resource.plural === hosts.plural
          ? ({ get: () => gone, list: () => [gone] } as unknown as Store<T>)
          : kube.cache.store(resource),
    };
    if (mine === undefined) throw new Error('no cloud');
    await releaseSecret({ client: kube.client, cache }, 'lab-ssh', mine, new AbortController().signal);
    expect((await kube.client.get(secrets, at('lab-ssh')))?.metadata.finalizers ?? []).to.deep.equal([]);
  });

  it('does not keep a role that nobody names any more', async () => {
    const cloud = createCloud({ empty: true });
    cloud.kube.seed(roles, {
      ...role('leftover'),
      metadata: meta('leftover', { finalizers: [finalizers.inUse] }),
    });
    await cloud.kube.client.delete(roles, at('leftover'));
    await cloud.settle();
    expect(await cloud.kube.client.list(roles)).to.deep.equal([]);
  });

  it('frees a Secret when another one takes its place', async () => {
    const cloud = await deployed();
    cloud.kube.seed(secrets, secret('new-ssh'));
    await cloud.kube.edit(overclouds, lab, { spec: { ssh: { keyName: 'new-ssh' } } });
    await cloud.settle();
    expect((await cloud.get(secrets, 'lab-ssh')).metadata.finalizers ?? []).to.deep.equal([]);
    expect((await cloud.get(secrets, 'new-ssh')).metadata.finalizers).to.deep.equal([finalizers.inUse]);
    expect((await cloud.get(hosts, 'lab-controller-0')).spec.ssh.keyName).to.equal('new-ssh');
  });
});
