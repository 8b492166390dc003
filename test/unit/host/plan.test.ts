// What the plan says in each situation, on the machine in memory.
import { expect } from 'chai';
import type { Plan } from '../../../src/host/plan/types.ts';
import { planSummary } from '../../../src/host/report.ts';
import { createManualClock, type ManualClock } from '../../fakes/clock.ts';
import { createFakeMachine, type FakeMachine } from '../../fakes/engine.ts';
import { createOperator, type Operator } from './support/machine.ts';
import { imagesFor, manifestOf, owner, service, type WrittenService } from './support/objects.ts';

const check = { test: ['/openstack/healthcheck'], intervalSeconds: 30, startPeriodSeconds: 20, retries: 3 };
const conf = '/var/lib/config-data/puppet-generated/keystone/keystone.conf';

const keystone = (more: WrittenService = {}) =>
  service('keystone', {
    configVolume: 'keystone',
    directories: [{ path: '/var/log/containers/keystone', mode: '0750' }],
    configFiles: [{ path: 'keystone.conf', from: { inline: 'debug = false\n' } }],
    kolla: [{ container: 'keystone', command: 'keystone' }],
    containers: [
      { name: 'memcached', image: 'memcached', step: 1 },
      { name: 'keystone', image: 'keystone', step: 3, startOrder: 2, healthcheck: check },
      { name: 'keystone_cron', image: 'keystone', step: 4, restart: 'No' },
    ],
    ...more,
  });
const lab = manifestOf([keystone()]);

const changedConf = manifestOf([
  keystone({ configFiles: [{ path: 'keystone.conf', from: { inline: 'debug = true\n' } }] }),
]);

const actionsOf = (plan: Plan): readonly string[] =>
  plan.actions.map(({ kind, target, reason }) => `${kind} ${target}: ${reason}`);
const holdsOf = (plan: Plan): readonly string[] =>
  plan.holds.map(({ reason, target, message }) => `${reason}: ${target} ${message}`);

describe('the plan of a host', () => {
  let clock: ManualClock;
  let machine: FakeMachine;
  let operator: Operator;

  beforeEach(() => {
    clock = createManualClock();
    machine = createFakeMachine(clock);
    operator = createOperator(machine, clock);
  });

  /** The lab's manifest in place, and an operator that has just been started. */
  const inPlace = async () => {
    await operator.settle(lab);
    operator = createOperator(machine, clock);
  };

  it('of an empty machine makes everything: directories and files first, then by step and start order', async () => {
    expect(actionsOf(await operator.plan(lab))).to.deep.equal([
      'ensureDirectory /var/log/containers/keystone: is missing',
      'ensureDirectory /var/lib/config-data/puppet-generated/keystone: is missing',
      `writeFile ${conf}: is missing`,
      'writeFile /var/lib/kolla/config_files/keystone.json: is missing',
      'create memcached: is missing',
      'create keystone: is missing',
      'create keystone_cron: is missing',
    ]);
  });

  it('of a machine on which everything is in place is empty, and says that step 5 is done', async () => {
    const plan = await operator.settle(lab);
    expect(plan).to.deep.include({
      actions: [],
      holds: [],
      unproven: [],
      drift: [],
      unready: [],
      stepDone: 5,
      containers: { desired: 3, ready: 3 },
    });
  });

  it('goes no further than it may, and leaves what belongs to later steps as it is', async () => {
    const plan = await operator.plan(lab, { step: 1 });
    expect(planSummary(plan.actions)).to.equal('2 ensureDirectory, 2 writeFile, 1 create');
    expect((await operator.settle(lab, { step: 1 })).stepDone).to.equal(1);
    expect(machine.named('keystone')).to.equal(undefined);
    expect((await operator.plan(lab, { step: 0 })).actions).to.deep.equal([]);
  });

  it('counts a container with a health check only when the check has succeeded', async () => {
    const plan = await operator.pass(lab, { step: 3 });
    expect(plan.unproven.map(({ container }) => container.name)).to.deep.equal(['keystone']);
    expect(plan.stepDone).to.equal(2);
    await clock.advance(200);
    expect((await operator.plan(lab, { step: 3 })).stepDone).to.equal(3);
  });

  describe('mends', () => {
    const cases: readonly (readonly [
      string,
      (machine: FakeMachine) => void,
      readonly string[],
      readonly string[],
    ])[] = [
      [
        'a container that was removed',
        () => machine.happens('remove', 'memcached'),
        ['create memcached: is missing'],
        ['Missing memcached'],
      ],
      [
        'a container that was stopped',
        () => machine.happens('stop', 'memcached'),
        ['start memcached: is stopped'],
        ['Stopped memcached'],
      ],
      [
        'a container that died, with its last words',
        () => machine.happens('die', 'memcached'),
        ['start memcached: exits 137: killed'],
        ['Stopped memcached'],
      ],
      [
        'a file that was changed by hand, with a restart of what mounts it',
        () =>
          machine.files.set(conf, {
            type: 'file',
            content: 'debug = true',
            mode: '0640',
            owner: 'root:root',
          }),
        [`writeFile ${conf}: was changed by hand`, 'restart keystone: its files changed'],
        [`File ${conf}`],
      ],
      [
        'the mode of a file, without any restart',
        () =>
          machine.files.set(conf, {
            type: 'file',
            content: 'debug = false\n',
            mode: '0644',
            owner: 'root:root',
          }),
        [`writeFile ${conf}: mode or owner changed`],
        [],
      ],
    ];
    for (const [name, disturb, actions, drift] of cases) {
      it(name, async () => {
        await inPlace();
        disturb(machine);
        const plan = await operator.plan(lab, { reached: 5 });
        expect(actionsOf(plan)).to.deep.equal(actions);
        expect(plan.drift.map(({ kind, what }) => `${kind} ${what}`)).to.deep.equal(drift);
      });
    }
  });

  describe('leaves alone', () => {
    it('what we did not make, even in our way: it says so and what to do', async () => {
      const foreign = machine.byHand({ name: 'memcached' });
      const plan = await operator.settle(lab);
      expect(machine.containers.get(foreign.id)?.starts).to.equal(1);
      expect(holdsOf(plan)).to.deep.equal([
        `NameTaken: memcached cannot be created: there is a container of that name (${foreign.id.slice(0, 12)}) that Undercloud did not make and leaves alone; remove or rename it`,
      ]);
      expect(plan.unready).to.deep.include({
        name: 'memcached',
        state: 'blocked',
        exitCode: 0,
        message: plan.holds[0]?.message,
      });
      expect(machine.named('keystone'), 'a later step').to.equal(undefined);
    });

    it('a container of another cloud with our labels', async () => {
      await inPlace();
      const other = machine.byHand({ name: 'other', labels: { 'dev.undercloud/owner': `${owner}-2` } });
      expect((await operator.plan(lab)).actions).to.deep.equal([]);
      expect(machine.containers.has(other.id)).to.equal(true);
    });

    it('a directory whose owner a container has changed, and a link where a directory should be', async () => {
      await inPlace();
      const directory = '/var/log/containers/keystone';
      machine.files.set(directory, { type: 'directory', content: '', mode: '0755', owner: '42425:42425' });
      expect((await operator.plan(lab)).actions).to.deep.equal([]);
      machine.files.set(directory, { type: 'symlink', content: '', mode: '0777', owner: 'root:root' });
      expect((await operator.plan(lab)).actions).to.deep.equal([]);
    });

    it('a container that was to run once and has', async () => {
      await inPlace();
      machine.happens('stop', 'keystone_cron');
      expect((await operator.plan(lab)).actions).to.deep.equal([]);
    });

    it('the last container of the service in a step that it may not go to', async () => {
      await inPlace();
      machine.happens('remove', 'keystone');
      expect((await operator.plan(lab, { step: 2 })).actions).to.deep.equal([]);
    });
  });

  describe('replaces', () => {
    it('only the containers whose image changed, and names the digests', async () => {
      await inPlace();
      const images = {
        ...imagesFor([keystone()]),
        memcached: { repository: 'registry:8787/lab/openstack-memcached', tag: '2', digest: 'sha256:new' },
      };
      const plan = await operator.plan(manifestOf([keystone()], { images, imagesTag: '2' }));
      expect(actionsOf(plan)).to.deep.equal(['replace memcached: image changed']);
      expect(plan.actions[0]?.fields).to.deep.equal([
        { field: 'digest', current: 'sha256:memcached-1', desired: 'sha256:new' },
        {
          field: 'image',
          current: 'registry:8787/lab/openstack-memcached:1',
          desired: 'registry:8787/lab/openstack-memcached:2',
        },
      ]);
    });

    it('nothing when only the tag changed', async () => {
      await inPlace();
      const images = Object.fromEntries(
        Object.entries(imagesFor([keystone()])).map(([name, image]) => [name, { ...image, tag: '2' }]),
      );
      expect((await operator.plan(manifestOf([keystone()], { images }))).actions).to.deep.equal([]);
    });

    it('the container whose environment changed, and names the variable', async () => {
      await inPlace();
      const containers = [
        { name: 'memcached', image: 'memcached', step: 1, environment: { SIZE: '64' } },
        { name: 'keystone', image: 'keystone', step: 3, startOrder: 2, healthcheck: check },
        { name: 'keystone_cron', image: 'keystone', step: 4, restart: 'No' },
      ];
      const plan = await operator.plan(manifestOf([keystone({ containers })]));
      expect(actionsOf(plan)).to.deep.equal(['replace memcached: environment.SIZE changed']);
      expect(plan.actions[0]?.fields).to.deep.equal([
        { field: 'environment.SIZE', current: '', desired: '64' },
      ]);
    });

    it('what somebody made with our labels and without a readable config_data', async () => {
      machine.byHand({
        name: 'memcached',
        labels: { 'dev.undercloud/owner': owner, 'dev.undercloud/spec-hash': 'v1:0' },
      });
      const plan = await operator.plan(lab);
      expect(actionsOf(plan)).to.include('replace memcached: config_data changed');
    });
  });

  it('writes a file whose content changed and restarts only the running containers that mount it', async () => {
    await inPlace();
    expect(actionsOf(await operator.plan(changedConf))).to.deep.equal([
      `writeFile ${conf}: content changed`,
      'restart keystone: its files changed',
    ]);
  });

  it('goes on with a restart that an operator before us owed', async () => {
    await inPlace();
    machine.ledger = { ...machine.ledger, pendingRestarts: ['keystone'] };
    operator = createOperator(machine, clock);
    expect(actionsOf(await operator.plan(lab))).to.deep.equal(['restart keystone: its files changed']);
  });

  it('removes what no service has any more, last, in step 5, and reports it as drift only of a host that was done', async () => {
    await inPlace();
    const smaller = manifestOf([
      service('base', { containers: [{ name: 'memcached', image: 'memcached', step: 1 }] }),
    ]);
    const actions = actionsOf(await operator.plan(smaller));
    expect(actions).to.deep.equal([
      'remove keystone: no service has it any more',
      'remove keystone_cron: no service has it any more',
      `removeFile ${conf}: no service has it any more`,
      'removeFile /var/lib/kolla/config_files/keystone.json: no service has it any more',
    ]);
    expect((await operator.plan(smaller, { step: 4 })).actions).to.deep.equal([]);
    expect((await operator.plan(smaller)).drift).to.deep.equal([]);
    expect((await operator.plan(smaller, { reached: 5 })).drift).to.deep.equal([
      { kind: 'Orphan', what: 'keystone' },
      { kind: 'Orphan', what: 'keystone_cron' },
    ]);
  });

  it('removes nothing while anything else is not as it should be', async () => {
    await inPlace();
    const smaller = manifestOf([
      service('base', { containers: [{ name: 'memcached', image: 'memcached', step: 1 }] }),
    ]);
    machine.faults.exits.set('memcached', { code: 1, line: 'broken' });
    machine.happens('remove', 'memcached');
    await operator.settle(smaller, { reached: 5 }, 3);
    expect(machine.named('keystone')?.state).to.equal('running');
    machine.faults.exits.clear();
    await operator.settle(smaller, { reached: 5 });
    expect(machine.named('keystone')).to.equal(undefined);
  });

  it('calls nothing drift that has never been in place', async () => {
    expect((await operator.plan(lab)).drift).to.deep.equal([]);
  });

  it('keeps a file that somebody has changed since no service wants it', async () => {
    await inPlace();
    machine.files.set(conf, { type: 'file', content: 'mine now', mode: '0640', owner: 'root:root' });
    const none = manifestOf([]);
    expect(actionsOf(await operator.plan(none)).filter((action) => action.includes(conf))).to.deep.equal([]);
  });

  it('waits for a person where something else is in the place of a file', async () => {
    machine.files.set(conf, { type: 'directory', content: '', mode: '0755', owner: 'root:root' });
    const plan = await operator.settle(lab);
    expect(holdsOf(plan)).to.deep.equal([
      `PathTaken: ${conf} is no file but something else (directory): move it away`,
    ]);
    expect(plan.stepDone).to.equal(0);
  });
});
