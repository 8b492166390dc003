// A host on a machine that we install: it waits for it, knows it again by the key that it was given, and lets it go half-way.
import { expect } from 'chai';
import type { BareMetalNode } from '../../../src/api/baremetalnode.gen.ts';
import { hosts } from '../../../src/api/host.gen.ts';
import { annotations } from '../../../src/api/names.ts';
import { transient } from '../../../src/kernel/errors.ts';
import { first } from './support/nova.ts';
import { createRig, createRigInPlace, key, settleMs, type Rig } from './support/rig.ts';

type Status = Partial<NonNullable<BareMetalNode['status']>>;
const work = (attempt: number): Status['work'] => ({
  kind: 'Deploy',
  phase: 'Booting',
  phaseSince: '2026-01-01T00:00:00Z',
  attempt,
  boot: String(attempt),
});

describe('the Host controller and a machine that we install', () => {
  let rig: Rig;
  const node = (status: Status) => rig.node({ spec: { externallyProvisioned: false }, status });
  const condition = (type: string) => rig.status().conditions?.find((each) => each.type === type);

  const deploying = async (status: Status = {}) => {
    rig = createRig(first, { deletionPolicy: 'Delete' });
    await node({ state: 'deploying', ...status });
  };

  it('waits for it in the words of its node, and is at work on nothing', async () => {
    await deploying({ stateReason: 'overcloud-ctrl01 writes its image: 41 %' });
    await rig.run(settleMs);
    expect(rig.ready()).to.equal(
      'False WaitingForNode: lab-controller-0: waits for its machine: overcloud-ctrl01 writes its image: 41 %',
    );
    expect(condition('Reconciling')?.status).to.equal('True');
    expect(condition('Stalled')).to.equal(undefined);
    expect(condition('Connected')?.status, 'nobody has tried').to.equal('Unknown');
    expect(rig.connections).to.deep.equal([]);
    await node({ stateReason: 'overcloud-ctrl01 is started from its disk' });
    await rig.run(settleMs);
    expect(rig.ready()).to.match(/waits for its machine: overcloud-ctrl01 is started from its disk$/);
  });

  it('begins when it runs, makes it its own, and takes the time until SSH answers for what it is', async () => {
    await deploying();
    await rig.run(settleMs);
    rig.unreachable = transient('HostUnreachable', 'lab-controller-0: no answer');
    await node({ state: 'active' });
    await rig.run(settleMs);
    expect(rig.ready()).to.equal('False HostUnreachable: lab-controller-0: no answer');
    expect(condition('Stalled')).to.equal(undefined);
    rig.unreachable = undefined;
    await rig.run(31_000 + settleMs);
    expect(rig.ready()).to.match(/^True /);
    expect(rig.machine.owner).to.equal('clouds/lab/lab-controller-0');
  });

  it('counts as out of reach from the first failure on, also while it is tried again', async () => {
    await deploying({
      state: 'error',
      errorFrom: 'deploying',
      stateReason: 'overcloud-ctrl01: no heartbeat',
    });
    await rig.run(settleMs);
    expect(rig.ready()).to.match(/waits for its machine: overcloud-ctrl01: no heartbeat$/);
    const failed = condition('Connected');
    expect(failed?.status).to.equal('False');
    await rig.run(60_000);
    await rig.node({ status: { state: 'deploying', errorFrom: undefined, work: work(2) } });
    await rig.run(settleMs);
    expect(condition('Connected')?.status).to.equal('False');
    expect(condition('Connected')?.lastTransitionTime).to.equal(failed?.lastTransitionTime);
    expect(condition('Stalled')).to.equal(undefined);
  });

  const given = ['ssh-ed25519 GIVEN node'];
  const said = ['ssh-ed25519 SAID'];
  const recorded = 'ssh-ed25519 OLD';
  const keys: readonly {
    readonly name: string;
    readonly spec?: readonly string[];
    readonly status?: readonly string[];
    readonly pinned: readonly string[];
  }[] = [
    { name: 'the key that a person wrote down', spec: said, status: given, pinned: said },
    { name: 'the key that it was given, even if another was trusted before', status: given, pinned: given },
    { name: 'the key that was trusted once', pinned: [recorded] },
    {
      name: 'the key that was trusted once, where lists are empty',
      spec: [],
      status: [],
      pinned: [recorded],
    },
  ];
  for (const { name, spec, status, pinned } of keys) {
    it(`is known by ${name}`, async () => {
      rig = createRig(first);
      await rig.kube.edit(hosts, key, {
        metadata: { annotations: { [annotations.trustedHostKey]: recorded } },
      });
      await rig.node({
        spec: { externallyProvisioned: false, ...(spec === undefined ? {} : { sshHostKeys: spec }) },
        status: status === undefined ? {} : { sshHostKeys: status },
      });
      await rig.run(settleMs);
      expect(rig.connections.map(({ hostKeys }) => hostKeys)).to.deep.equal([pinned]);
      expect(rig.ready()).to.match(/^True /);
    });
  }

  it('is looked at again when it is given another key', async () => {
    rig = await createRigInPlace(first);
    rig.unreachable = transient('HostUnreachable', 'lab-controller-0: no answer');
    await node({ sshHostKeys: given });
    await rig.run(100);
    expect(rig.ready()).to.match(/^False HostUnreachable/);
  });

  const halfway: readonly (readonly [string, Status])[] = [
    ['is being installed', { state: 'deploying' }],
    ['could not be installed', { state: 'error', errorFrom: 'deploying' }],
  ];
  for (const [name, status] of halfway) {
    it(`is let go at once when it ${name}: there is nothing of ours to remove`, async () => {
      await deploying(status);
      rig.unreachable = transient('HostUnreachable', 'lab-controller-0: no answer');
      await rig.run(settleMs);
      await rig.kube.client.delete(hosts, key);
      await rig.run(1_000);
      expect(rig.host()).to.equal(undefined);
      expect(rig.events).to.deep.equal([]);
    });
  }
});
