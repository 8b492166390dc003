// What the ramdisk is told on its kernel's command line, and the URL of a medium that carries it.
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { argumentBytes, argumentsProblem, decodeArguments, encodeArguments } from '../../../src/api/media.ts';
import { ramdiskArguments, type RamdiskBoot } from '../../../src/baremetal/boot/arguments.ts';
import { mediaUrl } from '../../../src/baremetal/boot/media-url.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';

const boot: RamdiskBoot = {
  agentApi: ['https://10.77.1.1:6385'],
  trust: { kind: 'Insecure' },
  mac: '2C:C2:60:01:02:04',
};

function errorOf(run: () => unknown) {
  try {
    run();
  } catch (error) {
    return asOperatorError(error);
  }
  throw new Error('expected an error');
}

describe('the kernel arguments of a boot', () => {
  const cases: readonly [string, Partial<RamdiskBoot>, string][] = [
    ['a deployment', {}, 'ipa-api-url=https://10.77.1.1:6385 ipa-insecure=1 BOOTIF=01-2c-c2-60-01-02-04'],
    [
      'an inspection names its collectors',
      { collectors: ['default', 'logs'] },
      'ipa-api-url=https://10.77.1.1:6385 ipa-insecure=1 ipa-inspection-collectors=default,logs BOOTIF=01-2c-c2-60-01-02-04',
    ],
    [
      'several of us, and a ramdisk that knows our certificate',
      {
        agentApi: ['https://a:6385', 'https://b:6385'],
        trust: { kind: 'Fingerprint', sha256: 'AB'.repeat(32) },
        mac: undefined,
      },
      `ipa-api-url=https://a:6385,https://b:6385 undercloud.ca=sha256:${'ab'.repeat(32)}`,
    ],
    [
      'a fixed address with everything',
      {
        network: { address: '172.16.0.54', prefixLength: 24, gateway: '172.16.0.1', dnsServers: ['9.9.9.9'] },
      },
      'ipa-api-url=https://10.77.1.1:6385 ipa-insecure=1 BOOTIF=01-2c-c2-60-01-02-04 undercloud.network=2c:c2:60:01:02:04,172.16.0.54/24,172.16.0.1,9.9.9.9',
    ],
    [
      'a fixed address without a gateway',
      { network: { address: '2001:db8::5', prefixLength: 64 } },
      'ipa-api-url=https://10.77.1.1:6385 ipa-insecure=1 BOOTIF=01-2c-c2-60-01-02-04 undercloud.network=2c:c2:60:01:02:04,2001:db8::5/64,',
    ],
    [
      'the user’s own come last, whatever their spaces',
      { mac: undefined, extra: '  console=tty0   console=ttyS0 ' },
      'ipa-api-url=https://10.77.1.1:6385 ipa-insecure=1 console=tty0 console=ttyS0',
    ],
  ];
  for (const [name, change, expected] of cases) {
    it(name, () => expect(ramdiskArguments({ ...boot, ...change }).join(' ')).to.equal(expected));
  }

  for (const extra of [
    'a="b"',
    "a='b'",
    'a=${net0/mac}',
    'a=`b`',
    'a\\',
    'a=é',
    'a || reboot',
    'a ; b',
    'a #b',
    'x'.repeat(2048),
  ]) {
    it(`refuses what a boot loader would take for its own: ${extra.slice(0, 20)}`, () => {
      const error = errorOf(() => ramdiskArguments({ ...boot, extra }));
      expect(error).to.include({ kind: 'terminal', reason: 'UnusableArguments' });
      expect(error.message).to.contain('deploy.kernelArguments');
    });
  }
});

describe('kernel arguments in a URL', () => {
  it('come back as they were, whatever they are', () => {
    const usable = fc.string({ maxLength: 400 }).filter((text) => argumentsProblem(text) === undefined);
    fc.assert(fc.property(usable, (text) => decodeArguments(encodeArguments(text)) === text));
  });

  it('anything else is refused, and nothing throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const decoded = decodeArguments(`1${text}`);
        expect(decoded === undefined || argumentsProblem(decoded) === undefined).to.equal(true);
      }),
    );
    expect(decodeArguments(encodeArguments('quiet').replace(/^1/, '2'))).to.equal(undefined);
  });

  it('are as this version has always made them: a running medium goes on after an upgrade', () => {
    const made = '1w6HC3FzPEFkJKS6DhJETPBEYJesmG-maGegaGOoaGOkamKBGDgA';
    expect(decodeArguments(made)).to.equal(
      'ipa-api-url=https://10.77.1.1:6385 ipa-insecure=1 ipa-inspection-collectors=default,logs BOOTIF=01-2c-c2-60-01-02-04 console=ttyS0',
    );
  });

  it('fill their region to the byte', () => {
    const bytes = argumentBytes('console=ttyS0');
    expect(bytes.length).to.equal(4096);
    expect(bytes.toString()).to.match(
      /^#undercloud-boot-arguments\nset undercloud_args="console=ttyS0"\n(#{63}\n)+#*$/,
    );
    expect(argumentBytes('x'.repeat(2047)).length).to.equal(4096);
  });

  it('make the URL of a medium beside the ISO', () => {
    const args = ramdiskArguments(boot);
    const url = mediaUrl('http://10.0.0.1:8088/images/agent.iso?x#y', args);
    const [, segment = ''] =
      /^http:\/\/10\.0\.0\.1:8088\/images\/media\/([^/]+)\/agent\.iso$/.exec(url) ?? [];
    expect(decodeArguments(segment)).to.equal(args.join(' '));
  });

  it('stay short enough for BMCs with a fingerprint, a long name, a fixed IPv6 address and two consoles', () => {
    const args = ramdiskArguments({
      ...boot,
      agentApi: ['https://[2001:db8:7:1::1]:6385'],
      trust: { kind: 'Fingerprint', sha256: createHash('sha256').update('x').digest('hex') },
      collectors: ['default', 'logs', 'pci-devices'],
      network: { address: '2001:db8:7:1::5a1', prefixLength: 64, gateway: '2001:db8:7:1::1' },
      extra: 'console=tty0 console=ttyS1,115200n8 ipa-debug=1 systemd.journald.forward_to_console=yes',
    });
    expect(mediaUrl('http://media.undercloud.example.org:8088/agent.iso', args).length).to.be.below(256);
  });

  it('that would be too long for BMCs are refused with the remedy', () => {
    // Text that cannot be compressed.
    const extra = Array.from({ length: 60 }, (_, index) => ((index + 1) * 7919 * 104729).toString(36)).join(
      '',
    );
    const error = errorOf(() => mediaUrl('http://10.0.0.1/agent.iso', [extra]));
    expect(error).to.include({ kind: 'terminal', reason: 'MediaUrlTooLong' });
  });
});
