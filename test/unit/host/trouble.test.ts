// What a host can have wrong: each case is named, with its remedy, and recovers by itself.
import { expect } from 'chai';
import { annotations } from '../../../src/api/names.ts';
import { terminal, transient, unsafe } from '../../../src/kernel/errors.ts';
import { secrets } from '../../../src/kube/objects.ts';
import { first, nova, second } from './support/nova.ts';
import { payload, service } from './support/objects.ts';
import { createRig, createRigInPlace, settleMs, type Rig } from './support/rig.ts';

describe('the Host controller', () => {
  let rig: Rig;

  const inPlace = async (spec: Parameters<typeof createRig>[1] = {}) => {
    rig = await createRigInPlace(first, spec);
  };

  describe('when something is wrong, says what and how to mend it, and recovers by itself:', () => {
    it('a node that is not its own', async () => {
      await inPlace();
      await rig.node({ status: { hostRef: { name: 'other', uid: 'other' } } });
      await rig.run(settleMs);
      expect(rig.ready()).to.equal(
        'False WaitingForNode: lab-controller-0: waits for node overcloud-ctrl01, which belongs to host other',
      );
      const changes = rig.machine.changes();
      rig.machine.happens('remove', 'memcached');
      await rig.run(settleMs);
      expect(rig.machine.changes()).to.equal(changes);
    });

    const failures: readonly (readonly [string, ReturnType<typeof transient>, string])[] = [
      [
        'a host that is away',
        transient('HostUnreachable', 'lab-controller-0: no answer at 172.30.77.11:22'),
        'Reconciling',
      ],
      [
        'a key that the host does not take',
        terminal('SSHAuthFailed', 'the host refuses the key of Secret lab-ssh'),
        'Stalled',
      ],
      ['another host key', unsafe('HostKeyChanged', 'its host key changed'), 'Stalled'],
    ];
    for (const [name, error, condition] of failures) {
      it(name, async () => {
        await inPlace();
        rig.unreachable = error;
        rig.restart();
        await rig.run(settleMs);
        expect(rig.ready()).to.equal(
          `False ${error.reason}: lab-controller-0: ${error.message.replace('lab-controller-0: ', '')}`,
        );
        const types = rig
          .status()
          .conditions?.filter(({ status }) => status === 'True')
          .map(({ type }) => type);
        expect(types).to.deep.equal([condition]);
        expect(rig.status().containers?.summary, 'what was seen last').to.equal('2/2');
        rig.unreachable = undefined;
        await rig.run(31_000);
        expect(rig.ready()).to.match(/^True /);
      });
    }

    it('a machine that carries the mark of another cloud', async () => {
      rig = createRig(first);
      rig.machine.owner = 'clouds/other/lab-controller-0';
      await rig.run(settleMs);
      expect(rig.ready()).to.match(
        /^False OwnedByOther: .*belongs to clouds\/other\/lab-controller-0: release it there/,
      );
      expect(rig.machine.changes()).to.equal(0);
    });

    it('a Secret that is not there, without writing anything meanwhile', async () => {
      rig = createRig(first);
      await rig.kube.client.delete(secrets, { namespace: 'clouds', name: 'lab-ssh' });
      await rig.run(settleMs);
      expect(rig.ready()).to.match(
        /^False SecretNotFound: lab-controller-0: Secret lab-ssh, which SSH to host/,
      );
      const writes = rig.kube.writes();
      await rig.run(5 * 60_000);
      expect(rig.kube.writes()).to.equal(writes);
      rig.kube.seed(secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { namespace: 'clouds', name: 'lab-ssh' },
        data: { 'ssh-privatekey': Buffer.from('KEY').toString('base64') },
      });
      await rig.run(31_000 + settleMs);
      expect(rig.ready()).to.match(/^True /);
    });

    it('a template that cannot be rendered', async () => {
      await inPlace();
      const broken = service('nova', {
        configFiles: [{ path: 'nova.conf', from: { inline: '{{ values.nope }}' } }],
      });
      await rig.revise('lab-controller-2', payload([broken]));
      await rig.run(settleMs);
      expect(rig.ready()).to.match(
        /^False TemplateInvalid: lab-controller-0: service nova, file nova.conf, line 1: undefined variable: values.nope/,
      );
      await rig.revise('lab-controller-3', second);
      await rig.run(settleMs);
      expect(rig.ready()).to.match(/^True /);
    });
  });

  it('pins a host key that it trusts for the first time, and warns', async () => {
    rig = createRig(first);
    await rig.run(settleMs);
    expect(rig.host()?.metadata.annotations).to.deep.equal({
      [annotations.trustedHostKey]: 'ssh-ed25519 AAAA',
    });
    expect(rig.events[0]).to.match(
      /^HostKeyTrusted: lab-controller-0: its SSH host key was seen for the first time/,
    );
    rig.restart();
    await rig.run(settleMs);
    expect(rig.connections.at(-1)?.hostKeys).to.deep.equal(['ssh-ed25519 AAAA']);
  });

  it('says what the role asks for that is not in this release', async () => {
    const units = service('ceph', { units: [{ name: 'ceph-mon@.service', step: 2 }] });
    rig = createRig(payload([nova, units]));
    await rig.run(settleMs);
    const condition = rig.status().conditions?.find(({ type }) => type === 'Supported');
    expect(condition?.message).to.match(
      /^service ceph: units ceph-mon@.service are not managed in this release/,
    );
  });
});
