// kubectl undercloud import of files about images: what it prints, what it writes, in which order, and what it leaves alone.
import { expect } from 'chai';
import { loadAll } from 'js-yaml';
import { terminal } from '../../../src/kernel/errors.ts';
import { fixture, type Json, runIn } from './images-world.ts';

const prepare16 = 'containers-prepare-parameter-16.yaml';
const table12 = 'overcloud_images-12.yaml';
const files = {
  [prepare16]: fixture(prepare16),
  [table12]: fixture(table12),
  'stein.yaml': fixture('containers-prepare-parameter-stein.yaml'),
  '-': fixture(table12),
  'env.json': JSON.stringify([
    { name: 'a', pm_type: 'ipmi', pm_addr: '10.0.0.1', pm_user: 'root', pm_password: 'Zecret' },
  ]),
};
const world = { files };
const to = ['--destination', '192.0.2.1:8787'];

const documents = (text: string) => loadAll(text) as readonly (Json & { readonly metadata: Json })[];

describe('import of images', () => {
  it('prints manifests without a cluster, with a warning for the Secret', async () => {
    const { code, out, err } = await runIn(world, 'import', prepare16, ...to, '-o', 'yaml', '-n', 'osp');
    const [secret, set, ...more] = documents(out);
    expect({ code, more }).to.deep.equal({ code: 0, more: [] });
    expect([secret?.kind, secret?.metadata, secret?.type]).to.deep.equal([
      'Secret',
      { name: 'containers-prepare-parameter-16-registry', namespace: 'osp' },
      'kubernetes.io/dockerconfigjson',
    ]);
    expect([set?.kind, set?.metadata]).to.deep.equal([
      'ContainerImageSet',
      { name: 'containers-prepare-parameter-16', namespace: 'osp' },
    ]);
    const config = (secret?.data as Json)['.dockerconfigjson'];
    expect(JSON.parse(Buffer.from(String(config), 'base64').toString())).to.deep.equal({
      auths: {
        'registry.redhat.io': {
          username: 'operator',
          password: 'Zecret-1',
          auth: Buffer.from('operator:Zecret-1').toString('base64'),
        },
      },
    });
    expect(err).to.include('warning: the Secret below holds registry passwords').and.not.include('Zecret');
  });

  it('leaves the Secret out when asked, and the namespace where none is given', async () => {
    const { out } = await runIn(world, 'import', prepare16, ...to, '-o', 'yaml', '--no-secrets');
    expect(documents(out).map(({ kind, metadata }) => ({ kind, metadata }))).to.deep.equal([
      { kind: 'ContainerImageSet', metadata: { name: 'containers-prepare-parameter-16' } },
    ]);
  });

  it('writes the Secret and the sets, and run again changes nothing', async () => {
    const objects = new Map<string, Json>();
    const args = ['import', prepare16, ...to, '--name', 'osp16'];
    const first = await runIn({ files, objects }, ...args);
    expect(first.code).to.equal(0);
    expect([...objects.keys()]).to.deep.equal(['Secret osp16-registry', 'ContainerImageSet osp16']);
    expect(first.out)
      .to.match(/^osp16 .* \{version\}-\{release\} +5 +created$/m)
      .and.include('1 set: 1 created');
    const again = await runIn({ files, objects }, ...args);
    expect(again.out).to.include('1 set: 1 unchanged');
    expect(`${first.out}${first.err}`).not.to.include('Zecret');
  });

  it('says which fields an update moves, the login among them', async () => {
    const objects = new Map<string, Json>();
    await runIn({ files, objects }, 'import', prepare16, ...to, '--name', 'a');
    const text = files[prepare16].replace('Zecret-1', 'Zecret-2').replace('rhosp-rhel8', 'rhosp-rhel9');
    const { out } = await runIn(
      { files: { 'x.yaml': text }, objects },
      'import',
      'x.yaml',
      ...to,
      '--name',
      'a',
    );
    expect(out).to.include('updated (source.namespace, credentials)').and.include('1 set: 1 updated');
  });

  it('shows two sets, and in a dry run writes none', async () => {
    const objects = new Map<string, Json>();
    const { out } = await runIn({ files, objects }, 'import', 'stein.yaml', '--dry-run');
    expect(out.split('\n').map((line) => line.split(/ {3,}/))).to.deep.equal([
      ['NAME', 'SOURCE', 'DESTINATION', 'TAG', 'OVERRIDES', 'CHANGE'],
      ['stein', 'docker.io/tripleostein', '192.168.24.1:8787', 'current-tripleo', '4', 'would be created'],
      [
        ...['stein-ceph', 'quay.io/ceph', '192.168.24.1:8787', 'v4.0.4-stable-4.0-nautilus-centos-7-x86_64'],
        ...['1', 'would be created'],
      ],
      [''],
      ['2 sets: 2 would be created (dry run: nothing was written)'],
      [''],
    ]);
    expect(objects.size).to.equal(0);
  });

  it('writes nothing when one object is refused, and says what a conflict wants', async () => {
    const objects = new Map<string, Json>();
    const refused = new Map([
      ['ContainerImageSet stein-ceph', terminal('Conflict', 'apply stein-ceph: taken')],
    ]);
    const { code, err } = await runIn({ files, objects, refused }, 'import', 'stein.yaml');
    expect([code, objects.size]).to.deep.equal([1, 0]);
    expect(err)
      .to.include('kubectl undercloud: apply stein-ceph: taken; let the file say the same')
      .and.include('kubectl undercloud: nothing was written');
  });

  it('does not touch a set that is being deleted', async () => {
    const metadata = { name: 'stein', namespace: 'lab', deletionTimestamp: '2026-01-01T00:00:00Z' };
    const objects = new Map<string, Json>([['ContainerImageSet stein', { metadata, spec: {} }]]);
    const { code, err } = await runIn({ files, objects }, 'import', 'stein.yaml');
    expect(code).to.equal(1);
    expect(err).to.include('ContainerImageSet stein is being deleted: wait until it is gone');
  });

  const wrong: readonly (readonly [line: string, says: string])[] = [
    ['import -', '--name is missing, and standard input makes none'],
    ['import - --name A_B', '--name must have up to 58 small letters, digits and hyphens'],
    [`import - --name ${'a'.repeat(59)}`, '--name must have up to 58'],
    [`import ${table12} --destination https://a.b`, '--destination has a scheme'],
    [`import ${table12} --destination nowhere`, '--destination must begin with a registry'],
    ['import env.json --name a', '--name is for files about images only'],
    ['import env.json --destination a:1', '--destination is for files about images only'],
    [`import env.json ${table12}`, `takes one FILE, '${table12}' is too much`],
  ];
  for (const [line, says] of wrong) {
    it(`${line.slice(0, 60)}: ${says}`, async () => {
      const { code, err } = await runIn(world, ...line.split(' '));
      expect(code).to.equal(2);
      expect(err).to.include(says).and.include('See kubectl undercloud import --help');
    });
  }
});
