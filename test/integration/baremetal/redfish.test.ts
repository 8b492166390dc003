// The Redfish driver: against our fake for what goes wrong, against sushy-tools' emulator (the lab's) for a second opinion.
import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { connect as tlsConnect } from 'node:tls';
import { createHash } from 'node:crypto';
import { createBmcPool } from '../../../src/baremetal/bmc/pool.ts';
import type { Bmc, TlsTrust } from '../../../src/baremetal/bmc/port.ts';
import { createRedfishBmc } from '../../../src/baremetal/bmc/redfish/redfish.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { createPairs, redfishAddress } from '../../fakes/redfish-driver.ts';
import { bmcPassword, isOn, useLab, type Lab, type LabMachine } from '../../support/lab.ts';

const { signal } = new AbortController();
const permit = (): void => undefined;
const reasonOf = (error: unknown): string => asOperatorError(error).reason;
const messageOf = (error: unknown): string => asOperatorError(error).message;

describe('the Redfish driver, against our fake', () => {
  const pairs = createPairs();
  const { start } = pairs;
  afterEach(() => pairs.close());

  it('finds the one system by links, in one session, and gives the session back', async () => {
    const { fake, bmc } = await start();
    expect(await bmc.power(signal)).to.equal('Off');
    expect(await bmc.power(signal)).to.equal('Off');
    expect(fake.requests).to.deep.equal([
      'GET /redfish/v1/',
      'POST /redfish/v1/SessionService/Sessions',
      'GET /redfish/v1/',
      'GET /redfish/v1/Systems',
      'GET /redfish/v1/Systems/1',
      'GET /redfish/v1/Systems/1',
    ]);
    expect(fake.open.size).to.equal(1);
    await bmc.close();
    expect(fake.open.size).to.equal(0);
  });

  it('goes straight to the system that the address names', async () => {
    const { fake, bmc } = await start({}, { path: '/redfish/v1/Systems/1' });
    await bmc.power(signal);
    expect(fake.requests).to.not.include('GET /redfish/v1/Systems');
  });

  it('asks which one, when there are several systems', async () => {
    const { bmc } = await start({ systems: ['1', '2'] });
    expect(await bmc.power(signal).catch(messageOf)).to.match(/2 systems.*Systems\/1, .*Systems\/2/);
  });

  it('says so when the address names a system that is not there', async () => {
    const { bmc } = await start({}, { path: '/redfish/v1/Systems/9' });
    expect(await bmc.power(signal).catch(reasonOf)).to.equal('BMCRefused');
  });

  it('logs in anew, once, when the session has expired', async () => {
    const { fake, bmc } = await start();
    await bmc.power(signal);
    fake.open.clear();
    expect(await bmc.power(signal)).to.equal('Off');
    expect(fake.open.size).to.equal(1);
  });

  for (const [what, quirks] of [
    ['sessions', {}],
    ['Basic authentication', { sessions: false }],
    ['a root that asks for a login', { sessions: false, closedRoot: true }],
  ] as const) {
    it(`tells a wrong password at the first login, with ${what}`, async () => {
      const { fake, bmc } = await start(quirks, { login: { password: 'wrong' } });
      expect(await bmc.power(signal).catch(reasonOf)).to.equal('BMCAuthFailed');
      expect(fake.failedLogins).to.equal(1);
    });

    it(`powers on with ${what}`, async () => {
      const { fake, bmc } = await start(quirks);
      await bmc.setPower('On', permit, signal);
      expect(fake.power).to.equal('On');
    });
  }

  it('does not take “too many sessions” for a wrong password', async () => {
    const { bmc } = await start({ mostSessions: 0 });
    expect(await bmc.power(signal).catch(messageOf)).to.match(/cannot do it now.*SessionLimitExceeded/);
  });

  for (const fault of ['busy', 'hang up', 'half an answer', 'no JSON'] as const) {
    it(`survives ${fault} when it only reads`, async () => {
      const { fake, bmc } = await start();
      await bmc.power(signal);
      fake.faults.push(fault, fault);
      expect(await bmc.power(signal)).to.equal('Off');
    });

    it(`gives up on ${fault} that lasts, as something that passes`, async () => {
      const { fake, bmc } = await start();
      await bmc.power(signal);
      fake.faults.push(fault, fault, fault);
      const error = await bmc.power(signal).catch(asOperatorError);
      expect(error).to.include({
        kind: 'transient',
        reason: fault === 'busy' ? 'BMCBusy' : 'BMCUnreachable',
      });
    });
  }

  it('is not kept by a BMC that falls silent', async () => {
    const { fake, target } = await start();
    const connect = () => createRedfishBmc(target, systemClock);
    const pool = createBmcPool({ clock: systemClock, connect });
    fake.faults.push('silence');
    const asked = pool.run('node', target, 200, signal, (bmc, bounded) => bmc.power(bounded));
    expect(await asked.catch(messageOf)).to.match(/does not answer \(no answer within 0\.2 s\)/);
    expect(await pool.run('node', target, 5_000, signal, (bmc, bounded) => bmc.power(bounded))).to.equal(
      'Off',
    );
    await pool.close();
    expect(fake.open.size).to.equal(0);
  });

  it('sends what the system says it can do, also when that is in another document', async () => {
    const { fake, bmc } = await start({
      actionInfo: true,
      resetTypes: ['ForceOn', 'ForceOff', 'PowerCycle'],
    });
    await bmc.setPower('On', permit, signal);
    await bmc.setPower('Reset', permit, signal);
    expect(
      fake.requests.filter((request) => request.startsWith('POST') && request.includes('Power ')),
    ).to.deep.equal([
      'POST /redfish/v1/Systems/1/Actions/Power ForceOn',
      'POST /redfish/v1/Systems/1/Actions/Power PowerCycle',
    ]);
    expect(await bmc.setPower('SoftOff', permit, signal).catch(messageOf)).to.match(
      /cannot do SoftOff: it offers ForceOn/,
    );
  });

  it('sends nothing when the power is as wanted', async () => {
    const { fake, bmc } = await start();
    await bmc.setPower('Off', permit, signal);
    expect(fake.requests.some((request) => request.includes('Actions'))).to.equal(false);
  });

  it('sends nothing when it is not permitted any more', async () => {
    const { fake, bmc } = await start();
    const forbid = () => {
      throw new Error('no lease');
    };
    expect(await bmc.setPower('On', forbid, signal).catch(String)).to.include('no lease');
    expect(fake.power).to.equal('Off');
  });

  it('adds If-Match where the service wants it', async () => {
    const { fake, bmc } = await start({ needsIfMatch: true });
    await bmc.setPower('On', permit, signal);
    expect(fake.power).to.equal('On');
  });

  it('takes a conflict for success when the system got there', async () => {
    const { fake, bmc } = await start({ resetStatus: 409 });
    await bmc.setPower('On', permit, signal);
    expect(fake.power).to.equal('On');
    fake.quirks = { ...fake.quirks, resets: false };
    expect(await bmc.setPower('Off', permit, signal).catch(reasonOf)).to.equal('BMCBusy');
  });

  it('knows no power where the BMC does not', async () => {
    const { fake, bmc } = await start();
    fake.power = null;
    expect(await bmc.power(signal)).to.equal('Unknown');
  });

  it('reads the inventory, and passes over what is not there', async () => {
    const { bmc } = await start();
    expect(await bmc.inventory(signal)).to.deep.equal({
      bmc: {
        protocol: 'Redfish',
        protocolVersion: '1.11.0',
        vendor: 'ACME',
        model: 'ROB',
        firmwareVersion: '9.9',
      },
      vendor: 'ACME',
      model: 'Roadrunner',
      serial: 'S1',
      biosVersion: '2.1',
      cpu: { model: 'Z80', sockets: 2 },
      memoryMebibytes: 1536,
      disks: [{ name: 'Disk.1', type: 'NVMe', sizeBytes: 960197124096 }],
      nics: [{ name: 'NIC.1', mac: '2c:c2:60:01:02:04', speedMbps: 10000, linkUp: true }],
    });
  });
});

describe('the Redfish driver, against sushy-tools', function () {
  this.timeout(600_000);
  let lab: Lab;
  let machine: LabMachine;
  let password: string;
  let ca: string;
  const opened: Bmc[] = [];
  before(async () => {
    lab = await useLab();
    const found = lab.machines.find(({ bmc }) => bmc.type === 'redfish');
    if (found === undefined) throw new Error('the lab has no Redfish BMC');
    machine = found;
    [password, ca] = await Promise.all([bmcPassword(lab), readFile(lab.caFile, 'utf8')]);
  });
  const bmcWith = (trust: TlsTrust, secret = password): Bmc => {
    const address = redfishAddress(machine.bmc.address);
    const bmc = createRedfishBmc({ address, username: lab.bmcUser, password: secret, trust }, systemClock);
    opened.push(bmc);
    return bmc;
  };
  afterEach(async () => {
    for (const bmc of opened.splice(0)) await bmc.close();
  });

  it('turns a machine off and on again', async () => {
    const bmc = bmcWith({ kind: 'ca', pem: ca });
    await bmc.setPower('Off', permit, signal);
    expect([await bmc.power(signal), await isOn(lab, machine.name)]).to.deep.equal(['Off', false]);
    await bmc.setPower('On', permit, signal);
    expect([await bmc.power(signal), await isOn(lab, machine.name)]).to.deep.equal(['On', true]);
  });

  it('reads what it offers', async () => {
    const inventory = await bmcWith({ kind: 'ca', pem: ca }).inventory(signal);
    expect(inventory.bmc.protocol).to.equal('Redfish');
    expect(inventory.memoryMebibytes).to.be.greaterThan(0);
    expect(inventory.nics[0]?.mac).to.match(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
  });

  it('tells a wrong password', async () => {
    const bmc = bmcWith({ kind: 'ca', pem: ca }, 'wrong');
    expect(await bmc.power(signal).catch(reasonOf)).to.equal('BMCAuthFailed');
  });

  it('trusts no certificate that it was not told to', async () => {
    expect(await bmcWith({ kind: 'system' }).power(signal).catch(reasonOf)).to.equal('BMCCertificateInvalid');
    const stranger = bmcWith({ kind: 'fingerprint', sha256: '0'.repeat(64) });
    expect(await stranger.power(signal).catch(reasonOf)).to.equal('BMCCertificateInvalid');
  });

  it('trusts the one certificate whose fingerprint was given, and any when told so', async () => {
    const { hostname: host, port } = new URL(machine.bmc.address.replace('redfish:', 'https:'));
    const seen = await new Promise<Buffer>((resolve) => {
      const socket = tlsConnect({ host, port: Number(port), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().raw);
        socket.end();
      });
    });
    const sha256 = createHash('sha256').update(seen).digest('hex');
    expect(await bmcWith({ kind: 'fingerprint', sha256 }).power(signal)).to.equal('On');
    expect(await bmcWith({ kind: 'any' }).power(signal)).to.equal('On');
  });
});
