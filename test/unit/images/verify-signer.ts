// Signs images as cosign does, in memory, for the tests of src/images/verify: keys, payloads, bundles, and a repository of them.
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { terminal } from '../../../src/kernel/errors.ts';
import type { Descriptor, Manifest, Registry } from '../../../src/images/registry/port.ts';

export const digestOf = (content: Uint8Array | string): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

export const image = digestOf('the image');
export const otherImage = digestOf('another image');

export interface Signer {
  readonly privateKey: KeyObject;
  /** PEM */
  readonly publicKey: string;
  sign(message: Uint8Array): Buffer;
}

export type SignerKind = 'P-256' | 'P-384' | 'P-384 with SHA-384' | 'RSA' | 'Ed25519';
export const signerKinds: readonly SignerKind[] = ['P-256', 'P-384', 'P-384 with SHA-384', 'RSA', 'Ed25519'];

export function signerOf(kind: SignerKind): Signer {
  const { privateKey, publicKey } = pairOf(kind);
  const hash = kind === 'Ed25519' ? null : kind === 'P-384 with SHA-384' ? 'sha384' : 'sha256';
  return {
    privateKey,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (message) => sign(hash, message, privateKey),
  };
}

function pairOf(kind: SignerKind): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  switch (kind) {
    case 'P-256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'P-384':
    case 'P-384 with SHA-384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'RSA':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'Ed25519':
      return generateKeyPairSync('ed25519');
  }
}

/** A payload as cosign writes it; `critical` replaces parts of it. */
export const payloadOf = (digest: string, critical: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': 'registry.example.org/rhosp12/openstack-nova-api' },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
        ...critical,
      },
      optional: null,
    }),
  );

export const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

/** A statement as cosign 3 signs it. */
export const statementOf = (digest: string, predicateType = signPredicate): Buffer =>
  Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: digest.replace('sha256:', '') } }],
      predicateType,
      predicate: {},
    }),
  );

const payloadType = 'application/vnd.in-toto+json';

/** A bundle of that statement; `envelope` replaces parts of its envelope. */
export const bundleOf = (signer: Signer, statement: Uint8Array, envelope: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: 'a hint' } },
      dsseEnvelope: {
        payload: Buffer.from(statement).toString('base64'),
        payloadType,
        signatures: [{ sig: signer.sign(encoded(statement)).toString('base64') }],
        ...envelope,
      },
    }),
  );

const encoded = (statement: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${statement.length} `), statement]);

export interface Signature {
  readonly payload: Buffer;
  readonly signature: string;
}

export const signatureOf = (signer: Signer, payload: Buffer): Signature => ({
  payload,
  signature: signer.sign(payload).toString('base64'),
});

/** One repository, as far as verification reads it; it only has what was put there. */
export interface Repository extends Pick<Registry, 'manifest' | 'smallBlob'> {
  readonly name: string;
  /** Puts any manifest at a reference. */
  put(reference: string, content: string): void;
  /** Puts signatures under the tag of the image `digest`, oldest first. */
  sign(digest: string, signatures: readonly Signature[]): void;
  /** Puts bundles beside the image `digest`, oldest first. */
  attach(digest: string, bundles: readonly Buffer[], annotations?: Readonly<Record<string, string>>): void;
  /** The blob is gone, or another stands in its place. */
  lose(content: Uint8Array): void;
  damage(content: Uint8Array): void;
  /** How many blobs were asked for. */
  reads(): number;
}

export function repositoryOf(name = 'rhosp12/openstack-nova-api'): Repository {
  const manifests = new Map<string, Buffer>();
  const blobs = new Map<string, Buffer>();
  let reads = 0;
  const put = (reference: string, content: string) => {
    manifests.set(reference, Buffer.from(content));
    return manifests.set(digestOf(content), Buffer.from(content));
  };
  const blob = (content: Buffer): Descriptor => {
    blobs.set(digestOf(content), content);
    return { digest: digestOf(content), size: content.length };
  };
  return {
    name,
    put: (reference, content) => void put(reference, content),
    sign(digest, signatures) {
      const layers = signatures.map(({ payload, signature }) => ({
        mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
        ...blob(payload),
        annotations: { 'dev.cosignproject.cosign/signature': signature },
      }));
      put(`${digest.replace(':', '-')}.sig`, JSON.stringify({ schemaVersion: 2, layers }));
    },
    attach(digest, bundles, annotations = { 'dev.sigstore.bundle.predicateType': signPredicate }) {
      const artifactType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
      const entries = bundles.map((bundle) => {
        const layers = [{ mediaType: artifactType, ...blob(bundle) }];
        const manifest = JSON.stringify({ schemaVersion: 2, artifactType, layers, annotations });
        put(digestOf(manifest), manifest);
        return { digest: digestOf(manifest), size: manifest.length, artifactType };
      });
      put(digest.replace(':', '-'), JSON.stringify({ schemaVersion: 2, manifests: entries }));
    },
    lose: (content) => void blobs.delete(digestOf(content)),
    damage: (content) => void blobs.set(digestOf(content), Buffer.from('something else')),
    reads: () => reads,
    manifest: async (repository, reference): Promise<Manifest> => {
      const content = repository === name ? manifests.get(reference) : undefined;
      if (content === undefined) throw terminal('ImageNotFound', `${repository}:${reference} is not there`);
      const mediaType = 'application/vnd.oci.image.manifest.v1+json';
      return Promise.resolve({ mediaType, content, digest: digestOf(content), size: content.length });
    },
    smallBlob: async (_, { digest }) => {
      reads += 1;
      const content = blobs.get(digest);
      if (content === undefined) throw terminal('ImageNotFound', `blob ${digest} is not there`);
      if (digestOf(content) !== digest) throw terminal('DigestMismatch', `blob ${digest} is another`);
      return Promise.resolve(content);
    },
  };
}
