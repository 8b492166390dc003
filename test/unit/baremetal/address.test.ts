// BMC addresses as people write them, and what is made of them.
import { expect } from 'chai';
import { parseBmcAddress } from '../../../src/baremetal/bmc/address.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';

describe('a BMC address', () => {
  const system = '/redfish/v1/Systems/1';
  const good: readonly (readonly [what: string, address: string, expected: object])[] = [
    ['IPMI with its usual port', 'ipmi://172.16.0.131', { driver: 'ipmi', host: '172.16.0.131', port: 623 }],
    ['IPMI with a port', 'ipmi://bmc.example:6230', { driver: 'ipmi', host: 'bmc.example', port: 6230 }],
    ['IPMI at port 80', 'ipmi://10.0.0.1:80', { port: 80 }],
    ['IPMI over IPv6', 'ipmi://[fd00::1]:624', { host: 'fd00::1', port: 624 }],
    ['IPMI over IPv6 with its usual port', 'ipmi://[fd00::1]', { host: 'fd00::1', port: 623 }],
    ['IPMI through ipmitool', 'ipmitool://10.0.0.1', { driver: 'ipmitool', host: '10.0.0.1', port: 623 }],
    ['IPMI through ipmitool, with a port', 'ipmitool://[fd00::1]:80', { driver: 'ipmitool', port: 80 }],
    ['a slash at the end', 'ipmi://10.0.0.1/', { host: '10.0.0.1', port: 623 }],
    [
      'Redfish, which is HTTPS',
      `redfish://172.16.0.133${system}`,
      { driver: 'redfish', origin: 'https://172.16.0.133', port: 443, encrypted: true, systemPath: system },
    ],
    [
      'Redfish with a port',
      `redfish://10.0.0.1:8000${system}`,
      { origin: 'https://10.0.0.1:8000', port: 8000 },
    ],
    ['Redfish without a path', 'redfish://10.0.0.1', { systemPath: undefined }],
    ['Redfish with the path of the service', 'redfish://10.0.0.1/redfish/v1/', { systemPath: undefined }],
    ['Redfish with a slash too many', `redfish://10.0.0.1${system}/`, { systemPath: system }],
    [
      'Redfish without TLS',
      'redfish+http://10.0.0.1',
      { origin: 'http://10.0.0.1', port: 80, encrypted: false },
    ],
    ['Redfish with TLS, said twice', 'redfish+https://10.0.0.1', { encrypted: true }],
    ['virtual media', `redfish-virtualmedia://10.0.0.1${system}`, { driver: 'redfish', systemPath: system }],
  ];
  for (const [what, address, expected] of good) {
    it(`reads ${what}`, () => {
      expect(parseBmcAddress(address)).to.include({ text: address, ...expected });
    });
  }

  const bad: readonly (readonly [what: string, address: string, message: RegExp])[] = [
    ['an unknown scheme', 'telnet://10.0.0.1', /scheme must be one of ipmi, ipmitool, redfish/],
    ['no scheme', '10.0.0.1', /scheme must be/],
    ['no host', 'redfish:///redfish/v1', /must be SCHEME:\/\/HOST/],
    ['a port that is none', 'ipmi://10.0.0.1:66666', /must be SCHEME:\/\/HOST/],
    ['a password', 'redfish://admin:secret@10.0.0.1', /must not have a user/],
    ['a query', 'redfish://10.0.0.1/redfish/v1?x=1', /must not have a user, a query/],
    ['IPMI through ipmitool with a path', 'ipmitool://10.0.0.1/x', /has no path/],
    ['IPMI with a path', 'ipmi://10.0.0.1/redfish/v1', /has no path/],
  ];
  for (const [what, address, message] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => parseBmcAddress(address))
        .to.throw(OperatorError, message)
        .with.property('reason', 'BMCAddressInvalid');
    });
  }
});
