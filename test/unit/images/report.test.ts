// What a set's status says: how much of it there is room for, and what a change that decides no digest leaves as it was.
import { expect } from 'chai';
import type {
  ContainerImageSet,
  ContainerImageSetSpec,
  ContainerImageSetStatus,
} from '../../../src/api/containerimageset.gen.ts';
import { isResolved } from '../../../src/api/image-set.ts';
import type { ImageState, Picture } from '../../../src/images/picture.ts';
import { pausedReport, reportOf, unusableReport } from '../../../src/images/report.ts';
import { settled } from '../../../src/kernel/controller.ts';
import { terminal } from '../../../src/kernel/errors.ts';
import { imageSet } from './builders.ts';
import { destination, setStage } from './stage.ts';

const now = new Date(0);
const tag = '13.0-38.1530000000';
const problem = (state: 'Failed' | 'Copying'): NonNullable<ImageState['problem']> => {
  const message = 'x'.repeat(400);
  return { state, message, error: state === 'Failed' ? terminal('ImageUnsigned', message) : undefined };
};

/** With names as long as the longest of TripleO. */
function imageAt(index: number): ImageState {
  const name = `neutron-metadata-agent-${index}`;
  const path = `rhosp13/openstack-${name}`;
  const at = (host: string) => ({ repository: `${host}/${path}`, path });
  return {
    name,
    reference: `registry.access.redhat.com/${path}:${tag}`,
    wanted: {
      name,
      rule: { kind: 'tag', tag },
      source: at('registry.access.redhat.com'),
      target: at('172.16.0.1:8787'),
    },
    found: { tag, digest: `sha256:${'a'.repeat(64)}`, size: 812_345_678 },
    parameters: ['DockerNeutronMetadataImage', 'DockerNeutronConfigImage'],
    problem: undefined,
  };
}

const pictureOf = (images: readonly ImageState[], more: Partial<Picture> = {}): Picture => ({
  needed: images.length,
  images,
  complete: images.every((image) => image.problem === undefined),
  moved: [],
  proposal: undefined,
  lookupError: undefined,
  verdict: undefined,
  transfer: {
    mirrored: new Set(images.map(({ name }) => name)),
    failed: new Map(),
    unasked: undefined,
    running: false,
    progress: undefined,
    next: settled,
  },
  warnings: [],
  ...more,
});

const proposalFor = (images: readonly ImageState[]): NonNullable<Picture['proposal']> => ({
  id: 'abcdef0123456789',
  foundAt: '2026-01-01T00:00:00Z',
  images: images.map(({ name }) => ({
    of: name,
    name,
    tag: '13.0-44.1530000000',
    digest: `sha256:${'b'.repeat(64)}`,
  })),
});

const kilobytes = (status: object): number => Buffer.byteLength(JSON.stringify(status)) / 1024;
const several = (count: number) => Array.from({ length: count }, (_, index) => imageAt(index));
/** All are resolved, then all fail while something is proposed for all. */
function worst(count: number): ContainerImageSetStatus {
  const images = several(count);
  const set = imageSet({ destination });
  const status = reportOf(set, pictureOf(images), now);
  const failing = images.map((image) => ({ ...image, problem: problem('Failed') }));
  return reportOf(
    { ...set, status },
    pictureOf(failing, { complete: false, proposal: proposalFor(images) }),
    now,
  );
}

describe('the room that a status takes', () => {
  it('is 32 KB at most for all images of a release, also when all fail while all are to change', () => {
    const status = worst(45);
    expect(status.resolved?.images).to.have.length(45);
    expect(kilobytes(status)).to.be.below(32);
  });

  it('is bounded but for what clouds run, which is never cut', () => {
    const { resolved, ...others } = worst(200);
    expect(resolved?.images).to.have.length(200);
    expect(kilobytes(others)).to.be.below(10);
  });

  it('is shared by what is not ready and what is proposed, and says how much more there is', () => {
    const { unresolved = [], truncated = 0, proposed } = worst(60);
    expect(unresolved.length + truncated).to.equal(60);
    expect((proposed?.images.length ?? 0) + (proposed?.truncated ?? 0)).to.equal(60);
    expect(kilobytes(unresolved)).to.be.within(3, 3.6);
    expect(kilobytes(proposed?.images ?? [])).to.be.within(3, 4.1);
  });

  it('goes to what is proposed where all is ready', () => {
    const images = several(40);
    const status = reportOf(imageSet({}), pictureOf(images, { proposal: proposalFor(images) }), now);
    expect(status.proposed?.images).to.have.length(40);
    expect(status.proposed).not.to.have.property('truncated');
  });

  it('goes to what failed before what is on its way', () => {
    const images = several(60).map((image, index) => ({
      ...image,
      problem: problem(index === 59 ? 'Failed' : 'Copying'),
    }));
    const { unresolved = [] } = reportOf(imageSet({ destination }), pictureOf(images), now);
    expect(unresolved[0]).to.include({ name: 'neutron-metadata-agent-59', state: 'Failed' });
    expect(unresolved.length).to.be.within(10, 50);
  });
});

/** Resolved once, and changed since: generation 2, of which nothing was written yet. */
function changed(
  change: Partial<ContainerImageSetSpec>,
  former: Partial<ContainerImageSetSpec> = {},
): ContainerImageSet {
  const set = imageSet({ destination, tag: '12.0-1', ...former });
  const status = reportOf(set, pictureOf(several(2)), now);
  return {
    ...set,
    status,
    metadata: { ...set.metadata, generation: 2 },
    spec: { ...set.spec, ...change },
  };
}

const source = { registry: 'other.example.org', namespace: '', prefix: '', suffix: '', insecure: false };
const changes: readonly {
  readonly what: string;
  readonly spec: Partial<ContainerImageSetSpec>;
  readonly decides?: true;
}[] = [
  { what: 'paused', spec: { paused: true } },
  { what: 'mirror', spec: { mirror: { parallel: 1 } } },
  { what: 'lookupIntervalSeconds', spec: { lookupIntervalSeconds: 60 } },
  { what: 'updatePolicy', spec: { updatePolicy: 'Apply' } },
  { what: 'tag', spec: { tag: '12.0-2' }, decides: true },
  { what: 'source', spec: { source }, decides: true },
  { what: 'destination', spec: { destination: { ...destination, namespace: 'other' } }, decides: true },
  { what: 'overrides', spec: { overrides: [{ image: 'a', tag: '1' }] }, decides: true },
  { what: 'variants', spec: { variants: { neutronDriver: 'ovn' } }, decides: true },
  { what: 'catalogName', spec: { catalogName: 'images' }, decides: true },
  { what: 'images', spec: { images: ['tools'] }, decides: true },
  { what: 'includes', spec: { includes: ['nova-*'] }, decides: true },
  { what: 'excludes', spec: { excludes: ['nova-*'] }, decides: true },
  { what: 'verify', spec: { verify: { cosign: { keyName: 'key' } } }, decides: true },
];
const reports: readonly {
  readonly of: string;
  readonly report: (set: ContainerImageSet) => ContainerImageSetStatus;
}[] = [
  { of: 'paused', report: (set) => pausedReport(set, now) },
  { of: 'unusable', report: (set) => unusableReport(set, terminal('CatalogInvalid', 'no'), now) },
  {
    of: 'incomplete',
    report: (set) =>
      reportOf(set, pictureOf(several(2).map((one) => ({ ...one, problem: problem('Failed') }))), now),
  },
];

describe('what a set has resolved', () => {
  for (const { what, spec, decides = false } of changes) {
    const stays = decides ? 'is of another spec' : 'stays what it is';
    it(`${stays} after a change of ${what}`, () => {
      const set = changed(spec);
      expect(isResolved(set)).to.equal(!decides);
      for (const { of, report } of reports) {
        const { resolved } = report(set);
        expect(resolved?.generation, of).to.equal(decides ? 1 : 2);
        expect(resolved?.images, of).to.deep.equal(set.status?.resolved?.images);
      }
    });
  }

  it('is of the spec again when a change is taken back', () => {
    const set = changed({ tag: '12.0-2' });
    expect(isResolved({ ...set, spec: { ...set.spec, tag: '12.0-1' } })).to.equal(true);
  });

  it('stands while the generation does, also where a release before this one wrote it or a default is new', () => {
    const set = changed({});
    const { status } = set;
    if (status?.resolved === undefined) throw new Error('not resolved');
    const { of: _of, ...resolved } = { ...status.resolved, generation: 2 };
    expect(isResolved({ ...set, status: { ...status, resolved } })).to.equal(true);
    // From then on a pause does not take it away.
    const paused = pausedReport({ ...set, status: { ...status, resolved } }, now);
    expect(paused.resolved?.of).to.equal(status.resolved.of);
  });

  it('keeps clouds going while the set is paused, also after a restart', async () => {
    const stage = setStage();
    stage.push('keystone', '12.0-1');
    stage.push('nova-api', '12.0-1');
    await stage.settle();
    await stage.edit({ paused: true });
    stage.restart();
    await stage.settle();
    expect(stage.condition('Ready').reason).to.equal('Paused');
    expect(stage.status().resolved).to.include({ generation: 2 });
    await stage.edit({ tag: '12.0-2' });
    await stage.settle();
    expect(stage.status().resolved).to.include({ generation: 2 });
    expect(stage.status().observedGeneration).to.equal(3);
  });
});

describe('a paused copy', () => {
  it('goes at no rate, and will take no time', () => {
    const set = imageSet({ destination });
    const images = several(2).map((one) => ({ ...one, problem: problem('Copying') }));
    const progress = {
      images: 0,
      totalImages: 2,
      bytes: 10,
      totalBytes: 2_000_000,
      copied: 0,
      mounted: 0,
      skipped: 0,
      bytesPerSecond: 85_000_000,
      secondsLeft: 11,
      startedAt: '2026-01-01T00:00:00Z',
    };
    const transfer = {
      mirrored: new Set<string>(),
      failed: new Map(),
      unasked: undefined,
      running: true,
      progress,
      next: settled,
    };
    const status = reportOf(set, pictureOf(images, { transfer }), now);
    expect(status.progress).to.include({ bytesPerSecond: 85_000_000, secondsLeft: 11 });
    const paused = pausedReport({ ...set, status }, now);
    expect(paused.progress).to.include({ images: '0/2', bytes: 10, totalBytes: 2_000_000 });
    expect(paused.progress).not.to.have.any.keys('bytesPerSecond', 'secondsLeft');
    expect(JSON.stringify(paused.conditions)).not.to.contain('85 MB/s');
    expect(paused.conditions?.find(({ type }) => type === 'Mirrored')).to.include({
      status: 'False',
      reason: 'Paused',
      message: '0/2 at the destination',
    });
  });
});
