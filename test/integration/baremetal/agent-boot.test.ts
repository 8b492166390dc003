// What a simulated machine boots is what its BMC says: virtual CD, network, disk, and the override that is there once.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { parseBmcAddress } from '../../../src/baremetal/bmc/address.ts';
import { argumentBytes } from '../../../src/api/media.ts';
import { createMachineBmc } from '../../simulators/machine-bmc.ts';
import { createFakeBmcs } from '../../unit/baremetal/fake-bmc.ts';
import { type AgentRig, startRig, until } from './agent-rig.ts';

const address = 'redfish://127.0.0.1/redfish/v1/Systems/1';
const signal = new AbortController().signal;
const permit = (): void => undefined;

describe('a simulated machine behind its BMC', () => {
  let rig: AgentRig;
  beforeEach(async () => {
    rig = await startRig();
  });
  afterEach(() => rig.close());

  const parts = () => {
    const bmcs = createFakeBmcs();
    const machine = rig.machine({ macs: ['52:54:00:00:65:01'] });
    const agent = rig.expect(machine);
    createMachineBmc(machine, bmcs.at(address));
    const target = { address: parseBmcAddress(address), username: 'u', password: 'secret' };
    const bmc = bmcs.connect({ ...target, trust: { kind: 'any' } });
    return { machine, agent, bmc, fake: bmcs.at(address) };
  };

  it('boots the network once, and its disk from then on', async () => {
    const { machine, agent, bmc, fake } = parts();
    await bmc.setBoot({ device: 'Network', mode: 'UEFI', persistent: false }, permit, signal);
    await bmc.setPower('On', permit, signal);
    await until(machine, 'a heartbeat', () => rig.desk.heard(agent.uid)?.address);
    expect(fake.override).to.equal(undefined);
    await bmc.setPower('Reset', permit, signal);
    await until(machine, 'the end', () => machine.log.at(-1)?.includes('halted'));
    await bmc.setPower('Off', permit, signal);
    expect(machine).to.include({ power: 'Off', running: 'nothing' });
  });

  it('boots its virtual CD with the arguments that are in it', async () => {
    const { machine, agent, bmc } = parts();
    const line = `ipa-api-url=https://127.0.0.1:${rig.agents.port} ipa-insecure=1`;
    const iso = Buffer.concat([Buffer.alloc(300_000, 7), argumentBytes(line), Buffer.alloc(300_000, 7)]);
    const media = createServer((_request, response) => response.end(iso));
    await new Promise<void>((resolve) => void media.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(media.address() as AddressInfo).port}/agent.iso`;
      await bmc.insertMedia(url, permit, signal);
      await bmc.setBoot({ device: 'Cd', mode: 'UEFI', persistent: false }, permit, signal);
      await bmc.setPower('On', permit, signal);
      await until(machine, 'a heartbeat', () => rig.desk.heard(agent.uid)?.address);
      expect([...machine.arguments.keys()]).to.deep.equal(['ipa-api-url', 'ipa-insecure']);
    } finally {
      media.closeAllConnections();
      await new Promise((resolve) => void media.close(resolve));
    }
  });
});
