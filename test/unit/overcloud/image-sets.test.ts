// Which sets a cloud takes images from, what it says of the others, and how hosts reach the registries.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import {
  containerImageSets,
  type ContainerImageSet,
  type ContainerImageSetSpec,
  type ContainerImageSetStatusResolved,
} from '../../../src/api/containerimageset.gen.ts';
import { digestRules } from '../../../src/api/image-set.ts';
import { overclouds } from '../../../src/api/overcloud.gen.ts';
import { resolveImages, setProblem } from '../../../src/overcloud/images.ts';
import { deployed } from './support/driver.ts';
import { byName, digest, imageSet, namespace, node } from './support/objects.ts';

const pike = imageSet('pike', '1', ['keystone']);
const resolvedOf = ({ status }: ContainerImageSet): ContainerImageSetStatusResolved => {
  if (status?.resolved === undefined) throw new Error('not resolved');
  return status.resolved;
};

/** Resolved as `pike` is, then changed to `spec`: nothing was written since. */
const changed = (spec: Partial<ContainerImageSetSpec>): ContainerImageSet => ({
  ...pike,
  metadata: { ...pike.metadata, generation: 2 },
  spec: { ...pike.spec, ...spec },
  status: { observedGeneration: 1, resolved: { ...resolvedOf(pike), of: digestRules(pike.spec) } },
});

const verified = (status: 'True' | 'False' | 'Unknown'): ContainerImageSet => ({
  ...pike,
  status: {
    observedGeneration: 1,
    resolved: resolvedOf(pike),
    conditions: [
      {
        type: 'Verified',
        status,
        reason: 'SignatureInvalid',
        message: 'keystone is signed by another key',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ],
  },
});

const cases: readonly {
  readonly name: string;
  readonly set: ContainerImageSet;
  readonly says?: string;
}[] = [
  { name: 'takes a set as it stands', set: pike },
  { name: 'goes on with a set that is paused', set: changed({ paused: true }) },
  { name: 'goes on with a set that is copied otherwise', set: changed({ mirror: { parallel: 1 } }) },
  {
    name: 'waits for a set with another tag',
    set: changed({ tag: '2' }),
    says: 'ImageNotResolved: image set pike is not resolved yet',
  },
  {
    name: 'waits for a set with another tag that is paused',
    set: changed({ tag: '2', paused: true }),
    says: 'ImageNotResolved: image set pike is not resolved yet',
  },
  { name: 'takes a set that is signed', set: verified('True') },
  { name: 'goes on with what was signed while nobody can look again', set: verified('Unknown') },
  {
    name: 'takes nothing from a set that is found unsigned since',
    set: verified('False'),
    says: 'ImageNotVerified: image set pike: keystone is signed by another key',
  },
];

describe('a cloud whose images are found unsigned', () => {
  it('keeps what runs, deploys no new host, and goes on once they are signed', async () => {
    const cloud = await deployed();
    const before = await cloud.fleet();
    const found = await cloud.get(containerImageSets, 'pike');
    const { conditions = [] } = verified('False').status ?? {};
    await cloud.kube.client.replaceStatus(containerImageSets, found, { ...found.status, conditions });
    cloud.kube.seed(bareMetalNodes, node('cmpt02', { profile: 'compute' }));
    const wanted = [
      { role: 'controller', count: 3 },
      { role: 'compute', count: 2 },
    ];
    await cloud.kube.edit(overclouds, { namespace, name: 'lab' }, { spec: { roles: wanted } });
    await cloud.settle();
    expect(await cloud.says('ImagesResolved')).to.contain('False ImageNotVerified: image set pike: keystone');
    expect(await cloud.fleet()).to.include.members(before);
    const added = (await cloud.fleet()).filter((host) => !before.includes(host));
    expect(added.filter((host) => host.includes('12.0-1'))).to.deep.equal([]);

    const set = await cloud.get(containerImageSets, 'pike');
    await cloud.kube.client.replaceStatus(containerImageSets, set, { ...set.status, conditions: [] });
    await cloud.settle();
    expect(await cloud.says()).to.contain('5 of 5 hosts are ready');
    expect(await cloud.fleet()).to.have.length(5);
  });
});

describe('a cloud and its image sets', () => {
  for (const { name, set, says } of cases) {
    it(name, () => {
      const found = setProblem('pike', set);
      expect(found === undefined ? undefined : `${found.reason}: ${found.message}`).to.equal(says);
      const sets = byName(set);
      const images = resolveImages({ names: ['keystone'], defaultSet: 'pike', overrides: [], sets });
      expect('images' in images).to.equal(says === undefined);
    });
  }

  const logins: readonly {
    readonly name: string;
    readonly destination?: Partial<ContainerImageSetSpec['destination']>;
    readonly login: string | undefined;
  }[] = [
    { name: 'that of the source without a destination', login: 'portal' },
    { name: 'none at a destination without any', destination: {}, login: undefined },
    { name: "the destination's", destination: { credentialsName: 'push' }, login: 'push' },
    {
      name: 'one that may only pull, where there is one',
      destination: { credentialsName: 'push', pullCredentialsName: 'pull' },
      login: 'pull',
    },
    {
      name: 'none where pulling needs none',
      destination: { credentialsName: 'push', pullCredentialsName: '' },
      login: undefined,
    },
  ];
  for (const { name, destination, login } of logins) {
    it(`gives hosts a login: ${name}`, () => {
      const registry = destination === undefined ? 'registry:5000' : 'mirror:5000';
      const resolved = {
        ...resolvedOf(pike),
        images: [
          {
            name: 'keystone',
            repository: `${registry}/keystone`,
            tag: '1',
            digest: digest('keystone:1'),
            reference: `${registry}/keystone:1`,
          },
        ],
      };
      const set: ContainerImageSet = {
        ...pike,
        spec: {
          ...pike.spec,
          source: { ...pike.spec.source, credentialsName: 'portal' },
          ...(destination === undefined
            ? {}
            : { destination: { registry, insecure: false, ...destination } }),
        },
        status: { observedGeneration: 1, resolved },
      };
      const sets = byName(set);
      const images = resolveImages({ names: ['keystone'], defaultSet: 'pike', overrides: [], sets });
      if (!('images' in images)) throw new Error('not resolved');
      expect(images.registries.map(({ host, credentialsName }) => [host, credentialsName])).to.deep.equal([
        [registry, login],
      ]);
    });
  }

  it('shows the range of its tags in the order that tags have everywhere', () => {
    const { tag: _tag, ...spec } = pike.spec;
    const tags: Readonly<Record<string, string>> = { aodh: '1.0-rc1', glance: '1.0', nova: '1.0-2' };
    const names = Object.keys(tags);
    const set = imageSet('pike', '', names);
    const images = resolvedOf(set).images.map((image) => ({ ...image, tag: tags[image.name] ?? '' }));
    const sets = byName({
      ...set,
      spec: { ...spec, tagPattern: '1.0*' },
      status: { observedGeneration: 1, resolved: { ...resolvedOf(set), images } },
    });
    const resolved = resolveImages({ names, defaultSet: 'pike', overrides: [], sets });
    expect('images' in resolved && resolved.tag).to.equal('1.0-rc1…1.0-2');
  });
});
