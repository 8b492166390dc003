// What counts as a signature of an image, in both of cosign's forms, and that a single changed byte makes it none.
import { expect } from 'chai';
import fc from 'fast-check';
import { bundlesIn, bundleOf as bundleIn, judgeBundle } from '../../../src/images/verify/bundle.ts';
import type { Requirement, Verdict } from '../../../src/images/verify/candidate.ts';
import { readVerificationKey } from '../../../src/images/verify/key.ts';
import { judgePayload, signaturesIn, signatureTagOf } from '../../../src/images/verify/signature.ts';
import {
  bundleOf,
  digestOf,
  image,
  otherImage,
  payloadOf,
  signatureOf,
  signerKinds,
  signerOf,
  signPredicate,
  statementOf,
  type SignerKind,
} from './verify-signer.ts';

const signers = new Map(signerKinds.map((kind) => [kind, signerOf(kind)]));
const signerFor = (kind: SignerKind) => signers.get(kind) ?? signerOf(kind);
const requirementFor = (kind: SignerKind, digest = image): Requirement => ({
  holds: readVerificationKey(signerFor(kind).publicKey, 'release-key').holds,
  digest,
});
const signer = signerFor('P-256');
const requirement = requirementFor('P-256');
const stranger = signerOf('P-256');

const flipped = (bytes: Uint8Array, at: number, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  const index = at % copy.length;
  copy[index] = (copy[index] ?? 0) ^ (1 << bit);
  return copy;
};
const position = fc.nat(100_000);
const bit = fc.nat(7);

describe("cosign's signature under a tag", () => {
  it('stands where the specification says', () => {
    const digest = 'sha256:97fc222cee7991b5b061d4d4afdb5f3428fcb0c9054e1690313786befa1e4e36';
    const tag = 'sha256-97fc222cee7991b5b061d4d4afdb5f3428fcb0c9054e1690313786befa1e4e36.sig';
    expect(signatureTagOf(digest)).to.equal(tag);
  });

  const payload = payloadOf(image);
  const { signature } = signatureOf(signer, payload);
  const signed = (content: Buffer) => [content, signatureOf(signer, content).signature] as const;
  const cases: Readonly<Record<string, readonly [payload: Buffer, signature: unknown, verdict: Verdict]>> = {
    'this image by this key': [payload, signature, 'Holds'],
    'this image under the name of another repository': [
      ...signed(payloadOf(image, { identity: { 'docker-reference': 'elsewhere.example.org/x' } })),
      'Holds',
    ],
    'this image, by another key': [payload, signatureOf(stranger, payload).signature, 'OtherKey'],
    'another image': [...signed(payloadOf(otherImage)), 'OtherDigest'],
    'another image by another key': [
      payloadOf(otherImage),
      signatureOf(stranger, payloadOf(otherImage)).signature,
      'OtherKey',
    ],
    'no image': [...signed(payloadOf(image, { image: {} })), 'OtherDigest'],
    'an image as a list': [...signed(payloadOf(image, { image: [image] })), 'OtherDigest'],
    'this image, for another purpose': [
      ...signed(payloadOf(image, { type: 'atomic container signature' })),
      'OtherPurpose',
    ],
    'no JSON': [...signed(Buffer.from('{')), 'OtherPurpose'],
    'JSON that is nothing': [...signed(Buffer.from('null')), 'OtherPurpose'],
    'nothing at all': [...signed(Buffer.alloc(0)), 'OtherPurpose'],
    'a payload with another than its own signature': [payloadOf(image, { more: 1 }), signature, 'OtherKey'],
    'this image, without a signature': [payload, undefined, 'Damaged'],
    'this image, with an empty signature': [payload, '', 'Damaged'],
    'this image, with a signature that is no text': [payload, { signature }, 'Damaged'],
    'this image, with a signature that is no base64': [payload, '%%%', 'Damaged'],
    'this image, with half a signature': [payload, signature.slice(0, 40), 'OtherKey'],
    'this image, with a signature in other base64': [
      payload,
      Buffer.from('??>>??>>').toString('base64url'),
      'Damaged',
    ],
  };
  for (const [name, [content, value, verdict]] of Object.entries(cases)) {
    it(`is ${verdict}: ${name}`, () => {
      expect(judgePayload(content, value, requirement)).to.equal(verdict);
    });
  }

  for (const kind of signerKinds) {
    const content = payloadOf(image);
    const bytes = signerFor(kind).sign(content);
    const judge = (changed: Uint8Array, with_: Uint8Array): Verdict =>
      judgePayload(changed, Buffer.from(with_).toString('base64'), requirementFor(kind));

    it(`holds, and with any bit changed does not: ${kind}`, () => {
      expect(judge(content, bytes)).to.equal('Holds');
      fc.assert(
        fc.property(position, bit, (at, which) => {
          expect(judge(flipped(content, at, which), bytes)).to.equal('OtherKey');
          expect(judge(content, flipped(bytes, at, which))).to.equal('OtherKey');
        }),
      );
    });
  }

  it('holds with no character of its base64 changed, added or left out', () => {
    fc.assert(
      fc.property(position, bit, (at, which) => {
        const text = flipped(Buffer.from(signature), at, which).toString('latin1');
        expect(judgePayload(payload, text, requirement)).to.be.oneOf(['Damaged', 'OtherKey']);
      }),
    );
    for (const text of [`${signature}\n`, ` ${signature}`, `${signature}=`, signature.replace(/=+$/, '')]) {
      if (text !== signature) expect(judgePayload(payload, text, requirement)).to.equal('Damaged');
    }
  });

  it('is refused by any other digest', () => {
    fc.assert(
      fc.property(position, bit, (at, which) => {
        const digest = flipped(Buffer.from(image), at, which).toString('latin1');
        expect(judgePayload(payload, signature, { ...requirement, digest })).to.equal('OtherDigest');
      }),
    );
  });

  it('never throws, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (content, text) => {
        expect(judgePayload(content, text, requirement)).to.not.equal('Holds');
      }),
    );
  });

  it('is found in its manifest by its media type', () => {
    const layer = {
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      digest: digestOf(payload),
      size: payload.length,
      annotations: { 'dev.cosignproject.cosign/signature': signature },
    };
    const layers = [
      { ...layer, mediaType: 'application/vnd.dsse.envelope.v1+json' },
      { ...layer, digest: '../../etc/passwd' },
      { ...layer, digest: undefined },
      { ...layer, size: -1 },
      { ...layer, size: '210' },
      'layer',
      null,
      layer,
      { ...layer, annotations: undefined },
    ];
    const found = signaturesIn(Buffer.from(JSON.stringify({ layers })), requirement) ?? [];
    expect(found.map(({ blob }) => blob)).to.deep.equal([
      { digest: layer.digest, size: layer.size },
      { digest: layer.digest, size: layer.size },
    ]);
    expect(found.map(({ judge }) => judge(payload))).to.deep.equal(['Holds', 'Damaged']);
  });

  for (const text of ['', '{', 'null', '[]', '{"layers":{}}', '{"manifests":[]}']) {
    it(`is not found in what is no manifest: ${text || 'nothing'}`, () => {
      expect(signaturesIn(Buffer.from(text), requirement)).to.equal(undefined);
    });
  }
});

describe("cosign's signature as a bundle", () => {
  const statement = statementOf(image);
  const sig = 'QUJD';
  const cases: Readonly<Record<string, readonly [bundle: Buffer, verdict: Verdict]>> = {
    'this image by this key': [bundleOf(signer, statement), 'Holds'],
    'this image, by another key': [bundleOf(stranger, statement), 'OtherKey'],
    'another image': [bundleOf(signer, statementOf(otherImage)), 'OtherDigest'],
    'an attestation about this image': [
      bundleOf(signer, statementOf(image, 'https://slsa.dev/provenance/v1')),
      'OtherPurpose',
    ],
    'no JSON': [bundleOf(signer, Buffer.from('{')), 'OtherPurpose'],
    'a statement without a subject': [
      bundleOf(signer, Buffer.from(JSON.stringify({ predicateType: signPredicate }))),
      'OtherDigest',
    ],
    'another statement than the one that was signed': [
      bundleOf(signer, statementOf(otherImage), { payload: statement.toString('base64') }),
      'OtherKey',
    ],
    'another type of envelope': [bundleOf(signer, statement, { payloadType: 'text/plain' }), 'Damaged'],
    'no signature': [bundleOf(signer, statement, { signatures: [] }), 'Damaged'],
    'two signatures': [bundleOf(signer, statement, { signatures: [{ sig }, { sig }] }), 'Damaged'],
    'a signature that is no base64': [bundleOf(signer, statement, { signatures: [{ sig: '%' }] }), 'Damaged'],
    'no payload': [bundleOf(signer, statement, { payload: undefined }), 'Damaged'],
    'a bundle of another kind': [Buffer.from('{"messageSignature":{}}'), 'Damaged'],
    'a bundle that is no JSON': [Buffer.from('{'), 'Damaged'],
  };
  for (const [name, [bundle, verdict]] of Object.entries(cases)) {
    it(`is ${verdict}: ${name}`, () => {
      expect(judgeBundle(bundle, requirement)).to.equal(verdict);
    });
  }

  it('holds with no bit of the statement or the signature changed', () => {
    const good = JSON.parse(bundleOf(signer, statement).toString()) as {
      readonly dsseEnvelope: { readonly signatures: readonly [{ readonly sig: string }] };
    };
    const bytes = Buffer.from(good.dsseEnvelope.signatures[0].sig, 'base64');
    fc.assert(
      fc.property(position, bit, (at, which) => {
        const payload = flipped(statement, at, which).toString('base64');
        const other = [{ sig: flipped(bytes, at, which).toString('base64') }];
        const { signatures } = good.dsseEnvelope;
        expect(judgeBundle(bundleOf(signer, statement, { payload, signatures }), requirement)).to.equal(
          'OtherKey',
        );
        expect(judgeBundle(bundleOf(signer, statement, { signatures: other }), requirement)).to.equal(
          'OtherKey',
        );
      }),
    );
  });

  it('is found among what refers to the image, without attestations', () => {
    const entry = { artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json', digest: image, size: 1 };
    const predicate = (type: string) => ({ annotations: { 'dev.sigstore.bundle.predicateType': type } });
    const index = (manifests: unknown) => Buffer.from(JSON.stringify({ manifests }));
    const manifests = [
      entry,
      { ...entry, size: 2, ...predicate(signPredicate) },
      { ...entry, size: 3, ...predicate('https://slsa.dev/provenance/v1') },
      { ...entry, artifactType: 'application/spdx+json' },
      { ...entry, artifactType: undefined },
      { ...entry, digest: 'latest' },
      null,
    ];
    expect(bundlesIn(index(manifests)).map(({ size }) => size)).to.deep.equal([1, 2]);
    expect(bundlesIn(index('none'))).to.deep.equal([]);
    expect(bundlesIn(Buffer.from('{'))).to.deep.equal([]);
  });

  it('is what its manifest has for a layer, unless that is marked as an attestation', () => {
    const layers = [{ digest: image, size: 1 }];
    const manifest = (content: object) => bundleIn(Buffer.from(JSON.stringify(content)), requirement)?.blob;
    const annotations = { 'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1' };
    expect(manifest({ layers })).to.deep.equal({ digest: image, size: 1 });
    expect(manifest({ layers, annotations })).to.equal(undefined);
    expect(manifest({ layers: [] })).to.equal(undefined);
    expect(manifest({})).to.equal(undefined);
  });
});
