// What a role should be: what goes into its revision, what is said when something is missing, and which hosts get which.
import { expect } from 'chai';
import type { ContainerImageSet } from '../../../src/api/containerimageset.gen.ts';
import type { OvercloudSpec } from '../../../src/api/overcloud.gen.ts';
import type { RevisionPayload } from '../../../src/api/revision.ts';
import type { ConfigMap } from '../../../src/kube/objects.ts';
import type { Member } from '../../../src/overcloud/allocation.ts';
import { composeRevision, secretNamesOf, type RevisionSources } from '../../../src/overcloud/revision.ts';
import { prunable, type Revision } from '../../../src/overcloud/revision-store.ts';
import { chooseTargets } from '../../../src/overcloud/targets.ts';
import {
  byName,
  container,
  digest,
  imageSet,
  job,
  meta,
  overcloud,
  role,
  service,
} from './support/objects.ts';

const keystone = service('keystone', {
  configFiles: [
    {
      path: 'etc/keystone.conf',
      from: { configMap: 'keystone', key: 'conf' },
      owner: 'root',
      mode: '0640',
      onChange: { action: 'Restart' },
    },
    {
      path: 'etc/keys',
      from: { secret: 'keys', key: 'fernet' },
      owner: 'root',
      mode: '0640',
      onChange: { action: 'Restart' },
    },
    {
      path: 'etc/motd',
      from: { inline: 'hello' },
      owner: 'root',
      mode: '0640',
      onChange: { action: 'None' },
    },
  ],
  containers: [
    container('keystone', { environmentFrom: [{ secret: 'passwords', keys: { ADMIN: 'admin' } }] }),
  ],
  jobs: [job('bootstrap', { image: 'keystone-tools' })],
});
const configMap = (name: string, data: Readonly<Record<string, string>>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: meta(name),
  data,
});
const maps = byName(
  configMap('keystone', { conf: 'debug = {{ values.debug }}', other: 'x' }),
  configMap('values', { debug: 'true' }),
);

const sources = (
  more: Partial<RevisionSources> & { readonly spec?: Partial<OvercloudSpec> } = {},
): RevisionSources => {
  const { spec, ...rest } = more;
  return {
    overcloud: overcloud({ values: [{ configMap: 'values' }, { secret: 'more' }], ...spec }),
    roles: byName(role('controller')),
    services: byName(keystone),
    imageSets: byName(imageSet('pike', '12.0-1', ['keystone', 'keystone-tools', 'unused'])),
    configMap: (name) => maps.get(name),
    secrets: new Map([
      ['keys', { fernet: 'hmac-1', other: 'hmac-2' }],
      ['passwords', { admin: 'hmac-3' }],
      ['more', { rabbit: 'hmac-4' }],
    ]),
    ...rest,
  };
};

const composed = (from: RevisionSources): RevisionPayload => {
  const result = composeRevision(from, 'controller', []);
  if ('services' in result) return result;
  throw new Error(result.map(({ message }) => message).join('\n'));
};

describe('a revision', () => {
  it('holds what the services use, and nothing else', () => {
    const { services, ...rest } = composed(sources());
    expect(services.map(({ name }) => name)).to.deep.equal(['keystone']);
    expect(rest).to.deep.equal({
      overcloud: 'lab',
      role: 'controller',
      engine: 'Podman',
      images: {
        keystone: { repository: 'registry:5000/keystone', tag: '12.0-1', digest: digest('keystone:12.0-1') },
        'keystone-tools': {
          repository: 'registry:5000/keystone-tools',
          tag: '12.0-1',
          digest: digest('keystone-tools:12.0-1'),
        },
      },
      imagesTag: '12.0-1',
      registries: [{ host: 'registry:5000', insecure: true }],
      templates: { 'keystone/conf': 'debug = {{ values.debug }}' },
      secrets: { 'keys/fernet': 'hmac-1', 'passwords/admin': 'hmac-3', 'more/rabbit': 'hmac-4' },
      values: { debug: 'true' },
    });
  });

  it('names the Secrets that have to be read for it', () => {
    expect(secretNamesOf(sources())).to.deep.equal(['keys', 'more', 'passwords']);
  });

  it('takes a single image from another set where the role says so', () => {
    const imageSets = byName(
      imageSet('pike', '1', ['keystone', 'keystone-tools']),
      imageSet('next', '2', ['keystone']),
    );
    const result = composeRevision(sources({ imageSets }), 'controller', [
      { name: 'keystone', imageSetName: 'next' },
    ]);
    expect(
      'services' in result && Object.entries(result.images).map(([name, { tag }]) => [name, tag]),
    ).to.deep.equal([
      ['keystone', '2'],
      ['keystone-tools', '1'],
    ]);
    expect('services' in result && result.imagesTag).to.equal('1');
  });

  it('cuts no revision for the tag of an image that the role does not run', () => {
    const withTags = (glance: string): ContainerImageSet => {
      const set = imageSet('pike', '', ['keystone', 'keystone-tools', 'glance']);
      const { tag: _tag, ...spec } = set.spec;
      const tags: Readonly<Record<string, string>> = {
        keystone: '13.0-9',
        'keystone-tools': '13.0-38',
        glance,
      };
      const { resolved } = set.status ?? {};
      if (resolved === undefined) throw new Error('not resolved');
      const images = resolved.images.map((image) => ({ ...image, tag: tags[image.name] ?? '' }));
      return {
        ...set,
        spec: { ...spec, tagPattern: '13.0-*' },
        status: { observedGeneration: 1, resolved: { ...resolved, tag: `13.0-9…${glance}`, images } },
      };
    };
    const revisionWith = (glance: string) =>
      composeRevision(sources({ imageSets: byName(withTags(glance)) }), 'controller', []);
    expect(revisionWith('13.0-44')).to.deep.equal(revisionWith('13.0-99'));
    const revision = revisionWith('13.0-44');
    expect('services' in revision && revision.imagesTag).to.equal('13.0-9…13.0-38');
  });

  const unresolved = (more: Partial<ContainerImageSet>): RevisionSources =>
    sources({ imageSets: byName({ ...imageSet('pike', '1', ['keystone', 'keystone-tools']), ...more }) });
  const condition = (type: string, status: 'True' | 'False', message: string) => ({
    type,
    status,
    reason: 'ImageNotFound',
    message,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  const broken: readonly {
    readonly name: string;
    readonly from: RevisionSources;
    readonly message: string;
    readonly mendsItself?: boolean;
  }[] = [
    {
      name: 'a role that does not exist',
      from: sources({ roles: new Map() }),
      message:
        'role controller does not exist: create the Role (ocrole), or correct spec.roles of the overcloud',
    },
    {
      name: 'a service that does not exist',
      from: sources({ roles: byName(role('controller', { services: ['keystone', 'keystonee'] })) }),
      message:
        'role controller lists service keystonee, which does not exist: create the OvercloudService (ocsvc), or correct Role controller',
    },
    {
      name: 'a ConfigMap that does not exist',
      from: sources({ configMap: (name) => (name === 'keystone' ? undefined : maps.get(name)) }),
      message:
        'ConfigMap keystone, which service keystone uses, does not exist: create it, or correct the name',
    },
    {
      name: 'a key that a ConfigMap does not have',
      from: sources({ configMap: (name) => (name === 'keystone' ? configMap(name, {}) : maps.get(name)) }),
      message: 'ConfigMap keystone has no key conf, which service keystone uses: add it, or correct the key',
    },
    {
      name: 'a Secret that does not exist',
      from: sources({ secrets: new Map([...sources().secrets].filter(([name]) => name !== 'keys')) }),
      message: 'Secret keys, which service keystone uses, does not exist: create it, or correct the name',
    },
    {
      name: 'a key that a Secret does not have',
      from: sources({ secrets: new Map([...sources().secrets, ['keys', {}]]) }),
      message: 'Secret keys has no key fernet, which service keystone uses: add it, or correct the key',
    },
    {
      name: 'a Secret with values that does not exist',
      from: sources({ secrets: new Map([...sources().secrets].filter(([name]) => name !== 'more')) }),
      message: 'Secret more, which spec.values uses, does not exist: create it, or correct the name',
    },
    {
      name: 'an image set that does not exist',
      from: sources({ imageSets: new Map() }),
      message: 'image set pike does not exist: create it, or correct the name in the overcloud',
    },
    {
      name: 'an image set that was changed and is not resolved since',
      from: unresolved({ metadata: meta('pike', { generation: 2 }) }),
      message: 'image set pike is not resolved yet',
      mendsItself: true,
    },
    {
      name: 'an image set that cannot be resolved, in its own words',
      from: unresolved({
        metadata: meta('pike', { generation: 2 }),
        status: {
          observedGeneration: 2,
          conditions: [
            condition('Ready', 'False', 'no such image'),
            condition('Stalled', 'True', 'no such image'),
          ],
        },
      }),
      message: 'no such image',
    },
    {
      name: 'an image that the set has not come to yet',
      from: sources({ imageSets: byName(imageSet('pike', '1', ['keystone'])) }),
      message: 'image set pike has not resolved keystone-tools yet',
      mendsItself: true,
    },
  ];
  for (const { name, from, message, mendsItself = false } of broken) {
    it(`is not made with ${name}, and says so`, () => {
      const result = composeRevision(from, 'controller', []);
      expect(
        'services' in result ? [] : result.map((problem) => [problem.message, problem.needsPerson]),
      ).to.deep.equal([[message, !mendsItself]]);
    });
  }
});

const member = (name: string, more: Partial<Member> = {}): Member => ({
  name,
  role: 'controller',
  index: 0,
  nodeName: name,
  entry: undefined,
  host: undefined,
  ...more,
});
const revision = (name: string, number: number, of = 'controller'): Revision => ({
  name,
  role: of,
  number,
  payload: undefined,
});

describe('which revision a host should be on', () => {
  it('the one that its role comes to, cut once and numbered after all others of the cloud', () => {
    const { byMember, newest, cut } = chooseTargets(
      sources(),
      [member('a'), member('b')],
      [revision('old', 6, 'compute')],
    );
    const name = newest.get('controller') ?? '';
    expect(name).to.match(/^lab-controller-[0-9a-f]{10}$/);
    expect([...byMember]).to.deep.equal([
      ['a', name],
      ['b', name],
    ]);
    expect(cut.map((each) => [each.name, each.number])).to.deep.equal([[name, 7]]);
  });

  it('one that is there already is not cut again', () => {
    const [first] = chooseTargets(sources(), [member('a')], []).cut;
    expect(chooseTargets(sources(), [member('a')], [revision(first?.name ?? '', 1)]).cut).to.deep.equal([]);
  });

  it('the one that it or its role is pinned to, and that is said', () => {
    const spec = { roles: [{ role: 'controller', count: 2, revision: 'older' }] };
    const entry = { name: 'b', hold: false, paused: false, revision: 'oldest' };
    const members = [member('a'), member('b', { entry })];
    const targets = chooseTargets(sources({ spec }), members, [revision('older', 2), revision('oldest', 1)]);
    expect([...targets.byMember]).to.deep.equal([
      ['a', 'older'],
      ['b', 'oldest'],
    ]);
    expect(targets.pins).to.deep.equal([
      'role controller is pinned to revision older',
      'host b is pinned to revision oldest',
    ]);
  });

  it('that of its role, when its own pin is empty', () => {
    const spec = { roles: [{ role: 'controller', count: 1, revision: 'older' }] };
    const entry = { name: 'a', hold: false, paused: false, revision: '' };
    const targets = chooseTargets(sources({ spec }), [member('a', { entry })], [revision('older', 2)]);
    expect([...targets.byMember]).to.deep.equal([['a', 'older']]);
    expect(targets.pins).to.deep.equal(['role controller is pinned to revision older']);
  });

  it('none, when it is pinned to one that does not exist', () => {
    const spec = { roles: [{ role: 'controller', count: 2, revision: 'nonsense' }] };
    const targets = chooseTargets(sources({ spec }), [member('a')], [revision('older', 2)]);
    expect(targets.byMember.get('a')).to.equal('');
    expect(targets.problems.map(({ reason }) => reason)).to.deep.equal(['RevisionNotFound']);
  });

  it('one of its own, when it takes an image from another set', () => {
    const imageSets = byName(
      imageSet('pike', '1', ['keystone', 'keystone-tools']),
      imageSet('next', '2', ['keystone']),
    );
    const entry = {
      name: 'b',
      hold: false,
      paused: false,
      images: [{ name: 'keystone', imageSetName: 'next' }],
    };
    const { byMember, newest, cut } = chooseTargets(
      sources({ imageSets }),
      [member('a'), member('b', { entry })],
      [],
    );
    expect(byMember.get('a')).to.equal(newest.get('controller'));
    expect(byMember.get('b')).to.not.equal(newest.get('controller'));
    expect(cut.map(({ number }) => number)).to.deep.equal([1, 2]);
  });

  it('none that would be too large, and the largest template is named', () => {
    const noise = Array.from(
      { length: 60_000 },
      (_, index) => digest(String(index * 7919)) + String(Math.sin(index)),
    ).join('');
    const big = (name: string) => (name === 'keystone' ? configMap(name, { conf: noise }) : maps.get(name));
    const { byMember, problems } = chooseTargets(sources({ configMap: big }), [member('a')], []);
    expect(byMember.get('a')).to.equal('');
    expect(problems[0]?.reason).to.equal('RevisionTooLarge');
    expect(problems[0]?.message).to.contain('keystone/conf');
  });

  it('the same revision whatever order things are listed in', () => {
    const reversed = sources({ secrets: new Map([...sources().secrets].reverse()) });
    expect(chooseTargets(reversed, [], []).newest).to.deep.equal(chooseTargets(sources(), [], []).newest);
  });
});

describe('old revisions', () => {
  it('are kept, ten of each role, and those that somebody names', () => {
    const all = Array.from({ length: 13 }, (_, index) => revision(`r${String(index)}`, index));
    expect(prunable(all, new Set(['r1'])).map(({ name }) => name)).to.deep.equal(['r2', 'r0']);
    expect(prunable([...all.slice(0, 10), revision('c', 99, 'compute')], new Set())).to.deep.equal([]);
  });
});
