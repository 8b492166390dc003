// A catalog of images: what it may say, and what images are called by it.
import { expect } from 'chai';
import { dump } from 'js-yaml';
import type { ContainerImageSetSpec } from '../../../src/api/containerimageset.gen.ts';
import {
  imagesFor,
  parametersOf,
  ruleOf,
  unknownVariants,
  type Catalog,
  type ImageRule,
  type TagRule,
} from '../../../src/images/catalog.ts';
import { parseCatalog } from '../../../src/images/catalog-file.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';

const text = `
images:
  - name: neutron-server
    services: [neutron-api]
    parameters: [DockerNeutronApiImage, DockerNeutronConfigImage]
    variants:
      - when: { neutronDriver: ovn, site: edge }
        needed: false
      - when: { neutronDriver: ovn }
        repository: neutron-server-ovn
        tag: ovn-1
      - when: { neutronDriver: ovn, site: north }
        repository: never
  - name: ceph-daemon
    services: [ceph-mon, ceph-osd]
    namespace: ceph
    prefix: ''
    repository: rhceph-2-rhel7
    suffix: ''
    tag: latest
    variants: [{ when: { ceph: '4' }, repository: rhceph-4-rhel8 }]
  - name: tools
`;
const catalog = parseCatalog(text, 'openstack-images');

const good = [
  { name: 'a catalog without images', text: 'images: []', images: [] },
  { name: 'comments', text: '# none yet\nimages: []', images: [] },
  {
    name: 'an anchor',
    text: 'images: [{ name: a, services: &s [x] }, { name: b, services: *s }]',
    images: ['a', 'b'],
  },
  { name: 'a name that every object has', text: 'images: [{ name: constructor }]', images: ['constructor'] },
];

const one = (fields: string) => `images: [{ name: nova-api, ${fields} }]`;
const bad: readonly (readonly [name: string, text: string, says: string])[] = [
  ['nothing', '', 'images must be a list'],
  ['a list', '- a', 'the document must be a map'],
  ['no YAML', 'images: [', 'the document must be YAML'],
  ['two documents', 'images: []\n---\nimages: []', 'must be one, without ---'],
  ['an unknown key', 'images: []\nimage: a', 'has the unknown key "image", it knows images'],
  ['the same key twice', 'images: []\nimages: []', 'duplicated mapping key'],
  ['too much', `# ${'x'.repeat(300_000)}`, 'at most 262144 characters'],
  ['an image without a name', 'images: [{}]', 'images[0].name is missing'],
  ['an image that is a name', 'images: [nova-api]', 'images[0] must be a map'],
  ['a name that is a path', 'images: [{ name: ../admin }]', 'images[0].name must be a name'],
  ['a name with a tag', 'images: [{ name: "a:1" }]', 'images[0].name must be a name'],
  ['a name of two lines', 'images: [{ name: "a\\nb" }]', 'not "a\\nb"'],
  ['a name that is too long', `images: [{ name: ${'a'.repeat(129)} }]`, 'images[0].name must be'],
  [
    'an image twice',
    'images: [{ name: a }, { name: b }, { name: a }]',
    'images[2].name is a, as that of another image',
  ],
  [
    'a parameter of two images',
    'images: [{ name: a, parameters: [P] }, { name: b, parameters: [P] }]',
    'images[1].parameters has P, which image a has too',
  ],
  ['a parameter twice', one('parameters: [P, P]'), 'image nova-api: parameters has P twice'],
  ['no parameter', one('parameters: [a-b]'), 'image nova-api: parameters[0] must be'],
  ['a service twice', one('services: [a, a]'), 'image nova-api: services has a twice'],
  ['a service that is none', one('services: [Nova_API]'), 'image nova-api: services[0] must be'],
  ['services that are no list', one('services: nova-api'), 'services must be a list'],
  ['a field of no kind', one('repo: x'), 'has the unknown key "repo"'],
  ['a number for a tag', one('tag: 12.0'), 'image nova-api: tag must be text: put it in quotes'],
  ['a tag that is a path', one('tag: ../x'), 'image nova-api: tag must be a tag'],
  ['a namespace that climbs', one('namespace: a/../b'), 'image nova-api: namespace must be a path'],
  ['a namespace from the root', one('namespace: /a'), 'image nova-api: namespace must be a path'],
  ['a repository with a path', one('repository: a/b'), 'image nova-api: repository must be a name'],
  ['a prefix with a query', one('prefix: "x?n="'), 'image nova-api: prefix must be'],
  ['a suffix with a path', one('suffix: "/x"'), 'image nova-api: suffix must be'],
  ['a variant without when', one('variants: [{ tag: x }]'), 'variants[0].when must be a map'],
  ['a variant of nothing', one('variants: [{ when: {} }]'), 'when must say one to eight things'],
  [
    'a variant of too much',
    one(`variants: [{ when: { ${'k'.repeat(9000)}: 1 } }]`),
    'when must be one line of at',
  ],
  ['a variant of a number', one('variants: [{ when: { a: 1 } }]'), 'when.a must be text'],
  [
    'a variant that is needed perhaps',
    one('variants: [{ when: { a: b }, needed: perhaps }]'),
    'variants[0].needed must be true or false',
  ],
  [
    'a variant with services',
    one('variants: [{ when: { a: b }, services: [x] }]'),
    'variants[0] has the unknown key "services"',
  ],
  [
    'too many images',
    dump({ images: Array.from({ length: 501 }, (_, at) => ({ name: `a${at}` })) }),
    'images must have at most 500 items',
  ],
];

describe('a catalog', () => {
  for (const { name, text: given, images } of good) {
    it(`takes ${name}`, () => {
      expect([...parseCatalog(given, 'c').keys()]).to.deep.equal(images);
    });
  }

  for (const [name, given, says] of bad) {
    it(`refuses ${name}`, () => {
      expect(() => parseCatalog(given, 'openstack-images'))
        .to.throw(OperatorError)
        .that.satisfies(({ kind, reason, message }: OperatorError) => {
          expect({ kind, reason }).to.deep.equal({ kind: 'terminal', reason: 'CatalogInvalid' });
          expect(message).to.include('ConfigMap openstack-images, key catalog.yaml, ').and.include(says);
          return message.length < 1024;
        });
    });
  }

  it('says how much more is wrong than there is room for', () => {
    const given = dump({ images: Array.from({ length: 9 }, () => ({ name: 'A'.repeat(5000) })) });
    expect(() => parseCatalog(given, 'c'))
      .to.throw(OperatorError, /; and 4 more$/)
      .that.satisfies(({ message }: OperatorError) => message.length < 1024);
  });
});

const source = {
  registry: 'registry.example.org',
  namespace: 'rhosp12',
  prefix: 'openstack-',
  suffix: '',
  insecure: false,
};
const untagged: ContainerImageSetSpec = {
  source,
  updatePolicy: 'Propose',
  lookupIntervalSeconds: 600,
  mirror: { parallel: 6 },
  paused: false,
};

const called = ({ namespace, prefix, repository, suffix }: ImageRule): string =>
  `${namespace}/${prefix}${repository}${suffix}`;
const mirror = { registry: 'd.example.org', insecure: false };

interface NameCase {
  readonly name: string;
  readonly image: string;
  readonly spec?: Partial<ContainerImageSetSpec>;
  readonly side?: 'destination';
  readonly without?: true;
  readonly is: string;
}

const names: readonly NameCase[] = [
  { name: 'an image that the catalog does not have', image: 'keystone', is: 'rhosp12/openstack-keystone' },
  { name: 'no catalog', image: 'ceph-daemon', without: true, is: 'rhosp12/openstack-ceph-daemon' },
  { name: 'an image with nothing of its own', image: 'tools', is: 'rhosp12/openstack-tools' },
  { name: 'an image with all of its own', image: 'ceph-daemon', is: 'ceph/rhceph-2-rhel7' },
  { name: 'no variant', image: 'neutron-server', is: 'rhosp12/openstack-neutron-server' },
  {
    name: 'a variant, the first that applies',
    image: 'neutron-server',
    spec: { variants: { neutronDriver: 'ovn', site: 'north' } },
    is: 'rhosp12/openstack-neutron-server-ovn',
  },
  {
    name: 'a variant of which only a part applies',
    image: 'neutron-server',
    spec: { variants: { site: 'edge' } },
    is: 'rhosp12/openstack-neutron-server',
  },
  {
    name: "a variant before what the catalog's image says",
    image: 'ceph-daemon',
    spec: { variants: { ceph: '4' } },
    is: 'ceph/rhceph-4-rhel8',
  },
  {
    name: "the source's suffix",
    image: 'nova-api',
    spec: { source: { ...source, suffix: '-rhel9' } },
    is: 'rhosp12/openstack-nova-api-rhel9',
  },
  {
    name: 'an override, field by field before the catalog',
    image: 'ceph-daemon',
    spec: { overrides: [{ image: 'ceph-daemon', name: 'rhceph-3-rhel7', suffix: '-hotfix' }] },
    is: 'ceph/rhceph-3-rhel7-hotfix',
  },
  {
    name: 'an override with nothing where the catalog has something',
    image: 'ceph-daemon',
    spec: { overrides: [{ image: 'ceph-daemon', namespace: '' }] },
    is: '/rhceph-2-rhel7',
  },
  {
    name: 'a destination that says nothing: as in the source',
    image: 'ceph-daemon',
    spec: { destination: mirror },
    side: 'destination',
    is: 'ceph/rhceph-2-rhel7',
  },
  {
    name: 'a destination with one place for all images',
    image: 'ceph-daemon',
    spec: { destination: { ...mirror, namespace: 'mirror', prefix: 'os-' } },
    side: 'destination',
    is: 'mirror/os-rhceph-2-rhel7',
  },
  {
    name: 'a destination says nothing of the source',
    image: 'nova-api',
    spec: { destination: { ...mirror, namespace: 'mirror', prefix: 'os-', suffix: '-x' } },
    is: 'rhosp12/openstack-nova-api',
  },
  {
    name: 'an override before the destination',
    image: 'nova-api',
    spec: {
      destination: { ...mirror, namespace: 'mirror' },
      overrides: [{ image: 'nova-api', namespace: 'hotfix' }],
    },
    side: 'destination',
    is: 'hotfix/openstack-nova-api',
  },
];

const byLabel = { format: '{version}-{release}', inspectTag: 'latest' };
const tags: readonly { name: string; image: string; spec: Partial<ContainerImageSetSpec>; tag: TagRule }[] = [
  { name: "the set's tag", image: 'nova-api', spec: { tag: '12.0-1' }, tag: { kind: 'tag', tag: '12.0-1' } },
  {
    name: "the set's label",
    image: 'nova-api',
    spec: { tagFromLabel: byLabel },
    tag: { kind: 'label', ...byLabel },
  },
  {
    name: 'the label of one image for all',
    image: 'nova-api',
    spec: { tagFromLabel: { ...byLabel, image: 'base' } },
    tag: { kind: 'label', ...byLabel, image: 'base' },
  },
  {
    name: "the set's pattern",
    image: 'nova-api',
    spec: { tagPattern: '13.0-*' },
    tag: { kind: 'pattern', pattern: '13.0-*' },
  },
  {
    name: "the catalog's tag",
    image: 'ceph-daemon',
    spec: { tagFromLabel: byLabel },
    tag: { kind: 'tag', tag: 'latest' },
  },
  {
    name: "the variant's tag",
    image: 'neutron-server',
    spec: { tag: '12.0-1', variants: { neutronDriver: 'ovn' } },
    tag: { kind: 'tag', tag: 'ovn-1' },
  },
  {
    name: "the override's pattern before the catalog's tag",
    image: 'ceph-daemon',
    spec: { tag: '12.0-1', overrides: [{ image: 'ceph-daemon', tagPattern: 'v3.*' }] },
    tag: { kind: 'pattern', pattern: 'v3.*' },
  },
  {
    name: "the override's label",
    image: 'nova-api',
    spec: { tag: '12.0-1', overrides: [{ image: 'nova-api', tagFromLabel: byLabel }] },
    tag: { kind: 'label', ...byLabel },
  },
];

describe('what an image is called', () => {
  for (const { name, image, spec, side = 'source', without = false, is } of names) {
    it(`by ${name}`, () => {
      const rule = ruleOf(
        { ...untagged, tag: '12.0-1', ...spec },
        without ? undefined : catalog,
        image,
        side,
      );
      expect(called(rule)).to.equal(is);
    });
  }

  for (const { name, image, spec, tag } of tags) {
    it(`takes ${name}`, () => {
      expect(ruleOf({ ...untagged, ...spec }, catalog, image).tag).to.deep.equal(tag);
    });
  }

  it('asks for a tag where nothing tells one', () => {
    expect(() => ruleOf(untagged, catalog, 'nova-api'))
      .to.throw(OperatorError, /image nova-api has no tag: give spec\.tag/)
      .that.includes({ kind: 'terminal', reason: 'TagMissing' });
  });
});

describe('what a catalog knows', () => {
  const ovn = { neutronDriver: 'ovn' };
  const needs = [
    { services: ['neutron-api', 'nova-api'], variants: {}, images: ['neutron-server'] },
    { services: ['neutron-api'], variants: ovn, images: ['neutron-server'] },
    { services: ['neutron-api', 'ceph-osd'], variants: { ...ovn, site: 'edge' }, images: ['ceph-daemon'] },
    { services: [], variants: {}, images: [] },
  ];
  for (const { services, variants, images } of needs) {
    it(`services ${services.join(', ') || 'of no name'} with ${JSON.stringify(variants)} need ${images.join(', ') || 'nothing'}`, () => {
      expect(imagesFor({ variants }, catalog, new Set(services))).to.deep.equal(images);
    });
  }

  it('the parameters of an image', () => {
    expect(parametersOf(catalog, 'neutron-server')).to.deep.equal([
      'DockerNeutronApiImage',
      'DockerNeutronConfigImage',
    ]);
    expect(parametersOf(catalog, 'tools')).to.deep.equal([]);
    expect(parametersOf(catalog, 'keystone')).to.deep.equal([]);
    expect(parametersOf(undefined, 'keystone')).to.deep.equal([]);
  });

  const unknown: readonly {
    variants?: Readonly<Record<string, string>>;
    known?: Catalog;
    says: readonly RegExp[];
  }[] = [
    { variants: ovn, known: catalog, says: [] },
    { variants: { ...ovn, site: 'edge' }, known: catalog, says: [] },
    {
      variants: { neutronDriver: 'calico' },
      known: catalog,
      says: [/neutronDriver is calico, .* only ovn$/],
    },
    {
      variants: { neutrondriver: 'ovn' },
      known: catalog,
      says: [/neutrondriver is ovn, .* nothing for that key$/],
    },
    { variants: { constructor: 'a' }, known: catalog, says: [/constructor is a, .* nothing for that key$/] },
    { variants: ovn, says: [/no effect without spec\.catalogName/] },
    { says: [] },
  ];
  for (const { variants, known, says } of unknown) {
    it(`of the variants ${JSON.stringify(variants)}${known === undefined ? ' without a catalog' : ''}`, () => {
      const said = unknownVariants(variants === undefined ? {} : { variants }, known);
      expect(said).to.have.length(says.length);
      for (const [at, sentence] of said.entries()) expect(sentence).to.match(says[at] ?? /^$/);
    });
  }
});
