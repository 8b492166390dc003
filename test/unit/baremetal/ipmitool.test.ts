// The fallback driver without a BMC: what ipmitool prints, understood, and which cipher suite is tried when.
import { expect } from 'chai';
import { parseBmcAddress } from '../../../src/baremetal/bmc/address.ts';
import { createIpmitoolBmc } from '../../../src/baremetal/bmc/ipmitool/ipmitool.ts';
import type { IpmiReply } from '../../../src/baremetal/bmc/ipmitool/run.ts';
import { explanation, failureOf, inventoryIn, powerIn } from '../../../src/baremetal/bmc/ipmitool/output.ts';
import type { Bmc } from '../../../src/baremetal/bmc/port.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';

const noSession = 'Error: Unable to establish IPMI v2 / RMCP+ session';
const wrongSuite = `Error in open session response message : invalid authentication algorithm\n\n${noSession}`;
const wrongPassword = `> RAKP 2 HMAC is invalid\n${noSession}`;
const { signal } = new AbortController();

describe('what ipmitool prints', () => {
  const failures: readonly (readonly [what: string, output: string, failure: string])[] = [
    ['a wrong password', wrongPassword, 'auth'],
    ['an unknown user', `RAKP 2 message indicates an error : unauthorized name\n${noSession}`, 'auth'],
    [
      'a user without the right',
      `RAKP 2 message indicates an error : invalid role\n${noSession}`,
      'privilege',
    ],
    ['a suite that is not spoken', wrongSuite, 'suite'],
    ['a suite that ipmitool does not know', 'Unsupported cipher suite ID : 17', 'suite'],
    ['too many sessions', 'insufficient resources for session', 'busy'],
    ['a BMC that starts', 'Error: BMC initialization in progress', 'busy'],
    ['silence', noSession, 'unreachable'],
    [
      'a name that is none',
      `Address lookup for nosuch.invalid failed\nCould not open socket!\n${noSession}`,
      'unreachable',
    ],
    [
      'anything else',
      'Set Chassis Power Control to Up/On failed: Command not supported in present state',
      'refused',
    ],
  ];
  for (const [what, output, failure] of failures) {
    it(`is ${failure} for ${what}`, () => expect(failureOf(output)).to.equal(failure));
  }

  it('is explained by its telling lines', () => {
    expect(explanation(`Loading IANA PEN Registry...\n${wrongPassword}`)).to.equal('RAKP 2 HMAC is invalid');
    expect(explanation(noSession)).to.equal(noSession);
    expect(explanation('\n')).to.equal('it printed nothing');
  });

  it('says the power', () => {
    expect(powerIn('Chassis Power is on\n')).to.equal('On');
    expect(powerIn('noise\nChassis Power is off\n')).to.equal('Off');
    expect(powerIn('Chassis Power is undecided')).to.equal('Unknown');
  });

  it('makes an inventory of `mc info` and `fru print`', () => {
    const mcInfo =
      'Firmware Revision         : 9.08\nIPMI Version              : 2.0\nManufacturer Name         : Dell Inc.\nProduct Name              : Unknown (0xF02)\nAdditional Device Support :\n    Sensor Device\n';
    const fru =
      ' Board Mfg             : Foxconn\n Product Manufacturer  : DELL\n Product Name          : PowerEdge R640\n Product Serial        : S3Z1NX0K\n Product Asset Tag     : \n';
    const inventory = inventoryIn(mcInfo, fru, 17);
    expect(inventory).to.deep.include({ vendor: 'DELL', model: 'PowerEdge R640', serial: 'S3Z1NX0K' });
    expect(inventory.bmc).to.deep.equal({
      protocol: 'IPMI',
      protocolVersion: '2.0',
      vendor: 'Dell Inc.',
      firmwareVersion: '9.08',
      cipherSuite: 17,
    });
  });
});

describe('the cipher suite of ipmitool', () => {
  /** A BMC that answers by suite, and the suites it was asked in. */
  const bmcWith = (
    answers: Readonly<Record<number, IpmiReply>>,
  ): { readonly bmc: Bmc; readonly asked: number[] } => {
    const asked: number[] = [];
    const address = parseBmcAddress('ipmitool://10.0.0.1');
    if (address.driver !== 'ipmitool') throw new Error('not IPMI');
    const target = { address, username: 'admin', password: 'secret', trust: { kind: 'system' } } as const;
    const bmc = createIpmitoolBmc(target, (_login, suite) => {
      asked.push(suite);
      return Promise.resolve(answers[suite] ?? { code: 1, output: noSession });
    });
    return { bmc, asked };
  };
  const on: IpmiReply = { code: 0, output: 'Chassis Power is on' };
  const reasonOf = (error: unknown): string => asOperatorError(error).reason;

  it('is 17 where that works', async () => {
    const { bmc, asked } = bmcWith({ 17: on });
    expect(await bmc.power(signal)).to.equal('On');
    await bmc.power(signal);
    expect(asked).to.deep.equal([17, 17]);
  });

  it('falls back to 3, and stays there', async () => {
    const { bmc, asked } = bmcWith({ 17: { code: 1, output: wrongSuite }, 3: on });
    await bmc.power(signal);
    await bmc.power(signal);
    expect(asked).to.deep.equal([17, 3, 3]);
  });

  it('is no reason to try a wrong password twice', async () => {
    const { bmc, asked } = bmcWith({
      17: { code: 1, output: wrongPassword },
      3: { code: 1, output: wrongPassword },
    });
    expect(await bmc.power(signal).catch(reasonOf)).to.equal('BMCAuthFailed');
    expect(asked).to.deep.equal([17]);
  });

  it('is changed after silence, as some BMCs are silent on the one that they do not speak', async () => {
    const { bmc, asked } = bmcWith({ 3: on });
    expect(await bmc.power(signal).catch(reasonOf)).to.equal('BMCUnreachable');
    expect(await bmc.power(signal)).to.equal('On');
    expect(asked).to.deep.equal([17, 3]);
  });

  it('sends a power command only while that is permitted', async () => {
    const { bmc, asked } = bmcWith({ 17: on });
    const forbid = () => {
      throw new Error('no lease');
    };
    expect(await bmc.setPower('On', forbid, signal).catch(String)).to.include('no lease');
    expect(asked).to.deep.equal([]);
  });
});
