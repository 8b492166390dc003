// What is planned for a copy: blobs once, manifests in an order in which nothing is ever seen half.
import { expect } from 'chai';
import { contentsOf } from '../../../src/images/mirror/contents.ts';
import { collisions, planOf, type ManifestTree, type ReadImage } from '../../../src/images/mirror/plan.ts';
import type { MirrorImage } from '../../../src/images/mirror/image.ts';
import type { Descriptor, Manifest } from '../../../src/images/registry/port.ts';
import type { OperatorError } from '../../../src/kernel/errors.ts';
import { digestOf, imageType, indexType } from '../../fakes/memory-registry.ts';

const blob = (name: string, size = 10): Descriptor => ({ digest: digestOf(name), size });

function manifestOf(content: unknown, mediaType = imageType): Manifest {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  return { digest: digestOf(bytes), size: bytes.length, mediaType, content: bytes };
}

const tree = (
  name: string,
  blobs: readonly Descriptor[],
  children: readonly ManifestTree[] = [],
): ManifestTree => ({
  manifest: manifestOf(name),
  blobs,
  children,
});

const imageOf = (name: string, digest = digestOf(name)): MirrorImage => ({
  name,
  source: { path: `source/${name}`, digest },
  destination: { path: `mirror/${name}`, tag: '1' },
});

const read = (name: string, blobs: readonly Descriptor[]): ReadImage => ({
  image: imageOf(name),
  tree: tree(name, blobs),
  attachments: [],
});

describe('the plan of a copy', () => {
  it('has a blob once, with all repositories that need it and where the source has it', () => {
    const plan = planOf([read('a', [blob('base')]), read('b', [blob('base'), blob('base')])]);
    expect(plan.blobs).to.deep.equal([
      {
        ...blob('base'),
        places: [
          { repository: 'mirror/a', source: 'source/a' },
          { repository: 'mirror/b', source: 'source/b' },
        ],
      },
    ]);
    expect(plan.images.map(({ blobs }) => blobs.length)).to.deep.equal([1, 1]);
  });

  it('begins with the largest blob', () => {
    const { blobs } = planOf([
      read('a', [blob('small', 1), blob('large', 100)]),
      read('b', [blob('middle', 50)]),
    ]);
    expect(blobs.map(({ size }) => size)).to.deep.equal([100, 50, 1]);
  });

  it('keeps those apart who disagree on the size of a blob', () => {
    const { blobs } = planOf([read('honest', [blob('x', 10)]), read('liar', [blob('x', 11)])]);
    expect(blobs.map(({ places }) => places[0]?.repository)).to.deep.equal(['mirror/liar', 'mirror/honest']);
  });

  it('puts children before their index, signatures before the image, and its tag last', () => {
    const amd64 = tree('amd64', []);
    const arm64 = tree('arm64', []);
    const inner = tree('inner', [], [arm64]);
    const signature = tree('signature', [blob('signed')]);
    const image = imageOf('a');
    const plan = planOf([
      { image, tree: tree('a', [], [amd64, inner]), attachments: [{ tag: 'sha256-a.sig', tree: signature }] },
    ]);
    expect(plan.images[0]?.manifests.map(({ reference }) => reference)).to.deep.equal([
      'sha256-a.sig',
      amd64.manifest.digest,
      arm64.manifest.digest,
      inner.manifest.digest,
      '1',
    ]);
    expect(plan.images[0]?.blobs.map(({ digest }) => digest)).to.deep.equal([digestOf('signed')]);
  });
});

describe('images that would end under one tag', () => {
  const one = imageOf('one');
  const cases: readonly { readonly name: string; readonly other: MirrorImage; readonly refused: boolean }[] =
    [
      {
        name: 'another image is refused',
        other: { ...imageOf('two'), destination: one.destination },
        refused: true,
      },
      {
        name: 'the same image is not',
        other: { ...imageOf('two', one.source.digest), destination: one.destination },
        refused: false,
      },
      {
        name: 'another tag is another place',
        other: { ...imageOf('two'), destination: { path: 'mirror/one', tag: '2' } },
        refused: false,
      },
    ];
  for (const { name, other, refused } of cases) {
    it(name, () => {
      const found = collisions([one, other]);
      expect([...found.keys()]).to.deep.equal(refused ? [other] : []);
      if (refused) expect(found.get(other)).to.include({ kind: 'terminal', reason: 'DestinationTaken' });
    });
  }
});

describe('what a manifest names', () => {
  const config = blob('config');
  const layer = blob('layer');
  const urls = ['https://elsewhere.test/layer'];
  const foreign = (mediaType: string, more: object) => ({ ...layer, mediaType, ...more });
  const read: readonly {
    readonly name: string;
    readonly manifest: Manifest;
    readonly blobs: number;
    readonly manifests: number;
  }[] = [
    {
      name: 'its configuration and layers',
      manifest: manifestOf({ config, layers: [layer, layer] }),
      blobs: 3,
      manifests: 0,
    },
    {
      name: "Docker's schema 2 just so",
      manifest: manifestOf(
        { config, layers: [layer] },
        'application/vnd.docker.distribution.manifest.v2+json',
      ),
      blobs: 2,
      manifests: 0,
    },
    {
      name: 'the manifests of an index',
      manifest: manifestOf({ manifests: [layer, config] }, indexType),
      blobs: 0,
      manifests: 2,
    },
    {
      name: 'no foreign layer that is elsewhere',
      manifest: manifestOf({
        config,
        layers: [foreign('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', { urls })],
      }),
      blobs: 1,
      manifests: 0,
    },
    {
      name: 'no non-distributable layer that is elsewhere',
      manifest: manifestOf({
        config,
        layers: [foreign('application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', { urls })],
      }),
      blobs: 1,
      manifests: 0,
    },
    {
      name: 'a foreign layer that is nowhere else',
      manifest: manifestOf({
        config,
        layers: [foreign('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', {})],
      }),
      blobs: 2,
      manifests: 0,
    },
    {
      name: 'an ordinary layer that is elsewhere as well',
      manifest: manifestOf({
        config,
        layers: [foreign('application/vnd.oci.image.layer.v1.tar+gzip', { urls })],
      }),
      blobs: 2,
      manifests: 0,
    },
  ];
  for (const { name, manifest, blobs, manifests } of read) {
    it(name, () => {
      const contents = contentsOf(manifest, 'lab/a:1');
      expect([contents.blobs.length, contents.manifests.length]).to.deep.equal([blobs, manifests]);
    });
  }

  const refused: readonly { readonly name: string; readonly manifest: Manifest; readonly reason: string }[] =
    [
      {
        name: 'schema 1',
        manifest: manifestOf({ fsLayers: [] }, 'application/vnd.docker.distribution.manifest.v1+prettyjws'),
        reason: 'ManifestUnsupported',
      },
      {
        name: 'a type that nobody knows',
        manifest: manifestOf({ config, layers: [] }, 'text/html'),
        reason: 'ManifestUnsupported',
      },
      { name: 'no JSON', manifest: manifestOf('<html>'), reason: 'ManifestInvalid' },
      { name: 'JSON that is no object', manifest: manifestOf('null'), reason: 'ManifestInvalid' },
      { name: 'no configuration', manifest: manifestOf({ layers: [layer] }), reason: 'ManifestInvalid' },
      { name: 'no layers', manifest: manifestOf({ config }), reason: 'ManifestInvalid' },
      {
        name: 'layers that are no list',
        manifest: manifestOf({ config, layers: { 0: layer } }),
        reason: 'ManifestInvalid',
      },
      {
        name: 'a digest with a path in it',
        manifest: manifestOf({ config, layers: [{ digest: 'sha256:../../../x', size: 1 }] }),
        reason: 'ManifestInvalid',
      },
      {
        name: 'a layer without a size',
        manifest: manifestOf({ config, layers: [{ digest: layer.digest }] }),
        reason: 'ManifestInvalid',
      },
      {
        name: 'a negative size',
        manifest: manifestOf({ config, layers: [{ ...layer, size: -1 }] }),
        reason: 'ManifestInvalid',
      },
      {
        name: 'a layer of more than 1 TB',
        manifest: manifestOf({ config, layers: [{ ...layer, size: 1e12 + 1 }] }),
        reason: 'ManifestInvalid',
      },
      { name: 'an index without a list', manifest: manifestOf({}, indexType), reason: 'ManifestInvalid' },
    ];
  for (const { name, manifest, reason } of refused) {
    it(`refuses ${name}, and says which image it is`, () => {
      let error: OperatorError | undefined;
      try {
        contentsOf(manifest, 'lab/a:1');
      } catch (thrown) {
        error = thrown as OperatorError;
      }
      expect(error).to.include({ kind: 'terminal', reason });
      expect(error?.message).to.match(/^lab\/a:1 /);
    });
  }
});
