// Copies between registries that work: what moves, what does not, and in which order it becomes visible.
import { expect } from 'chai';
import { createMirror, type MirrorOutcome } from '../../../src/images/mirror/copy.ts';
import type { MirrorProgress } from '../../../src/images/mirror/progress.ts';
import { settle } from '../../fakes/clock.ts';
import { digestOf } from '../../fakes/memory-registry.ts';
import { endings, mirrorLab, type MirrorLab } from './mirror-lab.ts';

describe('a copy of images', () => {
  let lab: MirrorLab;
  beforeEach(() => {
    lab = mirrorLab();
  });
  const three = () => [
    lab.image('nova-api', ['base', 'nova', 'api']),
    lab.image('nova-compute', ['base', 'nova', 'compute']),
    lab.image('keystone', ['base', 'keystone']),
  ];
  const operations = (registry: MirrorLab['source']): readonly string[] =>
    registry.calls.map(({ operation }) => operation);

  it('brings all of them, byte for byte, and says how large they are', async () => {
    const images = three();
    const outcomes = await lab.copy(images);
    expect(lab.whole(images)).to.deep.equal(['nova-api', 'nova-compute', 'keystone']);
    const manifest = await lab.source.registry.manifest(
      'rhosp12/keystone',
      '1',
      new AbortController().signal,
    );
    const parts = 'config of rhosp12/keystone:1basekeystone'.length;
    expect(outcomes[2]).to.deep.equal({
      image: images[2],
      digest: manifest.digest,
      size: manifest.size + parts,
    });
  });

  it('sends each distinct blob once, and mounts it for the others', async () => {
    await lab.copy(three());
    expect([...lab.target.sent.values()]).to.deep.equal(Array.from({ length: 8 }, () => 1));
    expect(lab.target.counts.mounted).to.equal(3);
    expect(operations(lab.source).filter((operation) => operation === 'readBlob')).to.have.length(8);
  });

  it('costs one request for each image, and none at the source, when nothing has changed', async () => {
    const images = three();
    await lab.copy(images);
    lab.source.forgetCalls();
    lab.target.forgetCalls();
    const outcomes = await lab.copy(images);
    expect(outcomes.map((outcome) => 'digest' in outcome && outcome.digest)).to.deep.equal(
      images.map(({ source }) => source.digest),
    );
    expect(lab.source.calls).to.deep.equal([]);
    expect(operations(lab.target)).to.deep.equal(['digest', 'digest', 'digest']);
  });

  it('moves only its own layers when one image has changed', async () => {
    await lab.copy(three());
    const before = lab.target.counts.bytesIn;
    await lab.copy([lab.image('nova-api', ['base', 'nova', 'api, mended'], '2')]);
    expect(lab.target.counts.bytesIn - before).to.equal(
      'api, mended'.length + 'config of rhosp12/nova-api:2'.length,
    );
  });

  it('mounts what an image has that is there already, when another one is added', async () => {
    const images = three();
    await lab.copy(images);
    const added = lab.image('glance', ['base', 'glance']);
    await lab.copy([...images, added]);
    expect(lab.whole([added])).to.deep.equal(['glance']);
    expect(lab.target.sent.get(digestOf('base'))).to.equal(1);
  });

  it('sends a blob again that the registry has lost though a manifest names it', async () => {
    const images = three();
    await lab.copy(images);
    for (const { destination } of images) lab.target.removeBlob(destination.path, digestOf('base'));
    const added = lab.image('glance', ['base', 'glance']);
    await lab.copy([...images, added]);
    expect(lab.whole([added])).to.deep.equal(['glance']);
  });

  it('copies an index with the images of all platforms', async () => {
    const path = 'rhosp12/ceph';
    const children = ['amd64', 'arm64'].map((tag) => lab.source.push(path, tag, { layers: [tag, 'shared'] }));
    const digest = lab.source.pushIndex(path, 'all', children);
    const image = {
      name: 'ceph',
      source: { path, digest },
      destination: { path: 'mirror/ceph', tag: '4' },
    };
    const outcomes = await lab.copy([image]);
    expect(lab.whole([image])).to.deep.equal(['ceph']);
    expect(outcomes).to.deep.equal([{ image, digest }]);
    const puts = lab.target.calls.filter(({ operation }) => operation === 'putManifest');
    expect(puts.map(({ reference }) => reference)).to.deep.equal([...children, '4']);
  });

  it('mounts everything within one registry', async () => {
    const registry = lab.source;
    const image = lab.image('nova-api', ['base', 'api']);
    const mirror = createMirror({ clock: lab.clock });
    const options = { parallel: 2, signal: new AbortController().signal };
    await mirror.copy([image], registry.registry, registry.registry, options);
    expect(registry.lacks('mirror/nova-api', image.source.digest)).to.deep.equal([]);
    expect(registry.counts.bytesIn).to.equal(0);
  });

  it('shows no image before all of it is there', async () => {
    const images = three();
    const release = lab.target.hold();
    const copying = lab.copy(images, { parallel: 2 });
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(lab.target.calls.some(({ operation }) => operation === 'uploadBlob')).to.equal(true);
    expect(images.map(({ destination: { path, tag } }) => lab.target.digestAt(path, tag))).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ]);
    release();
    await copying;
    expect(lab.whole(images)).to.have.length(3);
  });

  it('has no more blobs on their way than it may', async () => {
    await lab.copy(three(), { parallel: 2 });
    expect(lab.target.counts.mostAtOnce).to.equal(2);
  });

  it('sends a blob to a registry that does not mount from its own other repository', async () => {
    const images = three();
    lab.target.faults.refusesMounts = true;
    await lab.copy(images);
    expect(lab.whole(images)).to.have.length(3);
    expect(lab.target.sent.get(digestOf('base'))).to.equal(3);
    const reads = (registry: MirrorLab['source']) =>
      registry.calls.filter(
        ({ operation, reference }) => operation === 'readBlob' && reference === digestOf('base'),
      );
    expect([reads(lab.source).length, reads(lab.target).length]).to.deep.equal([1, 2]);
  });

  it('says of each image when it is there, and how far the whole is', async () => {
    const images = three();
    const told: MirrorOutcome[] = [];
    const progress: MirrorProgress[] = [];
    const release = lab.target.hold();
    const copying = lab.copy(images, {
      parallel: 1,
      onImage: (outcome) => told.push(outcome),
      onProgress: (now) => progress.push(now),
    });
    await lab.clock.advance(2500);
    expect(progress).to.have.length(2);
    const [first] = progress;
    const totalBytes = first?.totalBytes ?? 0;
    expect(first).to.include({ images: 0, totalImages: 3, bytes: 0, copied: 0, bytesPerSecond: 0 });
    release();
    await copying;
    expect(endings(told)).to.deep.equal({
      'nova-api': 'copied',
      'nova-compute': 'copied',
      keystone: 'copied',
    });
    expect(progress.at(-1)).to.deep.include({
      images: 3,
      bytes: totalBytes,
      totalBytes,
      copied: 8,
      mounted: 3,
      skipped: 0,
    });
    expect(lab.clock.pending()).to.equal(0);
  });

  it('counts what is there as skipped, and not as bytes to send', async () => {
    await lab.copy(three());
    const progress: MirrorProgress[] = [];
    await lab.copy([lab.image('nova-api', ['base', 'nova', 'more'], '2')], {
      onProgress: (now) => progress.push(now),
    });
    const bytes = 'more'.length + 'config of rhosp12/nova-api:2'.length;
    expect(progress.at(-1)).to.include({ bytes, totalBytes: bytes, copied: 2, mounted: 0, skipped: 2 });
  });

  it('has nothing to do for no images', async () => {
    expect(await lab.copy([])).to.deep.equal([]);
  });
});

describe('signatures beside an image', () => {
  let lab: MirrorLab;
  beforeEach(() => {
    lab = mirrorLab();
  });
  const signed = () => {
    const image = lab.image('nova-api', ['base']);
    const tag = `${image.source.digest.replace(':', '-')}.sig`;
    return { image: { ...image, attachments: [tag] }, tag };
  };
  const sign = (tag: string, by: string) => lab.source.push('rhosp12/nova-api', tag, { layers: [by] });

  it('come before the image can be seen', async () => {
    const { image, tag } = signed();
    const digest = sign(tag, 'first key');
    await lab.copy([image]);
    expect(lab.target.digestAt('mirror/nova-api', tag)).to.equal(digest);
    expect(lab.target.lacks('mirror/nova-api', digest)).to.deep.equal([]);
    const puts = lab.target.calls.filter(({ operation }) => operation === 'putManifest');
    expect(puts.map(({ reference }) => reference)).to.deep.equal([tag, '1']);
  });

  it('are no matter where there are none', async () => {
    const { image } = signed();
    expect(endings(await lab.copy([image]))).to.deep.equal({ 'nova-api': 'copied' });
  });

  it('are brought after an image that is there', async () => {
    const { image, tag } = signed();
    await lab.copy([image]);
    const digest = sign(tag, 'first key');
    lab.target.forgetCalls();
    expect(endings(await lab.copy([image]))).to.deep.equal({ 'nova-api': 'copied' });
    expect(lab.target.digestAt('mirror/nova-api', tag)).to.equal(digest);
    const puts = lab.target.calls.filter(({ operation }) => operation === 'putManifest');
    expect(puts.map(({ reference }) => reference)).to.deep.equal([tag]);
  });

  it('follow when the source has another one', async () => {
    const { image, tag } = signed();
    sign(tag, 'first key');
    await lab.copy([image]);
    const digest = sign(tag, 'second key');
    await lab.copy([image]);
    expect(lab.target.digestAt('mirror/nova-api', tag)).to.equal(digest);
  });

  it('cost three small requests when nothing has changed', async () => {
    const { image, tag } = signed();
    sign(tag, 'first key');
    await lab.copy([image]);
    lab.source.forgetCalls();
    lab.target.forgetCalls();
    await lab.copy([image]);
    expect(lab.source.calls.map(({ operation }) => operation)).to.deep.equal(['digest']);
    expect(lab.target.calls.map(({ operation }) => operation)).to.deep.equal(['digest', 'digest']);
  });
});
