// A self-signed certificate for the listener that agents call: one fixed shape, in DER by hand (RFC 5280 section 4.1; X.690).
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';

/*
 * Why not a library: those on npm that make certificates bring a dependency-injection framework and a global polyfill with them
 * (@peculiar/x509), or no elliptic curves (node-forge). What is made here is read by node:crypto and openssl in the tests.
 */

export interface MadeCertificate {
  /** Both in PEM. */
  readonly key: string;
  readonly cert: string;
}

const validYears = 10;

/** For `hosts`, IP addresses or DNS names, valid from an hour ago for ten years. ECDSA on P-256 with SHA-256. */
export function makeCertificate(hosts: readonly string[], now: Date): MadeCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const name = sequence(set(sequence(oid.commonName, der(0x0c, Buffer.from('undercloud-agent-api')))));
  const begin = new Date(now.getTime() - 3_600_000);
  const end = new Date(begin);
  end.setUTCFullYear(end.getUTCFullYear() + validYears);
  const serial = createHash('sha256').update(spki).digest().subarray(0, 16);
  // Positive, and not shorter by a leading zero (X.690 section 8.3).
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, serial),
    sequence(oid.ecdsaWithSha256),
    name,
    sequence(time(begin), time(end)),
    name,
    spki,
    der(0xa3, sequence(extension(oid.subjectAltName, sequence(...hosts.map(generalName))))),
  );
  const signature = sign('sha256', body, privateKey);
  const cert = sequence(
    body,
    sequence(oid.ecdsaWithSha256),
    der(0x03, Buffer.concat([Buffer.of(0), signature])),
  );
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem(cert) };
}

/** Whole encodings of object identifiers. */
const oid = {
  commonName: Buffer.from('0603550403', 'hex'),
  subjectAltName: Buffer.from('0603551d11', 'hex'),
  ecdsaWithSha256: Buffer.from('06082a8648ce3d040302', 'hex'),
} as const;

/** Tag, length, value (X.690 section 8.1). */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), value]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const set = (...parts: readonly Uint8Array[]): Buffer => der(0x31, ...parts);
const extension = (id: Uint8Array, value: Uint8Array): Buffer => sequence(id, der(0x04, value));

/** UTCTime up to 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). */
function time(date: Date): Buffer {
  const text = `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}

/** iPAddress or dNSName (RFC 5280 section 4.2.1.6). */
function generalName(host: string): Buffer {
  const bare = host.replaceAll(/[[\]]/g, '');
  return isIP(bare) === 0 ? der(0x82, Buffer.from(bare)) : der(0x87, addressBytes(bare));
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (dotted !== null) {
    const hex = addressBytes(dotted[2] ?? '').toString('hex');
    return addressBytes(`${dotted[1] ?? ''}${hex.slice(0, 4)}:${hex.slice(4)}`);
  }
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: gap }, () => '0'), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

const pem = (bytes: Buffer): string => {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
};
