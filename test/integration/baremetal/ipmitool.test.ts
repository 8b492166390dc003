// The fallback driver, which runs ipmitool, against servers that we did not write.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { parseBmcAddress } from '../../../src/baremetal/bmc/address.ts';
import { createBmcConnector } from '../../../src/baremetal/bmc/connect.ts';
import type { Bmc } from '../../../src/baremetal/bmc/port.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { startPyghmiBmc } from './ipmi-pyghmi.ts';
import { startIpmiSim, type IpmiSim } from './ipmi-sim.ts';

const { signal } = new AbortController();
const permit = (): void => undefined;
const reasonOf = (error: unknown): string => asOperatorError(error).reason;

/** Until there is a process whose command line matches. */
async function untilItRuns(pattern: string): Promise<void> {
  while (spawnSync('pgrep', ['-f', pattern]).status !== 0) await setTimeout(20);
}

describe('the fallback driver, ipmitool', function () {
  this.timeout(60_000);
  let sim: IpmiSim;
  before(async () => {
    sim = await startIpmiSim();
  });
  after(() => sim.stop());

  const addressOf = ({ address }: IpmiSim): string => address.replace('ipmi:', 'ipmitool:');
  const bmcAt = (
    address: string,
    login: { readonly username?: string; readonly password?: string } = {},
  ): Bmc => {
    const target = { address: parseBmcAddress(address), username: 'admin', password: sim.password, ...login };
    return createBmcConnector(systemClock)({ ...target, trust: { kind: 'system' } });
  };

  it('reads and sets the power', async () => {
    const bmc = bmcAt(addressOf(sim));
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

  it('sets the locator light', async () => {
    await bmcAt(addressOf(sim)).setIndicator(true, permit, signal);
    expect(await sim.identified()).to.equal('0 1');
  });

  it('sets the boot device, as our own driver reads it', async () => {
    const pyghmi = await startPyghmiBmc(17);
    try {
      const override = { device: 'Network', mode: 'UEFI', persistent: true } as const;
      const bmc = bmcAt(pyghmi.address.replace('ipmi:', 'ipmitool:'));
      expect(await bmc.boot(signal)).to.equal(undefined);
      await bmc.setBoot(override, permit, signal);
      expect(await bmc.boot(signal)).to.deep.equal(override);
      const native = bmcAt(pyghmi.address);
      expect(await native.boot(signal)).to.deep.equal(override);
      await native.close();
    } finally {
      await pyghmi.stop();
    }
  });

  it('follows no console', async () => {
    const followed = bmcAt(addressOf(sim)).console(() => undefined, signal);
    expect(await followed.catch(reasonOf)).to.equal('BMCRefused');
  });

  it('reads what the BMC says of itself, in the cipher suite that it speaks', async () => {
    const { bmc } = await bmcAt(addressOf(sim)).inventory(signal);
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
      expect(await bmcAt(addressOf(sim), login).power(signal).catch(reasonOf)).to.equal('BMCAuthFailed');
    });
  }

  it('says so when nobody answers', async () => {
    expect(await bmcAt('ipmitool://127.0.0.1:9').power(signal).catch(reasonOf)).to.equal('BMCUnreachable');
  });

  it('says so when there is no such name', async () => {
    const error = await bmcAt('ipmitool://nowhere.invalid').power(signal).catch(asOperatorError);
    expect(error)
      .to.have.property('message')
      .that.matches(/does not answer .*nowhere\.invalid/);
  });

  it('leaves the password nowhere on the disk while its process runs: it could be killed', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'ipmi-test-'));
    const former = process.env.TMPDIR;
    process.env.TMPDIR = directory;
    const stop = new AbortController();
    try {
      const answer = bmcAt('ipmitool://127.9.9.9:9').power(stop.signal).catch(reasonOf);
      await untilItRuns('ipmitool .*127.9.9.9');
      expect(await readdir(directory, { recursive: true })).to.deep.equal([]);
      stop.abort();
      await answer;
    } finally {
      if (former === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = former;
      await rm(directory, { recursive: true });
    }
  });

  it('ends its process when it is called off', async () => {
    const stop = new AbortController();
    const asked = bmcAt('ipmitool://127.0.0.1:9').power(stop.signal);
    void setTimeout(100).then(() => stop.abort(new Error('called off')));
    expect(await asked.catch(String)).to.include('called off');
  });
});
