// How much of what a registry sends a copy holds in memory: who is refused then, and who is not.
import { expect } from 'chai';
import { createMirror, type MirrorOutcome } from '../../../src/images/mirror/copy.ts';
import type { MirrorImage } from '../../../src/images/mirror/image.ts';
import { createShelf } from '../../../src/images/mirror/shelf.ts';
import { digestOf, imageType } from '../../fakes/memory-registry.ts';
import { endings, mirrorLab, type MirrorLab } from './mirror-lab.ts';
import { failure } from './registry-lab.ts';

const mebibyte = 1024 * 1024;

/** A manifest of so many bytes, in `rhosp12/<name>` of the source. */
function pushLarge({ source }: MirrorLab, name: string, tag: string, bytes: number): string {
  const path = `rhosp12/${name}`;
  source.push(path, 'parts', { layers: ['base'], config: 'config' });
  const parts = {
    config: { digest: digestOf('config'), size: 6 },
    layers: [{ digest: digestOf('base'), size: 4 }],
    annotations: { name: `${name} ${tag}`, filling: '' },
  };
  parts.annotations.filling = 'x'.repeat(bytes - JSON.stringify(parts).length);
  return source.pushRaw(path, tag, imageType, JSON.stringify(parts));
}

const imageOf = (name: string, digest: string, attachments: readonly string[] = []): MirrorImage => ({
  name,
  source: { path: `rhosp12/${name}`, digest },
  destination: { path: `mirror/${name}`, tag: '1' },
  attachments,
});

const kindsOf = (outcomes: readonly MirrorOutcome[]) =>
  outcomes.map((outcome) => ('error' in outcome ? outcome.error.kind : 'copied'));

describe('the memory of a copy', () => {
  let lab: MirrorLab;
  beforeEach(() => {
    lab = mirrorLab();
  });
  const platforms = (name: string, count: number): MirrorImage => {
    const children = Array.from({ length: count }, (_, n) => pushLarge(lab, name, `p${n}`, 3 * mebibyte));
    return imageOf(name, lab.source.pushIndex(`rhosp12/${name}`, 'all', children));
  };

  it('has no room for 16 MiB of manifests of one image, which fails alone and for good', async () => {
    const images = [platforms('many', 6), platforms('some', 5), lab.image('keystone', ['base'])];
    const outcomes = await lab.copy(images);
    expect(endings(outcomes)).to.deep.equal({ many: 'ManifestTooLarge', some: 'copied', keystone: 'copied' });
    expect(kindsOf(outcomes)[0]).to.equal('terminal');
    expect(lab.whole(images)).to.deep.equal(['some', 'keystone']);
  });

  it('has no room for more than 64 MiB of all: the rest comes with the next copy', async () => {
    const images = Array.from({ length: 24 }, (_, n) =>
      imageOf(`image-${n}`, pushLarge(lab, `image-${n}`, '1', 4 * mebibyte)),
    );
    const first = kindsOf(await lab.copy(images));
    expect(first.filter((kind) => kind === 'copied')).to.have.length(16);
    expect(first.filter((kind) => kind === 'transient')).to.have.length(8);
    expect(new Set(kindsOf(await lab.copy(images)))).to.deep.equal(new Set(['copied']));
    expect(lab.whole(images)).to.have.length(24);
  });

  it('is given back by what fails', async () => {
    const shelf = createShelf();
    for (const _ of [1, 2, 3]) {
      const error = await failure(
        shelf.use('many', (take) => {
          take(60 * mebibyte);
          return Promise.reject(new Error('something else'));
        }),
      );
      expect(error.message).to.equal('something else');
    }
    const put = (mebibytes: number) =>
      shelf.use('it', (take) => {
        take(mebibytes * mebibyte);
        return Promise.resolve();
      });
    const noRoom = { kind: 'transient', reason: 'ManifestTooLarge' };
    expect(await failure(put(65))).to.include(noRoom);
    await put(60);
    expect(await failure(put(5))).to.include(noRoom);
  });

  it('has no room for a large blob that somebody pushed as a signature', async () => {
    const image = { ...lab.image('nova', ['base']), attachments: ['signature'] };
    const layer = { digest: digestOf('x'), size: 16 * mebibyte + 1 };
    const config = { digest: digestOf('base'), size: 4 };
    lab.source.pushRaw('rhosp12/nova', 'signature', imageType, JSON.stringify({ config, layers: [layer] }));
    const outcomes = await lab.copy([image, lab.image('keystone', ['base'])]);
    expect(endings(outcomes)).to.deep.equal({ nova: 'ManifestTooLarge', keystone: 'copied' });
    expect(lab.target.calls.filter(({ operation }) => operation === 'readBlob')).to.deep.equal([]);
    expect(lab.target.digestAt('mirror/nova', '1')).to.equal(undefined);
  });

  it('sees only few images at once when it looks for what the destination has of a blob', async () => {
    const images = Array.from({ length: 30 }, (_, n) => lab.image(`image-${n}`, ['base', `layer ${n}`]));
    await lab.copy(images);
    const added = lab.image('added', ['base', 'layer 29', 'new']);
    let running = 0;
    let most = 0;
    const { registry } = lab.target;
    const to = {
      ...registry,
      manifest: async (...args: Parameters<typeof registry.manifest>) => {
        running += 1;
        most = Math.max(most, running);
        const manifest = await registry.manifest(...args);
        await new Promise(setImmediate);
        running -= 1;
        return manifest;
      },
    };
    const mirror = createMirror({ clock: lab.clock });
    const options = { parallel: 4, signal: new AbortController().signal };
    const outcomes = await mirror.copy([...images, added], lab.source.registry, to, options);
    expect(new Set(kindsOf(outcomes))).to.deep.equal(new Set(['copied']));
    expect(most).to.equal(4);
    expect(lab.target.sent.get(digestOf('layer 29'))).to.equal(1);
    expect(lab.whole([added])).to.deep.equal(['added']);
  });
});
