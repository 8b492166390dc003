// Images from one real registry to another: found by their labels, copied once, proposed when they change, and mended after faults.
import { expect } from 'chai';
import { writeFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import type { ContainerImageSet } from '../../src/api/containerimageset.gen.ts';
import { startDockerRegistry, type DockerRegistry } from '../integration/images/docker-registry.ts';
import { eventually, pause } from '../support/wait.ts';
import { blobsOf, pushSeed, sumOf, type Content } from './images/content.ts';
import { cloudOf, configMap, imageSet, namespace, secret } from './images/manifests.ts';
import { startProxy, type Proxy } from './images/proxy.ts';
import * as registry from './images/push.ts';
import { blobFile, linkFile, startRegistry, tagFile, type Registry } from './images/registry.ts';
import { parameters, seedImages, tagOf } from './images/seed.ts';
import { startSite, type Site } from './images/site.ts';
import { becomesReady, fails, isNotReady, isReady, lacksOnly } from './images/waits.ts';

describe("a cloud's images", function () {
  this.timeout(180_000);
  let site: Site;
  let source: DockerRegistry;
  /** The same images for whoever publishes them: without TLS and tokens. */
  let back: Registry;
  let destination: Registry;
  let proxy: Proxy;
  let content: Content;
  const closing: (() => Promise<unknown>)[] = [];
  const onEnd = (close: () => Promise<unknown>): void => void closing.unshift(close);

  before(async () => {
    site = await startSite(onEnd);
    source = await startDockerRegistry({ tls: true, tokens: true });
    onEnd(() => source.stop());
    back = await startRegistry(source.data);
    onEnd(() => back.stop());
    destination = await startRegistry(`${site.directory}/destination`);
    onEnd(() => destination.stop());
    proxy = await startProxy(destination.host);
    onEnd(() => proxy.stop());
    content = await pushSeed(back.host);
    await site.apply(
      configMap('registry-ca', { 'ca.crt': source.ca }),
      secret('registry-login', 'kubernetes.io/basic-auth', source.credentials),
    );
  });
  afterEach(() => {
    proxy.temper = { kind: 'willing' };
    source.tokens?.live(300);
  });
  after(async () => {
    const failures: unknown[] = [];
    for (const close of closing) await close().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'the site was not taken down as a whole');
  });

  const from = (namespace: string, others: object = {}) => ({
    ...{ registry: source.host, namespace, caName: 'registry-ca', credentialsName: 'registry-login' },
    ...others,
  });
  /** The proxy's address: what is sent there is counted. */
  const to = (namespace?: string, host = proxy.host) => ({
    ...{ registry: host, insecure: true },
    ...(namespace === undefined ? {} : { namespace }),
  });

  describe('of the seed, found by their labels', () => {
    let settled: ContainerImageSet;

    it('are at the destination, and nothing else is', async () => {
      await site.apply(
        ...cloudOf('osp13'),
        imageSet('osp13', {
          source: from('rhosp13', { prefix: 'openstack-' }),
          destination: to(),
          tagFromLabel: { format: '{version}-{release}' },
          catalogName: 'openstack-images',
          variants: { neutronDriver: 'ovn' },
        }),
      );
      settled = await becomesReady(site, 'osp13');
      expect(settled.status).to.include({ images: '45/45', pushed: '45/45', tag: '13.0-36…13.0-43' });
      const repositories = seedImages.map(({ repository }) => repository).sort();
      expect(await registry.catalogOf(destination.host)).to.deep.equal(repositories);
      for (const image of seedImages)
        expect(await registry.tagsOf(destination.host, image.repository)).to.deep.equal([tagOf(image)]);
    });

    it('are there byte for byte, with all that they consist of', async () => {
      for (const image of seedImages) {
        const pushed = content.pushed.get(image.repository);
        const { host } = destination;
        expect(await registry.manifestAt(host, image.repository, tagOf(image))).to.equal(pushed?.manifest);
        for (const digest of blobsOf(pushed === undefined ? [] : [pushed]).keys()) {
          expect(await registry.pulledDigest(host, image.repository, digest)).to.equal(digest);
        }
      }
    });

    it('were sent layer by layer, each once', () => {
      const blobs = blobsOf(content.pushed.values());
      const { bytes, uploads } = proxy.traffic();
      expect(Object.fromEntries(uploads)).to.deep.equal(
        Object.fromEntries([...blobs.keys()].map((digest) => [digest, 1])),
      );
      expect(bytes).to.equal(sumOf(blobs));
    });

    it("are what kubectl undercloud images prints, as in the seed's overcloud_images.yaml", async () => {
      const printed: unknown = load(await site.undercloud('images', 'osp13'));
      const images = Object.entries(parameters).map(
        ([name, image]) => [name, `${proxy.host}/${image}`] as const,
      );
      expect(printed).to.deep.equal({
        parameter_defaults: {
          ...Object.fromEntries(images),
          DockerInsecureRegistryAddress: [proxy.host],
        },
      });
    });

    it('are not sent again: a second run moves no byte', async () => {
      proxy.reset();
      await site.restart('SIGTERM');
      await site.annotate('osp13', 'reconcileRequestedAt', '1');
      await eventually('the destination was asked for all images', 60, () =>
        Promise.resolve(proxy.traffic().looks.size === seedImages.length ? true : undefined),
      );
      await pause(3000);
      expect(proxy.traffic()).to.include({ bytes: 0, mounts: 0 });
      expect(proxy.traffic().manifests).to.deep.equal([]);
      expect((await site.get('osp13')).status).to.deep.equal(settled.status);
    });

    it('are proposed when they change, and move by what changed when that is accepted', async () => {
      const repository = 'rhosp13/openstack-nova-api';
      const changed = await content.release(repository, '50');
      proxy.reset();
      await site.annotate('osp13', 'reconcileRequestedAt', '2');
      const proposed = await site.until('osp13', 'proposes', 60, ({ status }) => status?.proposed);
      expect(proposed.images).to.deep.equal([
        { name: 'nova-api', tag: '13.0-50', digest: changed.digest, from: '13.0-42' },
      ]);
      await pause(2000);
      expect((await site.get('osp13')).status?.resolved).to.deep.equal(settled.status?.resolved);
      expect(proxy.traffic().bytes).to.equal(0);

      await site.annotate('osp13', 'accept', proposed.id);
      const taken = await site.until('osp13', 'has the new nova-api', 60, (set) =>
        isReady(set)
          ? set.status?.resolved?.images.find(({ digest }) => digest === changed.digest)
          : undefined,
      );
      expect(taken).to.include({ tag: '13.0-50', state: 'Mirrored' });
      const own = [changed.config, changed.layers.at(-1)].map((blob) => [blob?.digest, blob?.bytes.length]);
      expect([...proxy.traffic().uploads]).to.have.deep.members(own.map(([digest]) => [digest, 1]));
      expect(proxy.traffic().bytes).to.equal(own.reduce((sum, [, size]) => sum + Number(size), 0));
      expect(proxy.traffic().manifests).to.deep.equal([`${repository}:13.0-50`]);
      const othersOf = ({ status }: ContainerImageSet) =>
        status?.resolved?.images.filter(({ name }) => name !== 'nova-api');
      expect(othersOf(await site.get('osp13'))).to.deep.equal(othersOf(settled));
    });
  });

  describe('whose operator is killed in the middle of a copy', () => {
    it('arrive all the same, and no layer that had arrived is sent twice', async () => {
      const images = seedImages.slice(0, 12).map(({ repository }) => repository);
      const blobs = blobsOf(images.flatMap((repository) => content.pushed.get(repository) ?? []));
      proxy.temper = { kind: 'slow', bytesPerSecond: 25_000 };
      proxy.reset();
      await site.apply(
        imageSet('killed', {
          source: from('rhosp13'),
          destination: to('killed'),
          tag: 'latest',
          images: images.map((repository) => repository.replace('rhosp13/', '')),
        }),
      );
      const progress = await site.until('killed', 'shows how long it will take', 60, ({ status }) =>
        status?.progress?.secondsLeft === undefined ? undefined : status.progress,
      );
      expect(progress.totalBytes).to.equal(sumOf(blobs));
      expect(progress.bytes).to.be.within(1, sumOf(blobs) - 1);
      await eventually('some layers have arrived', 60, () =>
        Promise.resolve(proxy.traffic().uploads.size >= 3 ? true : undefined),
      );
      const restarted = site.restart('SIGKILL');
      await pause(1000);
      expect(proxy.traffic().uploads.size).to.be.lessThan(blobs.size);
      expect(proxy.traffic().manifests.length).to.be.lessThan(images.length);
      proxy.temper = { kind: 'willing' };
      await restarted;
      await becomesReady(site, 'killed');
      expect([...proxy.traffic().uploads].filter(([, times]) => times > 1)).to.deep.equal([]);
      expect(proxy.traffic().manifests.length).to.equal(images.length);
    });
  });

  describe('that cannot be had', () => {
    const publish = async (namespace: string, sizes: Readonly<Record<string, number>>) => {
      const pushed = Object.entries(sizes).map(async ([name, size]) => {
        const repository = `${namespace}/${name}`;
        const layers = [registry.layer(size)];
        return [name, await registry.push(back.host, repository, ['1'], {}, layers)] as const;
      });
      return new Map(await Promise.all(pushed));
    };
    const copy = (name: string, images: readonly string[], host = proxy.host) =>
      imageSet(name, { source: from(name), destination: to(name, host), tag: '1', images });
    const isAt = async (set: string, image: string): Promise<boolean> =>
      (await registry.manifestAt(proxy.host, `${set}/${image}`, '1')) !== undefined;

    for (const part of ['layer', 'manifest'] as const) {
      const set = `wrong-${part}`;
      it(`as a ${part} is not what its digest says: it is refused, the others are copied, and it too once it is mended`, async () => {
        const pushed = await publish(set, { damaged: 50_000, sound: 50_000, whole: 50_000 });
        const { digest = '', manifest = '', layers = [] } = pushed.get('damaged') ?? {};
        const other = { layer: registry.layer(50_000).bytes, manifest: pushed.get('sound')?.manifest ?? '' };
        const right = { layer: layers[0]?.bytes ?? '', manifest };
        const wrong = part === 'layer' ? (layers[0]?.digest ?? '') : digest;
        const file = blobFile(back.storage, wrong);
        await writeFile(file, other[part]);
        await site.apply(copy(set, ['damaged', 'sound', 'whole']));
        expect(await fails(site, set, 'damaged', 'DigestMismatch')).to.include(wrong);
        expect((await lacksOnly(site, set, 'damaged')).status?.pushed).to.equal('2/3');
        expect([await isAt(set, 'damaged'), await isAt(set, 'sound')]).to.deep.equal([false, true]);

        await writeFile(file, right[part]);
        await becomesReady(site, set);
        expect(await registry.manifestAt(proxy.host, `${set}/damaged`, '1')).to.equal(manifest);
        const layer = layers[0]?.digest ?? '';
        expect(await registry.pulledDigest(proxy.host, `${set}/damaged`, layer)).to.equal(layer);
      });
    }

    it('as a manifest is gone that was found before: the others are copied, and it once it is back', async () => {
      const pushed = await publish('gone', { deleted: 5000, kept: 5000 });
      const { digest = '', manifest = '' } = pushed.get('deleted') ?? {};
      await site.apply(imageSet('gone', { source: from('gone'), tag: '1', images: ['deleted', 'kept'] }));
      await becomesReady(site, 'gone');
      await registry.deleteManifest(back.host, 'gone/deleted', digest);
      await site.apply(copy('gone', ['deleted', 'kept']));
      expect(await fails(site, 'gone', 'deleted', 'ImageNotFound')).to.include('gone/deleted');
      await lacksOnly(site, 'gone', 'deleted');
      expect(await isAt('gone', 'kept')).to.equal(true);

      await registry.pushManifest(back.host, 'gone/deleted', '1', manifest);
      await becomesReady(site, 'gone');
    });

    it('as tokens are of no use: it says so; and when they end long before their time new ones are fetched', async () => {
      const images = ['one', 'two', 'three', 'four'];
      await publish('tokens', Object.fromEntries(images.map((name) => [name, 60_000])));
      source.tokens?.live(-5, 300);
      const { spec } = copy('tokens', images);
      await site.apply(imageSet('tokens', { ...spec, mirror: { parallel: 1 } }));
      expect(await fails(site, 'tokens', 'one', 'RegistryAuthFailed')).to.include('credentialsName');

      source.tokens?.live(2, 300);
      proxy.temper = { kind: 'slow', bytesPerSecond: 30_000 };
      const before = source.tokens?.given().length ?? 0;
      const { status } = await becomesReady(site, 'tokens');
      // In one go: nobody had to come back with another token.
      expect(status?.progress).to.include({ images: '4/4', copied: 8 });
      const given = source.tokens?.given().slice(before) ?? [];
      expect(given.filter((scope) => scope.startsWith('repository:tokens/')).length).to.be.greaterThan(4);
      const { password } = source.credentials;
      expect(`${await site.log()}${JSON.stringify(status)}`).to.not.include(password);
    });

    it('as the destination answers 429 to all: it is not pressed, and has them when it takes requests again', async () => {
      await publish('storm', { one: 5000, two: 5000 });
      proxy.reset();
      proxy.temper = { kind: 'overrun', retryAfterSeconds: 1 };
      await site.apply(copy('storm', ['one', 'two']));
      expect(await fails(site, 'storm', 'one', 'RegistryThrottled')).to.match(/429/);
      expect(proxy.traffic().refused).to.be.lessThan(100);
      proxy.temper = { kind: 'willing' };
      await becomesReady(site, 'storm');
    });

    it("as the destination's disk is full: it says so, others go elsewhere, and it goes on when there is room", async () => {
      const small = await startRegistry(`${site.directory}/small`, 2);
      onEnd(() => small.stop());
      await publish('full', { large: 3_000_000 });
      await publish('elsewhere', { any: 5000 });
      const { spec } = copy('full', ['large'], small.host);
      // One by one: what happens to be written while the disk fills is the next test.
      const full = imageSet('full', { ...spec, mirror: { parallel: 1 } });
      await site.apply(full, copy('elsewhere', ['any']));
      expect(await fails(site, 'full', 'large', 'RegistryFull')).to.match(/room/);
      await becomesReady(site, 'elsewhere');

      await small.resize(20);
      await becomesReady(site, 'full');
    });

    it('as a full disk left the destination with half-written files: they are written anew', async () => {
      const { storage, host } = destination;
      const pushed = await publish('halves', { layer: 5000, tag: 5000 });
      const [layer] = pushed.get('layer')?.layers ?? [];
      if (layer === undefined) throw new Error('nothing was published');
      await registry.pushBlob(host, 'halves/layer', layer);
      await writeFile(linkFile(storage, 'halves/layer', layer.digest), '');
      await registry.push(host, 'halves/tag', ['1'], {}, [layer]);
      await writeFile(tagFile(storage, 'halves/tag', '1'), '');
      await site.apply(copy('halves', ['layer', 'tag']));
      await becomesReady(site, 'halves');
      expect(await registry.pulledDigest(host, 'halves/layer', layer.digest)).to.equal(layer.digest);
      expect(await registry.manifestAt(host, 'halves/tag', '1')).to.equal(pushed.get('tag')?.manifest);
    });
  });

  describe('that are asked for in a wrong way', () => {
    it('with a path in the address of a registry: it is refused, with the field', async () => {
      for (const address of ['registry.example.com/../v2', 'http://registry.example.com', 'me:pw@registry']) {
        const set = imageSet('trick', { source: { registry: address }, tag: '1' });
        const { code, stderr } = await site.controlPlane.kubectl(
          ['apply', '-n', namespace, '-f', '-'],
          JSON.stringify(set),
        );
        expect(code).to.not.equal(0);
        expect(stderr).to.include('spec.source.registry');
      }
    });

    it('with a template of a label that no image has: it names both, and the field', async () => {
      const format = '{version}-{build}';
      await site.apply(
        imageSet('label', {
          source: from('rhosp13', { prefix: 'openstack-' }),
          tagFromLabel: { format },
          images: ['redis'],
        }),
      );
      const message = await isNotReady(site, 'label', 'TagLabelUnknown');
      expect(message).to.include('redis').and.include('"build"').and.include('spec.tagFromLabel.format');
    });

    it('with a Secret of another type: it names Secret, field and what it lacks, and takes the right one', async () => {
      await site.apply(
        secret('odd-login', 'kubernetes.io/ssh-auth', { 'ssh-privatekey': 'none' }),
        imageSet('login', {
          source: from('rhosp13', { prefix: 'openstack-', credentialsName: 'odd-login' }),
          tag: 'latest',
          images: ['redis'],
        }),
      );
      const message = await isNotReady(site, 'login', 'CredentialsInvalid');
      expect(message)
        .to.include('odd-login')
        .and.include('spec.source.credentialsName')
        .and.match(/password/);
      await site.kubectl(['delete', 'secret', 'odd-login', '-n', namespace]);
      await site.apply(secret('odd-login', 'Opaque', source.credentials));
      await becomesReady(site, 'login');
    });

    it('at an address of the operator itself or of its link: it names the flag that would allow it', async () => {
      await site.restart('SIGTERM', []);
      const addresses = { loopback: destination.host, link: '169.254.169.254' };
      for (const [name, address] of Object.entries(addresses)) {
        await site.apply(imageSet(name, { source: to('rhosp13', address), tag: '1', images: ['redis'] }));
        const message = await isNotReady(site, name, 'AddressForbidden');
        expect(message).to.include('--allow-local-registries');
      }
    });
  });
});
