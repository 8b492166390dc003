// Images that are pulled ahead: which host gets which, what is said of it, and that nothing else of the cloud changes.
import { expect } from 'chai';
import type { ContainerImageSet, ContainerImageSetSpec } from '../../../src/api/containerimageset.gen.ts';
import { containerImageSets } from '../../../src/api/containerimageset.gen.ts';
import { hosts, type Host } from '../../../src/api/host.gen.ts';
import { finalizers } from '../../../src/api/names.ts';
import { overclouds, type OvercloudSpec } from '../../../src/api/overcloud.gen.ts';
import { overcloudServices } from '../../../src/api/overcloudservice.gen.ts';
import { controllerRevisions } from '../../../src/kube/objects.ts';
import type { Member } from '../../../src/overcloud/allocation.ts';
import { planPrePull, type PrePull } from '../../../src/overcloud/pre-pull.ts';
import { deployed, ready, whole, type Cloud } from './support/driver.ts';
import {
  byName,
  container,
  digest,
  imageSet,
  job,
  namespace,
  overcloud,
  role,
  service,
} from './support/objects.ts';

const at = (name: string) => ({ namespace, name });

const withSpec = (set: ContainerImageSet, spec: Partial<ContainerImageSetSpec>): ContainerImageSet => ({
  ...set,
  spec: { ...set.spec, ...spec },
});
const stale = (set: ContainerImageSet): ContainerImageSet => ({
  ...set,
  metadata: { ...set.metadata, generation: 2 },
});

const all = ['keystone', 'ceph', 'nova'];
const march = imageSet('march', '2', all);
/** `keystone:2 ceph:2`, as people read them. */
const reference = (image: string): string => {
  const [name = ''] = image.split(':');
  return `registry:5000/${name}@${digest(image)}`;
};

const services = byName(
  service('keystone', { containers: [container('keystone')], jobs: [job('sync', { image: 'keystone' })] }),
  service('ceph', { containers: [container('ceph')] }),
  service('nova', { containers: [container('nova')] }),
);
const roles = byName(
  role('controller', { services: ['keystone', 'ceph'] }),
  role('compute', { services: ['nova'] }),
);
const member = (name: string, entry: Partial<NonNullable<Member['entry']>> = {}): Member => ({
  name,
  role: name.replace(/\d+$/, ''),
  index: 0,
  nodeName: name,
  entry: { name, hold: false, paused: false, ...entry },
  host: undefined,
});

const plan = (
  sets: readonly ContainerImageSet[],
  names: readonly string[],
  spec: Partial<OvercloudSpec> = {},
  members = [member('controller0'), member('compute0')],
): PrePull =>
  planPrePull(
    {
      overcloud: overcloud({
        prePull: { imageSetNames: names },
        roles: [
          { role: 'controller', count: 1 },
          { role: 'compute', count: 1 },
        ],
        ...spec,
      }),
      roles,
      services,
      imageSets: byName(imageSet('pike', '1', all), ...sets),
    },
    members,
  );
const imagesOf = ({ byMember }: PrePull, name: string): readonly string[] => byMember.get(name)?.images ?? [];

describe('what is pulled ahead', () => {
  const ofRole = (images: NonNullable<OvercloudSpec['roles'][number]['images']>): Partial<OvercloudSpec> => ({
    roles: [{ role: 'controller', count: 1, images }],
  });
  const cephFrom = (imageSetName: string) => [{ name: 'ceph', imageSetName }];
  const ceph = imageSet('ceph', '13', all);
  const cases: readonly {
    readonly name: string;
    readonly sets?: readonly ContainerImageSet[];
    readonly from?: readonly string[];
    readonly spec?: Partial<OvercloudSpec>;
    readonly members?: Member[];
    /** For controller0. */
    readonly images: readonly string[];
    readonly problems?: readonly string[];
  }[] = [
    { name: 'is what the services of its role use', images: ['ceph:2', 'keystone:2'] },
    {
      name: 'is what several sets have, each image once',
      sets: [march, imageSet('april', '3', all), imageSet('again', '2', all)],
      from: ['march', 'april', 'again'],
      images: ['ceph:2', 'ceph:3', 'keystone:2', 'keystone:3'],
    },
    {
      name: 'leaves out what the role takes from another set',
      spec: ofRole(cephFrom('pike')),
      images: ['keystone:2'],
    },
    {
      name: 'leaves out what the host takes from another set',
      members: [member('controller0', { images: cephFrom('pike') })],
      images: ['keystone:2'],
    },
    {
      name: 'is what the role takes from this set',
      spec: ofRole(cephFrom('march')),
      images: ['ceph:2', 'keystone:2'],
    },
    {
      name: 'is what a set of certain images (spec.includes) has, for the day on which the role takes it from there',
      sets: [withSpec(ceph, { includes: ['ceph*'] })],
      from: ['ceph'],
      spec: ofRole(cephFrom('pike')),
      images: ['ceph:13', 'keystone:13'],
    },
    {
      name: 'is what a set lists by itself (spec.images)',
      sets: [withSpec(ceph, { images: ['ceph'], excludes: ['keystone'] })],
      from: ['ceph'],
      spec: ofRole(cephFrom('pike')),
      images: ['ceph:13', 'keystone:13'],
    },
    {
      name: 'may be less where the set leaves images out on purpose',
      sets: [withSpec(imageSet('march', '2', ['keystone']), { excludes: ['ceph'] })],
      images: ['keystone:2'],
    },
    {
      name: 'is what there is of a set that misses an image, which is said',
      sets: [imageSet('march', '2', ['keystone', 'nova'])],
      images: ['keystone:2'],
      problems: ['image set march has not resolved ceph yet'],
    },
    {
      name: 'is nothing of a set that is not resolved as it stands now',
      sets: [stale(march), imageSet('april', '3', all)],
      from: ['march', 'april'],
      images: ['ceph:3', 'keystone:3'],
      problems: ['image set march is not resolved yet'],
    },
    {
      name: 'is nothing of a set that is not there',
      from: ['may'],
      images: [],
      problems: ['image set may does not exist: create it, or correct the name in the overcloud'],
    },
    {
      name: 'is nothing for a role that is to have no hosts',
      spec: { roles: [{ role: 'controller', count: 0 }] },
      images: [],
    },
  ];
  for (const { name, sets = [march], from = ['march'], spec, members, images, problems = [] } of cases) {
    it(name, () => {
      const found = plan(sets, from, spec, members);
      expect(imagesOf(found, 'controller0')).to.deep.equal(images.map(reference).toSorted());
      expect(found.problems.map(({ message }) => message)).to.deep.equal(problems);
    });
  }

  it('is told with the registries that it comes from, as the set describes them', () => {
    const registry = { registry: 'registry:5000', insecure: false, caName: 'ca', credentialsName: 'login' };
    const source = { ...march.spec.source, registry: 'upstream:5000' };
    const found = plan([withSpec(march, { source, destination: registry })], ['march']);
    expect(found.byMember.get('compute0')?.registries).to.deep.equal([
      { host: 'registry:5000', insecure: false, caName: 'ca', credentialsName: 'login' },
    ]);
  });

  it('has another hash for another list, and the same for the same', () => {
    const hashOf = (tag: string) =>
      plan([imageSet('march', tag, all)], ['march']).byMember.get('compute0')?.hash;
    expect(hashOf('2')).to.equal(hashOf('2'));
    expect(hashOf('2')).not.to.equal(hashOf('3'));
  });

  it('is as much as a Host has room for, and the rest is said', () => {
    const names = Array.from({ length: 120 }, (_, index) => `i${String(index)}`);
    const found = planPrePull(
      {
        overcloud: overcloud({ prePull: { imageSetNames: ['march', 'april'] } }),
        roles: byName(role('controller', { services: ['many'] })),
        services: byName(service('many', { containers: names.map((name) => container(name)) })),
        imageSets: byName(imageSet('march', '2', names), imageSet('april', '3', names)),
      },
      [member('controller0')],
    );
    const images = imagesOf(found, 'controller0');
    expect(images).to.have.length(200);
    expect(
      names.every((name) => images.includes(reference(`${name}:2`))),
      'the first set is whole',
    ).to.equal(true);
    expect(found.problems.map(({ reason }) => reason)).to.deep.equal(['TooManyImages']);
  });
});

describe('an overcloud that has images pulled ahead', () => {
  const seedMarch = ({ kube }: Cloud, names = ['keystone', 'nova-compute']) =>
    kube.seed(containerImageSets, imageSet('march', '12.0-2', names));
  const ask = ({ kube }: Cloud, prePull: { readonly imageSetNames: readonly string[] } | null) =>
    kube.edit(overclouds, at('lab'), { spec: { prePull } });
  const asked = async (): Promise<Cloud> => {
    const cloud = await deployed();
    seedMarch(cloud);
    await ask(cloud, { imageSetNames: ['march'] });
    return cloud;
  };
  const specs = async ({ kube }: Cloud) =>
    new Map((await kube.client.list(hosts)).map(({ metadata, spec }) => [metadata.name, spec]));

  it('tells its hosts, moves nobody, cuts no revision, and counts', async () => {
    const cloud = await asked();
    const revisions = (await cloud.kube.client.list(controllerRevisions)).length;
    await cloud.settle();
    expect(await cloud.fleet()).to.deep.equal(whole);
    expect((await cloud.kube.client.list(controllerRevisions)).length).to.equal(revisions);
    const told = await specs(cloud);
    expect(told.get('lab-controller-0')?.prePull?.images).to.deep.equal([reference('keystone:12.0-2')]);
    expect(told.get('lab-compute-0')?.prePull?.images).to.deep.equal([reference('nova-compute:12.0-2')]);
    expect((await cloud.overcloud()).status?.prePulled).to.equal('4/4');
    expect(await cloud.says('PrePulled')).to.equal('True PrePulled: all 4 images are on their hosts');
    expect(await cloud.says()).to.equal(ready);
    expect((await cloud.get(containerImageSets, 'march')).metadata.finalizers).to.deep.equal([
      finalizers.inUse,
    ]);
  });

  it('writes nothing at rest, not even after a restart', async () => {
    const cloud = await asked();
    await cloud.settle();
    const before = cloud.kube.writes();
    cloud.restart();
    await cloud.settle();
    await cloud.clock.advance(600_000);
    cloud.restart();
    await cloud.settle();
    expect(cloud.kube.writes()).to.equal(before);
  });

  const lacks =
    (words: Readonly<Record<string, string>>) =>
    ({ metadata }: Host) =>
      words[metadata.name];
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    [
      'a host that pulls',
      { 'lab-compute-0': 'pulls nova-compute' },
      'False Pulling: 3 of 4 images are on their hosts; lab-compute-0 pulls nova-compute',
    ],
    [
      'hosts of which one fails: that one first',
      {
        'lab-controller-0': 'waits: it is paused',
        'lab-compute-0': 'cannot pull nova-compute: no space left',
      },
      'False ImagePullFailed: 2 of 4 images are on their hosts; lab-compute-0 cannot pull nova-compute: no space left; lab-controller-0 waits: it is paused',
    ],
    [
      'more hosts than fit into a sentence',
      Object.fromEntries(whole.map((line) => [line.split(' ')[0] ?? '', 'pulls'])),
      'False Pulling: 0 of 4 images are on their hosts; lab-controller-0 pulls; lab-controller-1 pulls; lab-controller-2 pulls; and 1 more host',
    ],
  ];
  for (const [name, words, says] of cases) {
    it(`says who waits for what: ${name}`, async () => {
      const cloud = await asked();
      await cloud.settle({ lacks: lacks(words) });
      expect(await cloud.says('PrePulled')).to.equal(says);
      expect(await cloud.says(), 'and is as ready as before').to.equal(ready);
    });
  }

  it('counts nothing that a host has counted of another list', async () => {
    const cloud = await asked();
    await cloud.settle();
    await ask(cloud, { imageSetNames: ['pike'] });
    await cloud.reconcile();
    expect((await cloud.overcloud()).status?.prePulled).to.equal('0/4');
    expect(await cloud.says('PrePulled')).to.contain('lab-controller-0 has not looked yet');
  });

  it('says that a set is not resolved, in its own words, and tells no host anything of it', async () => {
    const cloud = await deployed();
    const message = 'image set march: keystone:12.0-2 is not in registry:5000';
    const since = { lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'ImageNotFound', message };
    const conditions = [{ ...since, type: 'Ready', status: 'False' as const }];
    cloud.kube.seed(containerImageSets, {
      ...imageSet('march', '12.0-2', []),
      status: { observedGeneration: 1, conditions },
    });
    await ask(cloud, { imageSetNames: ['march'] });
    await cloud.settle();
    expect(await cloud.says('PrePulled')).to.equal(`False ImageNotResolved: ${message}`);
    expect((await specs(cloud)).get('lab-compute-0')).not.to.have.property('prePull');
    expect(await cloud.says()).to.equal(ready);
  });

  it('goes on where hosts are pulled to after a service was added', async () => {
    const cloud = await asked();
    await cloud.settle();
    const containers = [container('nova-compute'), container('keystone')];
    await cloud.kube.edit(overcloudServices, at('nova-compute'), { spec: { containers } });
    await cloud.settle();
    expect((await cloud.overcloud()).status?.prePulled).to.equal('5/5');
  });

  it('says nothing of it, and lets go of the set, once it is no longer asked for', async () => {
    const cloud = await asked();
    await cloud.settle();
    await ask(cloud, null);
    await cloud.settle();
    expect(await cloud.says('PrePulled')).to.equal('nothing');
    expect((await cloud.overcloud()).status).not.to.have.property('prePulled');
    expect((await specs(cloud)).get('lab-compute-0')).not.to.have.property('prePull');
    expect((await cloud.get(containerImageSets, 'march')).metadata.finalizers ?? []).to.deep.equal([]);
  });

  it('has nothing left to pull when the window has come and the cloud moves to that set', async () => {
    const cloud = await asked();
    await cloud.settle();
    await cloud.kube.edit(overclouds, at('lab'), { spec: { imageSetName: 'march' } });
    await cloud.settle();
    expect(await cloud.fleet()).to.deep.equal(whole.map((line) => line.replace('12.0-1', '12.0-2')));
    expect(await cloud.says('PrePulled')).to.contain('True');
  });
});
