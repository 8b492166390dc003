// What an import makes of TripleO's files about images: sets with their overrides, and what is said of them.
import { expect } from 'chai';
import { dump } from 'js-yaml';
import { readImages } from '../../../src/cli/import/images/read.ts';
import { readPlace } from '../../../src/cli/import/images/reference.ts';
import { fixture, type Json } from './images-world.ts';

interface Read {
  /** The spec of each set by its name. */
  readonly specs: Readonly<Record<string, unknown>>;
  readonly remarks: readonly string[];
  readonly logins: ReadonlyMap<string, unknown>;
}

function read(files: Readonly<Record<string, string>>, destination?: string): Read {
  const place = destination === undefined ? undefined : readPlace(destination);
  if (place !== undefined && 'wrong' in place) throw new Error(place.wrong);
  const list = Object.entries(files).map(([file, text]) => ({ file, text }));
  const { sets, remarks, logins } = readImages(list, 'x', place);
  return { specs: Object.fromEntries(sets.map(({ name, spec }) => [name, spec])), remarks, logins };
}

const fromFixtures = (...names: readonly string[]): Read =>
  read(Object.fromEntries(names.map((name) => [name, fixture(name)])));

const plain = { namespace: 'reg.example/osp', name_prefix: 'openstack-', tag: '13.0' };

/** A file of these entries; each with `plain` as its set where it has none. */
function prepare(entries: readonly Json[], more: Json = {}): Read {
  const list = entries.map((entry) => ({ set: plain, ...entry }));
  return read({ 'p.yaml': dump({ parameter_defaults: { ContainerImagePrepare: list, ...more } }) });
}

const source = { registry: 'reg.example', namespace: 'osp', prefix: 'openstack-' };

describe('overcloud_images.yaml', () => {
  it('of seed 000 becomes a set of 36 images under one tag, Ceph as an override', () => {
    const { x } = fromFixtures('overcloud_images-12.yaml').specs as { readonly x: Json };
    const { images, ...rest } = x;
    expect(rest).to.deep.equal({
      source: { registry: '172.16.0.1:8787', namespace: 'rhosp12', prefix: 'openstack-', insecure: true },
      tag: '12.0-20180309.1',
      overrides: [
        { image: 'ceph-daemon', name: 'rhceph-2-rhel7', namespace: 'ceph', prefix: '', tag: 'latest' },
      ],
    });
    expect(images).to.have.length(36).and.include.members(['nova-api', 'ceph-daemon', 'cron', 'mariadb']);
  });

  it('of seed 001, with its uploads, knows source and destination, and each tag that differs', () => {
    const { specs } = fromFixtures('overcloud_images-13.yaml', 'local_registry_images-13.yaml');
    const { images, overrides, ...rest } = specs.x as {
      readonly images: unknown;
      readonly overrides: Json[];
    };
    expect(rest).to.deep.equal({
      source: { registry: 'registry.access.redhat.com', namespace: 'rhosp13', prefix: 'openstack-' },
      destination: { registry: '192.0.2.1:8787', insecure: true },
      tag: '13.0-38',
    });
    expect(images).to.have.length(45);
    expect(overrides).to.have.length(33);
    expect(overrides).to.deep.include({ image: 'nova-api', tag: '13.0-42' });
    expect(overrides).to.deep.include({
      image: 'neutron-server',
      name: 'neutron-server-ovn',
      tag: '13.0-36',
    });
  });

  it('alone, its registry is the source, and it says how the other is had', () => {
    const { specs, remarks } = fromFixtures('overcloud_images-13.yaml');
    expect((specs.x as Json).source).to.include({ registry: '192.0.2.1:8787' });
    expect(specs.x).not.to.have.property('destination');
    expect(remarks.join('\n')).to.include('import local_registry_images.yaml with it');
  });

  it('with a destination from the command line, is mirrored there', () => {
    const files = { 'o.yaml': 'parameter_defaults: {ContainerNovaApiImage: "a.b/c/nova-api:1"}' };
    const { specs } = read(files, 'quay.example/mirror');
    expect(specs.x).to.deep.include({
      source: { registry: 'a.b', namespace: 'c', prefix: '' },
      destination: { registry: 'quay.example', namespace: 'mirror/c' },
    });
  });

  const tables: readonly (readonly [what: string, parameters: Json, spec: Json])[] = [
    [
      'several parameters are one image',
      { DockerAodhApiImage: 'r.io/n/aodh-api:1', DockerAodhConfigImage: 'r.io/n/aodh-api:1' },
      { source: { registry: 'r.io', namespace: 'n', prefix: '' }, images: ['aodh-api'] },
    ],
    [
      'prefix and suffix are what is around names that TripleO knows',
      { A: 'nova-api', B: 'heat-api-cfn', C: 'novajoin-server' },
      {
        source: { registry: 'r.io', namespace: 'n', prefix: 'centos-binary-', suffix: '-el9' },
        images: ['heat-api-cfn', 'nova-api', 'novajoin-server'],
      },
    ],
    [
      'what is called otherwise has its name from the parameter',
      {
        ContainerNovaApiImage: 'r.io/n/openstack-nova-api:1',
        ContainerHeatApiImage: 'r.io/n/openstack-heat-api:1',
        ContainerCinderConfigImage: 'r.io/acme/volume-driver:7',
        ContainerCinderVolumeImage: 'r.io/acme/volume-driver:7',
      },
      {
        source: { registry: 'r.io', namespace: 'n', prefix: 'openstack-' },
        images: ['cinder-volume', 'heat-api', 'nova-api'],
        overrides: [
          { image: 'cinder-volume', name: 'volume-driver', namespace: 'acme', prefix: '', tag: '7' },
        ],
      },
    ],
    [
      'a hotfix in another namespace is an override of that alone',
      {
        ContainerNovaApiImage: 'r.io/n/openstack-nova-api:1',
        ContainerHeatApiImage: 'r.io/n/openstack-heat-api:1',
        ContainerCinderApiImage: 'r.io/hotfix/openstack-cinder-api:1',
      },
      {
        source: { registry: 'r.io', namespace: 'n', prefix: 'openstack-' },
        images: ['cinder-api', 'heat-api', 'nova-api'],
        overrides: [{ image: 'cinder-api', namespace: 'hotfix' }],
      },
    ],
  ];
  for (const [what, parameters, spec] of tables) {
    it(what, () => {
      const isShort = 'A' in parameters;
      const entries = Object.entries(parameters).map(([key, value]) =>
        isShort ? [`Container${key}Image`, `r.io/n/centos-binary-${String(value)}-el9:1`] : [key, value],
      );
      const text = dump({ parameter_defaults: Object.fromEntries(entries) as Json });
      expect(read({ 'o.yaml': text }).specs.x).to.deep.equal({ ...spec, tag: '1' });
    });
  }

  it('puts Ceph of another registry into a second set, and says where to name it', () => {
    const text = `
parameter_defaults:
  ContainerNovaApiImage: a.io/n/openstack-nova-api:1
  ContainerHeatApiImage: a.io/n/openstack-heat-api:1
  ContainerCephDaemonImage: b.io/ceph/daemon:v4`;
    const { specs, remarks } = read({ 'o.yaml': text });
    expect(specs['x-ceph']).to.deep.equal({
      source: { registry: 'b.io', namespace: 'ceph', prefix: '' },
      tag: 'v4',
      images: ['ceph-daemon'],
      overrides: [{ image: 'ceph-daemon', name: 'daemon' }],
    });
    expect((specs.x as Json).images).to.deep.equal(['heat-api', 'nova-api']);
    expect(remarks.join('\n')).to.include('roles[].images: {name: ceph-daemon, imageSetName: x-ceph}');
  });
});

describe('local_registry_images.yaml', () => {
  it('alone names source, destination and every image', () => {
    const { x } = fromFixtures('local_registry_images-13.yaml').specs as { readonly x: Json };
    expect(x).to.deep.include({
      source: { registry: 'registry.access.redhat.com', namespace: 'rhosp13', prefix: 'openstack-' },
      destination: { registry: '192.0.2.1:8787' },
    });
    expect(x.images).to.have.length(45);
  });

  it('says the destination by its parameters where push_destination is left out', () => {
    const uploads = 'container_images: [{imagename: "a.io/n/nova-api:1"}]';
    const text = 'parameter_defaults: {DockerNovaApiImage: "10.0.0.1:8787/n/nova-api:1"}';
    const { specs } = read({ 'o.yaml': text, 'l.yaml': uploads });
    expect(specs.x).to.deep.include({ destination: { registry: '10.0.0.1:8787' } });
  });

  it('takes what has no upload to be at the source, with a warning', () => {
    const uploads = 'container_images: [{imagename: "a.io/n/nova-api:1", push_destination: "10.0.0.1:8787"}]';
    const text = `parameter_defaults:
  DockerNovaApiImage: 10.0.0.1:8787/n/nova-api:1
  DockerHeatApiImage: 10.0.0.1:8787/n/heat-api:1`;
    const { specs, remarks } = read({ 'o.yaml': text, 'l.yaml': uploads });
    expect(specs.x).to.deep.include({
      source: { registry: 'a.io', namespace: 'n', prefix: '' },
      images: ['heat-api', 'nova-api'],
    });
    expect(remarks.join('\n')).to.include('taken to be at the source: DockerHeatApiImage');
  });

  it('knows Ceph by its repository where no parameter names it', () => {
    const images = ['n/openstack-nova-api:1', 'n/openstack-heat-api:1', 'ceph/rhceph-2-rhel7:latest'];
    const text = dump({ container_images: images.map((image) => ({ imagename: `a.io/${image}` })) });
    expect((read({ 'l.yaml': text }).specs.x as Json).overrides).to.deep.equal([
      { image: 'ceph-daemon', name: 'rhceph-2-rhel7', namespace: 'ceph', prefix: '', tag: 'latest' },
    ]);
  });
});

describe('containers-prepare-parameter.yaml', () => {
  it('of RHOSP 16 finds tags by labels, has Ceph beside it, and a login', () => {
    const name = 'containers-prepare-parameter-16.yaml';
    const { specs, logins, remarks } = read({ [name]: fixture(name) }, '192.0.2.1:8787');
    const { overrides, ...rest } = specs.x as { readonly overrides: readonly Json[] };
    expect(rest).to.deep.equal({
      source: {
        registry: 'registry.redhat.io',
        namespace: 'rhosp-rhel8',
        prefix: 'openstack-',
        credentialsName: 'x-registry',
      },
      destination: { registry: '192.0.2.1:8787' },
      tagFromLabel: { format: '{version}-{release}' },
      variants: { neutronDriver: 'ovn' },
    });
    expect(overrides[1]).to.deep.equal({
      image: 'ceph-daemon',
      name: 'rhceph-4-rhel8',
      namespace: 'rhceph',
      prefix: '',
      tagFromLabel: { format: '{version}-{release}', inspectTag: 'latest' },
    });
    expect(logins.get('registry.redhat.io')).to.deep.equal({ username: 'operator', password: 'Zecret-1' });
    expect(remarks.join('\n')).to.include('192.0.2.1:8787 is taken to speak HTTPS').and.not.include('Zecret');
  });

  it('of Stein: a set for Ceph, a hotfix of four images, one left out', () => {
    const { specs } = fromFixtures('containers-prepare-parameter-stein.yaml');
    const hotfix = { namespace: 'hotfix', tag: 'current-tripleo-hotfix' };
    expect(specs).to.deep.equal({
      x: {
        source: { registry: 'docker.io', namespace: 'tripleostein', prefix: 'centos-binary-' },
        destination: { registry: '192.168.24.1:8787', insecure: true },
        tag: 'current-tripleo',
        excludes: ['*swift*'],
        variants: { neutronDriver: 'other' },
        overrides: ['heat-api', 'heat-api-cfn', 'nova-compute', 'nova-compute-ironic'].map((image) => ({
          image,
          ...hotfix,
        })),
      },
      'x-ceph': {
        source: { registry: 'quay.io', namespace: 'ceph', prefix: '' },
        destination: { registry: '192.168.24.1:8787', insecure: true },
        tag: 'v4.0.4-stable-4.0-nautilus-centos-7-x86_64',
        overrides: [{ image: 'ceph-daemon', name: 'daemon' }],
      },
    });
  });

  const entries: readonly (readonly [what: string, entries: readonly Json[], spec: Json])[] = [
    ['a tag and a prefix', [{}], { source, tag: '13.0' }],
    ['a tag in the set wins over labels', [{ tag_from_label: 'x' }], { source, tag: '13.0' }],
    [
      'a bare label is a label in braces',
      [{ tag_from_label: 'rdo_version', set: { ...plain, tag: null } }],
      { source, tagFromLabel: { format: '{rdo_version}' } },
    ],
    [
      'hyphens are put at prefix and suffix, as TripleO does',
      [{ set: { ...plain, name_prefix: 'openstack', name_suffix: 'el9' } }],
      { source: { ...source, suffix: '-el9' }, tag: '13.0' },
    ],
    [
      'a push destination with a path stands before the namespace',
      [{ push_destination: 'quay.example/mirror/' }],
      { source, destination: { registry: 'quay.example', namespace: 'mirror/osp' }, tag: '13.0' },
    ],
    ['push_destination may be false', [{ push_destination: false }], { source, tag: '13.0' }],
    [
      'a registry alone has no namespace',
      [{ set: { ...plain, namespace: 'reg.example:5000' } }],
      { source: { ...source, registry: 'reg.example:5000', namespace: '' }, tag: '13.0' },
    ],
    [
      'includes select, and excludes beside them do not count',
      [{ includes: ['nova', 'neutron-server-ovn'], excludes: ['nova-api'] }],
      { source, includes: ['*nova*', '*neutron-server-ovn*', 'neutron-server'], tag: '13.0' },
    ],
    [
      'entries with includes alone: all they name, the first as the rule',
      [{ includes: ['aodh'] }, { includes: ['panko-api'], set: { ...plain, tag: '14' } }],
      {
        source,
        tag: '13.0',
        includes: ['*aodh*', '*panko-api*'],
        overrides: [{ image: 'panko-api', tag: '14' }],
      },
    ],
    [
      'the last entry that applies decides, even before another',
      [{ includes: ['panko-api'], set: { ...plain, tag: '14' } }, { excludes: ['panko', 'zaqar'] }],
      {
        source,
        tag: '13.0',
        excludes: ['*zaqar*'],
        overrides: [{ image: 'panko-api', tag: '14' }],
      },
    ],
    [
      'an earlier rule for all is what a later one leaves out',
      [{ set: { ...plain, tag: '14' } }, { excludes: ['panko'] }],
      { source, tag: '13.0', overrides: [{ image: 'panko-api', tag: '14' }] },
    ],
    [
      'half of what is excluded comes from elsewhere: the other half by name',
      [{ excludes: ['heat-api'] }, { includes: ['heat-api-cfn'], set: { ...plain, tag: '14' } }],
      { source, tag: '13.0', excludes: ['heat-api'], overrides: [{ image: 'heat-api-cfn', tag: '14' }] },
    ],
    [
      'an image that TripleO does not have, by its whole name',
      [{}, { includes: ['acme-driver'], set: { ...plain, tag: '14' } }],
      { source, tag: '13.0', overrides: [{ image: 'acme-driver', tag: '14' }] },
    ],
    [
      'Ceph is found by its repository',
      [
        {
          set: { ...plain, ceph_namespace: 'reg.example/ceph', ceph_image: 'rhceph-4-rhel8', ceph_tag: '4' },
          excludes: ['rhceph'],
        },
      ],
      { source, tag: '13.0', excludes: ['*rhceph*', 'ceph-daemon'] },
    ],
    [
      'Ceph can be switched off',
      [{ set: { ...plain, ceph_images: false, ceph_namespace: 'a.b/c', ceph_image: 'd', ceph_tag: 'e' } }],
      { source, tag: '13.0' },
    ],
  ];
  for (const [what, list, spec] of entries) {
    it(what, () => {
      expect(prepare(list).specs).to.deep.equal({ x: spec });
    });
  }

  it('takes the address of the undercloud from LocalContainerRegistry', () => {
    const { specs } = prepare([{ push_destination: true }], { LocalContainerRegistry: '192.168.24.1' });
    expect((specs.x as Json).destination).to.deep.equal({ registry: '192.168.24.1:8787' });
  });

  it('takes logins and insecure registries from further files, the later one wins', () => {
    const logins = (password: string) =>
      `parameter_defaults: {ContainerImageRegistryCredentials: {reg.example: {me: ${password}}, o.io: {a: b}}}`;
    const list = dump({ parameter_defaults: { ContainerImagePrepare: [{ set: plain }] } });
    const files = { 'p.yaml': list, 'a.yaml': logins('one'), 'b.yaml': logins('two') };
    const { logins: used, remarks } = read(files);
    expect([...used]).to.deep.equal([['reg.example', { username: 'me', password: 'two' }]]);
    expect(remarks.join('\n')).to.include('left out: o.io');
  });

  const remarks: readonly (readonly [entry: Json, more: Json, says: string])[] = [
    [{ tag_from_label: 'x' }, {}, 'note: tag_from_label is ignored beside set.tag'],
    [{ multi_arch: true }, {}, 'note: multi_arch is ignored'],
    [{ modify_vars: {} }, {}, 'note: modify_vars is ignored: without modify_role'],
    [{ set: { ...plain, namespace_stein: 'a' } }, {}, 'note: set.namespace_stein is ignored'],
    [{ set: { ...plain, neutron_driver: 'ovn' } }, {}, 'it needs spec.catalogName'],
    [{ includes: ['nothing-like.*that'] }, {}, 'warning: includes: no image of TripleO’s'.replace('’', "'")],
    [{}, { ContainerImageRegistryLogin: false }, 'note: ContainerImageRegistryLogin is ignored'],
    [{}, { DockerRegistryMirror: 'http://m' }, 'warning: DockerRegistryMirror is not known here'],
    [
      {},
      { NtpServer: 'n', A: 1, B: 1, C: 1, D: 1, E: 1 },
      'they name no images: NtpServer, A, B, C, D and 1 more',
    ],
  ];
  for (const [entry, more, says] of remarks) {
    it(`says: ${says}`, () => {
      expect(prepare([entry], more).remarks.join('\n')).to.include(says);
    });
  }
});
