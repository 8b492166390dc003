// cosign's signatures under the tag sha256-<hex>.sig: one manifest, a layer for each signature, the signed bytes as its blob. Pure.
// After sigstore/cosign, specs/SIGNATURE_SPEC.md.
import { descriptorOf, listOf, parseJson, recordOf } from '../registry/document.ts';
import { decodeBase64, type Candidate, type Requirement, type Verdict } from './candidate.ts';

const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const signatureAnnotation = 'dev.cosignproject.cosign/signature';
const claimType = 'cosign container image signature';

/** Where the signatures of an image are: "Storage", "Tag-based Discovery". */
export const signatureTagOf = (digest: string): string => `${digest.replace(':', '-')}.sig`;

/**
 * The signatures in the manifest that stands there, oldest first; layers of other types (attestations) are none. Undefined:
 * it is no manifest.
 */
export function signaturesIn(
  manifest: Uint8Array,
  requirement: Requirement,
): readonly Candidate[] | undefined {
  const { layers } = recordOf(parseJson(manifest));
  if (!Array.isArray(layers)) return undefined;
  return listOf(layers)
    .map(recordOf)
    .filter(({ mediaType }) => mediaType === payloadType)
    .flatMap((layer) => {
      const blob = descriptorOf(layer);
      const signature = recordOf(layer.annotations)[signatureAnnotation];
      return blob === undefined
        ? []
        : [{ blob, judge: (payload) => judgePayload(payload, signature, requirement) }];
    });
}

/** `signature` is base64 of a signature over the payload's very bytes ("Properties"). */
export function judgePayload(
  payload: Uint8Array,
  signature: unknown,
  { holds, digest }: Requirement,
): Verdict {
  const bytes = decodeBase64(signature);
  if (bytes === undefined) return 'Damaged';
  if (!holds(payload, bytes)) return 'OtherKey';
  // From here on the owner of the key says it. critical.identity.docker-reference "is ignored" ("Simple Signing"): it has the
  // name under which the image was signed, and a copy in a mirror has another.
  const { type, image } = recordOf(recordOf(parseJson(payload)).critical);
  if (type !== claimType) return 'OtherPurpose';
  return recordOf(image)['docker-manifest-digest'] === digest ? 'Holds' : 'OtherDigest';
}
