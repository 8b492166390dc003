// Whether an image may be used: what its repository has to hold, and what is said when it does not.
import { expect } from 'chai';
import { readVerificationKey } from '../../../src/images/verify/key.ts';
import { verifyImage } from '../../../src/images/verify/verify.ts';
import { transient, type OperatorError } from '../../../src/kernel/errors.ts';
import {
  bundleOf,
  image,
  otherImage,
  payloadOf,
  repositoryOf,
  signatureOf,
  signerOf,
  statementOf,
  type Repository,
} from './verify-signer.ts';

const never = new AbortController().signal;
const signer = signerOf('P-256');
const stranger = signerOf('P-256');
const key = readVerificationKey(signer.publicKey, 'release-key');
const good = signatureOf(signer, payloadOf(image));
const foreign = signatureOf(stranger, payloadOf(image));
const ofAnother = signatureOf(signer, payloadOf(otherImage));
const broken = { payload: payloadOf(image), signature: 'no base64' };
const goodBundle = bundleOf(signer, statementOf(image));
const foreignBundle = bundleOf(stranger, statementOf(image));
const attestation = bundleOf(signer, statementOf(image, 'https://slsa.dev/provenance/v1'));

const check = (repository: Repository, digest = image): Promise<void> =>
  verifyImage(repository, repository.name, digest, key, never);

interface Case {
  readonly name: string;
  readonly has: (repository: Repository) => void;
}

const accepted: readonly Case[] = [
  { name: 'one signature', has: (it) => it.sign(image, [good]) },
  {
    name: 'one that holds among others that do not',
    has: (it) => it.sign(image, [foreign, good, ofAnother, broken]),
  },
  {
    name: 'one that holds, while the payload of another is gone',
    has: (it) => {
      it.sign(image, [good, ofAnother]);
      it.lose(ofAnother.payload);
    },
  },
  { name: 'a bundle', has: (it) => it.attach(image, [goodBundle]) },
  { name: 'a bundle without annotations', has: (it) => it.attach(image, [goodBundle], {}) },
  {
    name: 'a bundle of this key, and a signature of another',
    has: (it) => {
      it.sign(image, [foreign]);
      it.attach(image, [foreignBundle, goodBundle]);
    },
  },
];

const refused: readonly (Case & { readonly reason: string; readonly says: RegExp })[] = [
  {
    name: 'nothing',
    has: () => undefined,
    reason: 'ImageUnsigned',
    says: /is not signed.*Sign it by cosign/,
  },
  {
    name: 'signatures of another image only',
    has: (it) => it.sign(otherImage, [ofAnother]),
    reason: 'ImageUnsigned',
    says: /is not signed/,
  },
  {
    name: 'a tag without signatures',
    has: (it) => it.sign(image, []),
    reason: 'ImageUnsigned',
    says: /is not signed/,
  },
  {
    name: 'attestations only',
    has: (it) =>
      it.attach(image, [attestation], {
        'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1',
      }),
    reason: 'ImageUnsigned',
    says: /is not signed/,
  },
  {
    name: 'an attestation that poses as a signature',
    has: (it) => it.attach(image, [attestation]),
    reason: 'SignatureInvalid',
    says: /1 of this key, but no signature of an image/,
  },
  {
    name: 'a signature by another key',
    has: (it) => it.sign(image, [foreign]),
    reason: 'SignatureInvalid',
    says: /of its signatures 1 by another key or by none \(keyless\)/,
  },
  {
    name: "another image's signature under this one's tag",
    has: (it) => it.sign(image, [ofAnother]),
    reason: 'SignatureInvalid',
    says: /of its signatures 1 for another image/,
  },
  {
    name: 'a damaged signature',
    has: (it) => it.sign(image, [broken]),
    reason: 'SignatureInvalid',
    says: /of its signatures 1 damaged/,
  },
  {
    name: 'a signature whose payload is gone',
    has: (it) => {
      it.sign(image, [good]);
      it.lose(good.payload);
    },
    reason: 'SignatureInvalid',
    says: /1 damaged/,
  },
  {
    name: 'a signature whose payload is another',
    has: (it) => {
      it.sign(image, [good]);
      it.damage(good.payload);
    },
    reason: 'SignatureInvalid',
    says: /1 damaged/,
  },
  {
    name: 'something else under the tag',
    has: (it) => it.put(`${image.replace(':', '-')}.sig`, '{"manifests":[]}'),
    reason: 'SignatureInvalid',
    says: /1 damaged/,
  },
  {
    name: 'all that can be wrong at once',
    has: (it) => {
      it.sign(image, [foreign, broken, ofAnother]);
      it.attach(image, [foreignBundle]);
    },
    reason: 'SignatureInvalid',
    says: /of its signatures 1 for another image, 1 damaged, 2 by another key/,
  },
];

describe('an image that must be signed', () => {
  for (const { name, has } of accepted) {
    it(`may be used with ${name}`, async () => {
      const repository = repositoryOf();
      has(repository);
      await check(repository);
    });
  }

  for (const { name, has, reason, says } of refused) {
    it(`is refused with ${name}`, async () => {
      const repository = repositoryOf();
      has(repository);
      const error = await failure(check(repository));
      expect(error).to.include({ kind: 'terminal', reason });
      expect(error.message).to.match(says);
      expect(error.message).to.include(`rhosp12/openstack-nova-api@${image}`);
      expect(error.message).to.include('cosign.pub of ConfigMap release-key');
    });
  }

  it('is not taken for another that is signed in the same repository', async () => {
    const repository = repositoryOf();
    repository.sign(image, [good]);
    expect(await failure(check(repository, otherImage))).to.include({ reason: 'ImageUnsigned' });
  });

  it('costs a bounded number of requests, and the newest signatures count', async () => {
    const repository = repositoryOf();
    const many = Array.from({ length: 100 }, () => foreign);
    repository.sign(image, [...many, good]);
    await check(repository);
    expect(repository.reads()).to.equal(1);
    repository.sign(image, [good, ...many]);
    expect(await failure(check(repository))).to.include({ reason: 'SignatureInvalid' });
    expect(repository.reads()).to.equal(1 + 32);
  });

  it('is refused with a payload too large to be one, which is not fetched', async () => {
    const repository = repositoryOf();
    repository.sign(image, [signatureOf(signer, payloadOf(image, { more: 'x'.repeat(256 * 1024) }))]);
    expect(await failure(check(repository))).to.include({ reason: 'SignatureInvalid' });
    expect(repository.reads()).to.equal(0);
  });

  for (const ask of ['manifest', 'smallBlob'] as const) {
    it(`is neither taken nor called unsigned while the registry is away (${ask})`, async () => {
      const repository = repositoryOf();
      repository.sign(image, [good]);
      const away = transient('RegistryUnreachable', 'it is away');
      const registry = { ...repository, [ask]: () => Promise.reject(away) };
      expect(await failure(verifyImage(registry, repository.name, image, key, never))).to.equal(away);
    });
  }
});

async function failure(promise: Promise<unknown>): Promise<OperatorError> {
  try {
    await promise;
  } catch (error) {
    return error as OperatorError;
  }
  throw new Error('it may be used');
}
