// How a plan is carried out when things go wrong: what is left on the machine, and what people are told.
import { expect } from 'chai';
import { createManualClock, type ManualClock } from '../../fakes/clock.ts';
import { createFakeMachine, type FakeMachine } from '../../fakes/engine.ts';
import { createOperator, type Operator } from './support/machine.ts';
import { image, imagesFor, manifestOf, service, type WrittenService } from './support/objects.ts';

const check = { test: ['/openstack/healthcheck'], intervalSeconds: 5, startPeriodSeconds: 10, retries: 2 };
const api = (more: object = {}) => ({ name: 'api', image: 'nova-api', step: 3, healthcheck: check, ...more });
const cache = { name: 'cache', image: 'memcached', step: 1 };

const cloud = (spec: WrittenService = {}) => service('nova', { containers: [cache, api()], ...spec });
const old = manifestOf([cloud()]);
const images = imagesFor([cloud()]);
const newImages = { ...images, 'nova-api': image('nova-api', '2') };
const newer = manifestOf([cloud()], { images: newImages });
const newImage = 'registry:8787/lab/openstack-nova-api:2';

describe('applying a plan', () => {
  let clock: ManualClock;
  let machine: FakeMachine;
  let operator: Operator;

  beforeEach(() => {
    clock = createManualClock();
    machine = createFakeMachine(clock);
    operator = createOperator(machine, clock);
  });

  const names = () => [...machine.containers.values()].map(({ spec }) => spec.name).sort();
  const reasons = () => operator.notes.map(({ type, reason }) => `${type} ${reason}`);

  for (const canDisarm of [true, false]) {
    describe(
      canDisarm ? 'replaces, on an engine that can disarm,' : 'replaces, on an engine that cannot disarm,',
      () => {
        beforeEach(async () => {
          machine.faults.canDisarm = canDisarm;
          await operator.settle(old);
        });

        it('only what changed, and forgets the former when the successor has proven itself', async () => {
          const untouched = machine.named('cache');
          await operator.pass(newer);
          expect(machine.named('api')?.spec.image).to.equal(newImage);
          const kept = canDisarm ? machine.named('api.prev') !== undefined : 'api' in machine.ledger.replaced;
          expect(kept, 'the former is kept').to.equal(true);
          expect((await operator.settle(newer)).stepDone).to.equal(5);
          expect(names()).to.deep.equal(['api', 'cache']);
          expect(machine.ledger.replaced).to.deep.equal({});
          expect(machine.named('cache')).to.equal(untouched);
          expect(untouched?.starts).to.equal(1);
        });

        const failures: readonly (readonly [string, (machine: FakeMachine) => void, RegExp])[] = [
          [
            'exits at once',
            ({ faults }) => faults.exits.set(newImage, { code: 1, line: 'no such option: --frobnicate' }),
            /^api cannot be replaced: the new one exits 1: no such option: --frobnicate; the former one was put back$/,
          ],
          [
            'never gets healthy',
            ({ faults }) => faults.sick.add(newImage),
            /^api cannot be replaced: the new one is unhealthy: its health check \/openstack\/healthcheck exits 1: connection refused; the former one was put back$/,
          ],
          [
            'cannot even be created',
            ({ faults }) => faults.refuseCreate.add('api'),
            /^api cannot be replaced: the new one cannot create container api: invalid mount; the former one was put back$/,
          ],
        ];
        for (const [name, fail, message] of failures) {
          it(`puts the former back when the new one ${name}, and tries again ever more calmly`, async () => {
            fail(machine);
            await operator.pass(newer);
            machine.faults.refuseCreate.clear();
            const plan = await operator.settle(newer, {}, 9);
            const former = machine.named('api');
            expect(former).to.deep.include({ state: 'running', restart: 'Always' });
            expect(former?.spec.image).to.equal('registry:8787/lab/openstack-nova-api:1');
            expect(names()).to.deep.equal(['api', 'cache']);
            const told = operator.notes
              .filter(({ reason }) => reason === 'ReplaceFailed')
              .map(({ note }) => note);
            expect(told[0]).to.match(message);
            expect(told.length).to.be.lessThan(6);
            expect(plan.holds.map(({ reason }) => reason)).to.deep.equal(['ReplaceFailed']);
            machine.faults.exits.clear();
            machine.faults.sick.clear();
            expect((await operator.settle(newer, {}, 60)).stepDone, 'mended').to.equal(5);
          });
        }

        it('puts the former back though the operator was killed after it had begun', async () => {
          machine.faults.exits.set(newImage, { code: 1, line: 'broken' });
          await operator.pass(newer);
          operator = createOperator(machine, clock);
          await operator.pass(newer);
          await operator.pass(newer);
          expect(machine.named('api')?.spec.image).to.equal('registry:8787/lab/openstack-nova-api:1');
          expect(machine.named('api')?.state).to.equal('running');
        });

        it('says the same each time that the new one fails', async () => {
          machine.faults.exits.set(newImage, { code: 1, line: 'broken' });
          await operator.settle(newer, {}, 200);
          const told = operator.notes
            .filter(({ reason }) => reason === 'ReplaceFailed')
            .map(({ note }) => note);
          expect(told.length).to.be.greaterThan(1);
          expect([...new Set(told)]).to.deep.equal([
            'api cannot be replaced: the new one exits 1: broken; the former one was put back',
          ]);
        });

        it('is calm when neither the new one nor the former one can be created', async () => {
          machine.faults.refuseCreate.add('api');
          for (let passes = 0; passes < 240; passes += 1) {
            await operator.pass(newer);
            await clock.advance(250);
          }
          expect(operator.notes.length, 'events in a minute').to.be.lessThan(20);
          machine.faults.refuseCreate.clear();
          expect((await operator.settle(newer, {}, 200)).stepDone, 'mended').to.equal(5);
        });

        it('loses the former at no point of putting it back', async () => {
          for (let after = 0; after < 8; after += 1) {
            for (const done of [true, false]) {
              machine = createFakeMachine(clock);
              machine.faults.canDisarm = canDisarm;
              operator = createOperator(machine, clock);
              await operator.settle(old);
              machine.faults.exits.set(newImage, { code: 1, line: 'broken' });
              await operator.pass(newer);
              machine.faults.crash = { after, done };
              await createOperator(machine, clock).settle(newer, {}, 3);
              await createOperator(machine, clock).settle(newer, {}, 8);
              const found = machine.named('api');
              expect(found?.spec.image, `killed after ${after} changes`).to.match(/:1$/);
              expect(found?.state).to.equal('running');
            }
          }
        });

        it('puts the former back with its very image, though its tag names another by now', async () => {
          const moved = { ...images, 'nova-api': { ...image('nova-api', '2'), tag: '1' } };
          const before = machine.named('api')?.imageId;
          machine.faults.sick.add('registry:8787/lab/openstack-nova-api:1');
          await operator.settle(manifestOf([cloud()], { images: moved }), {}, 12);
          expect(machine.named('api')?.spec.image).to.equal(before);
        });
      },
    );
  }

  it('replaces though somebody has a container where the former one would wait', async () => {
    await operator.settle(old);
    const foreign = machine.byHand({ name: 'api.prev' });
    expect((await operator.settle(newer)).stepDone).to.equal(5);
    expect(machine.named('api')?.spec.image).to.equal(newImage);
    expect(machine.named('api.prev')).to.equal(foreign);
  });

  it('does not touch any container of a new revision while one of its images is missing', async () => {
    await operator.settle(old);
    machine.faults.noPull.add('registry:8787/lab/openstack-nova-api@sha256:nova-api-2');
    const containers = [{ ...cache, environment: { SIZE: '64' } }, api()];
    const both = manifestOf([cloud({ containers })], { images: newImages });
    const plan = await operator.pass(both);
    expect(machine.named('cache')?.spec.environment).to.deep.equal({});
    expect(plan.holds.map(({ reason }) => reason)).to.deep.equal(['ImagePullFailed']);
    expect(plan.holds[0]?.message).to.match(
      /^has no image registry:8787\/lab\/openstack-nova-api:2: cannot pull /,
    );
    machine.faults.noPull.clear();
    expect((await operator.settle(both)).stepDone).to.equal(5);
    expect(machine.named('cache')?.spec.environment).to.deep.equal({ SIZE: '64' });
  });

  it('tags what it pulls by digest, so that people read repo:tag', async () => {
    await operator.settle(old);
    expect(machine.named('api')?.spec.image).to.equal('registry:8787/lab/openstack-nova-api:1');
    expect(machine.images.get('registry:8787/lab/openstack-nova-api:1')).to.equal(
      machine.images.get('registry:8787/lab/openstack-nova-api@sha256:nova-api-1'),
    );
  });

  it('keeps a container that exits at once from what builds on it, and the rest going', async () => {
    machine.faults.exits.set('cache', { code: 1, line: 'cannot bind' });
    const base = service('base', { containers: [{ name: 'cron', image: 'cron', step: 1 }] });
    const all = manifestOf([base, cloud()]);
    const plan = await operator.settle(all, {}, 6);
    expect(machine.named('cron')?.state).to.equal('running');
    expect(machine.named('api')).to.equal(undefined);
    expect(plan.unready[0]).to.deep.equal({
      name: 'cache',
      state: 'exited',
      exitCode: 1,
      message: 'cannot bind',
    });
    expect(plan.holds[0]).to.include({
      reason: 'ContainerExited',
      target: 'cache',
      message: 'exits 1: cannot bind',
    });
    expect(machine.named('cache')?.starts, 'tries in 18 s').to.be.within(3, 6);
    machine.faults.exits.clear();
    expect((await operator.settle(all, {}, 60)).stepDone, 'mended').to.equal(5);
  });

  it('heals the other steps while one that had been in place is broken', async () => {
    await operator.settle(old);
    machine.faults.exits.set('cache', { code: 1, line: 'cannot bind' });
    machine.happens('remove', 'cache');
    machine.happens('remove', 'api');
    await operator.settle(old, { reached: 5 }, 3);
    expect(machine.named('api')?.state).to.equal('running');
  });

  it('writes what it can when the host refuses one file', async () => {
    const configFiles = [
      { path: '/etc/a', from: { inline: 'a' }, owner: 'nobody-here' },
      { path: '/etc/b', from: { inline: 'b' } },
    ];
    machine.faults.refuseWrite.add('/etc/a');
    const plan = await operator.pass(manifestOf([cloud({ configFiles })]));
    expect(machine.files.get('/etc/b')?.content).to.equal('b');
    expect(plan.holds.map(({ target, reason, stalled }) => [target, reason, stalled])).to.deep.equal([
      ['/etc/a', 'FileRefused', true],
    ]);
    expect(machine.named('cache')).to.equal(undefined);
  });

  it('tells people what was done by hand and mended, and what is new', async () => {
    await operator.settle(old);
    expect(reasons()).to.deep.equal(['Normal ContainerCreated', 'Normal ContainerCreated']);
    operator.notes.length = 0;
    machine.happens('remove', 'cache');
    await operator.settle(old, { reached: 5 });
    machine.happens('stop', 'cache');
    await operator.settle(old, { reached: 5 });
    expect(operator.notes.map(({ type, reason, note }) => `${type} ${reason}: ${note}`)).to.deep.equal([
      'Warning ContainerRemoved: cache was removed by hand; created again',
      'Warning ContainerStopped: cache is stopped; started again',
    ]);
  });

  it('does not restart for a file that the host refuses', async () => {
    const path = '/etc/api.conf';
    const configFiles = [{ path, from: { inline: 'a' } }];
    const containers = [cache, api({ volumes: [`${path}:/etc/api.conf`] })];
    const configured = manifestOf([cloud({ containers, configFiles })]);
    await operator.settle(configured);
    machine.files.set(path, { type: 'file', content: 'by hand', mode: '0644', owner: 'root:root' });
    machine.faults.refuseWrite.add(path);
    for (let tries = 0; tries < 10; tries += 1) {
      await operator.pass(configured, { reached: 5 });
      await clock.advance(6 * 60_000);
    }
    expect(machine.named('api')?.starts, 'while it is refused').to.equal(1);
    machine.faults.refuseWrite.clear();
    await operator.settle(configured, { reached: 5 });
    expect(machine.files.get(path)?.content).to.equal('a');
    expect(machine.named('api')?.starts, 'when it is written').to.equal(2);
  });

  it('restarts for a changed file exactly once, even if the operator is killed at any point of it', async () => {
    const configured = (text: string) =>
      manifestOf([
        cloud({
          configVolume: 'nova',
          configFiles: [{ path: 'nova.conf', from: { inline: text } }],
          kolla: [{ container: 'api', command: 'nova-api' }],
        }),
      ]);
    for (let after = 0; after < 9; after += 1) {
      machine = createFakeMachine(clock);
      await createOperator(machine, clock).settle(configured('a'));
      machine.faults.crash = { after, done: after % 2 === 0 };
      await createOperator(machine, clock).settle(configured('b'));
      const starts = machine.named('api')?.starts ?? 0;
      expect(starts, `killed after ${after} changes`).to.be.within(2, 3);
      expect(machine.named('cache')?.starts).to.equal(1);
      expect(machine.ledger.pendingRestarts).to.deep.equal([]);
    }
  });
});
