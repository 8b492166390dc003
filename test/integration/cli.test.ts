// kubectl undercloud at a real API server: who owns which field, what a dry run writes, and downloads from a real server.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { load } from 'js-yaml';
import { createTerminal } from '../../src/cli/outside/terminal.ts';
import { run } from '../../src/cli/run.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

type Json = Readonly<Record<string, unknown>>;

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const crds = path.resolve(import.meta.dirname, '../../crds');
const image = randomBytes(3 * 1024 * 1024);
const sum = `sha256:${createHash('sha256').update(image).digest('hex')}`;

const ctrl01 = {
  ...{ name: 'ctrl01', pm_type: 'ipmi', pm_addr: '10.0.0.1', pm_user: 'root', pm_password: 'Zecret-1' },
  ...{ ports: [{ address: '2c:c2:60:01:02:01' }], profile: 'control', capabilities: 'rack:a1' },
  root_device: { serial: 'S3Z1NX0K' },
};
const cmpt01 = {
  ...{ name: 'cmpt01', pm_type: 'redfish', pm_addr: '10.0.0.2', pm_user: 'root', pm_password: 'Zecret-2' },
  ...{ pm_system_id: '/redfish/v1/Systems/1', redfish_verify_ca: false, mac: ['2c:c2:60:01:02:02'] },
};

/** Serves `/image.raw`, after a redirect from `/moved.raw`, and `/short.raw`, which breaks off. */
async function startFiles(): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    const head = { 'content-length': image.length };
    if (request.url === '/moved.raw') response.writeHead(302, { location: '/image.raw' }).end();
    else if (request.url === '/image.raw') response.writeHead(200, head).end(image);
    else if (request.url === '/short.raw') {
      response.writeHead(200, head).write(image.subarray(0, 1000), () => response.destroy());
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('kubectl undercloud at a real API server', function () {
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
  const specOf = async (node: string): Promise<Json> => (await get(`bmn ${node}`)).spec as Json;
  /** What tells whether anybody wrote to it. */
  const versionOf = async (what: string): Promise<unknown> =>
    ((await get(what)).metadata as Json).resourceVersion;

  async function undercloud(...args: readonly string[]): Promise<Outcome> {
    let out = '';
    let err = '';
    const outside = {
      ...createTerminal(),
      out: (text: string) => void (out += text),
      err: (text: string) => void (err += text),
      progress: () => undefined,
    };
    const code = await run([...args, '--kubeconfig', controlPlane.kubeconfig, '-n', namespace], outside);
    return { code, out, err };
  }
  async function importing(nodes: readonly object[], ...flags: readonly string[]): Promise<Outcome> {
    const file = path.join(directory, 'instackenv.json');
    await writeFile(file, JSON.stringify({ nodes }));
    return undercloud('import', file, ...flags);
  }
  /** NAME and CHANGE of each line of the table, and the line below it. */
  const changesIn = ({ out }: Outcome): readonly string[] =>
    out
      .trimEnd()
      .split('\n')
      .slice(1)
      .filter((line) => line !== '')
      .map((line) => line.replace(/^(\S+) {3,}.* {3,}(\S.*)$/, '$1: $2'));

  before(async () => {
    controlPlane = await startControlPlane('test-cli');
    directory = await mkdtemp(path.join(tmpdir(), 'undercloud-cli-'));
    await kubectl('apply', '-k', crds);
    await kubectl('wait', '--for=condition=Established', 'crd', '-l', 'app.kubernetes.io/part-of=undercloud');
  });
  after(async () => {
    await controlPlane.stop();
    await rm(directory, { recursive: true });
  });
  beforeEach(async () => {
    count += 1;
    namespace = `lab${count}`;
    await kubectl('create', 'namespace', namespace);
  });

  describe('import', () => {
    it('makes nodes and Secrets, and run again changes nothing', async () => {
      const first = await importing([ctrl01, cmpt01]);
      expect(first.code).to.equal(0);
      expect(changesIn(first)).to.deep.equal(['ctrl01: created', 'cmpt01: created', '2 nodes: 2 created']);
      expect(`${first.out}${first.err}`).not.to.include('Zecret');
      expect(await specOf('cmpt01')).to.deep.include({
        bmc: {
          address: 'redfish://10.0.0.2/redfish/v1/Systems/1',
          credentialsName: 'cmpt01-bmc',
          tls: { insecureSkipVerify: true },
        },
        bootMACAddress: '2c:c2:60:01:02:02',
      });
      const { data } = await get('secret ctrl01-bmc');
      expect(data).to.deep.equal({
        username: Buffer.from('root').toString('base64'),
        password: Buffer.from('Zecret-1').toString('base64'),
      });
      const versions = [await versionOf('bmn ctrl01'), await versionOf('secret ctrl01-bmc')];
      expect(changesIn(await importing([ctrl01, cmpt01]))).to.include('2 nodes: 2 unchanged');
      expect([await versionOf('bmn ctrl01'), await versionOf('secret ctrl01-bmc')]).to.deep.equal(versions);
    });

    it('writes nothing in a dry run, and shows what would change', async () => {
      const outcome = await importing([ctrl01], '--dry-run');
      expect(changesIn(outcome)).to.deep.equal([
        'ctrl01: would be created',
        '1 node: 1 would be created (dry run: nothing was written)',
      ]);
      expect((await get('bmn,secret')).items).to.deep.equal([]);
    });

    it('updates what the file says otherwise, takes back what it no longer says, and leaves the rest', async () => {
      await importing([ctrl01]);
      const spec = { maintenance: true, capabilities: { shelf: '7' } };
      await kubectl(
        'patch',
        'bmn',
        'ctrl01',
        '-n',
        namespace,
        '--type=merge',
        '-p',
        JSON.stringify({ spec }),
      );
      const { capabilities: _, ...rest } = ctrl01;
      const outcome = await importing([{ ...rest, pm_addr: '10.0.0.9', pm_password: 'Zecret-9' }]);
      expect(changesIn(outcome)[0]).to.equal('ctrl01: updated (bmc.address, capabilities.rack, credentials)');
      const { bmc, ...after } = await specOf('ctrl01');
      expect(bmc).to.deep.equal({ address: 'ipmi://10.0.0.9', credentialsName: 'ctrl01-bmc' });
      expect(after).to.deep.include({ maintenance: true, capabilities: { shelf: '7' }, profile: 'control' });
    });

    it('finds a node by its MAC when its name is new, and keeps its name', async () => {
      await importing([ctrl01]);
      const outcome = await importing([{ ...ctrl01, name: 'renamed', profile: 'compute' }]);
      expect(changesIn(outcome)[0]).to.equal('ctrl01: updated (profile)');
      expect(outcome.err).to.include('BareMetalNode ctrl01 (found by its MAC) keeps its name');
      expect((await get('bmn')).items).to.have.length(1);
    });

    it('takes over what somebody else set only with --force, and otherwise writes no node at all', async () => {
      await importing([ctrl01]);
      const patch = JSON.stringify({ spec: { profile: 'ceph' } });
      await kubectl('patch', 'bmn', 'ctrl01', '-n', namespace, '--type=merge', '-p', patch);
      const { code, out, err } = await importing([ctrl01, cmpt01]);
      expect({ code, out }).to.deep.equal({ code: 1, out: '' });
      expect(err).to.match(
        /node 1 \(ctrl01\): .*conflict with "kubectl-patch".*\.spec\.profile; .*--force\n/,
      );
      expect(err).to.include('nothing was written');
      expect((await get('bmn')).items).to.have.length(1);
      expect(await specOf('ctrl01')).to.include({ profile: 'ceph' });
      expect(changesIn(await importing([ctrl01, cmpt01], '--force'))[0]).to.equal(
        'ctrl01: updated (profile)',
      );
      expect(await specOf('ctrl01')).to.include({ profile: 'control' });
    });

    it("tells the server's own refusals, each with its node", async () => {
      const { code, err } = await importing([
        { ...ctrl01, profile: 'not a profile' },
        { ...cmpt01, root_device: { name: 'sda' } },
      ]);
      expect(code).to.equal(1);
      expect(err).to.match(/: node 1 \(ctrl01\): .*spec\.profile/);
      expect(err).to.match(/: node 2 \(cmpt01\): .*spec\.rootDeviceHints\.deviceName/);
      expect((await get('bmn,secret')).items).to.deep.equal([]);
    });

    it('prints manifests that the server takes as they are', async () => {
      const { out } = await importing([ctrl01, cmpt01], '--output', 'yaml');
      const applied = await controlPlane.kubectl(['apply', '--dry-run=server', '-f', '-'], out);
      expect(applied.stderr).to.equal('');
      expect(applied.stdout.trim().split('\n')).to.have.length(4);
    });
  });

  describe('image', () => {
    let files: Server;
    let url: string;
    before(async () => {
      ({ server: files, url } = await startFiles());
    });
    after(() => new Promise((resolve) => files.close(resolve)));
    const stored = async (): Promise<unknown> => {
      const { data } = await get('configmap undercloud-images');
      return load((data as Readonly<Record<string, string>>)['images.yaml'] ?? '');
    };

    it('add downloads for the checksum, list asks for the size, remove forgets', async () => {
      const dry = await undercloud('image', 'add', 'debian', '--url', `${url}/image.raw`, '--dry-run');
      expect(dry.out).to.include('debian: would be added').and.include(sum);
      expect((await undercloud('image', 'list')).err).to.include('no images');
      await undercloud('image', 'add', 'debian', '--url', `${url}/moved.raw`);
      const other = ['image', 'add', 'other', '--url', `${url}/gone.raw`, '--checksum', sum, '--default'];
      expect((await undercloud(...other)).code).to.equal(0);
      expect(await stored()).to.deep.equal({
        default: 'other',
        images: {
          debian: { url: `${url}/moved.raw`, checksum: sum, format: 'Raw' },
          other: { url: `${url}/gone.raw`, checksum: sum, format: 'Raw' },
        },
      });
      const { out } = await undercloud('image', 'list');
      expect(out)
        .to.match(/\ndebian +Raw +3\.0 MiB +- /)
        .and.match(/\nother +Raw +- +yes /);
      expect((await undercloud('image', 'remove', 'debian')).out).to.equal('debian: removed\n');
      expect(await stored())
        .to.have.property('images')
        .that.has.all.keys('other');
    });

    it('add writes nothing when a download fails or breaks off', async () => {
      for (const [file, says] of [
        ['gone.raw', /answers 404 Not Found; check the URL/],
        ['short.raw', /cannot download .*short\.raw: /],
      ] as const) {
        const { code, err } = await undercloud('image', 'add', 'x', '--url', `${url}/${file}`);
        expect(code).to.equal(1);
        expect(err).to.match(says);
      }
      expect((await undercloud('image', 'list')).err).to.include('no images');
    });

    it("remove refuses what a Role's osImage is, until --force", async () => {
      await undercloud('image', 'add', 'debian', '--url', `${url}/image.raw`);
      const role = {
        ...{ apiVersion: 'undercloud.dev/v1alpha1', kind: 'Role', metadata: { name: 'control', namespace } },
        spec: { services: ['a'], osImage: { url: `${url}/image.raw`, checksum: sum } },
      };
      const applied = await controlPlane.kubectl(['apply', '-f', '-'], JSON.stringify(role));
      expect(applied.stderr).to.equal('');
      const refused = await undercloud('image', 'remove', 'debian');
      expect(refused.code).to.equal(1);
      expect(refused.err).to.include('it is the osImage of Role control: change that first, or use --force');
      expect((await undercloud('image', 'remove', 'debian', '--force')).code).to.equal(0);
    });

    it('add does not undo what somebody wrote meanwhile', async () => {
      await undercloud('image', 'add', 'first', '--url', `${url}/image.raw`);
      const outcomes = await Promise.all(
        ['a', 'b', 'c'].map((name) => undercloud('image', 'add', name, '--url', `${url}/image.raw`)),
      );
      const done = ['a', 'b', 'c'].filter((_, index) => outcomes[index]?.code === 0);
      expect(await stored())
        .to.have.property('images')
        .that.has.all.keys('first', ...done);
      for (const { code, err } of outcomes) {
        if (code !== 0) expect(err).to.include('the object has been modified');
      }
    });
  });
});
