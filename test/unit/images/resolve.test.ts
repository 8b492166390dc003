// From an image's name to where it is.
import { expect } from 'chai';
import { parseCatalog } from '../../../src/images/catalog-file.ts';
import { locateAll } from '../../../src/images/locations.ts';
import { locate, notFound } from '../../../src/images/resolve.ts';
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
    expect(notFound(spec, locate(spec, undefined, 'nova-api').source, '12.0-1').message).to.equal(
      "rhosp12/openstack-nova-api:12.0-1 is not in registry registry.example.org: push it there, or correct the set's tag or spec.overrides",
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

  it('refuses more images than a set holds', () => {
    const names = Array.from({ length: 201 }, (_, index) => `image-${index}`);
    expect(() => locateAll(imageSet(), undefined, names)).to.throw(
      OperatorError,
      /201 images.*spec\.excludes/,
    );
  });
});
