// cosign's signatures as Sigstore bundles, which cosign 3 makes: manifests that refer to the image, found by an index. Pure.
// After sigstore/cosign, specs/BUNDLE_SPEC.md.
import { descriptorOf, listOf, parseJson, recordOf } from '../registry/document.ts';
import type { Descriptor } from '../registry/port.ts';
import { decodeBase64, type Candidate, type Requirement, type Verdict } from './candidate.ts';

const bundleType = /^application\/vnd\.dev\.sigstore\.bundle\.v0\.\d+\+json$/;
const statementType = 'application/vnd.in-toto+json';
/** Of cosign sign. cosign attest has others, and attests something else than that the image may be used. */
const signPredicate = 'https://sigstore.dev/cosign/sign/v1';
const predicateAnnotation = 'dev.sigstore.bundle.predicateType';

/**
 * Where registries without the referrers API have the index of what refers to an image: opencontainers/distribution-spec,
 * spec.md, "Referrers Tag Schema".
 */
export const referrersTagOf = (digest: string): string => digest.replace(':', '-');

/** The manifests of bundles in that index, oldest first, without those that are known to be no signatures. */
export const bundlesIn = (index: Uint8Array): readonly Descriptor[] =>
  listOf(recordOf(parseJson(index)).manifests)
    .map(recordOf)
    .filter(({ artifactType }) => typeof artifactType === 'string' && bundleType.test(artifactType))
    .filter(maySign)
    .flatMap((entry) => descriptorOf(entry) ?? []);

/** The bundle that a manifest holds; undefined where it is known to be no signature. */
export function bundleOf(manifest: Uint8Array, requirement: Requirement): Candidate | undefined {
  const content = recordOf(parseJson(manifest));
  const blob = descriptorOf(listOf(content.layers)[0]);
  if (blob === undefined || !maySign(content)) return undefined;
  return { blob, judge: (bundle) => judgeBundle(bundle, requirement) };
}

/** This annotation only saves us from reading attestations: what was signed says it again, and is believed. */
function maySign({ annotations }: Readonly<Record<string, unknown>>): boolean {
  const predicate = recordOf(annotations)[predicateAnnotation];
  return predicate === undefined || predicate === signPredicate;
}

/**
 * A bundle (sigstore/protobuf-specs, sigstore_bundle.proto) with a DSSE envelope about an in-toto statement. What it says of
 * transparency logs is not looked at: the key alone decides.
 */
export function judgeBundle(bundle: Uint8Array, { holds, digest }: Requirement): Verdict {
  const { payload, payloadType, signatures } = recordOf(recordOf(parseJson(bundle)).dsseEnvelope);
  const content = decodeBase64(payload);
  const signed = listOf(signatures).map((signature) => decodeBase64(recordOf(signature).sig));
  const [bytes] = signed;
  // A bundle's envelope has exactly one signature.
  if (payloadType !== statementType || content === undefined || bytes === undefined || signed.length !== 1) {
    return 'Damaged';
  }
  if (!holds(preAuthenticationEncoding(payloadType, content), bytes)) return 'OtherKey';
  const { subject, predicateType } = recordOf(parseJson(content));
  if (predicateType !== signPredicate) return 'OtherPurpose';
  const subjects = listOf(subject).map((item) => recordOf(recordOf(item).digest).sha256);
  return subjects.includes(digest.replace('sha256:', '')) ? 'Holds' : 'OtherDigest';
}

/** What is signed of an envelope: secure-systems-lab/dsse, protocol.md, "Signature Definition". */
function preAuthenticationEncoding(type: string, content: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${content.length} `;
  return Buffer.concat([Buffer.from(head), content]);
}
