// Jobs in the plan of a host: who runs them, what they keep waiting, and that no run is lost or repeated.
import { expect } from 'chai';
import { createJobRuns, type Ended } from '../../../src/host/apply/runs.ts';
import type { Plan } from '../../../src/host/plan/types.ts';
import { createManualClock, type ManualClock } from '../../fakes/clock.ts';
import { createFakeMachine, type FakeMachine } from '../../fakes/engine.ts';
import { createOperator, type Operator } from './support/machine.ts';
import { host, manifestOf, service, type WrittenService } from './support/objects.ts';

const keystone = (more: WrittenService = {}) =>
  service('keystone', {
    containers: [
      { name: 'memcached', image: 'memcached', step: 1 },
      { name: 'keystone', image: 'keystone', step: 3, startOrder: 2 },
      { name: 'keystone_cron', image: 'keystone', step: 4, restart: 'No' },
    ],
    ...more,
  });
const lab = manifestOf([keystone()]);

const holdsOf = (plan: Plan): readonly string[] =>
  plan.holds.map(({ reason, target, message }) => `${reason}: ${target} ${message}`);

describe('the jobs of a host', () => {
  let clock: ManualClock;
  let machine: FakeMachine;
  let operator: Operator;

  beforeEach(() => {
    clock = createManualClock();
    machine = createFakeMachine(clock);
    operator = createOperator(machine, clock);
  });

  const inPlace = async () => {
    await operator.settle(lab);
    operator = createOperator(machine, clock);
  };

  const sync = {
    name: 'db_sync',
    image: 'keystone',
    step: 3,
    startOrder: 1,
    scope: 'Cloud',
    command: ['sync'],
  };
  const assigned = (action: 'Run' | 'Wait' | 'Done', hash = 'h1', more: object = {}) =>
    manifestOf(
      [keystone({ jobs: [{ ...sync, ...more }] })],
      {},
      { host: host({ jobs: [{ service: 'keystone', name: 'db_sync', hash, action }] }) },
    );
  const runs = () => machine.named('db_sync')?.starts ?? 0;

  it("runs one that is this host's before the containers that start later, once", async () => {
    const run = assigned('Run');
    const targets = (await operator.plan(run)).actions.map(({ target }) => target);
    expect(targets.indexOf('keystone/db_sync')).to.be.lessThan(targets.indexOf('keystone'));
    expect((await operator.settle(run)).jobs).to.deep.include({
      service: 'keystone',
      name: 'db_sync',
      hash: 'h1',
      state: 'Succeeded',
      exitCode: 0,
      finishedAt: machine.ledger.jobs['keystone/db_sync']?.finishedAt,
      message: '',
    });
    expect(runs()).to.equal(1);
    expect((await createOperator(machine, clock).plan(run)).actions).to.deep.equal([]);
  });

  it('is a barrier while another host runs it: nothing later in that step, nothing in later steps', async () => {
    const plan = await operator.settle(assigned('Wait'), {}, 3);
    expect(holdsOf(plan)).to.deep.equal([
      'WaitingForJob: keystone/db_sync runs on another host first, and has not ended yet',
    ]);
    expect(machine.named('memcached')?.state).to.equal('running');
    expect(machine.named('keystone')).to.equal(undefined);
    expect(machine.named('keystone_cron')).to.equal(undefined);
    expect((await operator.settle(assigned('Done'))).stepDone).to.equal(5);
    expect(runs()).to.equal(0);
  });

  it('does not wait for one in a step that the host has been past', async () => {
    await inPlace();
    machine.happens('remove', 'keystone');
    expect((await operator.settle(assigned('Wait'), { reached: 5 })).actions).to.deep.equal([]);
    expect(machine.named('keystone')?.state).to.equal('running');
  });

  it('runs one again under another hash, and never one that is done', async () => {
    await operator.settle(assigned('Run'));
    const first = machine.named('db_sync')?.id;
    await operator.settle(assigned('Run', 'h2'));
    expect(machine.named('db_sync')?.id).not.to.equal(first);
    await operator.settle(assigned('Done', 'h3'));
    expect(machine.ledger.jobs['keystone/db_sync']?.hash).to.equal('h2');
  });

  it('keeps what failed from what comes after it, says why, and tries again', async () => {
    machine.faults.exits.set('db_sync', { code: 3, line: 'no such table' });
    const failed = await operator.pass(assigned('Run'));
    expect(holdsOf(failed)).to.deep.equal(['JobFailed: keystone/db_sync exits 3: no such table']);
    expect(failed.jobs[0]).to.include({ state: 'Failed', exitCode: 3, message: 'exits 3: no such table' });
    expect(machine.named('keystone')).to.equal(undefined);
    machine.faults.exits.clear();
    expect((await operator.settle(assigned('Run'))).stepDone).to.equal(5);
  });

  it('takes the outcome of a run that ended while no operator was there', async () => {
    const run = assigned('Run');
    await operator.settle(run);
    const ran = machine.named('db_sync');
    machine.ledger = { ...machine.ledger, jobs: {} };
    await createOperator(machine, clock).settle(run);
    expect(machine.named('db_sync')).to.equal(ran);
    expect(runs()).to.equal(1);
    expect(machine.ledger.jobs['keystone/db_sync']).to.include({ hash: 'h1', exitCode: 0 });
  });

  it('runs commands inside of a container that runs', async () => {
    const inside = assigned('Run', 'h1', { image: undefined, exec: { container: 'memcached' } });
    expect((await operator.settle(inside)).jobs[0]).to.include({ state: 'Succeeded' });
    machine.faults.sick.add('memcached');
    const again = assigned('Run', 'h2', { image: undefined, exec: { container: 'memcached' } });
    expect(holdsOf(await operator.pass(again))).to.deep.equal([
      'JobFailed: keystone/db_sync exits 1: connection refused',
    ]);
  });

  it('runs no command inside of a container that we did not make', async () => {
    await operator.settle(lab);
    machine.happens('remove', 'memcached');
    machine.byHand({ name: 'memcached' });
    const inside = assigned('Run', 'h1', { image: undefined, exec: { container: 'memcached' } });
    await operator.settle(inside, { reached: 5 }, 3);
    expect(machine.execs).to.equal(0);
  });

  it('runs one once though the pass that began it ends before it does', async () => {
    const { signal } = new AbortController();
    const jobRuns = createJobRuns(signal);
    let begun = 0;
    let end: (ended: Ended) => void = () => undefined;
    const begin = () => {
      begun += 1;
      return new Promise<Ended>((resolve) => (end = resolve));
    };
    const pass = new AbortController();
    const followed = jobRuns
      .follow('nova/db_sync', 'h1', begin, pass.signal)
      .catch((error: unknown) => error);
    pass.abort(new Error('the pass took too long'));
    expect(await followed).to.be.an('error');
    end({ exitCode: 0, line: '' });
    expect(await jobRuns.follow('nova/db_sync', 'h1', begin, signal)).to.deep.equal({
      exitCode: 0,
      line: '',
    });
    expect(begun).to.equal(1);
    void jobRuns.follow('nova/db_sync', 'h1', begin, signal);
    expect(begun, 'when it is asked for again').to.equal(2);
  });
});
