// A destination whose disk was full has left half-written records, and answers 500 to them for ever: a copy writes them anew.
import { expect } from 'chai';
import { createMirror } from '../../../src/images/mirror/copy.ts';
import type { MirrorImage } from '../../../src/images/mirror/image.ts';
import { transient } from '../../../src/kernel/errors.ts';
import { digestOf } from '../../fakes/memory-registry.ts';
import type { FakeRegistry } from '../../fakes/registry.ts';
import { endings, mirrorLab, type MirrorLab } from './mirror-lab.ts';
import { never, registryLab } from './registry-lab.ts';

const failed = transient('RegistryFailed', '500');

describe('a destination with half-written records', () => {
  let lab: MirrorLab;
  let images: readonly MirrorImage[];
  beforeEach(() => {
    lab = mirrorLab();
    images = [lab.image('nova', ['base', 'nova']), lab.image('keystone', ['base', 'keystone'])];
  });
  const allFine = { nova: 'copied', keystone: 'copied' };

  for (const [name, record] of [
    ['a layer of one image', `mirror/nova@${digestOf('nova')}`],
    ['a layer of several', `mirror/nova@${digestOf('base')}`],
    ['a tag', 'mirror/nova:1'],
  ] as const) {
    it(`gets ${name} anew`, async () => {
      lab.target.faults.halfWritten.add(record);
      expect(endings(await lab.copy(images))).to.deep.equal(allFine);
      expect(lab.whole(images)).to.have.length(2);
      expect([...lab.target.faults.halfWritten]).to.deep.equal([]);
    });
  }

  it('gets anew what it had before', async () => {
    await lab.copy(images);
    lab.target.faults.halfWritten.add(`mirror/nova@${digestOf('nova')}`).add('mirror/nova:1');
    expect(endings(await lab.copy(images))).to.deep.equal(allFine);
    expect([...lab.target.faults.halfWritten]).to.deep.equal([]);
  });

  it('gets a layer sent that it fails to mount', async () => {
    lab.target.faults.fail = ({ operation }) => (operation === 'mountBlob' ? failed : undefined);
    expect(endings(await lab.copy(images))).to.deep.equal(allFine);
    expect(lab.target.sent.get(digestOf('base'))).to.equal(2);
  });

  for (const operation of ['putManifest', 'uploadBlob'] as const) {
    it(`fails the image for which it answers 500 to ${operation}, and no other`, async () => {
      lab.target.faults.fail = ({ operation: asked, repository, reference }) =>
        asked === operation && repository === 'mirror/nova' && reference !== digestOf('base')
          ? failed
          : undefined;
      const only = [lab.image('nova', ['base']), ...images.slice(1)];
      expect(endings(await lab.copy(only))).to.deep.equal({ ...allFine, nova: 'RegistryFailed' });
      expect(lab.whole(only)).to.deep.equal(['keystone']);
    });
  }

  it('ends the copy for all when it answers 500 to one upload after the other', async () => {
    const many = Array.from({ length: 20 }, (_, n) => lab.image(`image-${n}`, [`layer ${n}`]));
    lab.target.faults.fail = ({ operation }) => (operation === 'uploadBlob' ? failed : undefined);
    const outcomes = await lab.copy(many, { parallel: 2 });
    expect(new Set(Object.values(endings(outcomes)))).to.deep.equal(new Set(['RegistryFailed']));
    const uploads = lab.target.calls.filter(({ operation }) => operation === 'uploadBlob');
    expect(uploads.length).to.be.lessThanOrEqual(4);
  });

  it('is not blamed for a layer that breaks off, where it does not know of the layer', async () => {
    lab.target.faults.halfWritten.add(`mirror/nova@${digestOf('nova')}`);
    lab.source.faults.brokenOff.add(digestOf('nova'));
    expect(endings(await lab.copy(images))).to.deep.equal({ ...allFine, nova: 'RegistryUnreachable' });
  });

  it('has its source fail one image only, too', async () => {
    const digest = images[0]?.source.digest;
    lab.source.faults.fail = ({ operation, reference }) =>
      operation === 'manifest' && reference === digest ? failed : undefined;
    expect(endings(await lab.copy(images))).to.deep.equal({ ...allFine, nova: 'RegistryFailed' });
  });
});

describe('a registry with half-written records, over HTTP', () => {
  const { fake, clientOf, clock } = registryLab();

  function push(registry: FakeRegistry, name: string): MirrorImage {
    const path = `rhosp12/${name}`;
    const [config, base, own] = ['{}', 'base', name].map((content) => registry.putBlob(path, content));
    const digest = registry.push(
      path,
      '1',
      JSON.stringify({ schemaVersion: 2, config, layers: [base, own] }),
    );
    return { name, source: { path, digest }, destination: { path: `mirror/${name}`, tag: '1' } };
  }

  for (const before of [false, true]) {
    it(`gets them anew${before ? ', though it had them before' : ''}, and the other images go on`, async () => {
      const [source, target] = [await fake(), await fake()];
      const images = ['nova', 'keystone', 'glance'].map((name) => push(source, name));
      const mirror = createMirror({ clock });
      const copy = () =>
        mirror.copy(images, clientOf(source.host), clientOf(target.host), { parallel: 2, signal: never });
      if (before) await copy();
      for (const digest of [digestOf('nova'), digestOf('base')]) {
        target.faults.halfWritten.add(`mirror/nova@${digest}`);
      }
      target.faults.halfWritten.add('mirror/nova:1').add('mirror/glance:1');
      expect(endings(await copy())).to.deep.equal({ nova: 'copied', keystone: 'copied', glance: 'copied' });
      expect(
        images.map(({ destination: { path } }) => target.manifest(path, '1') !== undefined),
      ).to.deep.equal([true, true, true]);
      expect(target.blob('mirror/nova', digestOf('nova'))?.toString()).to.equal('nova');
      expect([...target.faults.halfWritten]).to.deep.equal([]);
    });
  }
});
