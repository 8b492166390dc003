// The boot media server as a process of its own, with clients that we did not write: curl, and isoinfo on what it downloaded.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { argumentRegion, encodeArguments } from '../../src/api/media.ts';
import { mediaUrl } from '../../src/baremetal/boot/media-url.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const region = `${argumentRegion.marker}set undercloud_args="quiet"\n`.padEnd(argumentRegion.length, '#');

/** Its first line says where it listens. */
async function startServer(directory: string): Promise<{ child: ChildProcess; port: number; log: string[] }> {
  const flags = ['--directory', directory, '--listen', '127.0.0.1:0'];
  const child = spawn(process.execPath, ['src/media/main.ts', ...flags], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const log: string[] = [];
  child.stdout.on('data', (bytes: Buffer) => log.push(...bytes.toString().trim().split('\n')));
  while (log.length === 0) await once(child.stdout, 'data');
  const { port } = JSON.parse(log[0] ?? '{}') as { readonly port: number };
  return { child, port, log };
}

describe('the boot media server', function () {
  this.timeout(60_000);
  const image = randomBytes(3_000_001);
  let directory = '';
  let server: Awaited<ReturnType<typeof startServer>>;
  let base = '';

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'media-'));
    const served = path.join(directory, 'served');
    const tree = path.join(directory, 'tree');
    await mkdir(path.join(tree, 'boot'), { recursive: true });
    await mkdir(path.join(served, 'sub'), { recursive: true });
    await writeFile(path.join(directory, 'secret'), 'secret');
    await writeFile(path.join(served, 'sub', 'inner'), 'inner');
    await writeFile(path.join(served, '.hidden'), 'hidden');
    await writeFile(path.join(served, 'disk.raw'), image);
    await writeFile(path.join(served, 'empty'), '');
    await symlink('disk.raw', path.join(served, 'current.raw'));
    await symlink('../secret', path.join(served, 'leak'));
    await run('mkfifo', [path.join(served, 'pipe')]);
    await writeFile(path.join(tree, 'boot', 'vmlinuz'), randomBytes(2_500_000));
    await writeFile(path.join(tree, 'boot', 'undercloud.cfg'), region);
    const iso = path.join(served, 'agent.iso');
    await run('xorriso', ['-as', 'mkisofs', '-quiet', '-R', '-V', 'AGENT', '-o', iso, tree]);
    await writeFile(path.join(served, 'two.iso'), Buffer.concat([await readFile(iso), Buffer.from(region)]));
    server = await startServer(served);
    base = `http://127.0.0.1:${String(server.port)}`;
  });
  after(async () => {
    server.child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  const fetched = async (url: string, headers: Record<string, string> = {}, method = 'GET') => {
    const answer = await fetch(url, { method, headers });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, header: (name: string) => answer.headers.get(name) ?? '', bytes };
  };
  const overlay = (text: string, iso = 'agent.iso'): string => mediaUrl(`${base}/${iso}`, text.split(' '));

  it('sends a whole file, and tells of it beforehand', async () => {
    const whole = await fetched(`${base}/disk.raw`);
    expect([whole.status, sha256(whole.bytes)]).to.deep.equal([200, sha256(image)]);
    const head = await fetched(`${base}/disk.raw`, {}, 'HEAD');
    expect([head.status, head.header('content-length'), head.bytes.length]).to.deep.equal([
      200,
      '3000001',
      0,
    ]);
    expect(head.header('accept-ranges')).to.equal('bytes');
    expect(head.header('etag')).to.equal(whole.header('etag'));
  });

  it('sends an empty file', async () => {
    const { status, bytes } = await fetched(`${base}/empty`);
    expect([status, bytes.length]).to.deep.equal([200, 0]);
  });

  it('curl resumes a download that broke off', async () => {
    const place = path.join(directory, 'resumed');
    await writeFile(place, image);
    await truncate(place, 1_234_567);
    await run('curl', ['-sS', '--fail', '-C', '-', '-o', place, `${base}/disk.raw`]);
    expect(sha256(await readFile(place))).to.equal(sha256(image));
  });

  it('curl gets the ranges that it asks for', async () => {
    const ranges: readonly [string, Buffer][] = [
      ['0-99', image.subarray(0, 100)],
      ['2999999-', image.subarray(2_999_999)],
      ['-5', image.subarray(-5)],
    ];
    for (const [range, expected] of ranges) {
      const url = `${base}/disk.raw`;
      const { stdout } = await run('curl', ['-sS', '--fail', '-r', range, url], { encoding: 'buffer' });
      expect(stdout.equals(expected), range).to.equal(true);
    }
  });

  it('says what part it sends, and that there is nothing behind the end', async () => {
    const part = await fetched(`${base}/disk.raw`, { Range: 'bytes=10-19' });
    expect([part.status, part.header('content-range')]).to.deep.equal([206, 'bytes 10-19/3000001']);
    const beyond = await fetched(`${base}/disk.raw`, { Range: 'bytes=3000001-' });
    expect([beyond.status, beyond.header('content-range')]).to.deep.equal([416, 'bytes */3000001']);
  });

  it('sends a part only of the file that the client knows', async () => {
    const place = path.join(directory, 'served', 'changing');
    await writeFile(place, 'first version');
    const { header } = await fetched(`${base}/changing`);
    const known = { Range: 'bytes=0-4', 'If-Range': header('etag') };
    expect((await fetched(`${base}/changing`, known)).status).to.equal(206);
    await writeFile(place, 'other version');
    const changed = await fetched(`${base}/changing`, known);
    expect([changed.status, changed.bytes.toString()]).to.deep.equal([200, 'other version']);
    await rm(place);
  });

  it('lists what it serves, and follows links within the directory only', async () => {
    const { bytes, header } = await fetched(`${base}/`);
    const listed = JSON.parse(bytes.toString()) as readonly {
      readonly name: string;
      readonly size: number;
    }[];
    expect(header('content-type')).to.equal('application/json');
    expect(listed.map(({ name }) => name)).to.deep.equal([
      'agent.iso',
      'current.raw',
      'disk.raw',
      'empty',
      'two.iso',
    ]);
    expect(listed.find(({ name }) => name === 'current.raw')?.size).to.equal(3_000_001);
    expect(sha256((await fetched(`${base}/current.raw`)).bytes)).to.equal(sha256(image));
  });

  const refused = [
    '/../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/sub/../../secret',
    '//etc/passwd',
    '/leak',
    '/.hidden',
    '/sub',
    '/sub/inner',
    '/pipe',
    '/nothing',
    '/disk.raw%00',
    `/media/${encodeArguments('quiet')}/../../../secret`,
    `/media/${encodeArguments('quiet')}/leak`,
  ];
  for (const asked of refused) {
    it(`has nothing at ${asked}`, async () => {
      const args = ['-sS', '--path-as-is', '-w', '%{http_code}', `${base}${asked}`];
      const { stdout } = await run('curl', args);
      expect(stdout).to.match(/404$/).and.not.contain('secret');
    });
  }

  it('takes nothing else than GET and HEAD', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect((await fetched(`${base}/disk.raw`, {}, method)).status).to.equal(405);
    }
  });

  it('puts a machine’s arguments into the ISO, and changes nothing else of it', async () => {
    const plain = (await fetched(`${base}/agent.iso`)).bytes;
    const place = path.join(directory, 'overlaid.iso');
    await run('curl', ['-sS', '--fail', '-o', place, overlay('ipa-insecure=1 console=ttyS0')]);
    const { stdout } = await run('isoinfo', ['-R', '-x', '/boot/undercloud.cfg', '-i', place]);
    expect(stdout).to.match(
      /^#undercloud-boot-arguments\nset undercloud_args="ipa-insecure=1 console=ttyS0"\n(#{63}\n)+#*$/,
    );
    expect(stdout.length).to.equal(argumentRegion.length);
    const made = await readFile(place);
    const at = plain.indexOf(argumentRegion.marker);
    const end = at + argumentRegion.length;
    expect(made.length).to.equal(plain.length);
    expect(made.subarray(0, at).equals(plain.subarray(0, at))).to.equal(true);
    expect(made.subarray(end).equals(plain.subarray(end))).to.equal(true);
  });

  it('sends such an ISO in pieces that fit together, as a BMC reads it', async () => {
    const url = overlay('console=ttyS0');
    const whole = (await fetched(url)).bytes;
    const pieces: Buffer[] = [];
    for (let at = 0; at < whole.length; at += 100_003) {
      const { status, bytes } = await fetched(url, { Range: `bytes=${at}-${at + 100_002}` });
      expect(status).to.equal(206);
      pieces.push(bytes);
    }
    expect(sha256(Buffer.concat(pieces))).to.equal(sha256(whole));
  });

  it('other arguments are another version to a client that resumes', async () => {
    const { header } = await fetched(overlay('a'), {}, 'HEAD');
    const other = { Range: 'bytes=0-9', 'If-Range': header('etag') };
    expect((await fetched(overlay('a'), other)).status).to.equal(206);
    expect((await fetched(overlay('b'), other)).status).to.equal(200);
  });

  it('finds the region again after the ISO was replaced', async () => {
    const place = path.join(directory, 'served', 'next.iso');
    await writeFile(place, Buffer.concat([Buffer.alloc(2048), Buffer.from(region)]));
    const first = (await fetched(overlay('one', 'next.iso'))).bytes;
    await writeFile(place, Buffer.concat([Buffer.alloc(8192), Buffer.from(region)]));
    const second = (await fetched(overlay('one', 'next.iso'))).bytes;
    expect([first.indexOf('undercloud_args="one"'), second.indexOf('undercloud_args="one"')]).to.deep.equal([
      2048 + 31,
      8192 + 31,
    ]);
    await rm(place);
  });

  it('says what cannot be done', async () => {
    expect((await fetched(`${base}/media/nonsense/agent.iso`)).status).to.equal(400);
    expect((await fetched(overlay('a', 'disk.raw'))).status).to.equal(409);
    expect((await fetched(overlay('a', 'two.iso'))).status).to.equal(409);
    expect((await fetched(overlay('a', 'none.iso'))).status).to.equal(404);
  });

  it('goes on when a client hangs up in the middle', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /disk.raw HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
    expect((await fetched(`${base}/healthz`)).bytes.toString()).to.equal('ok\n');
  });

  it('logs that it serves, and nothing at rest; ends at once on SIGTERM', async () => {
    const gone = once(server.child, 'exit');
    server.child.kill('SIGTERM');
    const [code] = (await gone) as [number];
    expect(code).to.equal(0);
    expect(server.log.map((line) => (JSON.parse(line) as { message: string }).message)).to.deep.equal([
      'Serving',
      'Stopping',
    ]);
  });

  it('says so when its directory is missing, and when it is called wrongly', async () => {
    const start = (flags: readonly string[]) =>
      run(process.execPath, ['src/media/main.ts', ...flags], { cwd: root }).then(
        () => ({ code: 0, stdout: '', stderr: '' }),
        (error: unknown) => error as { code: number; stdout: string; stderr: string },
      );
    const missing = await start(['--directory', '/nowhere', '--listen', '127.0.0.1:0']);
    expect(missing.code).to.equal(1);
    expect(missing.stdout).to.contain('--directory /nowhere cannot be served');
    const wrong = await start([]);
    expect([wrong.code, wrong.stderr]).to.deep.equal([
      2,
      'undercloud-media: --directory is missing: say where the images are\nSee undercloud-media --help.\n',
    ]);
  });
});
