// Which texts are keys to verify with, and what is said of the others.
import { expect } from 'chai';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readVerificationKey } from '../../../src/images/verify/key.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';
import { signerKinds, signerOf } from './verify-signer.ts';

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const text = pem(publicKey);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
const message = Buffer.from('a message');

function failure(value: string | undefined): OperatorError {
  try {
    readVerificationKey(value, 'release-key');
  } catch (error) {
    if (error instanceof OperatorError) return error;
  }
  throw new Error('it is taken for a key');
}

describe('the key that images must be signed with', () => {
  for (const kind of signerKinds) {
    it(`holds for its own signatures only: ${kind}`, () => {
      const signer = signerOf(kind);
      const key = readVerificationKey(signer.publicKey, 'release-key');
      expect(key.holds(message, signer.sign(message))).to.equal(true);
      expect(key.holds(Buffer.from('another'), signer.sign(message))).to.equal(false);
      expect(key.holds(message, signerOf(kind).sign(message))).to.equal(false);
      expect(key.holds(message, Buffer.from('no signature'))).to.equal(false);
      expect(key.holds(message, Buffer.alloc(0))).to.equal(false);
    });
  }

  const good: Readonly<Record<string, string>> = {
    'with blank lines around it': `\n\n${text}\n\n`,
    'with the line ends of another system': text.replaceAll('\n', '\r\n'),
    'with words before it': `made on the build server\n${text}`,
    'RSA in the older form': rsa.export({ type: 'pkcs1', format: 'pem' }).toString(),
  };
  for (const [name, value] of Object.entries(good)) {
    it(`is taken ${name}`, () => {
      expect(readVerificationKey(value, 'release-key')).to.include({ configMap: 'release-key' });
    });
  }

  const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const bad: Readonly<Record<string, readonly [value: string | undefined, says: RegExp]>> = {
    'nothing at all': [undefined, /has no key cosign\.pub, or is not there: make it with kubectl/],
    'an empty text': ['', /no public key in PEM/],
    'the name of a key service': ['k8s://lab/release', /no public key in PEM/],
    'a key in DER, as base64': [text.split('\n').slice(1, -2).join(''), /no public key in PEM/],
    'a private key': [secret, /private key.*make a new pair/],
    'a private key beside the public one': [text + secret, /private key.*make a new pair/],
    'a private key of the older form': [
      privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
      /private key/,
    ],
    "cosign's private key with a password": [
      '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n',
      /private key.*make a new pair/,
    ],
    'a certificate': [
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      /certificate.*openssl x509/,
    ],
    'two keys': [text + text, /2 public keys.*leave one/],
    'a key with a line missing': [text.split('\n').toSpliced(1, 1).join('\n'), /damaged public key/],
    'a key without its end': [text.slice(0, 60), /damaged public key/],
    'a short RSA key': [
      pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      /an RSA key with 1024 bits.*at least 2048/,
    ],
    'an RSA key for another padding': [
      pem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey),
      /a key of type rsa-pss/,
    ],
    'a key on another curve': [
      pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey),
      /an ECDSA key on the curve secp256k1/,
    ],
    'a key that signs nothing': [pem(generateKeyPairSync('x25519').publicKey), /a key of type x25519/],
  };
  for (const [name, [value, says]] of Object.entries(bad)) {
    it(`is none: ${name}`, () => {
      const error = failure(value);
      expect(error).to.include({ kind: 'terminal', reason: 'VerificationKeyInvalid' });
      expect(error.message).to.match(says);
      expect(error.message).to.include('ConfigMap release-key (spec.verify.cosign.keyName)');
    });
  }

  it('does not repeat a private key in what it says', () => {
    const lines = secret.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
    const said = failure(secret).message;
    expect(lines.filter((line) => said.includes(line))).to.deep.equal([]);
  });
});
