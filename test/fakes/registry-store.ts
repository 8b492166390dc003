// What a fake registry holds: manifests, blobs and open uploads, by repository.
import { createHash, randomUUID } from 'node:crypto';

export interface StoredManifest {
  readonly content: Buffer;
  readonly mediaType: string;
}

export interface OpenUpload {
  readonly id: string;
  readonly repository: string;
  chunks: Buffer[];
  /** Of all chunks together. */
  size: number;
}

export interface Store {
  manifest(repository: string, reference: string): StoredManifest | undefined;
  putManifest(repository: string, reference: string, manifest: StoredManifest): string;
  removeManifest(repository: string, reference: string): void;
  blob(repository: string, digest: string): Buffer | undefined;
  putBlob(repository: string, content: Buffer): string;
  removeBlob(repository: string, digest: string): void;
  tags(repository: string): readonly string[] | undefined;
  openUpload(repository: string): OpenUpload;
  upload(id: string): OpenUpload | undefined;
  endUpload(id: string): void;
  uploads(): readonly OpenUpload[];
  /** Bytes of all blobs and uploads. */
  size(): number;
}

export const digestOf = (content: string | Buffer): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

export function createStore(): Store {
  const manifests = new Map<string, Map<string, StoredManifest>>();
  const blobs = new Map<string, Map<string, Buffer>>();
  const uploads = new Map<string, OpenUpload>();
  return {
    manifest: (repository, reference) => manifests.get(repository)?.get(reference),
    putManifest(repository, reference, manifest) {
      const digest = digestOf(manifest.content);
      entry(manifests, repository).set(reference, manifest).set(digest, manifest);
      return digest;
    },
    removeManifest: (repository, reference) => void manifests.get(repository)?.delete(reference),
    blob: (repository, digest) => blobs.get(repository)?.get(digest),
    putBlob(repository, content) {
      entry(blobs, repository).set(digestOf(content), content);
      return digestOf(content);
    },
    removeBlob: (repository, digest) => void blobs.get(repository)?.delete(digest),
    tags: (repository) => {
      const references = manifests.get(repository)?.keys();
      return references && [...references].filter((reference) => !reference.includes(':')).sort();
    },
    openUpload(repository) {
      const upload = { id: randomUUID(), repository, chunks: [], size: 0 };
      uploads.set(upload.id, upload);
      return upload;
    },
    upload: (id) => uploads.get(id),
    endUpload: (id) => void uploads.delete(id),
    uploads: () => [...uploads.values()],
    size() {
      const held = [...blobs.values()].flatMap((byDigest) => [...byDigest.values()]);
      return [...held.map(({ length }) => length), ...[...uploads.values()].map(({ size }) => size)].reduce(
        (sum, size) => sum + size,
        0,
      );
    },
  };
}

function entry<T>(of: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const known = of.get(key) ?? new Map<string, T>();
  of.set(key, known);
  return known;
}
