// A registry in memory that counts what it is asked for, and misbehaves on request.
import { createHash } from 'node:crypto';
import type { Descriptor, Manifest, Registry } from '../../src/images/registry/port.ts';
import { terminal, transient, type OperatorError } from '../../src/kernel/errors.ts';

export type Operation = keyof Registry;

export interface Call {
  readonly operation: Operation;
  readonly repository: string;
  /** A digest or a tag. */
  readonly reference: string;
}

/** Set these at any time. */
export interface MemoryFaults {
  /** What is asked for fails with what this yields. */
  fail: (call: Call) => OperatorError | undefined;
  /** Blobs whose bytes come out wrong. */
  readonly corrupt: Set<string>;
  /**
   * Records that a full disk has left half-written, as `path@digest` and `path:tag`: asking for them fails until they are written
   * anew (the distribution project's registry 2.8).
   */
  readonly halfWritten: Set<string>;
  /** Blobs that break off half-way, always. */
  readonly brokenOff: Set<string>;
  refusesMounts: boolean;
}

export interface ImageParts {
  readonly layers: readonly string[];
  /** Content; images with the same have the same. */
  readonly config?: string;
  /** Of the manifest. */
  readonly mediaType?: string;
}

export interface MemoryRegistry {
  readonly registry: Registry;
  readonly faults: MemoryFaults;
  /** Puts an image there, the layers given by their content, and yields its digest. */
  push(path: string, tag: string, parts: ImageParts): string;
  /** An index of manifests that were pushed before. */
  pushIndex(path: string, tag: string, children: readonly string[]): string;
  /** The manifest at a digest is anything at all. */
  pushRaw(path: string, tag: string, mediaType: string, content: string): string;
  removeBlob(path: string, digest: string): void;
  digestAt(path: string, tag: string): string | undefined;
  /** What an engine that pulls this would not find: digests; empty if all is there. */
  lacks(path: string, digest: string): readonly string[];
  readonly calls: readonly Call[];
  forgetCalls(): void;
  /** How often each blob was uploaded to its end, by digest. */
  readonly sent: ReadonlyMap<string, number>;
  readonly counts: { mounted: number; bytesIn: number; mostAtOnce: number; running: number };
  /** From now on uploads wait until the returned function is called; `deaf`: also when they are told to stop. */
  hold(deaf?: boolean): () => void;
}

interface Repository {
  readonly blobs: Set<string>;
  readonly manifests: Map<string, Manifest>;
  readonly tags: Map<string, string>;
}

interface Store {
  readonly repositories: Map<string, Repository>;
  /** By digest, for all repositories: the content of blobs. */
  readonly contents: Map<string, Uint8Array>;
  readonly faults: MemoryFaults;
  readonly calls: Call[];
  readonly sent: Map<string, number>;
  readonly counts: { mounted: number; bytesIn: number; mostAtOnce: number; running: number };
  gate: (signal: AbortSignal) => Promise<void>;
}

export const imageType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';

export const digestOf = (content: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

export function createMemoryRegistry(): MemoryRegistry {
  const store: Store = {
    repositories: new Map(),
    contents: new Map(),
    faults: {
      fail: () => undefined,
      corrupt: new Set(),
      halfWritten: new Set(),
      brokenOff: new Set(),
      refusesMounts: false,
    },
    calls: [],
    sent: new Map(),
    counts: { mounted: 0, bytesIn: 0, mostAtOnce: 0, running: 0 },
    gate: () => Promise.resolve(),
  };
  const putBlob = (path: string, text: string): Descriptor => {
    const content = Buffer.from(text);
    const digest = digestOf(content);
    store.contents.set(digest, content);
    repositoryAt(store, path).blobs.add(digest);
    return { digest, size: content.length };
  };
  const pushRaw: MemoryRegistry['pushRaw'] = (path, tag, mediaType, text) => {
    const content = Buffer.from(text);
    const digest = digestOf(content);
    const repository = repositoryAt(store, path);
    repository.manifests.set(digest, { digest, mediaType, size: content.length, content });
    repository.tags.set(tag, digest);
    return digest;
  };
  return {
    registry: createRegistry(store),
    faults: store.faults,
    calls: store.calls,
    forgetCalls: () => void store.calls.splice(0),
    sent: store.sent,
    counts: store.counts,
    pushRaw,
    push: (path, tag, { layers, config = `config of ${path}:${tag}`, mediaType = imageType }) =>
      pushRaw(
        path,
        tag,
        mediaType,
        JSON.stringify({
          schemaVersion: 2,
          mediaType,
          config: putBlob(path, config),
          layers: layers.map((layer) => putBlob(path, layer)),
        }),
      ),
    pushIndex(path, tag, children) {
      const manifests = children.map((digest) => {
        const child = repositoryAt(store, path).manifests.get(digest);
        return { digest, size: child?.size ?? 1, mediaType: child?.mediaType ?? imageType };
      });
      return pushRaw(path, tag, indexType, JSON.stringify({ schemaVersion: 2, manifests }));
    },
    removeBlob: (path, digest) => void repositoryAt(store, path).blobs.delete(digest),
    digestAt: (path, tag) => store.repositories.get(path)?.tags.get(tag),
    lacks: (path, digest) => lacks(repositoryAt(store, path), digest),
    hold(deaf = false) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      store.gate = (signal) => (deaf ? promise : unlessAborted(promise, signal));
      return () => resolve(undefined);
    },
  };
}

function repositoryAt({ repositories }: Store, path: string): Repository {
  const repository = repositories.get(path) ?? { blobs: new Set(), manifests: new Map(), tags: new Map() };
  repositories.set(path, repository);
  return repository;
}

interface Parts {
  readonly config?: Descriptor;
  readonly layers?: readonly (Descriptor & { readonly urls?: readonly string[] })[];
  readonly manifests?: readonly Descriptor[];
}

const partsOf = ({ content }: Manifest): Parts => JSON.parse(Buffer.from(content).toString('utf8')) as Parts;

function lacks(repository: Repository, digest: string): readonly string[] {
  const manifest = repository.manifests.get(digest);
  if (manifest === undefined) return [digest];
  const { config, layers = [], manifests = [] } = partsOf(manifest);
  const blobs = [
    ...(config === undefined ? [] : [config]),
    ...layers.filter(({ urls }) => urls === undefined),
  ];
  return [
    ...blobs.map((blob) => blob.digest).filter((blob) => !repository.blobs.has(blob)),
    ...manifests.flatMap((child) => lacks(repository, child.digest)),
  ];
}

function createRegistry(store: Store): Registry {
  const { faults, contents, counts } = store;

  /** Nothing is answered at once, as with real ones, and everything may fail. */
  const begin = async (call: Call, signal: AbortSignal): Promise<Repository> => {
    signal.throwIfAborted();
    store.calls.push(call);
    await Promise.resolve();
    signal.throwIfAborted();
    const error = faults.fail(call) ?? stumble(faults, call);
    if (error !== undefined) throw error;
    return (
      store.repositories.get(call.repository) ?? { blobs: new Set(), manifests: new Map(), tags: new Map() }
    );
  };

  const readBlob: Registry['readBlob'] = async (path, { digest }, from, signal) => {
    const { blobs } = await begin({ operation: 'readBlob', repository: path, reference: digest }, signal);
    const content = contents.get(digest);
    if (content === undefined || !blobs.has(digest)) throw notFound(path, digest);
    return bytesOf(faults, digest, content, from);
  };

  return {
    // Free, as the answer is known after the first one: not among the calls.
    async check() {
      const error = faults.fail({ operation: 'check', repository: '', reference: '' });
      await Promise.resolve();
      if (error !== undefined) throw error;
    },
    async manifest(path, reference, signal) {
      const { manifests, tags } = await begin({ operation: 'manifest', repository: path, reference }, signal);
      const manifest = manifests.get(tags.get(reference) ?? reference);
      if (manifest === undefined) throw notFound(path, reference);
      return manifest;
    },
    async digest(path, reference, signal) {
      const { manifests, tags } = await begin({ operation: 'digest', repository: path, reference }, signal);
      return manifests.get(tags.get(reference) ?? reference)?.digest;
    },
    async tags(path, signal) {
      const { tags } = await begin({ operation: 'tags', repository: path, reference: '' }, signal);
      return [...tags.keys()];
    },
    async smallBlob(path, blob, signal) {
      return receive(await readBlob(path, blob, 0, signal), signal, () => undefined);
    },
    readBlob,
    async hasBlob(path, digest, signal) {
      const { blobs } = await begin({ operation: 'hasBlob', repository: path, reference: digest }, signal);
      return blobs.has(digest);
    },
    async mountBlob(path, digest, from, signal) {
      await begin({ operation: 'mountBlob', repository: path, reference: digest }, signal);
      if (faults.refusesMounts || faults.halfWritten.has(`${path}@${digest}`)) return false;
      if (!repositoryAt(store, from).blobs.has(digest)) return false;
      repositoryAt(store, path).blobs.add(digest);
      counts.mounted += 1;
      return true;
    },
    async uploadBlob(path, blob, read, onBytes, signal) {
      counts.running += 1;
      counts.mostAtOnce = Math.max(counts.mostAtOnce, counts.running);
      try {
        await begin({ operation: 'uploadBlob', repository: path, reference: blob.digest }, signal);
        await store.gate(signal);
        const content = await receive(await read(0, signal), signal, (bytes) => {
          counts.bytesIn += bytes;
          onBytes(bytes);
        });
        if (digestOf(content) !== blob.digest || content.length !== blob.size) {
          throw terminal('DigestMismatch', `what came for ${blob.digest} is something else`);
        }
        contents.set(blob.digest, content);
        repositoryAt(store, path).blobs.add(blob.digest);
        faults.halfWritten.delete(`${path}@${blob.digest}`);
        store.sent.set(blob.digest, (store.sent.get(blob.digest) ?? 0) + 1);
      } finally {
        counts.running -= 1;
      }
    },
    async putManifest(path, reference, manifest, signal) {
      await begin({ operation: 'putManifest', repository: path, reference }, signal);
      const repository = repositoryAt(store, path);
      const missing = lacks(
        { ...repository, manifests: new Map([...repository.manifests, [manifest.digest, manifest]]) },
        manifest.digest,
      );
      // As docker-registry does: MANIFEST_BLOB_UNKNOWN.
      if (missing.length > 0) throw terminal('RegistryRefused', `${path} has no ${missing.join(', ')}`);
      repository.manifests.set(manifest.digest, manifest);
      faults.halfWritten.delete(`${path}:${reference}`);
      if (!reference.startsWith('sha256:')) repository.tags.set(reference, manifest.digest);
    },
  };
}

const readings: readonly Operation[] = ['digest', 'manifest', 'hasBlob', 'readBlob'];

function stumble({ halfWritten }: MemoryFaults, { operation, repository, reference }: Call) {
  const name = `${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
  return readings.includes(operation) && halfWritten.has(name)
    ? transient('RegistryFailed', `500 to ${name}`)
    : undefined;
}

async function receive(
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    chunks.push(chunk);
    onBytes(chunk.length);
  }
  return Buffer.concat(chunks);
}

async function* bytesOf(
  { corrupt, brokenOff }: MemoryFaults,
  digest: string,
  content: Uint8Array,
  from: number,
): AsyncGenerator<Uint8Array> {
  const half = from + Math.floor((content.length - from) / 2);
  yield corrupt.has(digest) ? Buffer.alloc(half - from, '!') : content.subarray(from, half);
  await Promise.resolve();
  if (brokenOff.has(digest)) throw transient('RegistryUnreachable', `${digest} broke off`);
  yield content.subarray(half);
}

const notFound = (path: string, reference: string): OperatorError =>
  terminal('ImageNotFound', `${path} has no ${reference}`);

async function unlessAborted(gate: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<undefined>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([gate, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
