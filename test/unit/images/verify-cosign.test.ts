// What the real cosign made, recorded: each image holds for the keys that signed it, and for no other.
import { expect } from 'chai';
import { readVerificationKey } from '../../../src/images/verify/key.ts';
import { verifyImage } from '../../../src/images/verify/verify.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { playBack, readRecording, type CosignVersion } from '../../fixtures/images/cosign/recording.ts';

const never = new AbortController().signal;

/** By image, the keys that it holds for. The others are refused: as unsigned where there is no list. */
const signedBy: Readonly<Record<CosignVersion, Readonly<Record<string, readonly string[] | undefined>>>> = {
  '2.4.3': {
    tag: ['release'],
    'both-keys': ['release', 'other'],
    p384: ['p384'],
    rsa: ['rsa'],
    ed25519: ['ed25519'],
    'other-key': ['other'],
    attested: undefined,
    'several-index': ['release'],
    unsigned: undefined,
  },
  '3.1.3': {
    tag: ['release'],
    bundle: ['release'],
    'both-keys': ['release', 'other'],
    p384: ['p384'],
    'p384-bundle': ['p384'],
    rsa: ['rsa'],
    'rsa-bundle': ['rsa'],
    // With Ed25519ph, which we do not know, and which cosign 3.1.3 refuses too when it is given this key.
    ed25519: [],
    'other-key': ['other'],
    attested: undefined,
    'several-index': ['release'],
    unsigned: undefined,
  },
};

for (const version of ['2.4.3', '3.1.3'] as const) {
  const recording = readRecording(version);
  const images = signedBy[version];

  describe(`what cosign ${version} signed`, () => {
    it('is what this test expects to be recorded', () => {
      expect(Object.keys(recording.images)).to.have.members(Object.keys(images));
    });

    for (const [image, signers] of Object.entries(images)) {
      it(`holds for the right keys: ${image}`, async () => {
        const outcomes = await Promise.all(
          Object.entries(recording.keys).map(async ([name, pem]) => {
            const key = readVerificationKey(pem, name);
            const digest = recording.images[image] ?? '';
            return verifyImage(playBack(recording), 'lab', digest, key, never).then(
              () => [name, 'holds'],
              (error: unknown) => [name, asOperatorError(error).reason],
            );
          }),
        );
        const refusal = signers === undefined ? 'ImageUnsigned' : 'SignatureInvalid';
        expect(Object.fromEntries(outcomes)).to.deep.equal(
          Object.fromEntries(
            Object.keys(recording.keys).map((name) => [
              name,
              signers?.includes(name) === true ? 'holds' : refusal,
            ]),
          ),
        );
      });
    }
  });
}
