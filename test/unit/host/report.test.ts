// What a Host's status says of large trouble, and when a host in trouble is looked at again.
import { expect } from 'chai';
import { createFailureBook } from '../../../src/host/failures.ts';
import { nextLook } from '../../../src/host/next-look.ts';
import type { Plan } from '../../../src/host/plan/types.ts';
import { createProber } from '../../../src/host/prober.ts';
import { statusOf } from '../../../src/host/report.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { createFakeMachine } from '../../fakes/engine.ts';
import { createOperator } from './support/machine.ts';
import { host, manifestOf, service } from './support/objects.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** 60 containers, each with 30 long variables. */
const crowd = (value: string) => {
  const environment = Object.fromEntries(numbers(30).map((index) => [`V${index}`, value.repeat(300)]));
  const containers = numbers(60).map((index) => ({ name: `c${index}`, image: 'cron', step: 1, environment }));
  return manifestOf([service('crowd', { containers })]);
};

describe('the status of a host', () => {
  it('stays small whatever a plan would do, and says how much it leaves out', async () => {
    const clock = createManualClock();
    const operator = createOperator(createFakeMachine(clock), clock);
    await operator.settle(crowd('x'));
    const manifest = crowd('y');
    const plan = await operator.plan(manifest, { reached: 5 });
    const status = statusOf(
      {
        host: host(),
        health: { kind: 'ready', message: 'in place' },
        conditions: [],
        brake: '',
        current: { manifest, plan },
        proposed: { revision: 'lab-controller-2', plan },
      },
      clock.now(),
    );
    expect(Buffer.byteLength(JSON.stringify(status))).to.be.lessThan(32 * 1024);
    const { actions = [], truncated = 0, summary } = status.plan ?? {};
    expect(actions).not.to.have.length(0);
    expect(actions.length + truncated).to.equal(60);
    expect(summary).to.equal('60 replace');
    expect(actions[0]?.fields?.at(-1)).to.match(/^and \d+ more$/);
    const { unready = [], drift = [] } = status;
    expect(unready.length + drift.length + (status.truncated ?? 0)).to.equal(120);
  });
});

describe('the next look at a host', () => {
  it('is a calm one while what is left to do waits for something that tells', () => {
    const place = { step: 2, startOrder: 0 };
    const plan: Plan = {
      actions: [{ kind: 'removeFile', target: '/etc/a', reason: 'no service has it', fields: [], ...place }],
      holds: [
        { ...place, step: 1, on: 'container', target: 'c', reason: 'NameTaken', message: '', stalled: true },
      ],
      unproven: [],
      drift: [],
      unready: [],
      containers: { desired: 1, ready: 0 },
      jobs: [],
      stepDone: 0,
      recorded: {},
    };
    const clock = createManualClock();
    const deps = { clock, random: () => 0.5, log: silentLogger, onSettled: () => undefined };
    const session = createFakeMachine(clock).connect();
    const failures = createFailureBook(deps);
    const prober = createProber({
      ...deps,
      engine: session.engine,
      signal: session.closed,
      onProven: () => undefined,
    });
    const outcome = nextLook({
      plan,
      reached: 0,
      act: true,
      unplanned: false,
      link: { prober },
      failures,
      writeAgainMs: undefined,
      pullAgainMs: undefined,
      slowPassMs: 300_000,
      random: () => 0.5,
    });
    expect(outcome).to.include({ kind: 'requeueAfter', ms: 30_000 });
  });
});
