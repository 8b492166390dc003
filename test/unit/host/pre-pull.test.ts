// Images that are pulled ahead of the day they are needed: when, how often, and that nothing else is disturbed by it.
import { expect } from 'chai';
import { hosts, type HostSpec, type HostSpecPrePull } from '../../../src/api/host.gen.ts';
import { createPrePuller } from '../../../src/host/pre-pull/puller.ts';
import { createLimiter } from '../../../src/kernel/limiter.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { configMaps, secrets } from '../../../src/kube/objects.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { createFakeMachine } from '../../fakes/engine.ts';
import { first, second } from './support/nova.ts';
import { image } from './support/objects.ts';
import { createRig, createRigInPlace, key, settleMs, type Rig } from './support/rig.ts';

const reference = (name: string, version = '2'): string => {
  const { repository, digest } = image(name, version);
  return `${repository}@${digest}`;
};
const memcached = reference('memcached');
const novaApi = reference('nova-api');
const list = (more: Partial<HostSpecPrePull> = {}): HostSpecPrePull => ({
  hash: 'march',
  images: [memcached, novaApi],
  registries: [{ host: 'registry:8787', insecure: false }],
  ...more,
});
/** The update's own image, which nobody pulls ahead. */
const newer = { ...image('nova-api'), digest: 'sha256:newer' };
const minutes = (count: number) => count * 60_000;

describe('pulling ahead', () => {
  let rig: Rig;

  const inPlace = async (spec: Partial<HostSpec> = {}) => {
    rig = await createRigInPlace(first, spec);
    rig.machine.pulls.length = 0;
  };
  const pulled = () => rig.status().prePulled;
  /** What is pulled ahead takes so long; what a pass pulls, which waits for it, does not. */
  const slowly = (ms: number) =>
    [memcached, novaApi, reference('cron')].forEach((each) => rig.machine.faults.slowPull.set(each, ms));
  const begun = () => rig.machine.pulls.filter((line) => line.startsWith('begins'));

  it('brings what is missing by digest, one at a time, and says so once', async () => {
    await inPlace();
    rig.machine.images.set(memcached, 'sha256:is-here');
    await rig.spec({ prePull: list({ images: [memcached, novaApi, reference('cron')] }) });
    slowly(8_000);
    await rig.run(6_000);
    expect(pulled()).to.include({ hash: 'march', desired: 3, present: 1, summary: '1/3' });
    expect(pulled()?.message).to.equal('pulls registry:8787/lab/openstack-nova-api@sha256:nova-api-2');
    await rig.run(30_000);
    expect(rig.machine.pulls).to.deep.equal([
      `begins ${novaApi}`,
      `ends ${novaApi}`,
      `begins ${reference('cron')}`,
      `ends ${reference('cron')}`,
    ]);
    expect(pulled()).to.deep.equal({ hash: 'march', desired: 3, present: 3, summary: '3/3' });
    expect(rig.events).to.deep.equal([
      'ImagesPrePulled: lab-controller-0: all 3 images of spec.prePull are here',
    ]);
  });

  it('touches nothing that runs, and is no new revision', async () => {
    await inPlace();
    const containers = structuredClone([...rig.machine.containers.values()]);
    const before = rig.status();
    await rig.spec({ prePull: list({ registries: [{ host: 'other:5000', insecure: true }] }) });
    await rig.run(settleMs);
    expect([...rig.machine.containers.values()]).to.deep.equal(containers);
    expect(rig.status().progress).to.deep.equal(before.progress);
    expect(rig.ready()).to.match(/^True /);
    expect(pulled()?.summary).to.equal('2/2');
  });

  it('writes nothing more, and asks for nothing, once all is there, not even after a restart', async () => {
    await inPlace({ prePull: list() });
    expect(pulled()?.summary).to.equal('2/2');
    const writes = rig.kube.writes();
    const changes = rig.machine.changes();
    await rig.run(minutes(40));
    expect(rig.kube.writes()).to.equal(writes);
    const counted = pulled();
    rig.restart();
    await rig.run(minutes(10));
    expect(pulled()).to.deep.equal(counted);
    expect(rig.machine.changes()).to.equal(changes);
    expect(rig.events).to.deep.equal([]);
    expect(rig.lines).to.deep.equal([]);
  });

  it('brings again what was pruned on the host', async () => {
    await inPlace({ prePull: list() });
    rig.machine.images.delete(novaApi);
    await rig.run(minutes(40));
    expect(begun()).to.deep.equal([`begins ${novaApi}`]);
    expect(pulled()?.summary).to.equal('2/2');
  });

  it('leaves what it pulled when it is no longer asked for, and says nothing more of it', async () => {
    await inPlace({ prePull: list() });
    await rig.kube.edit(hosts, key, { spec: { prePull: null } });
    await rig.run(settleMs);
    expect(rig.status()).not.to.have.property('prePulled');
    expect(rig.machine.images.has(novaApi)).to.equal(true);
  });

  it('has to look again when the list is another one', async () => {
    await inPlace({ prePull: list() });
    slowly(5_000);
    await rig.spec({ prePull: list({ hash: 'april', images: [reference('nova-api', '3')] }) });
    await rig.run(1_000);
    expect(pulled()).to.include({ hash: 'april', summary: '0/1' });
    await rig.run(settleMs);
    expect(pulled()).to.include({ hash: 'april', summary: '1/1' });
  });

  describe('comes after everything else:', () => {
    it('an update that is asked for at the same time', async () => {
      await inPlace();
      await rig.revise('lab-controller-2', { ...second, images: { ...first.images, 'nova-api': newer } });
      await rig.spec({ prePull: list() });
      slowly(3_000);
      await rig.run(minutes(1));
      const updates = `begins ${newer.repository}@${newer.digest}`;
      expect(begun()).to.deep.equal([updates, `begins ${memcached}`, `begins ${novaApi}`]);
      expect(rig.status().progress).to.deep.equal({ revision: 'lab-controller-2', step: 5 });
    });

    it('an update that is held at a step, for as long as that takes', async () => {
      rig = createRig(first, { step: 2, prePull: list() });
      await rig.run(minutes(10));
      expect(begun().filter((line) => line.endsWith('-2'))).to.deep.equal([]);
      expect(pulled()?.message).to.equal('waits: step 2 is done, waits for the other hosts');
      await rig.spec({ step: 5 });
      await rig.run(settleMs);
      expect(pulled()?.summary).to.equal('2/2');
    });

    it('an update that comes while it pulls: the pull is called off, and made up for', async () => {
      await inPlace({});
      slowly(minutes(2));
      await rig.spec({ prePull: list() });
      await rig.run(minutes(1));
      expect(rig.machine.pulls).to.deep.equal([`begins ${memcached}`]);
      rig.machine.faults.slowPull.clear();
      await rig.revise('lab-controller-2', { ...second, images: { ...first.images, 'nova-api': newer } });
      await rig.run(settleMs);
      expect(rig.machine.pulls.slice(1, 3)).to.deep.equal([
        `breaks off ${memcached}`,
        `begins ${newer.repository}@${newer.digest}`,
      ]);
      expect(rig.events.filter((event) => event.includes('Failed'))).to.deep.equal([]);
      expect(pulled()).to.deep.equal({ hash: 'march', desired: 2, present: 2, summary: '2/2' });
    });

    it('healing, which it does not hold up', async () => {
      await inPlace();
      slowly(minutes(20));
      await rig.spec({ prePull: list() });
      await rig.run(settleMs);
      rig.machine.happens('remove', 'memcached');
      await rig.run(2_100);
      expect(rig.machine.named('memcached')?.state).to.equal('running');
      expect(rig.machine.pulls.slice(0, 2)).to.deep.equal([`begins ${memcached}`, `breaks off ${memcached}`]);
      await rig.run(settleMs);
      expect(rig.machine.pulls.at(-1), 'goes on afterwards').to.equal(`begins ${memcached}`);
    });
  });

  describe('while something stops the host', () => {
    const cases: readonly (readonly [string, (rig: Rig) => Promise<void>, string | undefined])[] = [
      ['a pause', (it) => it.spec({ paused: true }), 'waits: left alone: paused (overcloud lab)'],
      [
        'mode Observe',
        (it) => it.spec({ mode: 'Observe' }),
        'waits: left alone: mode Observe (overcloud lab)',
      ],
      [
        'maintenance',
        (it) => it.node({ spec: { maintenance: true } }),
        'waits: left alone: maintenance (node overcloud-ctrl01)',
      ],
      ['mode Plan', (it) => it.spec({ mode: 'Plan' }), undefined],
      ['a hold', (it) => it.spec({ hold: true }), undefined],
    ];
    for (const [name, stop, message] of cases) {
      it(`(${name}) ${message === undefined ? 'goes on' : 'waits, and says for what'}`, async () => {
        await inPlace();
        await stop(rig);
        await rig.spec({ prePull: list() });
        await rig.run(settleMs);
        expect(pulled()?.message).to.equal(message);
        expect(pulled()?.summary).to.equal(message === undefined ? '2/2' : '0/2');
      });
    }

    it('calls off what it pulls when the stop comes', async () => {
      await inPlace();
      slowly(minutes(20));
      await rig.spec({ prePull: list() });
      await rig.run(settleMs);
      await rig.spec({ mode: 'Observe' });
      await rig.run(settleMs);
      expect(rig.machine.pulls).to.deep.equal([`begins ${memcached}`, `breaks off ${memcached}`]);
    });
  });

  describe('when an image cannot be had', () => {
    it('goes on with the others, tries it again ever more calmly, tells it once, and the host does well', async () => {
      await inPlace();
      rig.machine.faults.noPull.add(memcached);
      await rig.spec({ prePull: list() });
      await rig.run(settleMs);
      expect(pulled()).to.include({ summary: '1/2', failed: 1 });
      expect(pulled()?.message).to.match(
        /^cannot pull registry:8787\/lab\/openstack-memcached@sha256:memcached-2: connection refused$/,
      );
      await rig.run(minutes(10));
      expect(begun().filter((line) => line.includes('memcached'))).to.have.length.within(3, 6);
      expect(rig.events).to.deep.equal([`ImagePullFailed: lab-controller-0: ${pulled()?.message ?? ''}`]);
      expect(rig.ready()).to.match(/^True /);
      rig.machine.happens('remove', 'memcached');
      await rig.run(2_100);
      expect(rig.machine.named('memcached')?.state, 'healed meanwhile').to.equal('running');
      rig.machine.faults.noPull.clear();
      await rig.run(minutes(11));
      expect(pulled()?.summary).to.equal('2/2');
      expect(rig.events.at(-1)).to.match(/^ImagesPrePulled: /);
    });

    it('fills no full disk up again for each image', async () => {
      await inPlace();
      rig.machine.faults.diskFull = true;
      await rig.spec({ prePull: list() });
      await rig.run(settleMs);
      expect(begun()).to.have.length(1);
      expect(pulled()?.message).to.match(/no space left on device$/);
      await rig.run(minutes(10));
      expect(begun()).to.have.length.within(3, 6);
      rig.machine.faults.diskFull = false;
      await rig.run(minutes(11));
      expect(pulled()?.summary).to.equal('2/2');
    });

    it('gives up a pull that hangs, and goes on with the others', async () => {
      await inPlace();
      rig.machine.faults.slowPull.set(memcached, minutes(600));
      await rig.spec({ prePull: list() });
      await rig.run(minutes(60) + settleMs);
      expect(pulled()).to.include({ summary: '1/2', failed: 1 });
      expect(pulled()?.message).to.match(/openstack-memcached@sha256:memcached-2: took more than 60 min$/);
    });

    it('writes nothing while nothing changes about that', async () => {
      await inPlace();
      rig.machine.faults.noPull.add(memcached);
      await rig.spec({ prePull: list() });
      await rig.run(minutes(1));
      const writes = rig.kube.writes();
      await rig.run(minutes(30));
      expect(rig.kube.writes()).to.equal(writes);
    });
  });

  describe('from a registry that the revision does not know', () => {
    const other = 'other:5000/nova-api@sha256:nova-api-2';
    const registry = {
      host: 'other:5000',
      insecure: false,
      caName: 'other-ca',
      credentialsName: 'other-login',
    };
    const seed = (kind: 'ConfigMap' | 'Secret') => {
      const metadata = { namespace: 'clouds', name: kind === 'Secret' ? 'other-login' : 'other-ca' };
      const base64 = (text: string) => Buffer.from(text).toString('base64');
      if (kind === 'ConfigMap')
        rig.kube.seed(configMaps, { apiVersion: 'v1', kind, metadata, data: { 'ca.crt': 'PEM' } });
      else {
        const data = { username: base64('puller'), password: base64('hidden') };
        rig.kube.seed(secrets, { apiVersion: 'v1', kind, metadata, data });
      }
    };
    const file = '/etc/containers/certs.d/other:5000/ca.crt';

    it('tells the engine its CA, and logs in', async () => {
      await inPlace();
      seed('ConfigMap');
      seed('Secret');
      await rig.spec({ prePull: list({ images: [other], registries: [registry] }) });
      await rig.run(settleMs);
      expect(pulled()?.summary).to.equal('1/1');
      expect(rig.machine.files.get(file)?.content).to.equal('PEM');
      expect(rig.machine.logins.get(other)).to.equal('puller');
    });

    for (const [missing, there] of [
      ['ConfigMap', 'Secret'],
      ['Secret', 'ConfigMap'],
    ] as const) {
      it(`names the ${missing} that is not there, while the host is kept as it should be`, async () => {
        await inPlace();
        seed(there);
        await rig.spec({ prePull: list({ images: [other], registries: [registry] }) });
        rig.machine.happens('remove', 'memcached');
        await rig.run(settleMs);
        expect(rig.machine.named('memcached')?.state).to.equal('running');
        expect(rig.ready()).to.match(/^True /);
        expect(begun()).to.deep.equal([]);
        const name = missing === 'Secret' ? 'other-login' : 'other-ca';
        expect(pulled()?.message).to.match(new RegExp(`^cannot pull .*: ${missing} ${name}.* is not there`));
        seed(missing);
        await rig.run(minutes(6));
        expect(pulled()?.summary).to.equal('1/1');
      });
    }
  });

  it('is done on no more hosts at once than there is room for', async () => {
    const clock = createManualClock();
    const pulls = createLimiter(1);
    const order = { ...list({ images: [novaApi] }), hint: '', authFor: () => Promise.resolve(undefined) };
    const machines = [createFakeMachine(clock), createFakeMachine(clock)];
    for (const machine of machines) {
      machine.faults.slowPull.set(novaApi, 5_000);
      const deps = { clock, random: () => 0.5, log: silentLogger, pulls, onSettled: () => undefined };
      createPrePuller(deps).goOn(machine.connect(), order);
    }
    await clock.advance(6_000);
    expect(machines.map((machine) => machine.images.has(novaApi))).to.deep.equal([true, false]);
    await clock.advance(5_000);
    expect(machines.map((machine) => machine.images.has(novaApi))).to.deep.equal([true, true]);
  });

  it('keeps what was counted while the host is away, and says what it waits for', async () => {
    await inPlace();
    rig.machine.faults.noPull.add(memcached);
    await rig.spec({ prePull: list() });
    await rig.run(settleMs);
    await rig.node({ spec: { maintenance: true } });
    await rig.run(settleMs);
    expect(pulled()).to.include({
      summary: '1/2',
      message: 'waits: left alone: maintenance (node overcloud-ctrl01)',
    });
  });
});
