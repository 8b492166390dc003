// Sessions on a real machine: systemd, sshd, sudo, Podman.
import { expect } from 'chai';
import { FencedError } from '../../../src/host/session/errors.ts';
import type { FileWrite, HostSession, Ledger } from '../../../src/host/ports.ts';
import { never, until, useMachine } from './machine.ts';
import type { Machine } from './machine.ts';

const file = (path: string, text: string): FileWrite => ({
  path,
  content: new TextEncoder().encode(text),
  mode: '0640',
  owner: 'root:root',
  inPlace: false,
});
const closed = (session: HostSession) => until(() => session.closed.aborted);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error: unknown) => error,
  );

describe('a session on a machine', function () {
  this.timeout(60_000);
  let machine: Machine;
  before(async function () {
    this.timeout(20 * 60_000);
    machine = await useMachine();
  });
  afterEach(() => machine.clean());

  for (const user of ['heat-admin', 'root']) {
    it(`works for ${user}, and knows the machine`, async () => {
      const { facts, engine, files } = await machine.connect({ user });
      const bootId = await machine.shell('cat /proc/sys/kernel/random/boot_id');
      expect(facts).to.include({ hostname: machine.target.host, bootId: bootId.trim(), owner: '' });
      expect(await engine.list(never)).to.deep.equal([]);
      const [state] = await files.stat(['/etc/shadow'], never);
      expect(state).to.include({ type: 'file', owner: 'root:shadow' });
    });
  }

  it('puts a damaged helper right', async () => {
    (await machine.connect()).close();
    await machine.shell('truncate -s 100 /var/lib/undercloud/bin/helper-*.py');
    (await machine.connect()).close();
    expect((await machine.shell('ls /var/lib/undercloud/bin')).trim()).to.match(/^helper-[0-9a-f]{16}\.py$/);
  });

  it('leaves no process behind when it is closed', async () => {
    const session = await machine.connect();
    expect(await machine.shell('pgrep -fc "^[^ ]*python3 .*/helper-"')).to.equal('1\n');
    session.close();
    await until(async () => (await machine.shell('pgrep -fc "^[^ ]*python3 .*/helper-" || true')) === '0\n');
  });

  it('trusts a key once and reports it', async () => {
    const trusted: string[] = [];
    await machine.connect({ hostKeys: [] }, (key) => Promise.resolve(void trusted.push(key)));
    expect(trusted).to.deep.equal(machine.target.hostKeys);
  });

  it('keeps files, the ledger and the owner on the host', async () => {
    const first = await machine.connect();
    const ledger: Ledger = {
      version: 1,
      files: { '/etc/x': 'abc' },
      jobs: {},
      pendingRestarts: ['nova_api'],
      replaced: {},
    };
    expect((await first.readLedger(never)).files).to.deep.equal({});
    await first.writeLedger(ledger, never);
    await first.claim('test/cloud/host', never);
    await first.files.write([file('/var/lib/undercloud/deep/file', 'content')], never);
    first.close();
    const second = await machine.connect();
    expect(second.facts.owner).to.equal('test/cloud/host');
    expect(await second.readLedger(never)).to.deep.equal(ledger);
    const [state] = await second.files.stat(['/var/lib/undercloud/deep/file'], never);
    expect(state).to.include({ type: 'file', mode: '0640', owner: 'root:root' });
    expect(await machine.shell('stat -c %a:%U /var/lib/undercloud/ledger.json')).to.equal('600:root\n');
  });

  it('writes many large files in one call', async () => {
    const { files } = await machine.connect();
    const content = 'x'.repeat(5 * 1024 * 1024);
    const paths = Array.from({ length: 8 }, (_, index) => `/var/lib/undercloud/large/${index}`);
    await files.write(
      paths.map((path) => file(path, content)),
      never,
    );
    const states = await files.stat(paths, never);
    expect(new Set(states.map(({ sha256 }) => sha256)).size).to.equal(1);
    expect(states.map(({ type }) => type)).to.deep.equal(paths.map(() => 'file'));
  });

  it('has room for more connections to the engine than sshd allows sessions', async () => {
    const { engine } = await machine.connect();
    const lists = await Promise.all(Array.from({ length: 40 }, () => engine.list(never)));
    expect(lists).to.have.length(40);
    const stop = new AbortController();
    const pulls = Array.from({ length: 25 }, () =>
      failureOf(engine.pull('192.0.2.1/x/y', `sha256:${'0'.repeat(64)}`, undefined, stop.signal)),
    );
    expect(await engine.list(never)).to.deep.equal([]);
    stop.abort(new Error('enough'));
    expect(new Set((await Promise.all(pulls)).map(String))).to.deep.equal(new Set(['Error: enough']));
  });

  describe('of an older leader', () => {
    it('is over when a newer one comes, and can do nothing more', async () => {
      const older = await machine.connect({ epoch: 4 });
      const newer = await machine.connect({ epoch: 5 });
      await closed(older);
      expect(await failureOf(older.engine.list(never))).to.include({ reason: 'EngineUnavailable' });
      expect(await failureOf(older.files.write([file('/root/late', 'x')], never))).to.include({
        reason: 'SessionClosed',
      });
      const [late] = await newer.files.stat(['/root/late'], never);
      expect(late).to.include({ type: 'missing' });
    });

    it('is over also when its helper is frozen', async () => {
      const older = await machine.connect({ epoch: 4 });
      await machine.shell('kill -STOP $(pgrep -f "^[^ ]*python3 .*/helper-")');
      const newer = await machine.connect({ epoch: 5 });
      await closed(older);
      expect(await newer.engine.list(never)).to.deep.equal([]);
    });

    it('is refused, and told the epoch, while the newer one goes on', async () => {
      const newer = await machine.connect({ epoch: 5 });
      const refused = await failureOf(machine.connect({ epoch: 4 }));
      expect(refused).to.be.instanceOf(FencedError).and.to.include({ kind: 'unsafe', epoch: 5 });
      expect(await newer.engine.list(never)).to.deep.equal([]);
    });
  });

  it('is over when the machine falls silent, and says so', async () => {
    const session = await machine.connect();
    const itsSshd = '$(pgrep -f "^sshd: heat-admin")';
    await machine.shell(`kill -STOP ${itsSshd}`);
    const listing = failureOf(session.engine.list(never));
    await closed(session);
    expect(String(session.closed.reason)).to.contain('Keepalive timeout');
    expect(await listing).to.include({ kind: 'transient', reason: 'EngineUnavailable' });
    await machine.shell(`kill -KILL ${itsSshd}`);
    await machine.connect();
  });

  it('is not there for a machine that cannot be reached', async () => {
    const refused = await failureOf(machine.connect({ address: '192.0.2.1' }));
    expect(refused).to.include({ kind: 'transient', reason: 'HostUnreachable' });
  });
});
