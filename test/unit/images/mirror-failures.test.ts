// Copies that go wrong: who fails, with which reason, who goes on, and what the next copy makes of it.
import { expect } from 'chai';
import type { MirrorImage } from '../../../src/images/mirror/image.ts';
import { terminal, transient, type OperatorError } from '../../../src/kernel/errors.ts';
import { settle } from '../../fakes/clock.ts';
import { digestOf, type Call, type MemoryRegistry } from '../../fakes/memory-registry.ts';
import { endings, mirrorLab, type MirrorLab } from './mirror-lab.ts';

describe('a copy that goes wrong', () => {
  let lab: MirrorLab;
  beforeEach(() => {
    lab = mirrorLab();
  });
  const family = () => [
    lab.image('nova-api', ['base', 'nova', 'api']),
    lab.image('nova-compute', ['base', 'nova', 'compute']),
    lab.image('keystone', ['base', 'keystone']),
  ];
  const allFine = { 'nova-api': 'copied', 'nova-compute': 'copied', keystone: 'copied' };
  const of = (registry: MemoryRegistry, operation: Call['operation']) =>
    registry.calls.filter((call) => call.operation === operation);

  interface Case {
    readonly name: string;
    readonly damage: (images: readonly MirrorImage[]) => void;
    readonly endings: Readonly<Record<string, string>>;
  }
  const ofOneImage: readonly Case[] = [
    {
      name: 'a corrupt layer fails the images that share it',
      damage: () => void lab.source.faults.corrupt.add(digestOf('nova')),
      endings: { ...allFine, 'nova-api': 'DigestMismatch', 'nova-compute': 'DigestMismatch' },
    },
    {
      name: 'a layer that is nowhere fails the images that share it',
      damage: () => {
        for (const path of ['rhosp12/nova-api', 'rhosp12/nova-compute']) {
          lab.source.removeBlob(path, digestOf('nova'));
        }
      },
      endings: { ...allFine, 'nova-api': 'ImageNotFound', 'nova-compute': 'ImageNotFound' },
    },
    {
      name: 'a layer that one repository of the source has lost fails the image of that one',
      damage: () => lab.source.removeBlob('rhosp12/nova-api', digestOf('nova')),
      endings: { ...allFine, 'nova-api': 'ImageNotFound' },
    },
    {
      name: 'a manifest that is gone fails its image',
      damage: ([first]) => {
        const gone = first?.source.digest;
        lab.source.faults.fail = ({ operation, reference }) =>
          operation === 'manifest' && reference === gone
            ? terminal('ImageNotFound', 'it is gone')
            : undefined;
      },
      endings: { ...allFine, 'nova-api': 'ImageNotFound' },
    },
    {
      name: 'a repository that may not be written to fails its image',
      damage: () => {
        lab.target.faults.fail = ({ operation, repository }) =>
          operation === 'uploadBlob' && repository === 'mirror/nova-api'
            ? terminal('RegistryRefused', 'not yours')
            : undefined;
      },
      endings: { ...allFine, 'nova-api': 'RegistryRefused' },
    },
    {
      name: 'a repository that may not be looked at fails its image',
      damage: () => {
        lab.target.faults.fail = ({ operation, repository }) =>
          operation === 'hasBlob' && repository === 'mirror/nova-api'
            ? terminal('RegistryAuthFailed', 'not yours')
            : undefined;
      },
      endings: { ...allFine, 'nova-api': 'RegistryAuthFailed' },
    },
    {
      name: 'a manifest that the destination refuses fails its image',
      damage: () => {
        lab.target.faults.fail = ({ operation, repository }) =>
          operation === 'putManifest' && repository === 'mirror/keystone'
            ? terminal('RegistryRefused', 'not that one')
            : undefined;
      },
      endings: { ...allFine, keystone: 'RegistryRefused' },
    },
    {
      name: 'a layer that breaks off, though the registries answer, fails the images that share it',
      damage: () => void lab.source.faults.brokenOff.add(digestOf('api')),
      endings: { ...allFine, 'nova-api': 'RegistryUnreachable' },
    },
    {
      name: 'a mount that is forbidden is made up for by an upload',
      damage: () => {
        lab.target.faults.fail = ({ operation }) =>
          operation === 'mountBlob' ? terminal('RegistryAuthFailed', 'no pulling there') : undefined;
      },
      endings: allFine,
    },
  ];
  for (const { name, damage, endings: expected } of ofOneImage) {
    it(`${name}; all the others are whole, and so is everything when it has been mended`, async () => {
      const images = family();
      damage(images);
      expect(endings(await lab.copy(images))).to.deep.equal(expected);
      const fine = images.filter((image) => expected[image.name] === 'copied').map((image) => image.name);
      expect(lab.whole(images)).to.deep.equal(fine);
      for (const { name: failed, destination } of images) {
        if (!fine.includes(failed)) expect(lab.target.digestAt(destination.path, '1')).to.equal(undefined);
      }

      mend(lab);
      lab.source.push('rhosp12/nova-api', '1', { layers: ['base', 'nova', 'api'] });
      lab.source.push('rhosp12/nova-compute', '1', { layers: ['base', 'nova', 'compute'] });
      expect(endings(await lab.copy(images))).to.deep.equal(allFine);
      expect(lab.whole(images)).to.have.length(3);
    });
  }

  it('an image of a kind that is not copied fails alone', async () => {
    const images = family();
    const path = 'rhosp12/old';
    const digest = lab.source.pushRaw(
      path,
      '1',
      'application/vnd.docker.distribution.manifest.v1+json',
      '{}',
    );
    const old = { name: 'old', source: { path, digest }, destination: { path: 'mirror/old', tag: '1' } };
    expect(endings(await lab.copy([old, ...images]))).to.deep.equal({
      ...allFine,
      old: 'ManifestUnsupported',
    });
  });

  it('an index of indexes without end fails alone', async () => {
    const images = family();
    const path = 'rhosp12/many';
    const children = Array.from({ length: 120 }, (_, n) => lab.source.push(path, String(n), { layers: [] }));
    const digest = lab.source.pushIndex(path, 'all', children);
    const many = { name: 'many', source: { path, digest }, destination: { path: 'mirror/many', tag: '1' } };
    expect(endings(await lab.copy([many, ...images]))).to.deep.equal({
      ...allFine,
      many: 'ManifestTooLarge',
    });
  });

  const ofTheRegistry: readonly {
    readonly name: string;
    readonly registry: 'source' | 'target';
    readonly when: Call['operation'];
    readonly error: OperatorError;
  }[] = [
    {
      name: 'the source is away',
      registry: 'source',
      when: 'manifest',
      error: transient('RegistryUnreachable', 'away'),
    },
    {
      name: 'the source throttles',
      registry: 'source',
      when: 'readBlob',
      error: transient('RegistryThrottled', 'later'),
    },
    {
      name: 'the destination is full',
      registry: 'target',
      when: 'uploadBlob',
      error: transient('RegistryFull', 'no space left'),
    },
    {
      name: 'the destination is away when blobs are looked for',
      registry: 'target',
      when: 'hasBlob',
      error: transient('RegistryUnreachable', 'away'),
    },
    {
      name: 'the destination is away when blobs are mounted',
      registry: 'target',
      when: 'mountBlob',
      error: transient('RegistryUnreachable', 'away'),
    },
    {
      name: 'the destination is away when manifests are put',
      registry: 'target',
      when: 'putManifest',
      error: transient('RegistryUnreachable', 'away'),
    },
  ];
  for (const { name, registry, when, error } of ofTheRegistry) {
    it(`ends for all, and stops asking, when ${name}`, async () => {
      const images = Array.from({ length: 80 }, (_, n) => lab.image(`image-${n}`, ['base', `layer ${n}`]));
      lab[registry].faults.fail = ({ operation }) => (operation === when ? error : undefined);
      const outcomes = await lab.copy(images);
      expect(outcomes.map((outcome) => 'error' in outcome && outcome.error.reason)).to.deep.equal(
        images.map(() => error.reason),
      );
      // What was on its way at once, three times, and no more.
      expect(of(lab[registry], when).length).to.be.lessThanOrEqual(48);

      mend(lab);
      await lab.copy(images);
      expect(lab.whole(images)).to.have.length(80);
    });
  }

  for (const registry of ['source', 'target'] as const) {
    it(`asks for nothing when the ${registry} does not let us in`, async () => {
      const images = family();
      lab[registry].faults.fail = ({ operation }) =>
        operation === 'check' ? terminal('RegistryAuthFailed', 'who are you?') : undefined;
      expect(new Set(Object.values(endings(await lab.copy(images))))).to.deep.equal(
        new Set(['RegistryAuthFailed']),
      );
      expect(lab[registry].calls.filter(({ operation }) => operation !== 'digest')).to.deep.equal([]);
      expect(lab.source.calls).to.deep.equal([]);
    });
  }

  it('asks again when a request is lost', async () => {
    const images = family();
    const lost = new Set<string>();
    for (const { faults } of [lab.source, lab.target]) {
      faults.fail = ({ operation }) => {
        const isFirst = operation !== 'readBlob' && operation !== 'uploadBlob' && !lost.has(operation);
        lost.add(operation);
        return isFirst ? transient('RegistryUnreachable', 'the connection was reset') : undefined;
      };
    }
    expect(endings(await lab.copy(images))).to.deep.equal(allFine);
    expect([...lost]).to.include.members([
      'check',
      'digest',
      'manifest',
      'hasBlob',
      'mountBlob',
      'putManifest',
    ]);
  });

  it('needs no source for what is there', async () => {
    const images = family();
    await lab.copy(images);
    lab.source.faults.fail = () => transient('RegistryUnreachable', 'away');
    const added = lab.image('glance', ['base']);
    expect(endings(await lab.copy([...images, added]))).to.deep.equal({
      ...allFine,
      glance: 'RegistryUnreachable',
    });
  });

  it('ends for all when the source goes away with a layer half sent', async () => {
    const images = family();
    lab.source.faults.brokenOff.add(digestOf('keystone'));
    lab.source.faults.fail = ({ operation }) =>
      operation === 'hasBlob' ? transient('RegistryUnreachable', 'away') : undefined;
    const uploads = () => of(lab.target, 'uploadBlob').map(({ reference }) => reference);
    const outcomes = await lab.copy(images, { parallel: 1 });
    expect(new Set(Object.values(endings(outcomes)))).to.deep.equal(new Set(['RegistryUnreachable']));
    expect(uploads().at(-1)).to.equal(digestOf('keystone'));
  });

  it('reads a corrupt layer once, whatever number of images has it', async () => {
    lab.source.faults.corrupt.add(digestOf('base'));
    await lab.copy(family());
    const reads = of(lab.source, 'readBlob').filter(({ reference }) => reference === digestOf('base'));
    expect(reads).to.have.length(1);
  });

  it('sends nothing that somebody else has brought in the meantime', async () => {
    const images = family();
    lab.target.faults.refusesMounts = true;
    lab.target.faults.fail = ({ operation, repository }) => {
      if (operation === 'mountBlob') lab.target.push(repository, 'theirs', { layers: ['base', 'nova'] });
      return undefined;
    };
    await lab.copy(images);
    expect(lab.whole(images)).to.have.length(3);
    expect(lab.target.sent.get(digestOf('base'))).to.equal(1);
  });

  it('does not let one image take the place of another', async () => {
    const [first, second] = family();
    if (first === undefined || second === undefined) throw new Error('there are no images');
    const images = [first, { ...second, destination: first.destination }];
    expect(endings(await lab.copy(images))).to.deep.equal({
      'nova-api': 'copied',
      'nova-compute': 'DestinationTaken',
    });
    expect(lab.target.digestAt('mirror/nova-api', '1')).to.equal(first.source.digest);
  });

  it('ends for all when blob after blob breaks off', async () => {
    const images = Array.from({ length: 20 }, (_, n) => lab.image(`image-${n}`, [`layer ${n}`]));
    lab.target.faults.fail = ({ operation }) =>
      operation === 'uploadBlob' ? transient('RegistryUnreachable', 'a proxy in between') : undefined;
    await lab.copy(images, { parallel: 2 });
    expect(of(lab.target, 'uploadBlob').length).to.be.lessThanOrEqual(4);
  });

  it('keeps what was on its way when the registry throttles', async () => {
    const images = family();
    const release = lab.target.hold();
    const copying = lab.copy(images, { parallel: 2 });
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(lab.target.counts.running).to.equal(2);
    lab.target.faults.fail = () => transient('RegistryThrottled', 'later');
    release();
    const outcomes = await copying;
    expect(new Set(Object.values(endings(outcomes)))).to.deep.equal(new Set(['RegistryThrottled']));
    expect([...lab.target.sent.values()]).to.deep.equal([1, 1]);
  });
});

function mend(lab: MirrorLab): void {
  for (const { faults } of [lab.source, lab.target]) {
    faults.fail = () => undefined;
    faults.corrupt.clear();
    faults.brokenOff.clear();
  }
}
