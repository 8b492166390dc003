// kubectl undercloud import and images at a real API server: what its schema takes, who owns which field, what accepting leaves alone.
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { createTerminal } from '../../../src/cli/outside/terminal.ts';
import { run } from '../../../src/cli/run.ts';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';

type Json = Readonly<Record<string, unknown>>;

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const crds = path.resolve(import.meta.dirname, '../../../crds');
const fixtures = path.resolve(import.meta.dirname, '../../fixtures/images/tripleo');
const prepare16 = 'containers-prepare-parameter-16.yaml';
const table13 = ['overcloud_images-13.yaml', 'local_registry_images-13.yaml'] as const;
const to = ['--destination', '192.0.2.1:8787'];

describe('image sets from the command line at a real API server', function () {
  // The first control plane on a machine is built from source.
  this.timeout(30 * 60_000);
  let controlPlane: ControlPlane;
  let directory: string;
  let namespace = '';
  let count = 0;

  async function kubectl(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await controlPlane.kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
  const get = async (what: string): Promise<Json> =>
    JSON.parse(await kubectl('get', ...what.split(' '), '-n', namespace, '-o', 'json')) as Json;
  const patch = (set: string, value: Json, ...flags: readonly string[]): Promise<string> =>
    kubectl('patch', 'cis', set, '-n', namespace, '--type=merge', '-p', JSON.stringify(value), ...flags);

  async function undercloud(...args: readonly string[]): Promise<Outcome> {
    let out = '';
    let err = '';
    const outside = {
      ...createTerminal(),
      out: (text: string) => void (out += text),
      err: (text: string) => void (err += text),
      progress: () => undefined,
      ask: () => Promise.resolve(undefined),
    };
    const code = await run([...args, '--kubeconfig', controlPlane.kubeconfig, '-n', namespace], outside);
    return { code, out, err };
  }
  const importing = (names: readonly string[], ...flags: readonly string[]): Promise<Outcome> =>
    undercloud('import', ...names.map((name) => path.join(directory, name)), ...flags);

  before(async () => {
    controlPlane = await startControlPlane('test-images-cli');
    await kubectl('apply', '-k', crds);
    await kubectl('wait', '--for=condition=Established', 'crd', '-l', 'app.kubernetes.io/part-of=undercloud');
  });
  after(async () => {
    await controlPlane.stop();
  });
  beforeEach(async () => {
    count += 1;
    namespace = `lab${count}`;
    directory = await mkdtemp(path.join(tmpdir(), 'undercloud-images-cli-'));
    for (const name of [prepare16, 'containers-prepare-parameter-stein.yaml', ...table13]) {
      await copyFile(path.join(fixtures, name), path.join(directory, name));
    }
    await kubectl('create', 'namespace', namespace);
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  const imports: readonly (readonly [what: string, files: readonly string[], flags: readonly string[]])[] = [
    ['a prepare file with a login', [prepare16], [...to, '--name', 'osp']],
    ['a prepare file of which two sets come', ['containers-prepare-parameter-stein.yaml'], ['--name', 'osp']],
    ['a table and its uploads', table13, ['--name', 'osp']],
  ];
  for (const [what, files, flags] of imports) {
    it(`takes ${what}, and run again changes nothing`, async () => {
      const first = await importing(files, ...flags);
      expect(first.code, first.err).to.equal(0);
      const before = await get('cis,secret');
      const again = await importing(files, ...flags);
      expect(again.out).to.match(/sets?: \d unchanged\n$/);
      expect((await get('cis,secret')).items).to.deep.equal(before.items);
    });
  }

  it('makes a Secret that kubelets and we can read', async () => {
    await importing([prepare16], ...to, '--name', 'osp');
    const { type, data } = (await get('secret osp-registry')) as {
      readonly type: string;
      readonly data: Json;
    };
    expect(type).to.equal('kubernetes.io/dockerconfigjson');
    const config = JSON.parse(Buffer.from(String(data['.dockerconfigjson']), 'base64').toString()) as Json;
    expect(config.auths).to.have.all.keys('registry.redhat.io');
  });

  it('moves from a tag to labels, and leaves what people set', async () => {
    const text = await readFile(path.join(fixtures, prepare16), 'utf8');
    const tagged = text
      .replace(/^ {4}tag_from_label.*\n/m, '')
      .replace('name_suffix', "tag: '16.2'\n      name_suffix");
    await writeFile(path.join(directory, 'tagged.yaml'), tagged);
    expect((await importing(['tagged.yaml'], ...to, '--name', 'osp')).code).to.equal(0);
    await patch('osp', { spec: { catalogName: 'mine', destination: { caName: 'ours' } } });
    const { code, out, err } = await importing([prepare16], ...to, '--name', 'osp');
    expect(code, err).to.equal(0);
    expect(out).to.include('updated (').and.include('tagFromLabel');
    const { spec } = (await get('cis osp')) as { readonly spec: Json };
    expect(spec).to.deep.include({
      catalogName: 'mine',
      destination: { registry: '192.0.2.1:8787', insecure: false, caName: 'ours' },
      tagFromLabel: { format: '{version}-{release}', inspectTag: 'latest' },
    });
    expect(spec).not.to.have.property('tag');
  });

  it('takes over what somebody else set only with --force', async () => {
    await importing(table13, '--name', 'osp');
    await patch('osp', { spec: { tag: '13.0-99' } });
    const { code, err } = await importing(table13, '--name', 'osp');
    expect(code).to.equal(1);
    expect(err).to.match(/conflict with "kubectl-patch".*\.spec\.tag; .*--force\n/);
    expect((await importing(table13, '--name', 'osp', '--force')).out).to.include('updated (tag)');
  });

  it('accepts a proposal, and leaves spec, status and other annotations as they are', async () => {
    await importing(table13, '--name', 'osp');
    await kubectl('annotate', 'cis', 'osp', '-n', namespace, 'a=b', 'undercloud.dev/accept=older');
    const digest = `sha256:${'a'.repeat(64)}`;
    const image = { name: 'nova-api', tag: '13.0-43', digest, from: '13.0-42' };
    const proposed = { id: '1f9c40b2', foundAt: '2026-01-01T00:00:00Z', images: [image] };
    await patch('osp', { status: { observedGeneration: 1, proposed } }, '--subresource=status');
    const before = await get('cis osp');
    const { code, out, err } = await undercloud('images', 'osp', '--accept', '1f9c40b2');
    expect(code, err).to.equal(0);
    expect(out).to.include('osp: accepted 1f9c40b2');
    const { metadata, ...after } = await get('cis osp');
    expect((metadata as Json).annotations).to.deep.equal({ a: 'b', 'undercloud.dev/accept': '1f9c40b2' });
    expect([after.spec, after.status]).to.deep.equal([before.spec, before.status]);
  });
});
