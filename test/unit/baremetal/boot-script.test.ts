// The iPXE scripts, as text; that iPXE runs them is shown by test/integration/baremetal/boot-ipxe.test.ts.
import { expect } from 'chai';
import { firstScript, nodeScript, unknownScript } from '../../../src/baremetal/boot/script.ts';

const file = (url: string, digit: string) => ({ url, checksum: `sha256:${digit.repeat(64)}` });
const plan = {
  kind: 'Ramdisk',
  node: 'ctrl-0',
  purpose: 'inspection',
  kernel: file('http://10.0.0.1:8088/kernel', 'a'),
  ramdisk: file('http://10.0.0.1:8088/ramdisk', 'b'),
  arguments: ['ipa-insecure=1', 'console=ttyS0'],
} as const;
const mac = '2c:c2:60:01:02:04';

describe('iPXE scripts', () => {
  it('all begin as scripts do, and no line continues on the next', () => {
    const scripts = [
      firstScript(),
      unknownScript(mac),
      nodeScript(mac, plan),
      nodeScript(mac, { kind: 'Disk', node: 'x' }),
    ];
    for (const script of scripts) {
      expect(script).to.match(/^#!ipxe\n/);
      expect(script).to.not.match(/\\\n/);
      expect(script.length).to.be.below(4096);
    }
  });

  it('every label that a script goes to is there', () => {
    for (const script of [firstScript(), nodeScript(mac, plan)]) {
      for (const [, label = ''] of script.matchAll(/goto (\w+)/g)) expect(script).to.contain(`\n:${label}\n`);
    }
  });

  it('the first asks for the NIC that iPXE came by before all others', () => {
    const asked = [...firstScript().matchAll(/chain --autofree ipxe\/\$\{(\w+)\/mac:hexhyp\}/g)].map(
      ([, nic]) => nic,
    );
    expect(asked).to.deep.equal(['netX', 'net0', 'net1', 'net2', 'net3', 'net4', 'net5', 'net6', 'net7']);
  });

  it('a node’s has its kernel, arguments and ramdisk, and asks for itself again', () => {
    const script = nodeScript(mac, plan).split('\n');
    expect(script).to.include.members([
      'kernel --name kernel --timeout 60000 http://10.0.0.1:8088/kernel ipa-insecure=1 console=ttyS0 initrd=ramdisk || goto failed',
      'initrd --name ramdisk --timeout 60000 http://10.0.0.1:8088/ramdisk || goto failed',
      `iseq \${undercloud-kernel-sum} ${'a'.repeat(64)} || goto damaged`,
      `iseq \${undercloud-ramdisk-sum} ${'b'.repeat(64)} || goto damaged`,
      'chain --autofree --replace 2c-c2-60-01-02-04 || goto failed',
    ]);
  });

  it('one that is not to boot from the network goes on with the next device', () => {
    expect(nodeScript(mac, { kind: 'Disk', node: 'ctrl-0' })).to.match(/ctrl-0.*\nexit 1\n$/);
    expect(unknownScript(mac)).to.match(/2c:c2:60:01:02:04[^]*\nexit 1\n$/);
  });

  it('nothing in a URL is expanded by iPXE', () => {
    const script = nodeScript(mac, { ...plan, kernel: file('http://10.0.0.1/${net0/mac}?a=${uuid}\\', 'a') });
    expect(script).to.contain('http://10.0.0.1/%24%7Bnet0/mac%7D?a=%24{uuid}%5C ipa-insecure=1');
  });
});
