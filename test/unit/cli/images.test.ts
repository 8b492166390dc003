// kubectl undercloud images: a set as TripleO's files, as a table, for programs, and what accepting does.
import { expect } from 'chai';
import { load } from 'js-yaml';
import type { ContainerImageSetSpec } from '../../../src/api/containerimageset.gen.ts';
import { readImages } from '../../../src/cli/import/images/read.ts';
import { locate } from '../../../src/images/resolve.ts';
import { fixture, type Json, runIn } from './images-world.ts';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

/** A set as the operator resolves it after an import of `files`, with the parameters that a catalog has for it. */
function resolvedFrom(parameters: string, ...files: readonly string[]): Json {
  const list = [parameters, ...files].map((file) => ({ file, text: fixture(file) }));
  const [set] = readImages(list, 'osp', undefined).sets;
  const { source, destination, ...rest } = set?.spec ?? { source: {} };
  const spec = {
    ...rest,
    source: { suffix: '', insecure: false, ...source },
    ...(destination === undefined ? {} : { destination: { insecure: false, ...destination } }),
  } as unknown as ContainerImageSetSpec;
  const table = (load(fixture(parameters)) as Json).parameter_defaults as Readonly<Record<string, unknown>>;
  const images = (spec.images ?? []).map((name) => {
    const { target, source: from, rule } = locate(spec, undefined, name);
    const tag = rule.kind === 'tag' ? rule.tag : '';
    const reference = `${target.repository}:${tag}`;
    return {
      ...{ name, repository: target.repository, tag, digest: digest('1'), reference },
      ...(destination === undefined ? {} : { source: `${from.repository}:${tag}` }),
      parameters: Object.keys(table).filter((parameter) => table[parameter] === reference),
    };
  });
  return setOf({ spec, status: { resolved: { generation: 1, tag: 'x', images } } });
}

const setOf = (members: Json): Json => ({
  metadata: { name: 'osp', namespace: 'lab', generation: 1 },
  spec: { source: { registry: 'a.b', insecure: false } },
  ...members,
});

const at = (...sets: readonly Json[]): Map<string, Json> =>
  new Map(sets.map((set) => [`ContainerImageSet ${String((set.metadata as Json).name)}`, set]));

const withoutComments = (text: string): string => text.replaceAll(/^#.*\n/gm, '').trimStart();

const nova = {
  ...{ name: 'nova-api', repository: '192.0.2.1:8787/osp/nova-api', tag: '1', digest: digest('a') },
  ...{ reference: '192.0.2.1:8787/osp/nova-api:1', source: 'a.b/osp/nova-api:1', size: 1_503_238_553 },
  state: 'Mirrored',
};
const haproxy = {
  ...{ name: 'haproxy', repository: '192.0.2.1:8787/osp/haproxy', tag: '2', digest: digest('b') },
  ...{ reference: '192.0.2.1:8787/osp/haproxy:2', source: 'a.b/osp/haproxy:2', state: 'Resolved' },
};
const spec = {
  source: { registry: 'a.b', insecure: true },
  destination: { registry: '192.0.2.1:8787', insecure: false },
};
const proposed = {
  id: '1f9c40b2',
  foundAt: '2026-01-01T00:00:00Z',
  images: [{ name: 'nova-api', from: '1', tag: '2', digest: digest('c') }],
  truncated: 3,
};
const full = setOf({
  spec,
  status: {
    tag: '1…2',
    images: '2/3',
    pushed: '1/3',
    conditions: [{ type: 'Ready', status: 'False', message: 'one image\nis missing' }],
    resolved: { generation: 1, tag: '1…2', images: [nova, haproxy] },
    unresolved: [
      { name: 'cron', state: 'Failed', reference: 'a.b/osp/cron:1', message: 'it is\u001b[31m not there' },
    ],
    proposed,
    progress: { images: '1/3', bytes: 1024, totalBytes: 4096, bytesPerSecond: 512, secondsLeft: 6 },
  },
});

describe('images SET', () => {
  it('prints the table of seed 001 back, after both files of it were imported', async () => {
    const table = 'overcloud_images-13.yaml';
    const objects = at(resolvedFrom(table, 'local_registry_images-13.yaml'));
    const { code, out, err } = await runIn({ objects }, 'images', 'osp');
    expect([code, err]).to.deep.equal([0, '']);
    expect(withoutComments(out)).to.equal(withoutComments(fixture(table)));
    const pushed = await runIn({ objects }, 'images', 'osp', '-o', 'push');
    const uploads = (text: string) =>
      (load(text) as { readonly container_images: object[] }).container_images;
    expect(uploads(pushed.out)).to.have.deep.members(uploads(fixture('local_registry_images-13.yaml')));
  });

  it('prints the table of seed 000 back, Ceph and all', async () => {
    const table = 'overcloud_images-12.yaml';
    const { out } = await runIn({ objects: at(resolvedFrom(table)) }, 'images', 'osp');
    expect(withoutComments(out)).to.equal(withoutComments(fixture(table)));
    const renamed = await runIn(
      { objects: at(resolvedFrom(table)) },
      'images',
      'osp',
      '--prefix',
      'Container',
    );
    const parametersIn = (text: string) =>
      (load(text) as { readonly parameter_defaults: Json }).parameter_defaults;
    const expected = Object.entries(parametersIn(fixture(table))).map(([parameter, image]) => [
      parameter.replace(/^Docker(?!Insecure)/, 'Container'),
      image,
    ]);
    expect(parametersIn(renamed.out)).to.deep.equal(Object.fromEntries(expected));
  });

  it('makes parameters of names where the catalog has none, and says so', async () => {
    const { out, err } = await runIn({ objects: at(full) }, 'images', 'osp');
    expect(load(out)).to.deep.equal({
      parameter_defaults: {
        ContainerHAProxyImage: '192.0.2.1:8787/osp/haproxy:2',
        ContainerNovaApiImage: '192.0.2.1:8787/osp/nova-api:1',
      },
    });
    expect(err).to.include('note: parameters made of names').and.include('nova-api, haproxy');
  });

  it('-o wide shows every image, what is not ready and why, and how to accept what is proposed', async () => {
    const { out } = await runIn({ objects: at(full) }, 'images', 'osp', '-o', 'wide');
    expect(out.split('\n').map((line) => line.split(/ {3,}/))).to.deep.equal([
      ['NAME', 'TAG', 'DIGEST', 'SIZE', 'STATE', 'SOURCE', 'DESTINATION'],
      ['nova-api', '1', 'sha256:aaaaaaaaaaaa', '1.4 GiB', 'Mirrored', nova.source, nova.reference],
      ['haproxy', '2', 'sha256:bbbbbbbbbbbb', '-', 'Resolved', haproxy.source, haproxy.reference],
      [''],
      ['not ready:'],
      ['NAME', 'STATE', 'REFERENCE', 'WHY'],
      ['cron', 'Failed', 'a.b/osp/cron:1', 'it is [31m not there'],
      [''],
      ['proposed 1f9c40b2, found 2026-01-01T00:00:00Z:'],
      ['NAME', 'FROM', 'TO', 'DIGEST'],
      ['nova-api', '1', '2', 'sha256:cccccccccccc'],
      ['and 3 more'],
      ['to accept it: kubectl annotate --overwrite -n lab cis osp undercloud.dev/accept=1f9c40b2'],
      [''],
    ]);
  });

  it('-o json and -o yaml are for programs', async () => {
    const json = await runIn({ objects: at(full) }, 'images', 'osp', '-o', 'json');
    const yaml = await runIn({ objects: at(full) }, 'images', 'osp', '-o', 'yaml');
    expect(JSON.parse(json.out))
      .to.deep.equal(load(yaml.out))
      .and.to.deep.include({
        name: 'osp',
        tag: '1…2',
        images: [nova, haproxy],
        proposed,
      });
  });

  it('-o push warns of what is called otherwise at the destination', async () => {
    const moved = { ...nova, reference: '192.0.2.1:8787/other/nova:1' };
    const set = setOf({ spec, status: { resolved: { generation: 1, tag: '1', images: [moved, haproxy] } } });
    const { out, err } = await runIn({ objects: at(set) }, 'images', 'osp', '-o', 'push');
    expect(load(out)).to.deep.equal({
      container_images: [
        { imagename: nova.source },
        { imagename: haproxy.source, push_destination: '192.0.2.1:8787' },
      ],
    });
    expect(err).to.include('warning: without push_destination').and.include(': nova-api');
  });

  it('says when the images are from before a change', async () => {
    const metadata = { name: 'osp', namespace: 'lab', generation: 2 };
    const { code, err } = await runIn({ objects: at({ ...full, metadata }) }, 'images', 'osp', '-o', 'push');
    expect(code).to.equal(0);
    expect(err).to.include('note: osp was changed since');
  });

  it('ends with 1 for a set that is not there, or not resolved', async () => {
    const missing = await runIn({ objects: at(full) }, 'images', 'ops');
    expect([missing.code, missing.err]).to.deep.equal([
      1,
      'kubectl undercloud: there is no ContainerImageSet lab/ops: there is osp\n',
    ]);
    const fresh = await runIn({ objects: at(setOf({})) }, 'images', 'osp');
    expect(fresh.err).to.include('has nothing that hosts may pull yet: the operator has not looked at it');
    const { resolved: _, ...status } = full.status as Json;
    const objects = at({ ...full, status });
    const searching = await runIn({ objects }, 'images', 'osp', '-o', 'wide');
    expect([fresh.code, searching.code]).to.deep.equal([1, 1]);
    expect(searching.out).to.match(/^not ready:\nNAME .*\ncron /);
    expect(searching.err).to.include('has nothing that hosts may pull yet: one image is missing; look with');
  });
});

describe('images without SET', () => {
  it('shows all of them', async () => {
    const over = { images: '36/36', bytes: 2048, totalBytes: 2048 };
    const done = { ...setOf({ status: { progress: over } }), metadata: { name: 'done', namespace: 'lab' } };
    const { code, out } = await runIn({ objects: at(full, done) }, 'images');
    expect(code).to.equal(0);
    expect(out.split('\n').map((line) => line.split(/ {3,}/))).to.deep.equal([
      ['NAME', 'TAG', 'IMAGES', 'PUSHED', 'PROGRESS', 'PROPOSED', 'READY'],
      ['osp', '1…2', '2/3', '1/3', '1/3, 1.0 KiB of 4.0 KiB, 512 B/s, 6 s left', '1f9c40b2', 'False'],
      ['done', '-', '-', '-', '36/36, 2.0 KiB sent', '-', '-'],
      [''],
    ]);
    const json = await runIn({ objects: at(full, done) }, 'images', '-o', 'json');
    expect((JSON.parse(json.out) as readonly Json[]).map(({ name }) => name)).to.deep.equal(['osp', 'done']);
  });

  it('says so when there are none', async () => {
    const { code, err } = await runIn({}, 'images');
    expect([code, err]).to.deep.equal([
      0,
      'no image sets in namespace lab: see kubectl undercloud import --help\n',
    ]);
  });
});

describe('images SET --accept', () => {
  const acceptedIn = (objects: Map<string, Json>): unknown =>
    (objects.get('ContainerImageSet osp')?.metadata as Json).annotations;

  for (const flags of [['--accept', '1f9c40b2'], ['--accept=1f9c40b2']]) {
    it(`${flags.join(' ')} shows what changes, and annotates the set`, async () => {
      const objects = at(full);
      const { code, out } = await runIn({ objects }, 'images', 'osp', ...flags);
      expect(code).to.equal(0);
      expect(out)
        .to.match(/^proposed 1f9c40b2/)
        .and.include('osp: accepted 1f9c40b2');
      expect(acceptedIn(objects)).to.deep.equal({ 'undercloud.dev/accept': '1f9c40b2' });
      expect(objects.get('ContainerImageSet osp')).to.deep.include({ spec, status: full.status });
    });
  }

  it('asks at a terminal where no id is given', async () => {
    const objects = at(full);
    const no = await runIn({ objects, answer: 'n' }, 'images', 'osp', '--accept');
    expect([no.code, acceptedIn(objects)]).to.deep.equal([1, undefined]);
    expect(no.err).to.include('1f9c40b2 is not accepted: nothing was written');
    const yes = await runIn({ objects, answer: 'y' }, 'images', 'osp', '--accept');
    expect(yes.code).to.equal(0);
    expect(acceptedIn(objects)).to.deep.equal({ 'undercloud.dev/accept': '1f9c40b2' });
  });

  const refused: readonly (readonly [flags: readonly string[], set: Json, says: string])[] = [
    [
      ['--accept'],
      full,
      'nobody is there to ask: name it, as kubectl undercloud images osp --accept 1f9c40b2',
    ],
    [['--accept', 'older'], full, 'does not propose older, it proposes 1f9c40b2 by now'],
    [['--accept', 'any'], setOf({}), 'ContainerImageSet lab/osp proposes nothing'],
  ];
  for (const [flags, set, says] of refused) {
    it(`${flags.join(' ')} is refused: ${says}`, async () => {
      const objects = at(set);
      const { code, err } = await runIn({ objects }, 'images', 'osp', ...flags);
      expect([code, acceptedIn(objects)]).to.deep.equal([1, undefined]);
      expect(err).to.include(says);
    });
  }

  it('--dry-run writes nothing', async () => {
    const objects = at(full);
    const { out } = await runIn({ objects }, 'images', 'osp', '--accept', '--dry-run');
    expect(out).to.include('osp: would accept 1f9c40b2');
    expect(acceptedIn(objects)).to.equal(undefined);
  });
});

describe('the command line of images', () => {
  const wrong: readonly (readonly [line: string, says: string])[] = [
    ['images a b', "takes one SET, 'b' is too much"],
    ['images a --accept b c', "takes one SET, 'c' is too much"],
    ['images a -o toml', "--output is 'toml', must be one of env, push, wide"],
    ['images a --prefix docker', "--prefix is 'docker', must be one of Docker, Container"],
    ['images a -o push --prefix Docker', '--prefix is for --output env only'],
    ['images a --dry-run', '--dry-run is for --accept only'],
    ['images a --accept -o wide', '--accept and --output do not go together'],
    ['images --accept', 'SET is missing: --accept is about one'],
    ['images --prefix Docker', 'SET is missing: --prefix is about one'],
    ['images -o push', 'SET is missing: -o push is about one'],
    ['images --frob', "Unknown option '--frob'"],
  ];
  for (const [line, says] of wrong) {
    it(`${line}: ${says}`, async () => {
      const { code, out, err } = await runIn({}, ...line.split(' '));
      expect([code, out]).to.deep.equal([2, '']);
      expect(err).to.include(says).and.include('See kubectl undercloud images --help');
    });
  }

  it('explains itself with examples', async () => {
    const { code, out } = await runIn({}, 'images', '--help');
    expect(code).to.equal(0);
    expect(out)
      .to.match(/^usage: kubectl undercloud images/)
      .and.match(/\nexamples:\n/);
    expect(Math.max(...out.split('\n').map((line) => line.length))).to.be.at.most(130);
  });
});
