// What must hold in every state: a node that is deleted goes, and new credentials are taken up.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import { hosts } from '../../../src/api/host.gen.ts';
import type { State } from '../../../src/baremetal/lifecycle.ts';
import { transient } from '../../../src/kernel/errors.ts';
import { secrets } from '../../../src/kube/objects.ts';
import { available, giveBack, inPhase, installed, inState, scene, until, type Scene } from './scene.ts';
import { address, ask, minute, remove, setPassword } from './users.ts';

const bmcOf = ({ room }: Scene) => room.bmcs.at(address);

/** How a node is brought to a state, and stays there. */
const ways: Readonly<Record<State, () => Promise<Scene>>> = {
  async enroll() {
    const made = scene();
    await remove(made.room, secrets, 'node1-bmc');
    await made.room.pass(1_000);
    // Without its Secret it is in error, from where it goes on.
    return made;
  },
  async verifying() {
    const made = scene();
    bmcOf(made).fault = transient('BMCUnreachable', 'away');
    await made.room.pass(1_000);
    return made;
  },
  async manageable() {
    const made = scene({ inspectionMode: 'OutOfBand' });
    const bmc = bmcOf(made);
    bmc.inventory = { ...bmc.inventory };
    await made.room.pass(0);
    return made;
  },
  async inspecting() {
    const made = scene();
    made.machine.calls = false;
    await until(made, inPhase(made, 'AwaitingAgent'));
    return made;
  },
  available: () => available(),
  async adopting() {
    const made = await installed({ deletionPolicy: 'Retain' });
    await giveBack(made);
    await made.room.pass(minute);
    bmcOf(made).fault = transient('BMCUnreachable', 'away');
    ask(made.room, 'host1');
    await made.room.pass(1_000);
    return made;
  },
  async deploying() {
    const made = await available();
    made.machine.holds = true;
    ask(made.room, 'host1', { deletionPolicy: 'Delete' });
    await until(made, inPhase(made, 'Working'));
    return made;
  },
  active: () => installed(),
  async deleting() {
    const made = await installed();
    bmcOf(made).obeys = false;
    await giveBack(made);
    await until(made, inState(made, 'deleting'));
    return made;
  },
  async cleaning() {
    const made = await installed();
    made.machine.holds = true;
    await giveBack(made);
    await until(made, inPhase(made, 'Working'));
    return made;
  },
  async error() {
    const made = await available();
    made.machine.failures.push('ImageChecksumError: x', 'ImageChecksumError: x');
    ask(made.room, 'host1', { deletionPolicy: 'Delete' });
    await until(made, inState(made, 'error'));
    return made;
  },
};

/** What kept the node where it was is over. */
function mend(made: Scene): void {
  const bmc = bmcOf(made);
  bmc.fault = undefined;
  bmc.obeys = true;
  made.machine.calls = true;
  made.machine.holds = false;
}

describe('a node that is deleted', () => {
  for (const [state, bring] of Object.entries(ways)) {
    it(`goes from ${state}, when its host let it go, and nothing is left of it`, async () => {
      const made = await bring();
      await remove(made.room, bareMetalNodes, 'node1');
      await made.room.pass(1_000);
      if (made.room.host('host1') !== undefined) {
        await remove(made.room, hosts, 'host1');
        if (made.room.host('host1') !== undefined) await giveBack(made).catch(() => undefined);
      }
      mend(made);
      await until(made, () => made.room.node() === undefined);
      const secret = await made.room.kube.client.get(secrets, { namespace: 'lab', name: 'node1-bmc' });
      expect(secret?.metadata.finalizers ?? []).to.deep.equal([]);
    }).timeout(20_000);

    it(`goes from ${state} though its BMC is gone for good`, async () => {
      const made = await bring();
      bmcOf(made).fault = transient('BMCUnreachable', 'away');
      await remove(made.room, bareMetalNodes, 'node1');
      await made.room.pass(1_000);
      if (made.room.host('host1') !== undefined) await giveBack(made).catch(() => undefined);
      made.machine.calls = false;
      made.machine.running = 'nothing';
      await until(made, () => made.room.node() === undefined);
    }).timeout(20_000);
  }
});

describe('new credentials', () => {
  const ends: Readonly<Record<State, State>> = {
    enroll: 'available',
    verifying: 'available',
    manageable: 'available',
    inspecting: 'available',
    available: 'available',
    adopting: 'active',
    deploying: 'active',
    active: 'active',
    deleting: 'available',
    cleaning: 'available',
    error: 'active',
  };
  for (const [state, bring] of Object.entries(ways) as [State, () => Promise<Scene>][]) {
    it(`are taken up in ${state}, with no more than three logins before, and it ends ${ends[state]}`, async () => {
      const made = await bring();
      const bmc = bmcOf(made);
      mend(made);
      if (state === 'enroll') {
        await made.room.kube.client.create(secrets, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { namespace: 'lab', name: 'node1-bmc' },
          data: { username: 'YWRtaW4=', password: Buffer.from('secret').toString('base64') },
        });
      }
      bmc.password = 'rotated';
      const calls = bmc.calls;
      await made.room.pass(8 * minute);
      expect(bmc.calls - calls).to.be.at.most(3);
      await setPassword(made.room, 'rotated');
      await until(made, inState(made, ends[state]));
      expect(bmc.power).to.equal(ends[state] === 'active' ? 'On' : 'Off');
    }).timeout(20_000);
  }
});
