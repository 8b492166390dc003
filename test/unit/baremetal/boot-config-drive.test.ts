// What the config drive says; that others can read it is shown by test/integration/baremetal/boot-config-drive.test.ts.
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import {
  configDriveFor,
  configDriveImage,
  type ConfigDriveInput,
} from '../../../src/baremetal/boot/config-drive.ts';
import { isoImage } from '../../../src/baremetal/boot/iso9660.ts';
import { networkData } from '../../../src/baremetal/boot/network-data.ts';
import { generateHostKey, publicKeyOf } from '../../../src/baremetal/boot/ssh-keys.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';

const input: ConfigDriveInput = {
  uuid: '7b2a3d8c-8b0f-4d52-9d6c-0a6d1f2f9a11',
  hostname: 'lab-ctrl-0',
  user: 'cloud',
  sshPublicKeys: ['ssh-ed25519 AAAA operator'],
  hostKeys: [{ type: 'ed25519', privateKey: 'PRIVATE', publicKey: 'ssh-ed25519 AAAB lab-ctrl-0' }],
  network: { mac: '52:54:00:12:34:56' },
  installedFor: { namespace: 'lab', node: 'n0', host: 'h0', uid: 'u0', owner: 'lab/cloud/h0' },
};

function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return asOperatorError(error).reason;
  }
  return 'none';
}

describe('the config drive', () => {
  it('is the same, byte for byte, for the same input, and small', () => {
    expect(Buffer.from(configDriveImage(input)).equals(configDriveImage(input))).to.equal(true);
    expect(configDriveFor(input)).to.equal(configDriveFor(input));
    expect(configDriveFor(input).length).to.be.below(8192);
  });

  it('comes to the agent as base64 of gzip', () => {
    const unpacked = gunzipSync(Buffer.from(configDriveFor(input), 'base64'));
    expect(unpacked.equals(configDriveImage(input))).to.equal(true);
  });

  it('takes the user’s cloud-config or script, and nothing else', () => {
    const withExtra = (extraUserData: string) => () => configDriveImage({ ...input, extraUserData });
    expect(reasonOf(withExtra('#cloud-config\npackages: [vim]\n'))).to.equal('none');
    expect(reasonOf(withExtra('#!/bin/sh\ntrue\n'))).to.equal('none');
    expect(reasonOf(withExtra('packages: [vim]'))).to.equal('UserDataUnusable');
    expect(reasonOf(withExtra(`#!${'x'.repeat(1024 * 1024)}`))).to.equal('UserDataUnusable');
  });
});

describe('network_data.json', () => {
  const nic = { id: 'nic0', type: 'phy', ethernet_mac_address: '52:54:00:aa:bb:cc' };
  it('asks for DHCP on the NIC that is known by its MAC', () => {
    expect(networkData({ mac: '52:54:00:AA:BB:CC' })).to.deep.equal({
      links: [nic],
      networks: [{ id: 'ctlplane', type: 'ipv4_dhcp', link: 'nic0' }],
      services: [],
    });
  });

  it('puts a fixed address on a VLAN, with its gateway and name servers', () => {
    const address = {
      address: '172.16.0.22',
      prefixLength: 22,
      gateway: '172.16.0.1',
      dnsServers: ['9.9.9.9'],
    };
    expect(networkData({ mac: '52:54:00:aa:bb:cc', address, mtu: 9000, vlan: 20 })).to.deep.equal({
      links: [
        { ...nic, mtu: 9000 },
        {
          id: 'vlan0',
          type: 'vlan',
          vlan_link: 'nic0',
          vlan_id: 20,
          vlan_mac_address: '52:54:00:aa:bb:cc',
          mtu: 9000,
        },
      ],
      networks: [
        {
          id: 'ctlplane',
          type: 'ipv4',
          link: 'vlan0',
          ip_address: '172.16.0.22',
          netmask: '255.255.252.0',
          routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '172.16.0.1' }],
        },
      ],
      services: [{ type: 'dns', address: '9.9.9.9' }],
    });
  });

  const netmasks: readonly [string, number, string][] = [
    ['10.0.0.1', 32, '255.255.255.255'],
    ['10.0.0.1', 8, '255.0.0.0'],
    ['10.0.0.1', 25, '255.255.255.128'],
    ['2001:db8::1', 64, 'ffff:ffff:ffff:ffff:0:0:0:0'],
    ['2001:db8::1', 57, 'ffff:ffff:ffff:ff80:0:0:0:0'],
  ];
  for (const [address, prefixLength, netmask] of netmasks) {
    it(`a prefix of ${prefixLength} is ${netmask}`, () => {
      const data = networkData({ mac: '52:54:00:aa:bb:cc', address: { address, prefixLength } });
      expect(data).to.have.nested.property('networks[0].netmask', netmask);
      expect(data).to.have.nested.property('networks[0].routes').that.deep.equals([]);
    });
  }
});

describe('the ISO image', () => {
  const cases: readonly [string, readonly string[]][] = [
    ['a path that is there twice', ['a/b', 'a/b']],
    ['a file where a directory should be', ['a', 'a/b']],
    ['a name that is too long', ['x'.repeat(200)]],
    ['more files than a sector of records', Array.from({ length: 40 }, (_, index) => `file-${index}`)],
  ];
  for (const [name, paths] of cases) {
    it(`refuses ${name}`, () => {
      const files = paths.map((path) => ({ path, content: '' }));
      expect(reasonOf(() => isoImage('x', files))).to.equal('ConfigDriveUnwritable');
    });
  }
});

describe('SSH keys', () => {
  it('a new host key has a public half that fits, and is never the same', () => {
    const key = generateHostKey('lab-ctrl-0');
    expect(key.publicKey).to.match(/^ssh-ed25519 [A-Za-z0-9+/=]+ lab-ctrl-0$/);
    expect(publicKeyOf(key.privateKey, 'x')).to.equal(key.publicKey.split(' ').slice(0, 2).join(' '));
    expect(generateHostKey('lab-ctrl-0').publicKey).to.not.equal(key.publicKey);
  });

  for (const text of ['', 'not a key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE']) {
    it(`says which Secret has no usable private key: '${text.slice(0, 12)}'`, () => {
      let message = '';
      try {
        publicKeyOf(text, 'Secret lab-ssh, key ssh-privatekey');
      } catch (error) {
        message = asOperatorError(error).message;
      }
      expect(message).to.contain('Secret lab-ssh').and.contain('ssh-keygen');
    });
  }
});
