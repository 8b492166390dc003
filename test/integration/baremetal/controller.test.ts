// The whole room with its real drivers: ipmitool and ipmi_sim, Redfish and our fake; only the API server and time are in memory.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import { hosts } from '../../../src/api/host.gen.ts';
import { createBmcConnector } from '../../../src/baremetal/bmc/connect.ts';
import { secrets } from '../../../src/kube/objects.ts';
import { startFakeRedfish } from '../../fakes/redfish.ts';
import { conditionOf, newHost, newNode, secretOf } from '../../unit/baremetal/objects.ts';
import { createRoom, type Room } from '../../unit/baremetal/room.ts';
import { drain, remove, setPassword } from '../../unit/baremetal/users.ts';
import { startIpmiSim } from './ipmi-sim.ts';

/** A machine with a real BMC, or as good as. */
interface Machine {
  readonly address: string;
  readonly password: string;
  isOn(): Promise<boolean>;
  pullThePlug(): Promise<void>;
  stop(): Promise<void>;
}

async function startIpmiMachine(): Promise<Machine> {
  const sim = await startIpmiSim();
  return {
    address: sim.address,
    password: sim.password,
    stop: () => sim.stop(),
    isOn: async () => (await sim.power()) === 'on',
    pullThePlug: () => sim.setPower('off'),
  };
}

async function startRedfishMachine(): Promise<Machine> {
  const fake = await startFakeRedfish();
  return {
    address: `${fake.address}/redfish/v1/Systems/1`,
    password: fake.password,
    stop: () => fake.close(),
    isOn: () => Promise.resolve(fake.power === 'On'),
    pullThePlug() {
      fake.power = 'Off';
      return Promise.resolve();
    },
  };
}

for (const [protocol, start] of [
  ['IPMI', startIpmiMachine],
  ['Redfish', startRedfishMachine],
] as const) {
  describe(`a node behind ${protocol}`, function () {
    this.timeout(60_000);
    let machine: Machine;
    beforeEach(async () => {
      machine = await start();
    });
    afterEach(() => machine.stop());

    const enrolled = (password = machine.password): Room => {
      const room = createRoom({ connector: createBmcConnector });
      room.kube.seed(secrets, secretOf('login', { username: 'admin', password }));
      const spec = { bmc: { address: machine.address, credentialsName: 'login' } };
      room.kube.seed(bareMetalNodes, newNode('node1', spec));
      return room;
    };

    it('is enrolled, taken by a host, kept on, and given back', async () => {
      const room = enrolled();
      await room.pass(10_000);
      expect(room.node()?.status).to.include({ state: 'available', power: 'Off' });
      expect(room.node()?.status?.bmc?.protocol).to.equal(protocol);

      room.kube.seed(hosts, newHost('host1', 'node1', { deletionPolicy: 'Delete' }));
      await room.pass(10_000);
      expect(room.node()?.status).to.include({ state: 'active', power: 'On' });
      expect(await machine.isOn()).to.equal(true);

      await machine.pullThePlug();
      await room.pass(45_000);
      expect(await machine.isOn()).to.equal(true);
      expect(room.events).to.include('Warning PowerLost');

      const writes = room.kube.writes();
      await room.pass(120_000);
      expect(room.kube.writes(), 'at rest').to.equal(writes);

      await remove(room, hosts, 'host1');
      await drain(room, 'host1');
      await room.pass(10_000);
      expect(room.node()?.status).to.include({ state: 'available', power: 'On' });
      expect(room.host('host1')).to.equal(undefined);
    });

    it('with a wrong password says so, and is well when it is corrected', async () => {
      const room = enrolled('wrong');
      await room.pass(60_000);
      expect(conditionOf(room.node(), 'Ready')).to.include({ status: 'False', reason: 'BMCAuthFailed' });
      expect(conditionOf(room.node(), 'Ready')?.message).to.include('Secret login').and.not.include('wrong');
      await setPassword(room, machine.password, 'login');
      await room.pass(30_000);
      expect(room.node()?.status?.state).to.equal('available');
    });
  });
}
