// Files about images that are not imported: each problem with its file, its key and what to do, and never a password.
import { expect } from 'chai';
import { dump } from 'js-yaml';
import { globsOf, isMatch } from '../../../src/cli/import/images/patterns.ts';
import { readImages } from '../../../src/cli/import/images/read.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';
import type { Json } from './images-world.ts';

function problemsIn(...texts: readonly string[]): readonly string[] {
  try {
    readImages(
      texts.map((text, index) => ({ file: `f${index + 1}.yaml`, text })),
      'x',
      undefined,
    );
  } catch (error) {
    if (error instanceof OperatorError && error.reason === 'ImportRefused') return error.message.split('\n');
    throw error;
  }
  return [];
}

const plain = { namespace: 'reg.example/osp', name_prefix: 'openstack-', tag: '13.0' };
const defaults = (parameters: Json): string => dump({ parameter_defaults: parameters });
const entry = (members: Json, more: Json = {}): string =>
  defaults({ ContainerImagePrepare: [{ set: plain, ...members }], ...more });
const set = (members: Json): string => entry({ set: { ...plain, ...members } });
const uploads = (...items: readonly Json[]): string => dump({ container_images: items });
const image = (value: unknown): string => defaults({ ContainerNovaApiImage: value });

type Refused = readonly (readonly [what: string, text: string, says: string])[];

describe('files about images are refused for', () => {
  const documents: Refused = [
    ['an alias', 'a: &x [1]\nparameter_defaults: *x', 'f1.yaml: has an alias (*NAME) in line 2'],
    [
      'a bomb of aliases',
      `parameter_defaults: {}\na: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]`,
      'which is not followed: write out what it is for',
    ],
    ['deep nesting', `parameter_defaults: ${'['.repeat(200)}`, 'nesting exceeded'],
    ['broken YAML', 'parameter_defaults: {', 'f1.yaml: is neither JSON nor YAML: line 1'],
    ['a list of parameters', 'parameter_defaults: []', 'parameter_defaults must be a map'],
    ['a slip beside them', 'parameter_defaults: {}\nresource_registy: {}', 'is resource_registry meant?'],
    ['nothing to import', 'parameter_defaults: {NtpServer: a}', 'images are named nowhere'],
    ['a slip in a parameter', defaults({ ContainerImagePrepar: [] }), 'is ContainerImagePrepare meant?'],
    ['a merge key', 'parameter_defaults: {}\n<<: {a: 1}', '<< is unknown'],
    [
      'images by role',
      defaults({ ComputeContainerImagePrepare: [] }),
      'ComputeContainerImagePrepare is about one role: import its list as a file of its own',
    ],
    [
      'two ways at once',
      entry({}, { ContainerNovaApiImage: 'a.b/c/d:1' }),
      'ContainerImagePrepare and ContainerNovaApiImage both say which images',
    ],
    ['nodes among them', 'nodes: []', 'has neither parameter_defaults nor container_images'],
  ];
  const references: Refused = [
    ['a number', image(12), 'ContainerNovaApiImage must be text'],
    ['no tag', image('a.b/c/nova-api'), 'must be REGISTRY/NAME:TAG'],
    ['a port and no tag', image('a.b:5000/nova-api'), 'must be REGISTRY/NAME:TAG'],
    ['a digest', image(`a.b/c@sha256:${'0'.repeat(64)}`), 'names a digest: give the tag'],
    ['no registry', image('tripleo/nova-api:1'), 'must begin with a registry'],
    ['a way up', image('a.b/../etc/nova-api:1'), 'has a path that no registry can have'],
    ['a way up in the name', image('a.b/c/..:1'), 'has a name that no image can have'],
    ['two slashes', image('a.b//c/nova-api:1'), 'has a path that no registry can have'],
    ['capitals', image('a.b/C/nova-api:1'), 'has a path that no registry can have'],
    ['a bad tag', image('a.b/c/nova-api:-1'), 'has a tag that no image can have'],
    ['a login', image('me:Zecret@a.b/c/nova-api:1'), 'has a login in it: take it out'],
    ['a scheme', image('https://a.b/c/nova-api:1'), 'has a scheme: begin with the host'],
    ['a line break', image('a.b\n/c/nova-api:1'), 'must be REGISTRY/NAME:TAG'],
    [
      'one image with two tags',
      defaults({ DockerNovaApiImage: 'a.b/nova-api:1', DockerNovaMetadataImage: 'a.b/nova-api:2' }),
      'nova-api would be a.b/nova-api:1 (DockerNovaApiImage) and a.b/nova-api:2 (DockerNovaMetadataImage)',
    ],
    [
      'an image of another registry, that is not Ceph’s',
      defaults({ A1Image: 1, DockerNovaApiImage: 'a.b/nova-api:1', DockerHeatApiImage: 'c.d/heat-api:1' }),
      'heat-api is in c.d, the others in a.b, and a set has one source',
    ],
  ];
  const lists: Refused = [
    ['no list', 'container_images: {}', 'container_images must be a list of images'],
    ['an item that is no map', dump({ container_images: ['x'] }), 'image 1 must be a map with imagename'],
    ['no imagename', uploads({}), 'image 1: imagename is missing'],
    ['a slip', uploads({ imagenam: 'a.b/c:1' }), 'imagenam is unknown: is imagename meant?'],
    ['a changed image', uploads({ imagename: 'a.b/c:1', modify_role: 'x' }), 'modify_role is not done here'],
    ['a pull_source', uploads({ imagename: 'c:1', pull_source: 'x' }), 'pull_source is not known here'],
    [
      'an unknown destination',
      uploads({ imagename: 'a.b/c:1', push_destination: true }),
      'push_destination is true, the registry of an undercloud: give its address with --destination',
    ],
    [
      'two destinations',
      uploads({ imagename: 'a.b/c:1', push_destination: 'd:1' }, { imagename: 'a.b/e:1' }),
      'push_destination differs among the images',
    ],
    ['something beside it', 'container_images: [{imagename: "a.b/c:1"}]\nuploads: []', 'uploads is unknown'],
  ];
  const entries: Refused = [
    ['no list', defaults({ ContainerImagePrepare: {} }), 'ContainerImagePrepare must be a list of entries'],
    ['an entry that is no map', defaults({ ContainerImagePrepare: ['x'] }), 'entry 1 must be a map'],
    ['a slip', entry({ push_destinatio: 'x' }), 'entry 1: push_destinatio is unknown: is push_destination'],
    ['a slip in the set', set({ name_prefx: 'x' }), 'set.name_prefx is unknown: is name_prefix meant?'],
    ['no namespace', set({ namespace: null }), 'set.namespace is missing: give registry and path'],
    ['no prefix', set({ name_prefix: null }), "set.name_prefix is missing, and depends on TripleO's release"],
    ['a tag that is a number', set({ tag: 16.1 }), 'set.tag must be text: put it in quotes'],
    ['neither tag nor label', set({ tag: null }), 'set.tag is missing, and tag_from_label too'],
    ['a strange tag', set({ tag: 'a b' }), 'set.tag is no tag'],
    [
      'a strange label',
      entry({ set: { ...plain, tag: '' }, tag_from_label: '{a!r}' }),
      'tag_from_label must be',
    ],
    [
      'a strange prefix',
      set({ name_prefix: '../' }),
      'has a name_prefix or name_suffix that no name can have',
    ],
    ['a way up', set({ namespace: 'a.b/../c' }), 'set.namespace has a path that no registry can have'],
    ['a login', set({ namespace: 'me:Zecret@a.b/c' }), 'set.namespace has a login in it'],
    [
      'half of Ceph',
      set({ ceph_image: 'daemon' }),
      'set.ceph_namespace is missing beside the others of ceph_',
    ],
    ['a changed image', entry({ modify_role: 'tripleo-modify-image' }), 'modify_role is not done here'],
    ['a pull_source', entry({ pull_source: 'x' }), 'pull_source is not known here'],
    ['an unknown registry', entry({ push_destination: true }), 'push_destination: true, the registry of'],
    [
      'a strange destination',
      entry({ push_destination: 8787 }),
      'push_destination must be HOST:PORT, true or',
    ],
    ['includes that are text', entry({ includes: 'nova' }), 'includes must be a list'],
    ['a pattern that is a number', entry({ includes: [1] }), 'includes must be text'],
    [
      'a pattern of more than globs',
      entry({ excludes: ['nova-(api|x)'] }),
      'excludes has "nova-(api|x)", which',
    ],
    [
      'unlike destinations',
      defaults({ ContainerImagePrepare: [{ set: plain, push_destination: 'a:1' }, { set: { ...plain } }] }),
      'has entries with unlike push_destination, and a set has one destination',
    ],
    [
      'a third registry',
      set({
        ...{ ceph_namespace: 'b.c/d', ceph_image: 'e', ceph_tag: 'f' },
        ...{ ceph_grafana_namespace: 'g.h/i', ceph_grafana_image: 'j', ceph_grafana_tag: 'k' },
      }),
      'and a set has one source: remove set.ceph_grafana_* if no host runs it, or import it',
    ],
    [
      'a second registry that is not Ceph’s',
      defaults({
        ContainerImagePrepare: [
          { set: plain },
          { set: { ...plain, namespace: 'b.c/d' }, includes: ['panko'] },
        ],
      }),
      'panko-api is in b.c, the others in reg.example, and a set has one source',
    ],
  ];
  const accounts: Refused = [
    ['credentials that are a list', entry({}, { ContainerImageRegistryCredentials: [] }), 'must be a map'],
    ['an account that is text', credentials({ 'a.b': 'Zecret' }), '.a.b must be {user: password}, one user'],
    ['two users', credentials({ 'a.b': { a: 'Zecret', b: 'Zecret' } }), 'must be {user: password}, one user'],
    [
      'digits without quotes',
      credentials({ 'a.b': { me: 12 } }),
      'must have a user and a password that are text',
    ],
    ['a login in the key', credentials({ 'me:Zecret@a.b': { a: 'b' } }), 'has a key that is no registry'],
    ['a URL as the key', credentials({ 'https://a.b': { a: 'Zecret' } }), 'has a key that is no registry'],
    [
      'insecure that is a map',
      entry({}, { DockerInsecureRegistryAddress: {} }),
      'must be a list of registries',
    ],
    ['an undercloud’s strange address', entry({}, { LocalContainerRegistry: 'a/b c' }), 'must be an address'],
  ];
  function credentials(value: Json): string {
    return entry({}, { ContainerImageRegistryCredentials: value });
  }
  for (const [what, text, says] of [...documents, ...references, ...lists, ...entries, ...accounts]) {
    it(`${what}: ${says}`, () => {
      const problems = problemsIn(text).join('\n');
      expect(problems).to.include(says).and.include('f1.yaml: ');
      expect(problems).not.to.include('Zecret');
    });
  }

  it('all mistakes at once, each file by its name', () => {
    const problems = problemsIn(image('a.b/c'), uploads({ imagename: 'x' }, { imagename: 'y', zz: 1 }));
    expect(problems.map((line) => line.split(' ').slice(0, 4).join(' '))).to.deep.equal([
      'f1.yaml: parameter_defaults: ContainerNovaApiImage must',
      'f2.yaml: image 1: imagename',
      'f2.yaml: image 2: zz',
      'f2.yaml: image 2: imagename',
    ]);
  });

  it('two lists of uploads', () => {
    const list = uploads({ imagename: 'a.b/c:1' });
    expect(problemsIn(list, list).join()).to.include('are in more than one file');
  });
});

describe('a pattern of TripleO', () => {
  const around = { place: 'reg.example/osp', prefix: 'openstack-', suffix: '' };
  const globs: readonly (readonly [pattern: string, globs: readonly string[] | string])[] = [
    ['nova', ['*nova*']],
    ['nova|heat-api', ['*nova*', '*heat-api*']],
    ['openstack-nova', ['nova*']],
    ['/openstack-nova-api:', ['nova-api']],
    ['nova-api:', ['*nova-api']],
    ['nova.*api', ['*nova*api*']],
    ['nova.+api', ['*nova?*api*']],
    ['nova.api', ['*nova?api*']],
    ['a\\.b\\-c', ['*a.b-c*']],
    ['osp', 'is found in reg.example/osp'],
    ['osp/openstack-nova', 'is about more than the name'],
    ['^nova', 'has ^, which'],
    ['nova-api$', 'has $, which'],
    ['nova-[ab]', 'has [, which'],
    ['nova\\d', 'has \\, which'],
    ['nova?', 'has ?, which'],
    ['nova|', 'has an empty alternative'],
    ['Nova', 'finds no image'],
  ];
  for (const [pattern, expected] of globs) {
    it(`${pattern}: ${String(expected)}`, () => {
      const read = globsOf(pattern, around);
      if (typeof expected === 'string') expect('wrong' in read ? read.wrong : '').to.include(expected);
      else expect(read).to.deep.equal(expected);
    });
  }

  it('with a slash or a colon names a whole name where there is no prefix and no suffix', () => {
    expect(globsOf('/nova-api:', { place: 'a.b/c', prefix: '', suffix: '' })).to.deep.equal(['nova-api']);
  });

  const matches: readonly (readonly [name: string, glob: string, isMatch: boolean])[] = [
    ['nova-api', '*', true],
    ['nova-api', 'nova-*', true],
    ['nova-api', '*api', true],
    ['nova-api', 'n*a*i', true],
    ['nova-api', 'nova-ap?', true],
    ['nova-api', 'nova-api?', false],
    ['nova-api', 'nova', false],
    ['nova-api', 'nova-api*', true],
    ['', '*', true],
    ['', '?', false],
    ['a'.repeat(5000), `${'*a'.repeat(2000)}b`, false],
  ];
  for (const [name, glob, expected] of matches) {
    it(`${glob.slice(0, 20)} and ${name.slice(0, 20)}: ${expected ? 'match' : 'no match'}`, () => {
      expect(isMatch(name, glob)).to.equal(expected);
    });
  }
});
