// The stop switches: what each forbids, and what is reported meanwhile.
import { expect } from 'chai';
import { first, second } from './support/nova.ts';
import { createRig, createRigInPlace, settleMs, type Rig } from './support/rig.ts';

describe('the Host controller', () => {
  let rig: Rig;

  const inPlace = async (spec: Parameters<typeof createRig>[1] = {}) => {
    rig = await createRigInPlace(first, spec);
  };

  describe('under a stop switch', () => {
    const brakes: readonly (readonly [string, (rig: Rig) => Promise<void>, string, string])[] = [
      [
        'pause',
        (it) => it.spec({ paused: true, pauseReason: 'audit' }),
        'paused (overcloud lab: audit)',
        'Paused',
      ],
      ['mode Observe', (it) => it.spec({ mode: 'Observe' }), 'mode Observe (overcloud lab)', 'Observed'],
      [
        'maintenance of its node',
        (it) => it.node({ spec: { maintenance: true, maintenanceReason: 'disk' } }),
        'maintenance (node overcloud-ctrl01: disk)',
        'Maintenance',
      ],
    ];
    for (const [name, brake, text, reason] of brakes) {
      it(`(${name}) changes nothing on the host, says which, and goes on when it is released`, async () => {
        await inPlace();
        await brake(rig);
        await rig.run(1_000);
        const changes = rig.machine.changes();
        rig.machine.happens('remove', 'memcached');
        await rig.run(10 * 60_000);
        expect(rig.machine.changes()).to.equal(changes);
        expect(rig.status().brake).to.equal(text);
        expect(rig.ready()).to.match(new RegExp(`^False ${reason}: lab-controller-0: `));
        await rig.spec({ paused: false, mode: 'Apply' });
        await rig.node({ spec: { maintenance: false } });
        await rig.run(settleMs);
        expect(rig.machine.named('memcached')?.state).to.equal('running');
        expect(rig.ready()).to.match(/^True /);
      });
    }

    it('(mode Observe) shows the drift and what would be done', async () => {
      await inPlace();
      await rig.spec({ mode: 'Observe' });
      rig.machine.happens('remove', 'memcached');
      await rig.run(settleMs);
      expect(rig.status().drift?.map(({ kind, what }) => [kind, what])).to.deep.equal([
        ['Missing', 'memcached'],
      ]);
      expect(rig.status().plan).to.deep.equal({
        revision: 'lab-controller-1',
        summary: '1 create',
        actions: [{ action: 'Create', target: 'memcached', reason: 'is missing' }],
      });
    });

    it('(mode Observe) does not even mark a host that it sees for the first time', async () => {
      rig = createRig(first, { mode: 'Observe' });
      await rig.run(settleMs);
      expect(rig.machine.changes()).to.equal(0);
      expect(rig.status().plan?.summary).to.equal('1 ensureDirectory, 2 writeFile, 2 create');
    });

    it('(mode Observe) runs nothing in containers either, not even their health checks', async () => {
      await inPlace();
      await rig.spec({ mode: 'Observe' });
      rig.restart();
      const before = rig.machine.execs;
      await rig.run(settleMs);
      expect(rig.machine.execs).to.equal(before);
    });

    it('(mode Observe) ends the health checks that are under way', async () => {
      await inPlace();
      rig.machine.faults.sick.add('nova_api');
      rig.machine.happens('remove', 'nova_api');
      await rig.run(3_000);
      await rig.spec({ mode: 'Observe' });
      await rig.run(1_000);
      const before = rig.machine.execs;
      await rig.run(2 * 60_000);
      expect(rig.machine.execs).to.equal(before);
    });

    it('(pause) ends a pass that is under way', async () => {
      rig = createRig(first);
      rig.machine.connect().onEngineEvent(({ action, containerName }) => {
        if (action === 'start' && containerName === 'memcached') void rig.spec({ paused: true });
      });
      await rig.run(settleMs);
      expect(rig.machine.named('memcached')?.state).to.equal('running');
      expect(rig.machine.named('nova_api')).to.equal(undefined);
      await rig.spec({ paused: false });
      await rig.run(settleMs);
      expect(rig.ready()).to.match(/^True /);
    });

    it('(mode Plan) does well, and says so, when the proposed revision cannot be planned', async () => {
      await inPlace({ mode: 'Plan' });
      await rig.spec({ proposedRevision: 'lab-controller-2' });
      await rig.run(settleMs);
      expect(rig.ready()).to.match(/^True /);
      expect(rig.status().plan).to.deep.equal({
        revision: 'lab-controller-2',
        summary:
          'cannot be planned: revision lab-controller-2 is not there (yet): the Overcloud controller cuts it',
      });
    });

    it('(mode Plan) heals the revision it has, and plans the proposed one', async () => {
      await inPlace({ mode: 'Plan' });
      await rig.revise('lab-controller-2', second);
      await rig.spec({ revision: 'lab-controller-1', proposedRevision: 'lab-controller-2' });
      rig.machine.happens('remove', 'memcached');
      await rig.run(settleMs);
      expect(rig.machine.named('memcached')?.state).to.equal('running');
      expect(rig.machine.named('nova_api')?.spec.image).to.equal('registry:8787/lab/openstack-nova-api:1');
      expect(rig.status().plan).to.deep.include({ revision: 'lab-controller-2', summary: '1 replace' });
      expect(rig.status().plan?.actions?.[0]?.fields).to.include(
        'digest: sha256:nova-api-1 → sha256:nova-api-2',
      );
      expect(rig.status().brake).to.equal('mode Plan (overcloud lab)');
    });
  });
});
