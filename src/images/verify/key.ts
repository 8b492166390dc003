// Reads the public key that images must be signed with out of a ConfigMap's text, and checks signatures with it. Pure.
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { messageOf, terminal } from '../../kernel/errors.ts';

/** The key of the ConfigMap that spec.verify.cosign.keyName names. */
export const publicKeyName = 'cosign.pub';
const field = 'spec.verify.cosign.keyName';

export interface VerificationKey {
  /** Where it comes from, for messages. */
  readonly configMap: string;
  /** Whether `signature` is this key's over `message`. Never throws, whatever the bytes are. */
  holds(message: Uint8Array, signature: Uint8Array): boolean;
}

/**
 * The hashes that each kind of key signs with. Nothing in a signature says which it was. cosign 2 has SHA-256 for all
 * (specs/SIGNATURE_SPEC.md, "Hashing Algorithms"); cosign 3 has the one that belongs to the curve (sigstore/sigstore,
 * pkg/signature/algorithm_registry.go). Ed25519 hashes by itself, and only cosign 2 signs so: cosign 3 signs with Ed25519ph, which
 * Node has not, and which cosign 3.1 does not verify by a public key either.
 */
const hashes = {
  ed25519: [null],
  rsa: ['sha256'],
  prime256v1: ['sha256'],
  secp384r1: ['sha256', 'sha384'],
} as const;

/** What NIST SP 800-131A asks for at least. */
const leastRsaBits = 2048;

/**
 * `text` is what ConfigMap `configMap` has under cosign.pub: one PEM block with a public key, of ECDSA P-256 or P-384, Ed25519, or
 * RSA. Undefined: it has none, or is not there. Throws terminal VerificationKeyInvalid.
 */
export function readVerificationKey(text: string | undefined, configMap: string): VerificationKey {
  const invalid = (problem: string, cause?: unknown) =>
    terminal('VerificationKeyInvalid', `ConfigMap ${configMap} (${field}) ${problem}`, cause);
  if (text === undefined) {
    throw invalid(
      `has no key ${publicKeyName}, or is not there: make it with kubectl create configmap ${configMap} --from-file=${publicKeyName}`,
    );
  }
  const problem = problemOf(text);
  if (problem !== undefined) throw invalid(problem);
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (thrown) {
    throw invalid(
      `holds a damaged public key in ${publicKeyName} (${messageOf(thrown)}): put there the file that cosign generate-key-pair wrote, unchanged`,
      thrown,
    );
  }
  const algorithms = algorithmsOf(key);
  if (typeof algorithms === 'string') {
    throw invalid(
      `holds ${algorithms} in ${publicKeyName}: use one of ECDSA P-256 (as cosign generate-key-pair makes it), ECDSA P-384, Ed25519, or RSA with at least ${leastRsaBits} bits`,
    );
  }
  return {
    configMap,
    holds: (message, signature) => algorithms.some((hash) => holds(hash, message, key, signature)),
  };
}

/** Says what the text is, where it is something else than one public key. Does not quote it: it may be a secret. */
function problemOf(text: string): string | undefined {
  const kinds = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map(([, kind = '']) => kind);
  if (kinds.some((kind) => kind.endsWith('PRIVATE KEY'))) {
    return `holds a private key in ${publicKeyName}, and whoever reads ConfigMaps can now sign with it: take it out, make a new pair with cosign generate-key-pair, sign the images anew, and put only the new public key there`;
  }
  if (kinds.some((kind) => kind.endsWith('CERTIFICATE'))) {
    return `holds a certificate in ${publicKeyName}: put its public key there, as openssl x509 -noout -pubkey prints it`;
  }
  const count = kinds.filter((kind) => kind === 'PUBLIC KEY' || kind === 'RSA PUBLIC KEY').length;
  if (count === 0) {
    return `holds no public key in PEM in ${publicKeyName} (-----BEGIN PUBLIC KEY-----): put there the file ${publicKeyName} that cosign generate-key-pair wrote`;
  }
  if (count > 1) {
    return `holds ${count} public keys in ${publicKeyName}, and it is not clear which one counts: leave one`;
  }
  return undefined;
}

/** The hashes to try, or in words what this key is when none is known for it. */
function algorithmsOf({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details = {},
}: KeyObject): readonly (string | null)[] | string {
  switch (type) {
    case 'ed25519':
      return hashes.ed25519;
    case 'rsa': {
      const { modulusLength = 0 } = details;
      return modulusLength < leastRsaBits ? `an RSA key with ${modulusLength} bits` : hashes.rsa;
    }
    case 'ec': {
      const { namedCurve = 'unnamed' } = details;
      if (namedCurve === 'prime256v1' || namedCurve === 'secp384r1') return hashes[namedCurve];
      return `an ECDSA key on the curve ${namedCurve}`;
    }
    default:
      return `a key of type ${type ?? 'unknown'}`;
  }
}

function holds(hash: string | null, message: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    // ECDSA in DER, RSA with PKCS #1 v1.5 padding: Node's defaults, and what cosign makes.
    return verify(hash, message, key, signature);
  } catch {
    // Bytes that are no signature at all are one that does not hold.
    return false;
  }
}
