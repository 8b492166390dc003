// The Host controller from end to end, with API server, machine and clock in memory.
import { expect } from 'chai';
import { isTrue } from '../../../src/kernel/conditions.ts';
import { conf, first, second } from './support/nova.ts';
import { owner } from './support/objects.ts';
import { createRig, createRigInPlace, settleMs, type Rig } from './support/rig.ts';

describe('the Host controller', () => {
  let rig: Rig;

  const inPlace = async (spec: Parameters<typeof createRig>[1] = {}) => {
    rig = await createRigInPlace(first, spec);
  };

  it('brings a host from nothing to its revision, and says so in status', async () => {
    await inPlace();
    expect(rig.ready()).to.equal(
      'True Ready: lab-controller-0: 2 containers of revision lab-controller-1 in place',
    );
    expect(rig.status()).to.deep.include({
      address: '172.30.77.11',
      images: '1',
      brake: '',
      bootId: 'boot',
      epoch: 7,
      progress: { revision: 'lab-controller-1', step: 5 },
      containers: { desired: 2, ready: 2, summary: '2/2' },
    });
    expect(rig.machine.owner).to.equal(owner);
    expect(rig.machine.files.get(conf)?.content).to.equal('my_ip = 172.30.77.11');
    expect(rig.connections[0]).to.include({
      user: 'heat-admin',
      privateKey: 'KEY',
      port: 22,
      engine: 'Podman',
    });
  });

  it('writes nothing to the API server, the host and the log while nothing happens', async () => {
    await inPlace();
    const writes = rig.kube.writes();
    const changes = rig.machine.changes();
    await rig.run(20 * 60_000);
    expect(rig.kube.writes()).to.equal(writes);
    expect(rig.machine.changes()).to.equal(changes);
    expect(rig.lines).to.deep.equal([]);
    expect(rig.events).to.deep.equal([]);
  });

  it('goes only as far as its step allows, and says that it waits for the others', async () => {
    await inPlace({ step: 1 });
    expect(rig.ready()).to.equal(
      'False WaitingForStep: lab-controller-0: step 1 is done, waits for the other hosts',
    );
    expect(rig.status().progress).to.deep.equal({ revision: 'lab-controller-1', step: 1 });
    await rig.spec({ step: 5 });
    await rig.run(settleMs);
    expect(rig.status().progress?.step).to.equal(5);
  });

  describe('heals', () => {
    for (const what of ['remove', 'stop', 'die'] as const) {
      it(`a container within 2 s of a ${what} by hand, and tells why`, async () => {
        await inPlace();
        rig.machine.happens(what, 'memcached');
        await rig.run(what === 'remove' ? 300 : 900);
        expect(rig.machine.named('memcached')?.state, 'leaves time to a restart by hand').not.to.equal(
          'running',
        );
        await rig.run(1_100);
        expect(rig.machine.named('memcached')?.state).to.equal('running');
        expect(rig.events).to.have.length(1);
        expect(rig.events[0]).to.match(/^Container(Removed|Stopped): lab-controller-0: memcached /);
        await rig.run(settleMs);
        expect(rig.ready()).to.match(/^True /);
      });
    }

    it('nothing that somebody has restarted himself meanwhile', async () => {
      await inPlace();
      rig.machine.happens('stop', 'memcached');
      const memcached = rig.machine.named('memcached');
      if (memcached !== undefined) memcached.state = 'running';
      const changes = rig.machine.changes();
      await rig.run(settleMs);
      expect(rig.machine.changes()).to.equal(changes);
      expect(rig.ready()).to.match(/^True /);
    });

    it('a file that was changed by hand, in the slow pass', async () => {
      await inPlace();
      rig.machine.files.set(conf, { type: 'file', content: 'by hand', mode: '0640', owner: 'root:root' });
      await rig.run(6 * 60_000);
      expect(rig.machine.files.get(conf)?.content).to.equal('my_ip = 172.30.77.11');
      expect(rig.machine.named('nova_api')?.starts).to.equal(2);
      expect(rig.machine.named('memcached')?.starts).to.equal(1);
    });

    it('calmly what exits at once, and names it with its last log line', async () => {
      await inPlace();
      rig.machine.faults.exits.set('memcached', { code: 1, line: 'cannot bind: address in use' });
      rig.machine.happens('remove', 'memcached');
      const stalled = () => isTrue(rig.status().conditions, 'Stalled');
      await rig.run(12_000);
      expect(stalled(), 'it may be waiting for something that starts').to.equal(false);
      await rig.run(48_000);
      expect(stalled(), 'by now it is the configuration').to.equal(true);
      expect(rig.ready()).to.equal(
        'False ContainerExited: lab-controller-0: container memcached exits 1: cannot bind: address in use',
      );
      expect(rig.status().unready).to.deep.equal([
        { name: 'memcached', state: 'Exited', exitCode: 1, message: 'cannot bind: address in use' },
      ]);
      expect(rig.status().containers?.summary).to.equal('1/2');
      expect(rig.status().progress?.step, 'never falls').to.equal(5);
      expect(rig.machine.named('memcached')?.starts, 'starts in a minute').to.be.within(4, 8);
      rig.machine.faults.exits.clear();
      await rig.run(5 * 60_000);
      expect(rig.ready()).to.match(/^True /);
    });

    it('what is unhealthy by telling, not by restarting', async () => {
      await inPlace();
      rig.machine.happens('sick', 'nova_api');
      rig.machine.faults.sick.add('nova_api');
      await rig.run(settleMs);
      expect(rig.ready()).to.match(
        /^False ContainerUnhealthy: lab-controller-0: container nova_api is unhealthy/,
      );
      expect(rig.status().drift?.map(({ kind, what }) => [kind, what])).to.deep.equal([
        ['Unhealthy', 'nova_api'],
      ]);
      expect(rig.machine.named('nova_api')?.starts).to.equal(1);
    });
  });

  it('replaces only what a new revision changes', async () => {
    await inPlace();
    const memcached = rig.machine.named('memcached')?.id;
    const api = rig.machine.named('nova_api')?.id;
    await rig.revise('lab-controller-2', second);
    await rig.run(settleMs);
    expect(rig.machine.named('memcached')?.id).to.equal(memcached);
    expect(rig.machine.named('nova_api')?.id).not.to.equal(api);
    expect(rig.status()).to.deep.include({
      images: '2',
      progress: { revision: 'lab-controller-2', step: 5 },
    });
    expect(rig.events.filter((event) => event.startsWith('ContainerReplaced'))).to.have.length(1);
  });

  it('reports a replacement that failed, with the former one running again', async () => {
    await inPlace();
    rig.machine.faults.exits.set('registry:8787/lab/openstack-nova-api:2', { code: 2, line: 'bad option' });
    await rig.revise('lab-controller-2', second);
    await rig.run(settleMs);
    expect(rig.ready()).to.equal(
      'False ReplaceFailed: lab-controller-0: container nova_api cannot be replaced: the new one exits 2: bad option; the former one was put back',
    );
    expect(rig.machine.named('nova_api')).to.deep.include({ state: 'running' });
    expect(rig.machine.named('nova_api')?.spec.image).to.equal('registry:8787/lab/openstack-nova-api:1');
    await rig.spec({ revision: 'lab-controller-1' });
    await rig.run(settleMs);
    expect(rig.ready(), 'rolled back').to.match(/^True /);
    rig.machine.faults.exits.clear();
    await rig.spec({ revision: 'lab-controller-2' });
    await rig.run(settleMs);
    expect(rig.ready(), 'tried again, at once').to.match(/^True /);
    expect(rig.status().images).to.equal('2');
  });

  it('goes on where an operator that was killed left off, and restarts nothing', async () => {
    rig = createRig(first);
    for (let kills = 0; kills < 6; kills += 1) {
      rig.machine.faults.crash = { after: 2, done: kills % 2 === 0 };
      await rig.run(300);
      rig.restart();
    }
    rig.machine.faults.crash = undefined;
    await rig.run(settleMs);
    expect(rig.ready()).to.match(/^True /);
    const starts = [...rig.machine.containers.values()].map(({ spec, starts: times }) => [spec.name, times]);
    expect(Object.fromEntries(starts)).to.deep.equal({ memcached: 1, nova_api: 1 });
  });
});
