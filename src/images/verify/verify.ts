// Decides whether an image may be used: looks for a signature of it that a key holds for, in the image's own repository.
import { OperatorError, terminal } from '../../kernel/errors.ts';
import type { Descriptor, Registry } from '../registry/port.ts';
import { bundleOf, bundlesIn, referrersTagOf } from './bundle.ts';
import type { Candidate, Requirement, Verdict } from './candidate.ts';
import { publicKeyName, type VerificationKey } from './key.ts';
import { signaturesIn, signatureTagOf } from './signature.ts';

/** Of each form the newest so many are looked at: whoever may push there could add them without end. */
const mostSignatures = 32;
/** Of a payload or a bundle, in bytes. cosign's have some hundred; with a transparency log's proof some thousand. */
const largestBlob = 256 * 1024;

type SignatureStore = Pick<Registry, 'manifest' | 'smallBlob'>;

/**
 * Resolves when the manifest or index `digest` (`sha256:…`) in `repository` has a signature of `key`, as cosign sign --key
 * makes it. Of several signatures one that holds is enough. An index needs its own: its digest is what hosts run by.
 *
 * Transparency logs and certificates are not looked at: whoever owns the key decides.
 *
 * Throws terminal ImageUnsigned (nobody signed it, as far as the registry knows) and SignatureInvalid (somebody did, but
 * not with this key or not this image), and what the registry throws.
 */
export async function verifyImage(
  registry: SignatureStore,
  repository: string,
  digest: string,
  key: VerificationKey,
  signal: AbortSignal,
): Promise<void> {
  const requirement: Requirement = { holds: key.holds, digest };
  const read = readerOf(registry, repository, signal);
  const failed: Verdict[] = [];
  for (const find of [findSignatures, findBundles]) {
    for await (const candidate of find(read, requirement)) {
      const verdict = await judge(read, candidate);
      if (verdict === 'Holds') return;
      failed.push(verdict);
    }
  }
  throw failed.length === 0 ? unsigned(repository, digest, key) : invalid(repository, digest, key, failed);
}

interface Reader {
  /** Undefined: there is no such manifest. */
  manifest(reference: string): Promise<Uint8Array | undefined>;
  /** Undefined: it is not there, too large, or not what its digest says. */
  blob(blob: Descriptor): Promise<Uint8Array | undefined>;
}

function readerOf(registry: SignatureStore, repository: string, signal: AbortSignal): Reader {
  return {
    manifest: (reference) =>
      unless(
        ['ImageNotFound'],
        registry.manifest(repository, reference, signal).then(({ content }) => content),
      ),
    blob: async (blob) =>
      blob.size > largestBlob
        ? undefined
        : unless(['ImageNotFound', 'DigestMismatch'], registry.smallBlob(repository, blob, signal)),
  };
}

/** Undefined in place of these errors; others say nothing of the image, and are thrown on. */
async function unless<T>(reasons: readonly string[], promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (thrown) {
    if (thrown instanceof OperatorError && reasons.includes(thrown.reason)) return undefined;
    throw thrown;
  }
}

/** Not to be fetched or not to be read: `judge` calls it damaged. */
type Found = Candidate | undefined;

async function* findSignatures(read: Reader, requirement: Requirement): AsyncGenerator<Found> {
  const manifest = await read.manifest(signatureTagOf(requirement.digest));
  if (manifest === undefined) return;
  const candidates = signaturesIn(manifest, requirement);
  yield* candidates === undefined ? [undefined] : newest(candidates);
}

/**
 * Only by the tag that stands in for the referrers API; where a registry has the API, this tag is not there and bundles are
 * not found.
 */
async function* findBundles(read: Reader, requirement: Requirement): AsyncGenerator<Found> {
  const index = await read.manifest(referrersTagOf(requirement.digest));
  if (index === undefined) return;
  for (const { digest } of newest(bundlesIn(index))) {
    const manifest = await read.manifest(digest);
    const candidate = manifest && bundleOf(manifest, requirement);
    if (candidate !== undefined) yield candidate;
  }
}

const newest = <T>(list: readonly T[]): readonly T[] => list.slice(-mostSignatures).reverse();

async function judge(read: Reader, candidate: Found): Promise<Verdict> {
  const content = candidate && (await read.blob(candidate.blob));
  return candidate === undefined || content === undefined ? 'Damaged' : candidate.judge(content);
}

const unsigned = (repository: string, digest: string, key: VerificationKey): OperatorError =>
  terminal(
    'ImageUnsigned',
    `${repository}@${digest} is not signed. ${remedy(key)}; cosign 3 and a registry with the referrers API need --new-bundle-format=false as well`,
  );

function invalid(
  repository: string,
  digest: string,
  key: VerificationKey,
  verdicts: readonly Verdict[],
): OperatorError {
  const kinds = [...new Set(verdicts)].map((verdict) => {
    const count = verdicts.filter((other) => other === verdict).length;
    return `${count} ${wordsOf(verdict)}`;
  });
  return terminal(
    'SignatureInvalid',
    `${repository}@${digest} has no signature of the key in ConfigMap ${key.configMap}: of its signatures ${kinds.join(', ')}. ${remedy(key)}, or name the ConfigMap with the signer's key in spec.verify.cosign.keyName`,
  );
}

function wordsOf(verdict: Verdict): string {
  switch (verdict) {
    case 'Holds':
      return 'good';
    case 'OtherKey':
      return 'by another key or by none (keyless)';
    case 'OtherDigest':
      return 'for another image';
    case 'OtherPurpose':
      return 'of this key, but no signature of an image';
    case 'Damaged':
      return 'damaged';
  }
}

const remedy = ({ configMap }: VerificationKey): string =>
  `Sign it by cosign sign --key with the private key that belongs to ${publicKeyName} of ConfigMap ${configMap}`;
