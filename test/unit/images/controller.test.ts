// An image set's life against an API server and a registry in memory: resolved, missing, mended, moved, paused.
import { expect } from 'chai';
import { containerImageSets } from '../../../src/api/containerimageset.gen.ts';
import { digestRules } from '../../../src/api/image-set.ts';
import { overclouds } from '../../../src/api/overcloud.gen.ts';
import { overcloudServices } from '../../../src/api/overcloudservice.gen.ts';
import { roles } from '../../../src/api/role.gen.ts';
import { transient } from '../../../src/kernel/errors.ts';
import { configMaps, secrets } from '../../../src/kube/objects.ts';
import { digestOf } from '../../fakes/registry.ts';
import { imageSet, namespace, service } from './builders.ts';
import { key, keystone, novaApi, setUp } from './harness.ts';

describe('the image set controller', () => {
  it('resolves every image that the clouds of the set need', async () => {
    const { look, status, events, conditions } = setUp();
    await look();
    expect(status().resolved).to.deep.equal({
      generation: 1,
      of: digestRules(imageSet().spec),
      tag: '12.0-1',
      images: [keystone, novaApi].map((path) => ({
        name: path.replace('rhosp12/openstack-', ''),
        repository: `registry.example.org/${path}`,
        tag: '12.0-1',
        digest: digestOf(path),
        reference: `registry.example.org/${path}:12.0-1`,
        state: 'Resolved',
      })),
    });
    expect(status()).to.include({ observedGeneration: 1, images: '2/2', tag: '12.0-1' });
    expect(conditions()).to.deep.equal({
      Ready: { value: 'True', reason: 'Ready', message: '2 images resolved in registry.example.org' },
      Resolved: { value: 'True', reason: 'Resolved', message: '2 images resolved' },
    });
    expect(events).to.deep.equal(['ImagesResolved']);
  });

  it('writes nothing and asks for nothing when nothing has changed', async () => {
    const { kube, look, pulls } = setUp();
    await look();
    const [writes, asked] = [kube.writes(), pulls()];
    for (let i = 0; i < 5; i += 1) await look();
    expect([kube.writes(), pulls()]).to.deep.equal([writes, asked]);
  });

  it('keeps the digests of a complete set over a restart of the operator', async () => {
    const first = setUp();
    await first.look();
    const set = first.kube.cache.store(containerImageSets).get(key);
    if (set === undefined) throw new Error('no set');
    const pins = first.kube.cache.store(configMaps).get({ namespace, name: 'pike-image-pins' });
    if (pins === undefined) throw new Error('no pins');
    const second = setUp(set);
    second.kube.seed(configMaps, pins);
    const writes = second.kube.writes();
    await second.look();
    expect(second.kube.writes()).to.equal(writes);

    // As after an upgrade from a release that kept no pins.
    const third = setUp(set);
    third.images.set(`${novaApi}:12.0-1`, digestOf('something newer'));
    await third.look();
    expect(third.status().resolved).to.deep.equal(set.status?.resolved);
    expect(third.conditions()).to.include.keys('TagMoved');
  });

  it('names an image that is missing, keeps what was resolved before, and mends itself', async () => {
    const { look, later, edit, images, status, events, conditions, digests } = setUp();
    await look();
    const before = status().resolved;
    images.set(`${keystone}:12.0-2`, digestOf('keystone 2'));
    await edit({ tag: '12.0-2' });
    const outcome = await look();
    expect(status().resolved).to.deep.equal(before);
    expect(status().images).to.equal('1/2');
    expect(conditions()).to.deep.include({
      Ready: {
        value: 'False',
        reason: 'ImageNotFound',
        message:
          'image set pike: rhosp12/openstack-nova-api:12.0-2 is not in registry registry.example.org: push it there, or correct spec.tag or spec.overrides',
      },
    });
    expect(conditions()).to.include.keys('Stalled');
    expect(status().unresolved?.map(({ name }) => name)).to.deep.equal(['nova-api']);
    images.set(`${novaApi}:12.0-2`, digestOf('nova-api 2'));
    await later(outcome);
    expect(digests()).to.deep.equal([digestOf('keystone 2'), digestOf('nova-api 2')]);
    expect(conditions()).to.have.all.keys('Ready', 'Resolved');
    expect(status()).not.to.have.any.keys('unresolved', 'truncated');
    expect(events).to.deep.equal(['ImagesResolved', 'ImageNotFound', 'ImagesResolved', 'ImagesChanged']);
  });

  it('tries again at most 30 s later, not at each event, and asks only for what it lacks', async () => {
    const { look, later, images, pulls } = setUp();
    images.delete(`${novaApi}:12.0-1`);
    let outcome = await look();
    await look();
    expect(pulls()).to.equal(2);
    for (let i = 1; i <= 10; i += 1) {
      expect(outcome).to.have.property('ms').that.is.greaterThan(1_000).and.at.most(30_000);
      outcome = await later(outcome);
      expect(pulls()).to.equal(2 + i);
    }
  });

  it('tries again at once when a person asks for it', async () => {
    const { kube, look, images, status } = setUp();
    images.delete(`${novaApi}:12.0-1`);
    await look();
    images.set(`${novaApi}:12.0-1`, digestOf(novaApi));
    await kube.edit(containerImageSets, key, { metadata: { annotations: { 'undercloud.dev/retry': '1' } } });
    await look();
    expect(status().images).to.equal('2/2');
  });

  it('is Reconciling, not Stalled, while the registry is away, and goes on when it is back', async () => {
    const { look, later, breakRegistry, status, conditions } = setUp();
    breakRegistry(transient('RegistryUnreachable', 'registry registry.example.org cannot be reached'));
    const outcome = await look();
    expect(conditions()).to.have.all.keys('Ready', 'Reconciling', 'Resolved');
    expect(conditions().Ready).to.include({ value: 'False', reason: 'RegistryUnreachable' });
    breakRegistry(undefined);
    await later(outcome);
    expect(status().images).to.equal('2/2');
  });

  it('takes in a new service without asking again for what it has', async () => {
    const { kube, look, images, pulls, digests } = setUp();
    await look();
    images.set('rhosp12/openstack-glance:12.0-1', digestOf('glance'));
    images.set(`${novaApi}:12.0-1`, digestOf('something newer'));
    await kube.edit(
      overcloudServices,
      { namespace, name: 'api' },
      {
        spec: service('api', { containers: ['glance', 'keystone', 'nova-api'] }).spec,
      },
    );
    await look();
    // One for the new image, and one to see what the moved tag stands for now.
    expect(pulls()).to.equal(4);
    expect(digests()).to.deep.equal([digestOf('glance'), digestOf(keystone), digestOf(novaApi)]);
  });

  it('says that a tag has moved, keeps what was resolved, and takes it when a person asks for it', async () => {
    const { kube, look, later, images, conditions, digests, status } = setUp();
    const outcome = await look();
    images.set(`${novaApi}:12.0-1`, digestOf('something newer'));
    images.delete(`${keystone}:12.0-1`);
    await later(outcome);
    expect(digests()).to.deep.equal([digestOf(keystone), digestOf(novaApi)]);
    expect(conditions().Ready?.value).to.equal('True');
    expect(conditions().TagMoved?.message).to.match(
      /openstack-keystone:12\.0-1 is gone .*, and 1 more have moved; clouds stay on what was resolved/,
    );
    images.set(`${keystone}:12.0-1`, digestOf(keystone));
    await kube.edit(containerImageSets, key, { metadata: { annotations: { 'undercloud.dev/retry': '1' } } });
    await look();
    expect(digests()).to.deep.equal([digestOf(keystone), digestOf('something newer')]);
    expect(status().resolved?.retry).to.equal('1');
    expect(conditions()).to.have.all.keys('Ready', 'Resolved');
  });

  it('takes no moved tag because of a change that leaves the reference as it was', async () => {
    const { look, edit, images, digests, status } = setUp();
    await look();
    images.set(`${novaApi}:12.0-1`, digestOf('something newer'));
    await edit({ paused: true });
    await look();
    await edit({ paused: false });
    await look();
    expect(digests()).to.deep.equal([digestOf(keystone), digestOf(novaApi)]);
    expect(status().resolved?.generation).to.equal(3);
  });

  it('stays as it is when the tags cannot be checked, and says so once', async () => {
    const { kube, look, later, breakRegistry, conditions, digests } = setUp();
    const outcome = await look();
    const writes = kube.writes();
    breakRegistry(transient('RegistryUnreachable', 'away'));
    const second = await later(outcome);
    expect(second).to.have.property('ms').that.is.greaterThan(60_000);
    await later(second);
    expect(kube.writes()).to.equal(writes + 1);
    expect(conditions().Ready?.value).to.equal('True');
    expect(conditions().UpdateAvailable).to.include({ value: 'Unknown', reason: 'RegistryUnreachable' });
    expect(digests()).to.have.length(2);
  });

  it('touches nothing while it is paused, and says so', async () => {
    const { look, edit, status, pulls, conditions } = setUp();
    await look();
    const before = status().resolved;
    await edit({ paused: true, tag: '12.0-2' });
    expect(await look()).to.deep.equal({ kind: 'settled' });
    expect(conditions().Ready).to.include({ value: 'False', reason: 'Paused' });
    expect(status().resolved).to.deep.equal(before);
    expect(pulls()).to.equal(2);
  });

  it('says that variants have no effect without a catalog, and resolves all the same', async () => {
    const { kube, look, conditions } = setUp();
    await kube.edit(containerImageSets, key, { spec: { variants: { neutronDriver: 'ovn' } } });
    await look();
    expect(conditions().Consistent).to.include({ value: 'False', reason: 'SpecQuestionable' });
    expect(conditions().Ready).to.include({ value: 'True' });
  });

  it('is Ready with no images while no cloud uses it', async () => {
    const { kube, look, status, conditions } = setUp();
    await kube.edit(overclouds, { namespace, name: 'lab' }, { spec: { imageSetName: 'queens' } });
    expect(await look()).to.deep.equal({ kind: 'settled' });
    expect(status()).to.deep.include({
      images: '0/0',
      resolved: { generation: 1, of: digestRules(imageSet().spec), tag: '12.0-1', images: [] },
    });
    expect(conditions().Ready?.value).to.equal('True');
  });

  it('lists as many images that are not resolved as there is room for, and says how many more there are', async () => {
    const { look, status } = setUp(
      imageSet({ images: Array.from({ length: 70 }, (_, index) => `image-${index}`) }),
    );
    await look();
    const { unresolved = [], truncated = 0 } = status();
    expect(unresolved.length).to.be.within(20, 50);
    expect(unresolved.length + truncated).to.equal(70);
    expect(status()).to.include({ images: '2/72' });
  });

  it('asks no registry for a set that is being deleted, and says what it waits for', async () => {
    const { kube, look, pulls, conditions } = setUp({
      ...imageSet(),
      metadata: { ...imageSet().metadata, finalizers: ['x/y'] },
    });
    await kube.client.delete(containerImageSets, key);
    expect(await look()).to.deep.equal({ kind: 'settled' });
    expect(conditions().Ready).to.include({ value: 'False', reason: 'InUse' });
    expect(conditions().Ready?.message).to.include('overcloud lab uses it');
    const writes = kube.writes();
    await look();
    expect([kube.writes(), pulls()]).to.deep.equal([writes, 0]);
  });

  const access = [
    {
      name: 'a Secret that is not there',
      source: { credentialsName: 'redhat' },
      reason: 'SecretNotFound',
      says: /no Secret redhat \(spec\.source\.credentialsName\): create it in namespace lab/,
    },
    {
      name: 'a Secret of the wrong type',
      source: { credentialsName: 'tls' },
      reason: 'CredentialsInvalid',
      says: /Secret tls \(spec\.source\.credentialsName\) has type kubernetes\.io\/tls/,
    },
    {
      name: 'a CA that is not there',
      source: { caName: 'ca' },
      reason: 'CAInvalid',
      says: /no ConfigMap ca with the key ca\.crt \(spec\.source\.caName\)/,
    },
  ];
  for (const { name, source, reason, says } of access) {
    it(`says so and recovers: ${name}`, async () => {
      const { kube, look, later, status, access: seen, conditions } = setUp(imageSet({ source }));
      kube.seed(secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'tls', namespace },
        type: 'kubernetes.io/tls',
      });
      const outcome = await look();
      expect(conditions().Stalled).to.include({ reason });
      expect(conditions().Ready?.message).to.match(says);

      const login = { username: 'lab', password: 'not-a-secret' };
      const data = Object.fromEntries(
        Object.entries(login).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
      );
      await kube.client.delete(secrets, { namespace, name: 'tls' });
      for (const mended of ['redhat', 'tls']) {
        kube.seed(secrets, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: mended, namespace },
          type: 'Opaque',
          data,
        });
      }
      kube.seed(configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'ca', namespace },
        data: { 'ca.crt': 'PEM' },
      });
      await later(outcome);
      expect(status().images).to.equal('2/2');
      const expected = source.caName === undefined ? { credentials: login } : { ca: 'PEM' };
      expect(seen()).to.deep.equal({ host: 'registry.example.org', insecure: false, ...expected });
    });
  }

  it('is woken by what can change what a set needs, and by nothing else', async () => {
    const { kube, controller } = setUp();
    const woken: string[] = [];
    kube.onChange((resource, before, after) => {
      for (const watch of controller.watches) {
        if (watch.resource.plural === resource.plural)
          woken.push(...watch.keys(before, after).map(({ name }) => name));
      }
    });
    const cloud = kube.cache.store(overclouds).get({ namespace, name: 'lab' });
    if (cloud === undefined) throw new Error('no cloud');
    await kube.client.replaceStatus(overclouds, cloud, { observedGeneration: 1 });
    expect(woken).to.deep.equal([]);
    await kube.edit(roles, { namespace, name: 'controller' }, { spec: { services: [] } });
    await kube.edit(overcloudServices, { namespace, name: 'api' }, { spec: { containers: [] } });
    expect(woken).to.deep.equal(['pike', 'pike']);
    await kube.edit(overclouds, { namespace, name: 'lab' }, { spec: { imageSetName: 'queens' } });
    expect(woken.slice(2)).to.deep.equal(['pike', 'queens']);
  });
});
