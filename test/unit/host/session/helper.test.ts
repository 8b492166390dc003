// helper.py itself, run by the Python that is here: its protocol, its file operations, its fence.
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createHost, helperFile } from './helper-process.ts';
import type { Helper, Host } from './helper-process.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('the helper', () => {
  let host: Host;
  beforeEach(async () => {
    host = await createHost();
  });
  afterEach(() => host.stop());

  it('is written for Python 3.6', () => {
    const check = 'import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 6))';
    const { status, stderr } = spawnSync('python3', ['-c', check, helperFile], { encoding: 'utf8' });
    expect(status, stderr).to.equal(0);
  });

  describe('protocol', () => {
    it('tells who the host is', async () => {
      await mkdir(host.state);
      await writeFile(path.join(host.state, 'owner'), 'ns/cloud/host\n');
      const { answer } = await host.greet(1);
      const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
      expect(answer.result).to.include({ owner: 'ns/cloud/host', bootId: bootId.trim() });
    });

    it('does nothing before hello', async () => {
      const answer = await host.start().ask('stat', { paths: ['/'] });
      expect(answer.error).to.include({ kind: 'unsafe', reason: 'Fenced' });
    });

    it('takes no second hello', async () => {
      const { helper } = await host.greet(1);
      const answer = await helper.ask('hello', { epoch: 2, owner: 'x', engine: host.engine });
      expect(answer.error).to.include({ kind: 'unsafe', reason: 'Fenced' });
    });

    it('refuses a host without an engine, and names the socket', async () => {
      const engine = path.join(host.directory, 'none.sock');
      const answer = await host.start().ask('hello', { epoch: 1, owner: 'x', engine });
      expect(answer.error).to.include({ kind: 'terminal', reason: 'HostUnsuitable' });
      expect(answer.error?.message).to.contain(engine);
    });

    for (const garbage of ['not JSON', '[]', '{}', '{"id": 1, "op": "format"}', '\xff\xfe']) {
      it(`ends itself on ${JSON.stringify(garbage)}`, async () => {
        const { helper } = await host.greet(1);
        helper.send(garbage);
        expect(await helper.ended).to.equal(1);
      });
    }

    it('ends when its input does', async () => {
      const { helper } = await host.greet(1);
      helper.process.stdin?.end();
      expect(await helper.ended).to.equal(0);
    });
  });

  describe('files', () => {
    let helper: Helper;
    const at = (name: string) => path.join(host.directory, name);
    const write = (name: string, content: string, more: object = {}) =>
      helper.ask('write', {
        files: [
          {
            path: at(name),
            content: base64(content),
            mode: '0640',
            owner: 'root:root',
            inPlace: false,
            ...more,
          },
        ],
      });
    const stateOf = async (name: string) => {
      const { result } = await helper.ask('stat', { paths: [at(name)] });
      return (result as readonly object[])[0];
    };
    beforeEach(async () => {
      ({ helper } = await host.greet(1));
    });

    it('writes content, mode and owner, and makes the directories above', async () => {
      expect(await write('etc/nova/nova.conf', '[DEFAULT]\n', { owner: 'daemon:bin' })).to.include({
        ok: true,
      });
      expect(await readFile(at('etc/nova/nova.conf'), 'utf8')).to.equal('[DEFAULT]\n');
      expect(await stateOf('etc/nova/nova.conf')).to.include({
        type: 'file',
        mode: '0640',
        owner: 'daemon:bin',
      });
    });

    it('replaces a file by another inode, and leaves nothing beside it', async () => {
      await mkdir(at('d'));
      await writeFile(at('d/f'), 'old');
      await writeFile(at('d/.f.undercloud'), 'left by a crash');
      const before = await stat(at('d/f'));
      await write('d/f', 'new');
      expect(await readFile(at('d/f'), 'utf8')).to.equal('new');
      expect((await stat(at('d/f'))).ino).not.to.equal(before.ino);
      expect(await readdir(at('d'))).to.deep.equal(['f']);
    });

    it('keeps the inode in place, also when the content gets shorter', async () => {
      await writeFile(at('hosts'), 'a much longer content');
      const before = await stat(at('hosts'));
      await write('hosts', 'short', { inPlace: true });
      expect(await readFile(at('hosts'), 'utf8')).to.equal('short');
      expect((await stat(at('hosts'))).ino).to.equal(before.ino);
    });

    it('replaces a link instead of following it, and refuses to write through one in place', async () => {
      await writeFile(at('precious'), 'untouched');
      await symlink(at('precious'), at('link'));
      expect((await write('link', 'x', { inPlace: true })).error).to.include({ reason: 'FileRefused' });
      await write('link', 'mine');
      expect(await readFile(at('precious'), 'utf8')).to.equal('untouched');
      expect(await stateOf('link')).to.include({ type: 'file' });
    });

    it('tells the kinds of paths apart', async () => {
      await writeFile(at('file'), 'abc');
      await mkdir(at('directory'));
      await symlink('nowhere', at('link'));
      expect(await stateOf('file')).to.include({
        type: 'file',
        sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      });
      expect(await stateOf('directory')).to.include({ type: 'directory', sha256: '' });
      expect(await stateOf('link')).to.include({ type: 'symlink', sha256: '' });
      expect(await stateOf('engine.sock')).to.include({ type: 'other', sha256: '' });
      expect(await stateOf('none')).to.include({ type: 'missing', mode: '', owner: '' });
      expect(await stateOf('file/below')).to.include({ type: 'missing' });
    });

    it('makes directories, and mends mode and owner of those that are there', async () => {
      await mkdir(at('log'));
      await chmod(at('log'), 0o700);
      const directories = ['log', 'new/deep'].map((name) => ({
        path: at(name),
        mode: '0755',
        owner: 'daemon:daemon',
      }));
      expect(await helper.ask('ensureDirectories', { directories })).to.include({ ok: true });
      expect(await stateOf('log')).to.include({ mode: '0755', owner: 'daemon:daemon' });
      expect(await stateOf('new/deep')).to.include({ mode: '0755', owner: 'daemon:daemon' });
    });

    it('removes files, links and empty directories, and nothing that has something in it', async () => {
      await mkdir(at('full'));
      await writeFile(at('full/data'), 'x');
      await mkdir(at('empty'));
      await symlink(at('full'), at('link'));
      const paths = ['empty', 'link', 'none'].map(at);
      expect(await helper.ask('remove', { paths })).to.include({ ok: true });
      const refused = await helper.ask('remove', { paths: [at('full')] });
      expect(refused.error).to.include({ kind: 'terminal', reason: 'FileRefused' });
      expect(await readFile(at('full/data'), 'utf8')).to.equal('x');
      expect(await stateOf('empty')).to.include({ type: 'missing' });
      expect(await stateOf('link')).to.include({ type: 'missing' });
    });

    it('reads a text file, and nothing where there is none', async () => {
      await writeFile(at('ledger.json'), '{"ä": 1}');
      expect(await helper.ask('read', { path: at('ledger.json') })).to.include({ result: '{"ä": 1}' });
      expect(await helper.ask('read', { path: at('none') })).to.include({ result: '' });
    });

    const refused = [
      { name: 'a relative path', path: 'etc/passwd' },
      { name: 'a path that climbs', path: '/tmp/../etc/passwd' },
      { name: 'a path with two slashes', path: '/tmp//x' },
      { name: 'a path with a zero byte', path: '/tmp/x\0y' },
      { name: 'a directory', path: '/tmp' },
      { name: 'an unknown owner', path: '/tmp/undercloud-never', owner: 'nobody-knows:root' },
    ];
    for (const { name, ...file } of refused) {
      it(`refuses to write ${name}, naming it, and goes on`, async () => {
        const { error } = await write('x', 'y', file);
        expect(error).to.include({ kind: 'terminal', reason: 'FileRefused' });
        expect(error?.message).to.contain(JSON.stringify(file.path).slice(1, -1));
        expect(await stateOf('engine.sock')).to.include({ type: 'other' });
      });
    }

    it('calls a full disk passing', async () => {
      const { error } = await write('x', 'y', { path: '/dev/full', mode: '0666', inPlace: true });
      expect(error).to.include({ kind: 'transient', reason: 'FileFailed' });
      expect(error?.message).to.equal('/dev/full: No space left on device');
    });
  });

  describe('fence', () => {
    it('lets a higher epoch end the one before', async () => {
      const former = await host.greet(1, 'former');
      const { answer } = await host.greet(2, 'new');
      expect(answer.ok).to.equal(true);
      expect(await former.helper.ended).to.equal('SIGKILL');
      expect(await host.fence()).to.deep.equal({ epoch: 2, owner: 'new' });
    });

    it('ends one that is frozen, too', async () => {
      const former = await host.greet(1);
      former.helper.process.kill('SIGSTOP');
      expect((await host.greet(2)).answer.ok).to.equal(true);
      expect(await former.helper.ended).to.equal('SIGKILL');
    });

    it('refuses a lower epoch, tells the one in charge, and leaves that alone', async () => {
      const { helper } = await host.greet(7, 'ns/cloud/host');
      const { answer } = await host.greet(6);
      expect(answer.error).to.include({ kind: 'unsafe', reason: 'Fenced', epoch: 7 });
      expect(answer.error?.message).to.contain('ns/cloud/host');
      expect(await helper.ask('stat', { paths: [] })).to.include({ ok: true });
    });

    it('refuses a lower epoch also when nobody is connected', async () => {
      const { helper } = await host.greet(7);
      helper.process.kill('SIGKILL');
      await helper.ended;
      expect((await host.greet(6)).answer.error).to.include({ reason: 'Fenced', epoch: 7 });
    });

    it('keeps its lock, whatever it is asked to read', async () => {
      const { helper } = await host.greet(1);
      const answer = await helper.ask('stat', { paths: [path.join(host.state, 'lock')] });
      expect(answer.error).to.include({ reason: 'FileRefused' });
    });

    it('replaces a session of the same epoch', async () => {
      const former = await host.greet(3);
      expect((await host.greet(3)).answer.ok).to.equal(true);
      expect(await former.helper.ended).to.equal('SIGKILL');
    });

    it('leaves exactly one alive of many that come at once, and one of the highest epoch', async () => {
      const helpers = [5, 3, 8, 1, 8, 4].map((epoch) => {
        const helper = host.start();
        const greeted = helper.ask('hello', { epoch, owner: `epoch ${epoch}`, engine: host.engine });
        return { helper, greeted };
      });
      await Promise.allSettled(helpers.map(({ greeted }) => greeted));
      const working = await Promise.allSettled(
        helpers.map(async ({ helper }) => (await helper.ask('read', { path: '/none' })).ok),
      );
      expect(working.filter((end) => end.status === 'fulfilled' && end.value)).to.have.length(1);
      expect(await host.fence()).to.deep.equal({ epoch: 8, owner: 'epoch 8' });
    });

    it('stays closed when its record is damaged, and says what to do', async () => {
      await mkdir(host.state);
      await writeFile(path.join(host.state, 'fence.json'), '');
      const { answer } = await host.greet(9);
      expect(answer.error).to.include({ kind: 'unsafe', reason: 'FenceUnreadable' });
      expect(answer.error?.message).to.contain(path.join(host.state, 'fence.json'));
    });
  });
});
