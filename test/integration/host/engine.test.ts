// The engine port on a real Podman and a real Docker: it makes what was asked for, and says what is.
import { expect } from 'chai';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { createEngine, dockerOn } from '../../../src/host/containers/engine.ts';
import { watchEngineEvents } from '../../../src/host/containers/engine-events.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import type { ContainerSpec, Engine, EngineEvent, HostSession } from '../../../src/host/ports.ts';
import { useLab } from '../../support/lab.ts';
import { never, until, useMachine } from './machine.ts';
import type { Machine } from './machine.ts';

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error: unknown) => error,
  );
const manifestTypes =
  'application/vnd.docker.distribution.manifest.v2+json,application/vnd.oci.image.manifest.v1+json';

/** A container that does nothing for long, and what a test changes in it. */
const sleeper = (name: string, change: Partial<ContainerSpec>): ContainerSpec => ({
  name,
  image: '',
  command: ['sleep', '1000'],
  entrypoint: [],
  environment: {},
  labels: {},
  volumes: [],
  volumesFrom: [],
  network: 'host',
  pid: '',
  ipc: '',
  user: '',
  privileged: false,
  restart: 'No',
  healthcheck: undefined,
  stopGraceSeconds: 1,
  memoryBytes: 0,
  cpus: 0,
  capAdd: [],
  capDrop: [],
  ulimits: [],
  hostname: '',
  ...change,
});

describe('the engine of a machine', function () {
  this.timeout(120_000);
  let machine: Machine;
  let session: HostSession;
  let engine: Engine;
  let repository: string;
  let digest: string;
  const events: EngineEvent[] = [];
  const as = { user: '', environment: {}, timeoutMs: 20_000 };

  before(async function () {
    this.timeout(20 * 60_000);
    machine = await useMachine();
    const { registry, images } = machine.lab;
    repository = `${registry}/${images.namespace}/${images.prefix}cron`;
    const url = `http://${registry}/v2/${images.namespace}/${images.prefix}cron/manifests/${images.tags[0] ?? ''}`;
    digest =
      (await fetch(url, { headers: { accept: manifestTypes } })).headers.get('docker-content-digest') ?? '';
    session = await machine.connect();
    ({ engine } = session);
    session.onEngineEvent((event) => events.push(event));
  });
  after(() => machine.clean());
  afterEach(async () => {
    const containers = await engine.list(never);
    await Promise.all(containers.map(({ id }) => engine.remove(id, never)));
  });

  const specOf = (name: string, change: Partial<ContainerSpec> = {}) =>
    sleeper(name, { image: `${repository}:test`, ...change });
  const run = async (name: string, change: Partial<ContainerSpec> = {}) => {
    const id = await engine.create(specOf(name, change), never);
    await engine.start(id, never);
    return id;
  };

  describe('images', () => {
    it('does not reach a registry without TLS until its configuration says so, and then at once', async () => {
      const refused = await failureOf(engine.pull(repository, digest, undefined, never));
      expect(String(refused)).to.contain('server gave HTTP response to HTTPS client');
      const text = `[[registry]]\nlocation = "${machine.lab.registry}"\ninsecure = true\n`;
      const content = new TextEncoder().encode(text);
      const path = '/etc/containers/registries.conf.d/test.conf';
      await session.files.write([{ path, content, mode: '0644', owner: 'root:root', inPlace: false }], never);
      await engine.pull(repository, digest, undefined, never);
      const id = await engine.imageId(`${repository}@${digest}`, never);
      expect(id).to.match(/^sha256:[0-9a-f]{64}$/);
      await engine.tag(`${repository}@${digest}`, repository, 'test', never);
      expect(await engine.imageId(`${repository}:test`, never)).to.equal(id);
    });

    it('knows that an image is not here', async () => {
      expect(await engine.imageId(`${repository}:none`, never)).to.equal(undefined);
    });

    it('says that a digest is not in the registry, and gives up', async () => {
      const refused = await failureOf(engine.pull(repository, `sha256:${'0'.repeat(64)}`, undefined, never));
      expect(refused).to.include({ kind: 'terminal', reason: 'EngineRefused' });
      expect(String(refused)).to.contain('manifest unknown');
    });

    it('says that a registry is away, and may try again', async () => {
      const refused = await failureOf(engine.pull('127.0.0.1:9/x/y', digest, undefined, never));
      expect(refused).to.include({ kind: 'transient', reason: 'ImagePullFailed' });
    });
  });

  describe('containers', () => {
    it('are what was asked for', async () => {
      const id = await run('full', {
        environment: { ASKED: 'a=b', EMPTY: '' },
        labels: { managed_by: 'undercloud' },
        volumes: ['/etc/hostname:/given:ro'],
        memoryBytes: 64 * 1024 * 1024,
        cpus: 0.5,
        capAdd: ['NET_ADMIN'],
        capDrop: ['MKNOD'],
        ulimits: [
          { name: 'nofile', soft: 100, hard: 200 },
          { name: 'nproc', soft: 1000, hard: 2000 },
        ],
        pid: 'host',
        user: 'root',
        restart: 'Always',
        healthcheck: {
          test: ['true'],
          intervalSeconds: 30,
          timeoutSeconds: 5,
          startPeriodSeconds: 1,
          retries: 3,
        },
      });
      const script = 'echo $ASKED; echo "[$EMPTY]"; cat /given; ulimit -Sn; ulimit -Hn; cat /proc/1/comm';
      const { output } = await engine.exec(id, ['sh', '-c', script], as, never);
      expect(output.split('\n')).to.deep.equal([
        'a=b',
        '[]',
        machine.target.host,
        '100',
        '200',
        'systemd',
        '',
      ]);
      const detail = await engine.inspect(id, never);
      expect(detail).to.include({ id, name: 'full', state: 'running' });
      expect(detail?.imageId).to.equal(await engine.imageId(`${repository}:test`, never));
      expect(detail?.recreate).to.deep.include({
        image: `${repository}:test`,
        memoryBytes: 64 * 1024 * 1024,
        cpus: 0.5,
        restart: 'Always',
        capAdd: ['NET_ADMIN'],
        stopGraceSeconds: 1,
      });
      const [listed] = await engine.list(never);
      expect(listed).to.deep.include({ id, name: 'full', state: 'running', imageId: detail?.imageId });
      expect(listed?.labels).to.include({ managed_by: 'undercloud' });
      const read = 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes 2>/dev/null || cat memory.max';
      const limit = await engine.exec(id, ['sh', '-c', read], as, never);
      expect(limit.output.trim()).to.equal(String(64 * 1024 * 1024));
    });

    it('can be made again from what inspect tells, also by the image’s ID', async () => {
      const id = await run('again', { environment: { A: 'b' }, volumes: ['/etc/hostname:/given:ro'] });
      const first = await engine.inspect(id, never);
      if (first === undefined) throw new Error('it is gone');
      await engine.remove(id, never);
      const second = await engine.inspect(
        await engine.create({ ...first.recreate, image: first.imageId }, never),
        never,
      );
      expect(second?.recreate).to.deep.equal({ ...first.recreate, image: second?.recreate.image });
      expect(second?.imageId).to.equal(first.imageId);
    });

    it('stop, start, change their names and go; what is gone is no error', async () => {
      const id = await run('one');
      await engine.start(id, never);
      await engine.stop(id, 1, never);
      await engine.stop(id, 1, never);
      expect((await engine.inspect(id, never))?.state).to.equal('exited');
      await engine.rename(id, 'one.prev', never);
      expect((await engine.list(never))[0]?.name).to.equal('one.prev');
      await engine.remove(id, never);
      await engine.remove(id, never);
      await engine.stop(id, 1, never);
      expect(await engine.inspect(id, never)).to.equal(undefined);
      expect(await failureOf(engine.start(id, never))).to.include({
        kind: 'transient',
        reason: 'EngineBusy',
      });
    });

    it('refuse a name that is taken for now, and an image that is not here for good', async () => {
      await run('taken');
      expect(await failureOf(engine.create(specOf('taken'), never))).to.include({ reason: 'EngineBusy' });
      const refused = await failureOf(engine.create(specOf('other', { image: `${repository}:none` }), never));
      expect(refused).to.include({ kind: 'terminal', reason: 'EngineRefused' });
    });

    it('cannot be disarmed by this Podman, and it says so', async () => {
      const id = await run('armed', { restart: 'Always' });
      const version = await machine.shell('podman version -f {{.Client.Version}}');
      expect(await engine.disarm(id, never)).to.equal(Number.parseFloat(version) >= 5.1);
    });

    it('tell how they ended, and their last words', async () => {
      const id = await engine.create(
        specOf('job', { command: ['sh', '-c', 'seq 100; echo bad >&2; exit 3'] }),
        never,
      );
      await engine.start(id, never);
      expect(await engine.wait(id, never)).to.equal(3);
      expect(await engine.logTail(id, 2, 4096, never)).to.equal('100\nbad\n');
      expect(await engine.logTail(id, 1000, 8, never)).to.equal('100\nbad\n');
      expect(await engine.inspect(id, never)).to.include({ state: 'exited', exitCode: 3 });
    });

    it('keep the secrets of their environment out of the engine’s log', async () => {
      await run('secretive', { environment: { PASSWORD: 'Zx81-in-no-log' } });
      expect(
        await machine.shell('journalctl -u podman.service | grep -c "POST.*/containers/create"'),
      ).not.to.equal('0\n');
      expect(await machine.shell('journalctl | grep -c Zx81 || true')).to.equal('0\n');
    });
  });

  describe('exec', () => {
    it('gives the exit code and the output of both streams', async () => {
      const id = await run('x');
      const options = { ...as, user: 'root', environment: { WHO: 'me' } };
      const result = await engine.exec(id, ['sh', '-c', 'echo $WHO; id -un >&2; exit 7'], options, never);
      expect(result.exitCode).to.equal(7);
      expect(result.output.split('\n').sort()).to.deep.equal(['', 'me', 'root']);
    });

    it('keeps the last 4 KiB', async () => {
      const id = await run('x');
      const { output } = await engine.exec(id, ['seq', '100000'], as, never);
      expect(output).to.have.length(4096);
      expect(output.endsWith('99999\n100000\n')).to.equal(true);
    });

    it('does not wait longer than it may', async () => {
      const id = await run('x');
      const late = await failureOf(engine.exec(id, ['sleep', '30'], { ...as, timeoutMs: 300 }, never));
      expect(late).to.include({ kind: 'transient', reason: 'ExecTimeout' });
    });

    it('says that a container does not run', async () => {
      const id = await engine.create(specOf('x'), never);
      expect(await failureOf(engine.exec(id, ['true'], as, never))).to.include({
        kind: 'transient',
        reason: 'EngineBusy',
      });
    });
  });

  describe('events', () => {
    const heard = (action: string, name: string) =>
      until(() => events.some((event) => event.action === action && event.containerName === name));

    it('tell what happens behind our back, with the labels', async () => {
      await run('watched', { labels: { 'dev.undercloud/owner': 'test/cloud/host' } });
      await heard('start', 'watched');
      await machine.shell('podman stop -t 0 watched');
      await heard('die', 'watched');
      await machine.shell('podman rm -f watched');
      await heard('remove', 'watched');
      expect(events.at(-1)?.labels).to.include({ 'dev.undercloud/owner': 'test/cloud/host' });
    });

    it('go on after the engine was restarted, with the word to look at everything', async () => {
      events.length = 0;
      await machine.shell('systemctl kill -s KILL podman.service');
      await heard('resync', '');
      await run('later');
      await heard('start', 'later');
    });
  });
});

describe("the engine of Docker, the lab's own", function () {
  this.timeout(120_000);
  const name = 'undercloud-test-engine';
  const over = new AbortController();
  const events: EngineEvent[] = [];
  const dial = (keepAlive: boolean) => {
    const agent = new Agent({ keepAlive });
    agent.createConnection = () => connect('/var/run/docker.sock');
    return dockerOn(agent);
  };
  const streams = dial(false);
  const engine = createEngine({
    name: 'this box',
    calls: dial(true),
    streams,
    closed: over.signal,
    clock: systemClock,
  });
  let image: string;
  before(async function () {
    this.timeout(20 * 60_000);
    const lab = await useLab();
    image = (await engine.inspect(lab.machines[0]?.container ?? '', never))?.imageId ?? '';
    const emit = (event: EngineEvent) => void events.push(event);
    await watchEngineEvents({ streams, closed: over.signal, clock: systemClock, log: silentLogger, emit });
  });
  afterEach(() => Promise.all([name, `${name}.prev`].map((each) => engine.remove(each, never))));
  after(() => over.abort(new Error('done')));

  it('replaces a container and puts the old one back', async () => {
    const spec = sleeper(name, { image, entrypoint: ['sleep'], command: ['1000'], restart: 'Always' });
    const id = await engine.create(spec, never);
    await engine.start(id, never);
    const before = await engine.inspect(id, never);
    await engine.stop(id, 0, never);
    await engine.rename(id, `${name}.prev`, never);
    expect(await engine.disarm(id, never)).to.equal(true);
    expect((await engine.inspect(id, never))?.recreate.restart).to.equal('No');
    await engine.remove(id, never);
    const again = await engine.create(before?.recreate ?? spec, never);
    await engine.start(again, never);
    expect((await engine.inspect(again, never))?.recreate).to.deep.equal(before?.recreate);
    expect(before?.recreate).to.deep.include({
      image,
      restart: 'Always',
      command: ['1000'],
      entrypoint: ['sleep'],
    });
  });

  it('runs commands, and tells what happens', async () => {
    const id = await engine.create(sleeper(name, { image, entrypoint: ['sleep'], command: ['1000'] }), never);
    await engine.start(id, never);
    const command = ['sh', '-c', 'echo out; exit 3'];
    const options = { user: '', environment: {}, timeoutMs: 20_000 };
    expect(await engine.exec(id, command, options, never)).to.deep.equal({ exitCode: 3, output: 'out\n' });
    await engine.remove(id, never);
    const told = () => events.filter(({ containerId }) => containerId === id).map(({ action }) => action);
    await until(() => told().includes('remove'));
    expect(told()).to.deep.equal(['start', 'die', 'remove']);
  });

  it('says that a registry is away, and may try again', async () => {
    const refused = await failureOf(
      engine.pull('127.0.0.1:9/x/y', `sha256:${'0'.repeat(64)}`, undefined, never),
    );
    expect(refused).to.include({ kind: 'transient', reason: 'ImagePullFailed' });
  });
});
