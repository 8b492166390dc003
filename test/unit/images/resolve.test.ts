// From an image's name to where it is.
import { expect } from 'chai';
import { parseCatalog } from '../../../src/images/catalog-file.ts';
import { locateAll } from '../../../src/images/locations.ts';
import { locate, notFound, remedyFor } from '../../../src/images/resolve.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';
import { imageSet } from './builders.ts';

const located = [
  {
    name: 'source, namespace, prefix and tag',
    spec: {},
    reference: 'registry.example.org/rhosp12/openstack-nova-api:12.0-1',
  },
  {
    name: 'no namespace and no prefix',
    spec: { source: { namespace: '', prefix: '' } },
    reference: 'registry.example.org/nova-api:12.0-1',
  },
  {
    name: 'a destination, under the same path',
    spec: { destination: { registry: '172.16.0.1:8787', insecure: true } },
    reference: '172.16.0.1:8787/rhosp12/openstack-nova-api:12.0-1',
  },
  {
    name: 'a destination with a path of its own',
    spec: {
      destination: { registry: '172.16.0.1:8787', insecure: true, namespace: 'mirror/pike', prefix: '' },
    },
    reference: '172.16.0.1:8787/mirror/pike/nova-api:12.0-1',
  },
  {
    name: 'everything overridden',
    spec: {
      overrides: [
        { image: 'nova-api', namespace: 'ceph', name: 'rhceph-2-rhel7', prefix: '', tag: 'latest' },
      ],
    },
    reference: 'registry.example.org/ceph/rhceph-2-rhel7:latest',
  },
  {
    name: 'only the name overridden: the prefix stays',
    spec: { overrides: [{ image: 'nova-api', name: 'nova-api-ng' }] },
    reference: 'registry.example.org/rhosp12/openstack-nova-api-ng:12.0-1',
  },
  {
    name: 'an override that wins over the destination',
    spec: {
      destination: { registry: 'd.example.org', insecure: false, namespace: 'mirror' },
      overrides: [{ image: 'nova-api', namespace: 'hotfix' }],
    },
    reference: 'd.example.org/hotfix/openstack-nova-api:12.0-1',
  },
  {
    name: 'an override of another image',
    spec: { overrides: [{ image: 'keystone', tag: 'latest' }] },
    reference: 'registry.example.org/rhosp12/openstack-nova-api:12.0-1',
  },
  {
    name: 'a port',
    spec: { source: { registry: '[fd00::1]:5000' } },
    reference: '[fd00::1]:5000/rhosp12/openstack-nova-api:12.0-1',
  },
];

const refused = [
  { name: 'a path that climbs', spec: { source: { namespace: '../admin' } }, reason: 'ReferenceInvalid' },
  {
    name: 'a path that climbs in an override',
    spec: { overrides: [{ image: 'nova-api', namespace: 'a/../../b' }] },
    reason: 'ReferenceInvalid',
  },
  { name: 'an empty part', spec: { source: { namespace: 'a//b' } }, reason: 'ReferenceInvalid' },
  { name: 'two dots in a row', spec: { source: { namespace: 'a..b' } }, reason: 'ReferenceInvalid' },
  { name: 'upper case', spec: { source: { namespace: 'RHOSP' } }, reason: 'ReferenceInvalid' },
  { name: 'a query', spec: { source: { prefix: 'x?n=' } }, reason: 'ReferenceInvalid' },
  { name: 'an encoded slash', spec: { source: { prefix: 'x%2f' } }, reason: 'ReferenceInvalid' },
  { name: 'a tag with a path', spec: { tag: '1/../../2' }, reason: 'TagInvalid' },
  { name: 'an empty tag', spec: { tag: '' }, reason: 'TagInvalid' },
];

describe('where an image is', () => {
  for (const { name, spec, reference } of located) {
    it(name, () => {
      const { target, rule } = locate(imageSet(spec).spec, undefined, 'nova-api');
      expect(`${target.repository}:${rule.kind === 'tag' ? rule.tag : ''}`).to.equal(reference);
      expect(target.repository.endsWith(`/${target.path}`)).to.equal(true);
    });
  }

  for (const { name, spec, reason } of refused) {
    it(`refuses ${name}`, () => {
      expect(() => locate(imageSet(spec).spec, undefined, 'nova-api'))
        .to.throw(OperatorError, /nova-api .*spec\.(source|tag|overrides)/)
        .that.includes({ kind: 'terminal', reason });
    });
  }

  it('keeps the way a tag is found, where none is given', () => {
    const { spec } = imageSet({ tagFromLabel: { format: '{version}', inspectTag: 'latest' } });
    expect(locate(spec, undefined, 'nova-api').rule).to.deep.equal({
      kind: 'label',
      format: '{version}',
      inspectTag: 'latest',
    });
  });

  it('says where an image that is missing should be pushed', () => {
    const { spec } = imageSet();
    const { source, rule } = locate(spec, undefined, 'nova-api');
    expect(notFound(spec, source, `${source.path}:12.0-1`, remedyFor(rule)).message).to.equal(
      'rhosp12/openstack-nova-api:12.0-1 is not in registry registry.example.org: push it there, or correct spec.tag or spec.overrides',
    );
  });

  it('tells source and destination apart', () => {
    const { spec } = imageSet({
      destination: { registry: 'd.example.org', insecure: false, namespace: 'mirror' },
    });
    const { source, target } = locate(spec, undefined, 'nova-api');
    expect(source.repository).to.equal('registry.example.org/rhosp12/openstack-nova-api');
    expect(target).to.deep.equal({
      repository: 'd.example.org/mirror/openstack-nova-api',
      path: 'mirror/openstack-nova-api',
    });
  });

  it('refuses two images of two places that would be pushed to one, and keeps the first', () => {
    const catalog = parseCatalog(
      'images: [{ name: daemon, namespace: ceph }, { name: other, namespace: vendor, repository: daemon }]',
      'images',
    );
    const errorsIn = (namespace: object) =>
      locateAll(
        imageSet({ destination: { registry: 'd.example.org', insecure: false, ...namespace } }),
        catalog,
        ['daemon', 'other'],
      ).map(({ error }) => error?.reason);
    expect(errorsIn({ namespace: 'mirror' })).to.deep.equal([undefined, 'PlaceShared']);
    expect(errorsIn({})).to.deep.equal([undefined, undefined]);
  });

  const mirrors = [
    { name: 'another registry', to: { registry: 'd.example.org' } },
    { name: 'another namespace', to: { namespace: 'mirror' } },
    { name: 'another prefix', to: { prefix: '' } },
    { name: 'another port', to: { registry: 'registry.example.org:5000' } },
    { name: 'the source itself', to: {}, refused: ['daemon', 'nova-api'] },
    {
      name: 'the source in upper case',
      to: { registry: 'Registry.Example.ORG' },
      refused: ['daemon', 'nova-api'],
    },
    {
      name: 'the source with its port',
      to: { registry: 'registry.example.org:443' },
      refused: ['daemon', 'nova-api'],
    },
    {
      name: 'the source by the same words otherwise divided',
      to: { namespace: 'rhosp12', prefix: 'openstack', suffix: '' },
      source: { prefix: 'openstack' },
      refused: ['daemon', 'nova-api'],
    },
    {
      name: 'another namespace, but for an image that is overridden at both ends',
      to: { namespace: 'mirror' },
      overrides: [{ image: 'daemon', namespace: 'ceph' }],
      refused: ['daemon'],
    },
    {
      name: 'a namespace that another image comes from',
      to: { namespace: 'ceph' },
      overrides: [{ image: 'daemon', namespace: 'ceph', name: 'nova-api' }],
      refused: ['daemon', 'nova-api'],
    },
  ];
  for (const { name, to, source = {}, overrides = [], refused: unwanted = [] } of mirrors) {
    const verb = unwanted.length === 0 ? 'copies to' : 'does not copy over';
    it(`${verb} ${name}`, () => {
      const destination = { registry: 'registry.example.org', insecure: false, ...to };
      const images = locateAll(imageSet({ source, destination, overrides }), undefined, [
        'daemon',
        'nova-api',
      ]);
      const failed = images.filter(({ error }) => error !== undefined);
      expect(failed.map((image) => image.name)).to.deep.equal(unwanted);
      for (const { error, wanted } of failed) {
        expect(error).to.include({ kind: 'terminal', reason: 'DestinationIsSource' });
        expect(error?.message).to.match(/would be pushed to .*spec\.destination/);
        expect(wanted).to.equal(undefined);
      }
    });
  }

  it('takes the names of one registry that everybody knows for one', () => {
    const destination = { registry: 'index.docker.io', insecure: false };
    const set = imageSet({ source: { registry: 'docker.io' }, destination });
    expect(locateAll(set, undefined, ['nova-api'])[0]?.error?.reason).to.equal('DestinationIsSource');
  });

  it('refuses more images than a set holds', () => {
    const names = Array.from({ length: 201 }, (_, index) => `image-${index}`);
    expect(() => locateAll(imageSet(), undefined, names)).to.throw(
      OperatorError,
      /201 images.*spec\.excludes/,
    );
  });
});
