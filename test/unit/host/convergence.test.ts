// Laws of plan and apply together, from any starting state: it ends, it ends in the same place, and it touches only what it must.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Manifest } from '../../../src/host/manifest/types.ts';
import { isOurs, specHashOf } from '../../../src/host/plan/ours.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { createFakeMachine, type FakeMachine } from '../../fakes/engine.ts';
import { createOperator } from './support/machine.ts';
import { imagesFor, manifestOf, owner, service } from './support/objects.ts';

const check = { test: ['check'], intervalSeconds: 5, startPeriodSeconds: 5, retries: 2 };

interface Change {
  readonly version: string;
  readonly text: string;
  readonly size: string;
  readonly extra: boolean;
}

/** Four or five containers, a file, a job; each change makes another revision of them. */
function revision(change: Change): Manifest {
  const spec = service('nova', {
    configVolume: 'nova',
    directories: [{ path: '/var/log/nova' }],
    configFiles: [{ path: 'nova.conf', from: { inline: change.text } }],
    kolla: [{ container: 'api', command: 'nova-api' }],
    containers: [
      { name: 'cache', image: 'memcached', step: 1, environment: { SIZE: change.size } },
      { name: 'db', image: 'mariadb', step: 2, healthcheck: check },
      { name: 'api', image: 'nova-api', step: 4, startOrder: 2, healthcheck: check },
      { name: 'once', image: 'nova-api', step: 4, restart: 'No' },
      ...(change.extra ? [{ name: 'extra', image: 'cron', step: 5 }] : []),
    ],
    jobs: [{ name: 'sync', image: 'nova-api', step: 3, runPolicy: 'OnChange', command: ['sync'] }],
  });
  return manifestOf([spec], { images: imagesFor([spec], change.version) });
}

const changes: fc.Arbitrary<Change> = fc.record({
  version: fc.constantFrom('1', '2'),
  text: fc.constantFrom('a', 'b'),
  size: fc.constantFrom('64', '128'),
  extra: fc.boolean(),
});

/** Things that happen to a machine while nobody looks. */
const mishaps = fc.array(
  fc.record({
    what: fc.constantFrom('stop', 'remove', 'die', 'rename', 'edit', 'lose', 'foreign', 'reboot'),
    name: fc.constantFrom('cache', 'db', 'api', 'extra', 'sync'),
  }),
  { maxLength: 6 },
);
type Mishaps = typeof mishaps extends fc.Arbitrary<infer T> ? T : never;

const conf = '/var/lib/config-data/puppet-generated/nova/nova.conf';

function befall(machine: FakeMachine, happenings: Mishaps): void {
  happenings.forEach(({ what, name }, index) => {
    const container = machine.named(name);
    switch (what) {
      case 'stop':
      case 'remove':
      case 'die':
      case 'reboot':
        return machine.happens(what, name);
      case 'rename':
        if (container !== undefined) container.spec = { ...container.spec, name: `${name}.${index}` };
        return;
      case 'edit':
        machine.files.set(conf, { type: 'file', content: 'by hand', mode: '0600', owner: 'root:root' });
        return;
      case 'lose':
        machine.files.delete(conf);
        return;
      case 'foreign':
        machine.byHand({ name: `foreign-${index}` });
    }
  });
}

/** What a person would compare: containers by name with what they run, files, debts. What runs once may have ended. */
const stateOf = (machine: FakeMachine): unknown => ({
  containers: [...machine.containers.values()]
    .filter(({ spec }) => isOurs(spec, owner) && spec.name !== 'sync')
    .map(({ spec, state }) => [spec.name, specHashOf(spec), spec.restart === 'No' ? 'any' : state])
    .sort(),
  files: [...machine.files].filter(([path]) => !path.startsWith('/var/lib/undercloud')).sort(),
  debts: [machine.ledger.pendingRestarts, machine.ledger.replaced],
});

const machineWith = async (first: Change, happenings: Mishaps, canDisarm: boolean) => {
  const clock = createManualClock();
  const machine = createFakeMachine(clock);
  machine.faults.canDisarm = canDisarm;
  await createOperator(machine, clock).settle(revision(first));
  befall(machine, happenings);
  return { clock, machine };
};

const settled = { actions: [], holds: [], unproven: [], stepDone: 5 };

describe('plan and apply, from any starting state,', () => {
  it('reach an empty plan in a bounded number of rounds, and the same end wherever they began', async () => {
    await fc.assert(
      fc.asyncProperty(
        changes,
        mishaps,
        fc.boolean(),
        changes,
        async (first, happenings, canDisarm, wanted) => {
          const { clock, machine } = await machineWith(first, happenings, canDisarm);
          const plan = await createOperator(machine, clock).settle(revision(wanted), {}, 12);
          expect(plan).to.deep.include(settled);
          const fresh = await machineWith(wanted, [], canDisarm);
          expect(stateOf(machine)).to.deep.equal(stateOf(fresh.machine));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('never touch what we did not make', async () => {
    await fc.assert(
      fc.asyncProperty(
        changes,
        mishaps,
        fc.boolean(),
        changes,
        async (first, happenings, canDisarm, wanted) => {
          const { clock, machine } = await machineWith(first, happenings, canDisarm);
          const foreign = () =>
            [...machine.containers.values()]
              .filter(({ spec }) => !isOurs(spec, owner))
              .map(({ id, starts, state, spec }) => [id, starts, state, spec.name]);
          const before = foreign();
          await createOperator(machine, clock).settle(revision(wanted), {}, 12);
          expect(foreign()).to.deep.equal(before);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('leave alone what is as it should be: the same container, never restarted', async () => {
    await fc.assert(
      fc.asyncProperty(changes, changes, fc.boolean(), async (first, wanted, canDisarm) => {
        const { clock, machine } = await machineWith(first, [], canDisarm);
        const sameFiles = first.text === wanted.text;
        const same = revision(first).containers.filter(({ name, specHash, spec }) => {
          const other = revision(wanted).containers.find((container) => container.name === name);
          return (
            other?.specHash === specHash &&
            (sameFiles || !spec.volumes.some((volume) => volume.includes('nova')))
          );
        });
        const before = same.map(({ name }) => ({ ...machine.named(name) }));
        await createOperator(machine, clock).settle(revision(wanted), {}, 12);
        expect(same.map(({ name }) => ({ ...machine.named(name) }))).to.deep.equal(before);
      }),
      { numRuns: 60 },
    );
  });

  it('change nothing once everything is in place', async () => {
    await fc.assert(
      fc.asyncProperty(changes, mishaps, async (wanted, happenings) => {
        const { clock, machine } = await machineWith(wanted, happenings, true);
        await createOperator(machine, clock).settle(revision(wanted), {}, 12);
        const before = machine.changes();
        await createOperator(machine, clock).settle(revision(wanted), { reached: 5 });
        expect(machine.changes()).to.equal(before);
      }),
      { numRuns: 60 },
    );
  });

  it('end in the same place when the operator is killed after any number of changes, once or again and again', async () => {
    const kills = fc.array(fc.record({ after: fc.nat(40), done: fc.boolean() }), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(
        changes,
        mishaps,
        fc.boolean(),
        changes,
        kills,
        async (first, happenings, canDisarm, wanted, crashes) => {
          const { clock, machine } = await machineWith(first, happenings, canDisarm);
          for (const crash of crashes) {
            machine.faults.crash = { ...crash };
            const operator = createOperator(machine, clock);
            await operator.pass(revision(wanted));
            await clock.advance(500);
          }
          machine.faults.crash = undefined;
          const plan = await createOperator(machine, clock).settle(revision(wanted), {}, 12);
          expect(plan).to.deep.include(settled);
          const fresh = await machineWith(wanted, [], canDisarm);
          expect(stateOf(machine)).to.deep.equal(stateOf(fresh.machine));
        },
      ),
      { numRuns: 150 },
    );
  });
});
