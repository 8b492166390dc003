// A simulated cloud that must always reach its end, without breaking the rules on the way.
import { expect } from 'chai';
import fc from 'fast-check';
import type { RolloutHost, RolloutInput } from '../../../src/overcloud/rollout/model.ts';
import { decide, deployed, host, role } from './support/rollout.ts';

/** A cloud that does what it is told: hosts finish the steps that they may, one at a time, and are ready at the end. */
function simulated(start: readonly RolloutHost[], more: Partial<RolloutInput>) {
  let hosts = start;
  const change = (name: string, next: (each: RolloutHost) => RolloutHost) => {
    hosts = hosts.map((each) => (each.name === name ? next(each) : each));
  };
  return {
    hosts: () => hosts,
    /** Gives out at most `limit` assignments that change something: the operator may die after any of them. */
    lead(limit: number): number {
      const changes = [...decide(hosts, more).assignments].filter(([name, { revision, step }]) =>
        hosts.some((each) => each.name === name && (each.revision !== revision || each.step !== step)),
      );
      for (const [name, { revision, step }] of changes.slice(0, limit)) {
        change(name, (each) => ({
          ...each,
          revision,
          step,
          ready: each.ready && revision === each.revision,
        }));
      }
      return changes.length;
    },
    /** One host finishes the next step, if it may. */
    work(index: number): boolean {
      const each = hosts[index % hosts.length];
      if (each === undefined || each.revision === '') return false;
      const done = each.progress?.revision === each.revision ? each.progress.step : 0;
      if (done >= each.step) return false;
      const progress = { revision: each.revision, step: done + 1 };
      const complete = progress.step === 5;
      change(each.name, () => ({
        ...each,
        progress,
        ready: complete,
        completed: complete ? each.revision : each.completed,
      }));
      return true;
    },
  };
}

describe('a rollout', () => {
  const roles = [role('ctrl', { serial: 1, tags: ['pacemaker'] }), role('compute', { serial: '50%' })];
  const fleet = fc
    .record({
      ctrl: fc.nat(3),
      compute: fc.nat(6),
      deployed: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
    })
    .map(({ ctrl, compute, deployed: before }) =>
      [
        ...Array.from({ length: ctrl }, (_, index) => `ctrl${String(index)}`),
        ...Array.from({ length: compute }, (_, index) => `compute${String(index)}`),
      ].map((name, index) =>
        before[index] ? deployed(name, 'A', { target: 'B' }) : host(name, { target: 'B' }),
      ),
    );
  /** What happens next: somebody finishes a step, or the operator comes round and dies after so many writes. */
  const story = fc.array(fc.tuple(fc.nat(20), fc.constantFrom(0, 0, 0, 1, 9)), {
    maxLength: 300,
    size: 'max',
  });

  const finishedSteps = (each: RolloutHost) =>
    each.progress?.revision === each.revision ? each.progress.step : 0;
  const isMoving = (each: RolloutHost) => each.revision !== '' && each.revision !== each.completed;

  it('reaches its end from anywhere, and never breaks a barrier or takes too many hosts at once', () => {
    fc.assert(
      fc.property(fleet, story, (start, events) => {
        const cloud = simulated(start, { roles });
        const newcomers = start.filter((each) => each.completed === '');
        const check = () => {
          const fresh = cloud.hosts().filter((each) => isMoving(each) && each.completed === '');
          const begun = fresh.filter((each) => finishedSteps(each) > 0);
          // A host that joins late has its steps to catch up with; among those that have begun the barrier holds.
          if (begun.length === newcomers.length) {
            const steps = begun.map(finishedSteps);
            expect(Math.max(0, ...steps) - Math.min(5, ...steps)).to.be.at.most(1);
          }
          const updating = cloud.hosts().filter((each) => isMoving(each) && each.completed !== '');
          const of = (name: string) => updating.filter((each) => each.role === name).length;
          const computes = start.filter((each) => each.role === 'compute').length;
          expect(of('ctrl')).to.be.at.most(1);
          expect(of('compute')).to.be.at.most(Math.ceil(computes / 2));
          expect(of('ctrl') > 0 && of('compute') > 0).to.equal(false);
        };
        for (const [index, writes] of events) {
          if (writes > 0) cloud.lead(writes);
          else cloud.work(index);
          check();
        }
        for (let round = 0; round < 500; round += 1) {
          const led = cloud.lead(Infinity);
          const worked = start.map((_, index) => cloud.work(index));
          check();
          if (led === 0 && !worked.includes(true)) break;
        }
        for (const each of cloud.hosts()) {
          expect([each.name, each.revision, each.step, each.ready]).to.deep.equal([each.name, 'B', 5, true]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('stops at the first host that fails, and all others stay as they were', () => {
    const count = 5;
    fc.assert(
      fc.property(fc.nat(count - 1), (bad) => {
        const start = Array.from({ length: count }, (_, index) =>
          deployed(`c${String(index)}`, 'A', { target: 'B' }),
        );
        let hosts: readonly RolloutHost[] = start;
        let rejected: RolloutInput['rejected'] = [];
        for (let round = 0; round < 60; round += 1) {
          const decision = decide(hosts, { rejected });
          rejected = decision.rejected;
          hosts = hosts.map((each) => {
            const { revision, step } = decision.assignments.get(each.name) ?? { revision: '', step: 0 };
            const fails = revision === 'B' && each.index === bad;
            const target = rejected.length > 0 ? revision : 'B';
            const progress = { revision, step: fails ? 2 : 5 };
            return {
              ...each,
              revision,
              step,
              target,
              progress,
              completed: fails ? each.completed : revision,
              ready: !fails,
              failure: fails ? 'it exits' : '',
            };
          });
        }
        expect(hosts.map(({ revision }) => revision)).to.deep.equal(
          start.map(({ index }) => (index < bad ? 'B' : 'A')),
        );
        expect(rejected.map(({ host: where }) => where)).to.deep.equal([`c${String(bad)}`]);
        expect(hosts.every(({ ready }) => ready)).to.equal(true);
      }),
    );
  });
});
