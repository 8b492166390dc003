// The IPMI driver, with the real ipmitool, against Debian's ipmi_sim.
import { expect } from 'chai';
import { parseBmcAddress } from '../../../src/baremetal/bmc/address.ts';
import { createBmcConnector } from '../../../src/baremetal/bmc/connect.ts';
import type { Bmc } from '../../../src/baremetal/bmc/port.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { startIpmiSim, type IpmiSim } from './ipmi-sim.ts';

const { signal } = new AbortController();
const permit = (): void => undefined;
const reasonOf = (error: unknown): string => asOperatorError(error).reason;

describe('the IPMI driver', function () {
  this.timeout(60_000);
  let sim: IpmiSim;
  before(async () => {
    sim = await startIpmiSim();
  });
  after(() => sim.stop());

  const bmcAt = (
    address: string,
    login: { readonly username?: string; readonly password?: string } = {},
  ): Bmc => {
    const target = { address: parseBmcAddress(address), username: 'admin', password: sim.password, ...login };
    return createBmcConnector(systemClock)({ ...target, trust: { kind: 'system' } });
  };

  it('reads and sets the power', async () => {
    const bmc = bmcAt(sim.address);
    await sim.setPower('off');
    expect(await bmc.power(signal)).to.equal('Off');
    await bmc.setPower('On', permit, signal);
    expect([await bmc.power(signal), await sim.power()]).to.deep.equal(['On', 'on']);
    await bmc.setPower('SoftOff', permit, signal);
    expect([await bmc.power(signal), await sim.power()]).to.deep.equal(['Off', 'off']);
    await bmc.setPower('On', permit, signal);
    await bmc.setPower('Reset', permit, signal);
    await bmc.setPower('Off', permit, signal);
    expect(await sim.power()).to.equal('off');
  });

  it('reads what the BMC says of itself, in the cipher suite that it speaks', async () => {
    const { bmc } = await bmcAt(sim.address).inventory(signal);
    expect(bmc).to.deep.include({
      protocol: 'IPMI',
      protocolVersion: '2.0',
      firmwareVersion: '9.08',
      cipherSuite: 3,
    });
  });

  for (const [what, login] of [
    ['a wrong password', { password: 'wrong' }],
    ['an unknown user', { username: 'nobody' }],
  ] as const) {
    it(`tells ${what} from silence`, async () => {
      expect(await bmcAt(sim.address, login).power(signal).catch(reasonOf)).to.equal('BMCAuthFailed');
    });
  }

  it('says so when nobody answers', async () => {
    expect(await bmcAt('ipmi://127.0.0.1:9').power(signal).catch(reasonOf)).to.equal('BMCUnreachable');
  });

  it('says so when there is no such name', async () => {
    const error = await bmcAt('ipmi://nowhere.invalid').power(signal).catch(asOperatorError);
    expect(error)
      .to.have.property('message')
      .that.matches(/does not answer .*nowhere\.invalid/);
  });

  it('ends its process when it is called off', async () => {
    const stop = new AbortController();
    const asked = bmcAt('ipmi://127.0.0.1:9').power(stop.signal);
    setTimeout(() => stop.abort(new Error('called off')), 100);
    expect(await asked.catch(String)).to.include('called off');
  });
});
