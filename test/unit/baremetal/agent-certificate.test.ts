// The certificate that we make by hand, as node and openssl read it, and as TLS takes it.
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { expect } from 'chai';
import { makeCertificate } from '../../../src/baremetal/agent/certificate.ts';

const now = new Date('2026-03-01T12:00:00Z');
const openssl = (args: readonly string[], input: string): string =>
  execFileSync('openssl', args, { input, encoding: 'utf8' });

const hosts: readonly [given: string, shown: string][] = [
  ['10.0.0.1', 'IP Address:10.0.0.1'],
  ['255.255.255.255', 'IP Address:255.255.255.255'],
  ['::1', 'IP Address:0:0:0:0:0:0:0:1'],
  ['::', 'IP Address:0:0:0:0:0:0:0:0'],
  ['[fd00::10]', 'IP Address:FD00:0:0:0:0:0:0:10'],
  ['fe80::5054:ff:fe77:10a', 'IP Address:FE80:0:0:0:5054:FF:FE77:10A'],
  ['2001:db8:1:2:3:4:5:6', 'IP Address:2001:DB8:1:2:3:4:5:6'],
  ['2001:db8::', 'IP Address:2001:DB8:0:0:0:0:0:0'],
  ['undercloud-agents', 'DNS:undercloud-agents'],
  ['agents.undercloud.svc.cluster.local', 'DNS:agents.undercloud.svc.cluster.local'],
];

describe('our own certificate', () => {
  for (const [given, shown] of hosts) {
    it(`is for ${given}, to node and to openssl`, () => {
      const { cert } = makeCertificate([given], now);
      const bare = given.replaceAll(/[[\]]/g, '');
      const read = new X509Certificate(cert);
      expect(shown.startsWith('IP') ? read.checkIP(bare) : read.checkHost(bare)).to.be.a('string');
      const text = openssl(['x509', '-noout', '-ext', 'subjectAltName'], cert);
      expect(text.replaceAll(/\s+/g, ' ').trim()).to.equal(`X509v3 Subject Alternative Name: ${shown}`);
    });
  }

  it('is for all that is asked, and for nothing else', () => {
    const read = new X509Certificate(makeCertificate(['10.0.0.1', 'agents', '::1'], now).cert);
    expect(read.checkIP('10.0.0.1')).to.equal('10.0.0.1');
    expect(read.checkIP('::1')).to.equal('::1');
    expect(read.checkHost('agents')).to.equal('agents');
    expect(read.checkIP('10.0.0.2')).to.equal(undefined);
    expect(read.checkHost('other')).to.equal(undefined);
  });

  it('is signed by its own key, which comes with it', () => {
    const { key, cert } = makeCertificate(['10.0.0.1'], now);
    const read = new X509Certificate(cert);
    expect(read.checkPrivateKey(createPrivateKey(key))).to.equal(true);
    expect(read.verify(read.publicKey)).to.equal(true);
    expect(read.checkIssued(read)).to.equal(true);
    expect(openssl(['pkey', '-noout', '-text'], key)).to.match(/NIST CURVE: P-256/);
  });

  it('is strictly DER: openssl writes the same bytes', () => {
    const { cert } = makeCertificate(['10.0.0.1', 'agents'], now);
    expect(openssl(['x509', '-outform', 'PEM'], cert)).to.equal(cert);
    const text = openssl(['x509', '-noout', '-text'], cert);
    expect(text).to.match(/Version: 3 \(0x2\)[^]*Signature Algorithm: ecdsa-with-SHA256[^]*prime256v1/);
    expect(text).to.match(/Subject: CN ?= ?undercloud-agent-api/);
  });

  const times: readonly [string, string, string][] = [
    ['2026-03-01T12:00:00Z', '2026-03-01T11:00:00Z', '2036-03-01T11:00:00Z'],
    ['2028-02-29T00:30:00Z', '2028-02-28T23:30:00Z', '2038-02-28T23:30:00Z'],
    ['2028-02-29T12:00:00Z', '2028-02-29T11:00:00Z', '2038-03-01T11:00:00Z'],
  ];
  for (const [made, from, to] of times) {
    it(`made at ${made} is valid from ${from} to ${to}`, () => {
      const read = new X509Certificate(makeCertificate(['10.0.0.1'], new Date(made)).cert);
      const shown = [read.validFrom, read.validTo].map((time) => new Date(time).getTime());
      expect(shown).to.deep.equal([from, to].map((time) => new Date(time).getTime()));
    });
  }

  it('never has the same serial number, and a positive one', () => {
    const serials = Array.from(
      { length: 50 },
      () => new X509Certificate(makeCertificate(['a'], now).cert).serialNumber,
    );
    expect(new Set(serials).size).to.equal(50);
    for (const serial of serials) expect(serial).to.match(/^[4-7][0-9A-F]{31}$/);
  });

  const dialled: readonly [string, string, string][] = [
    ['an IPv4 address', '127.0.0.1', '127.0.0.1'],
    ['an IPv6 address', '::1', '::1'],
    ['a DNS name', 'localhost', '127.0.0.1'],
  ];
  for (const [what, name, address] of dialled) {
    it(`is all that a client has to trust: ${what}`, async () => {
      const { key, cert } = makeCertificate([name], new Date());
      const other = makeCertificate([name], new Date());
      const server = createServer({ key, cert }, (socket) => socket.end('hello'));
      server.on('tlsClientError', () => undefined);
      await once(server.listen(0, address), 'listening');
      const { port } = server.address() as AddressInfo;
      const dial = async (ca: string, servername: string): Promise<string> => {
        const names = servername.includes(':') || /^[0-9.]+$/.test(servername) ? {} : { servername };
        const socket = connect({ host: address, port, ca, ...names });
        try {
          const [first] = (await once(socket, 'data')) as [Buffer];
          return first.toString();
        } finally {
          socket.destroy();
        }
      };
      const errorOf = (attempt: Promise<string>) =>
        attempt.then(
          () => 'none',
          (error: unknown) => (error as { code?: string }).code,
        );
      try {
        expect(await dial(cert, name)).to.equal('hello');
        expect(await errorOf(dial(other.cert, name))).to.match(/SELF_SIGNED|VERIFY|SIGNATURE/);
        expect(await errorOf(dial(cert, 'elsewhere'))).to.equal('ERR_TLS_CERT_ALTNAME_INVALID');
      } finally {
        server.close();
      }
    });
  }
});
