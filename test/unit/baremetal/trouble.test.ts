// Bad input and broken BMCs: what is said, how often it is tried, and that it mends by itself.
import { expect } from 'chai';
import { annotations, finalizers } from '../../../src/api/names.ts';
import { hosts } from '../../../src/api/host.gen.ts';
import { unreachable } from '../../../src/baremetal/bmc/errors.ts';
import { terminal, transient } from '../../../src/kernel/errors.ts';
import { secrets } from '../../../src/kube/objects.ts';
import { conditionOf, secretOf } from './objects.ts';
import { createRoom } from './room.ts';
import {
  address,
  annotate,
  drain,
  edit,
  enrol,
  minute,
  remove,
  secretIn,
  setPassword,
  settledRoom,
} from './users.ts';

describe('bad input', () => {
  it('a missing Secret: error, with the remedy; well again by itself in 30 s', async () => {
    const room = createRoom();
    enrol(room, { bmc: { address, credentialsName: 'nowhere' } });
    await room.pass(2 * minute);
    expect(room.node()?.status).to.include({ state: 'error', errorFrom: 'enroll' });
    expect(conditionOf(room.node(), 'Stalled')).to.include({ reason: 'CredentialsMissing' });
    room.kube.seed(secrets, secretOf('nowhere', { username: 'admin', password: 'secret\n' }));
    await room.pass(30_000);
    expect(room.node()?.status)
      .to.include({ state: 'available', errorCount: 0 })
      .and.not.have.property('errorFrom');
  });

  it('a wrong password: three logins, then a rest; the right one is tried in 30 s', async () => {
    const room = createRoom();
    room.bmcs.at(address).password = 'changed';
    enrol(room);
    await room.pass(9 * minute);
    expect(room.bmcs.at(address).calls).to.equal(3);
    expect(room.node()?.status).to.include({ state: 'error', errorFrom: 'verifying', errorCount: 3 });
    expect(conditionOf(room.node(), 'Ready')).to.include({ status: 'False', reason: 'BMCAuthFailed' });
    await setPassword(room, 'changed');
    await room.pass(30_000);
    expect(room.node()?.status?.state).to.equal('available');
  });

  it('a wrong password is not tried again just because the operator was restarted, but when a person says so', async () => {
    const room = createRoom();
    room.bmcs.at(address).password = 'changed';
    enrol(room);
    await room.pass(2 * minute);
    for (let restarts = 0; restarts < 5; restarts += 1) {
      room.restart();
      await room.pass(minute);
    }
    expect(room.bmcs.at(address).calls).to.equal(3);
    await annotate(room, { [annotations.retry]: 'now' });
    await room.pass(1_000);
    expect(room.bmcs.at(address).calls).to.equal(4);
  });

  it('a BMC that is away: tried again calmly, for a person after a while, well by itself', async () => {
    const room = createRoom();
    room.bmcs.at(address).fault = unreachable(address, 'silence');
    enrol(room);
    await room.pass(minute);
    expect(conditionOf(room.node(), 'Reconciling')).to.include({ reason: 'BMCUnreachable' });
    await room.pass(20 * minute);
    expect(conditionOf(room.node(), 'Stalled')).to.include({ reason: 'BMCUnreachable' });
    expect(room.bmcs.at(address).calls).to.be.within(5, 9);
    room.bmcs.at(address).fault = undefined;
    await room.pass(12 * minute);
    expect(room.node()?.status?.state).to.equal('available');
  });

  it('a BMC that goes away takes no machine from its host, and one lost answer is nobody’s business', async () => {
    const room = await settledRoom();
    const writes = room.kube.writes();
    const { calls } = room.bmcs.at(address);
    room.bmcs.at(address).fault = unreachable(address, 'silence');
    while (room.bmcs.at(address).calls === calls) await room.pass(1_000);
    room.bmcs.at(address).fault = undefined;
    await room.pass(minute);
    expect(room.kube.writes()).to.equal(writes);
    room.bmcs.at(address).fault = unreachable(address, 'silence');
    await room.pass(5 * minute);
    expect(room.node()?.status).to.include({ state: 'active', power: 'Unknown' });
    expect(room.events).to.include('Warning BMCUnreachable');
    room.bmcs.at(address).fault = undefined;
    await room.pass(10 * minute);
    expect(conditionOf(room.node(), 'Ready')?.status).to.equal('True');
    expect(room.bmcs.at(address).commands).to.deep.equal(['On']);
  });

  it('an available node whose BMC stays away is offered to nobody', async () => {
    const room = createRoom();
    enrol(room);
    await room.pass(minute);
    room.bmcs.at(address).fault = unreachable(address, 'silence');
    await room.pass(3 * minute);
    expect(room.node()?.status).to.include({ state: 'error', errorFrom: 'available' });
    room.bmcs.at(address).fault = undefined;
    await room.pass(10 * minute);
    expect(room.node()?.status?.state).to.equal('available');
  });

  it('a Secret that we may not read: said, with the remedy, and no reason to keep a node from its release', async () => {
    const room = await settledRoom({ deletionPolicy: 'Delete' });
    room.kube.intercept(({ verb, resource }) => {
      if (verb === 'get' && resource.kind === 'Secret')
        throw terminal('Forbidden', 'cannot read Secret lab/node1-bmc: forbidden');
    });
    await annotate(room, { [annotations.retry]: 'now' });
    await room.pass(minute);
    expect(conditionOf(room.node(), 'Stalled')).to.include({ reason: 'CredentialsForbidden' });
    expect(conditionOf(room.node(), 'Ready')?.message).to.match(
      /Secret lab\/node1-bmc: forbidden: .*deploy\/access/,
    );
    await remove(room, hosts, 'host1');
    await drain(room, 'host1');
    await room.pass(minute);
    expect(room.host('host1')).to.equal(undefined);
    room.kube.intercept(() => undefined);
    await room.pass(30_000);
    expect(conditionOf(room.node(), 'Ready')?.status).to.equal('True');
  });

  it('a lost race for the finalizer of a Secret that many share costs no half minute', async () => {
    const room = createRoom();
    let races = 1;
    room.kube.intercept(({ verb, resource }) => {
      if (verb === 'patch' && resource.kind === 'Secret' && races-- > 0)
        throw transient('Conflict', 'changed');
    });
    enrol(room);
    await room.pass(2_000);
    expect(room.node()?.status?.state).to.equal('available');
  });

  it('a missing CA', async () => {
    const room = createRoom();
    enrol(room, {
      bmc: {
        address: 'redfish://10.0.0.9',
        credentialsName: 'node1-bmc',
        tls: { caName: 'ca', insecureSkipVerify: false },
      },
    });
    await room.pass(minute);
    expect(conditionOf(room.node(), 'Ready')?.message).to.match(/ConfigMap ca .*ca\.crt.*caName/);
  });
});

describe('other credentials', () => {
  it('let the former Secret go', async () => {
    const room = createRoom();
    room.kube.seed(secrets, secretOf('other', { username: 'admin', password: 'secret' }));
    enrol(room);
    await room.pass(minute);
    room.restart();
    await edit(room, { bmc: { address, credentialsName: 'other' } });
    await room.pass(minute);
    expect((await secretIn(room))?.metadata.finalizers ?? []).to.deep.equal([]);
    expect((await secretIn(room, 'other'))?.metadata.finalizers).to.deep.equal([finalizers.inUse]);
    expect(room.node()?.status).to.include({ state: 'available', credentialsName: 'other' });
  });
});
