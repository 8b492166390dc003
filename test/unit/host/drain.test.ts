// Deleting a Host: what stays, what goes, and that it always ends.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import { hosts } from '../../../src/api/host.gen.ts';
import { finalizers } from '../../../src/api/names.ts';
import { transient } from '../../../src/kernel/errors.ts';
import { controllerRevisions, secrets } from '../../../src/kube/objects.ts';
import { conf, first } from './support/nova.ts';
import { createRigInPlace, key, type Rig } from './support/rig.ts';

describe('the Host controller', () => {
  let rig: Rig;

  const inPlace = async (spec: Parameters<typeof createRigInPlace>[1] = {}) => {
    rig = await createRigInPlace(first, spec);
  };

  describe('lets a deleted Host go', () => {
    const remove = async (ms: number) => {
      await rig.kube.client.delete(hosts, key);
      await rig.run(ms);
    };

    it('with Retain: everything stays as it runs', async () => {
      await inPlace();
      const changes = rig.machine.changes();
      await remove(1_000);
      expect(rig.host()).to.equal(undefined);
      expect(rig.machine.changes()).to.equal(changes);
    });

    it('with Delete: our containers and files go; what others made, and data, stay', async () => {
      await inPlace({ deletionPolicy: 'Delete' });
      rig.machine.byHand({ name: 'foreign' });
      await remove(5_000);
      expect(rig.host()).to.equal(undefined);
      expect([...rig.machine.containers.values()].map(({ spec }) => spec.name)).to.deep.equal(['foreign']);
      const left = [...rig.machine.files.values()].map(({ type }) => type);
      expect(left).to.deep.equal(['directory']);
    });

    it('with Delete: a file that somebody has made his own stays', async () => {
      await inPlace({ deletionPolicy: 'Delete' });
      const mine = { type: 'file', content: 'mine', mode: '0644', owner: 'root:root' } as const;
      rig.machine.files.set(conf, mine);
      await remove(5_000);
      expect(rig.host()).to.equal(undefined);
      expect(rig.machine.files.get(conf)).to.equal(mine);
    });

    it("with Delete and a machine that is another host's by now: nothing on it is touched", async () => {
      await inPlace({ deletionPolicy: 'Delete' });
      await rig.node({ status: { hostRef: { name: 'other', uid: 'other' } } });
      const changes = rig.machine.changes();
      await remove(1_000);
      expect(rig.host()).to.equal(undefined);
      expect(rig.machine.changes()).to.equal(changes);
    });

    it('with Delete and a brake: it is left running, with a warning', async () => {
      await inPlace({ deletionPolicy: 'Delete', paused: true });
      await remove(1_000);
      expect(rig.host()).to.equal(undefined);
      expect(rig.events.at(-1)).to.match(/^HostNotCleaned: .*left on the machine: paused/);
    });

    it('with Delete and a machine that is away: after the deadline, with a warning', async () => {
      await inPlace({ deletionPolicy: 'Delete' });
      rig.unreachable = transient('HostUnreachable', 'lab-controller-0: no answer');
      await remove(60_000);
      expect(rig.host()?.metadata.finalizers).to.deep.equal([finalizers.hostDrain]);
      expect(rig.ready()).to.equal('False Draining: lab-controller-0: no answer; it is being drained');
      await rig.run(10 * 60_000);
      expect(rig.host()).to.equal(undefined);
      expect(rig.events.at(-1)).to.match(/^HostNotCleaned: /);
    });

    it('with Delete and an error that nobody foresaw: after the deadline, with a warning', async () => {
      await inPlace({ deletionPolicy: 'Delete' });
      rig.unreachable = new TypeError('cannot read properties of undefined');
      await remove(11 * 60_000);
      expect(rig.host()).to.equal(undefined);
      expect(rig.events.at(-1)).to.match(/^HostNotCleaned: /);
    });

    it('with Delete though its node, revision and Secrets are gone already', async () => {
      await inPlace({ deletionPolicy: 'Delete' });
      await rig.kube.client.delete(secrets, { namespace: 'clouds', name: 'lab-ssh' });
      await rig.kube.client.delete(bareMetalNodes, { namespace: 'clouds', name: 'overcloud-ctrl01' });
      await rig.kube.client.delete(controllerRevisions, { namespace: 'clouds', name: 'lab-controller-1' });
      await remove(60_000);
      expect(rig.host()).to.equal(undefined);
      expect([...rig.machine.containers.values()]).to.deep.equal([]);
    });
  });
});
