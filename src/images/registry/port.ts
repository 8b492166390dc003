// What the images room needs from a registry. client.ts implements it over the OCI distribution protocol.

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** Where a registry is and how to talk to it. */
export interface RegistryAccess {
  /** `host[:port]`, as it stands in image references. */
  readonly host: string;
  /** Certificates are not verified, and plain HTTP is spoken where the registry has no TLS. */
  readonly insecure: boolean;
  /** PEM certificates that are trusted beside the system's. */
  readonly ca?: string;
  readonly credentials?: RegistryCredentials;
}

/** A blob or manifest as another names it: OCI image-spec, descriptor.md. */
export interface Descriptor {
  /** `sha256:…` */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** A manifest or an index, byte for byte as the registry sent it: whoever pushes it on pushes these bytes. */
export interface Manifest extends Descriptor {
  readonly mediaType: string;
  /** At most 4 MiB. */
  readonly content: Uint8Array;
}

/** Yields a blob's bytes from an offset on: what has been sent already is not read again after a broken connection. */
export type BlobReader = (from: number, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;

/**
 * One registry, for one set of credentials. Every method throws OperatorErrors: transient RegistryUnreachable, RegistryFailed (it
 * answers 500 to this one request), RegistryThrottled and RegistryFull; terminal RegistryCertificateInvalid, CAInvalid,
 * RegistryAuthFailed, RegistryRefused (it answers, but not as a registry does), AddressForbidden (a loopback or link-local address
 * where those are not allowed), ReferenceInvalid (a name that is none: nothing is asked) and DigestMismatch; or the signal's reason.
 */
export interface Registry {
  /** Says whether the registry can be used at all; free when that is known. Call it before asking for many images. */
  check(signal: AbortSignal): Promise<void>;
  /**
   * Fetches the manifest at `reference` (a tag or a digest) and verifies its digest. Throws terminal ImageNotFound.
   */
  manifest(repository: string, reference: string, signal: AbortSignal): Promise<Manifest>;
  /**
   * The digest at `reference` (a tag or a digest) by a request that registries do not count as a pull. Undefined when it is
   * not there.
   */
  digest(repository: string, reference: string, signal: AbortSignal): Promise<string | undefined>;
  /** All tags, page by page, in the registry's order. Throws terminal ImageNotFound for a repository that is not there. */
  tags(repository: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * A small blob as a whole (an image's configuration, a signature's payload), of at most 4 MiB, verified. Throws terminal
   * ImageNotFound.
   */
  smallBlob(repository: string, blob: Descriptor, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * A blob's bytes from `from` on, as they come, not verified but for their number (only whoever has all of them can do that).
   * Throws terminal ImageNotFound; the iteration throws transient RegistryUnreachable when it breaks off, falls silent or becomes too slow.
   * It holds a connection: iterate it, or abort `signal`.
   */
  readBlob(
    repository: string,
    blob: Descriptor,
    from: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;
  hasBlob(repository: string, digest: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Makes a blob of another repository of this registry appear here. False: the registry would not, for whatever reason that an
   * upload does not share, and nothing is left.
   */
  mountBlob(repository: string, digest: string, from: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Uploads a blob, and goes on where it was when either side breaks off: at the destination that is from the start where the
   * registry does not know the upload any more (the distribution project's up to 2.8). `onBytes` hears of each byte once, when it
   * was handed on first. Throws terminal DigestMismatch when `read` yields other bytes than `blob` says: then nothing is left in
   * the registry. When `read` fails for good that is thrown.
   */
  uploadBlob(
    repository: string,
    blob: Descriptor,
    read: BlobReader,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Puts the manifest's very bytes at `reference`, and verifies that the registry has it under its digest. Throws transient
   * BlobMissing when the registry lacks something that it names.
   */
  putManifest(repository: string, reference: string, manifest: Manifest, signal: AbortSignal): Promise<void>;
}

export interface RegistryConnector {
  /** The same access yields the same registry, with its connections and tokens. Does no I/O by itself. */
  connect(access: RegistryAccess): Registry;
  /** Ends all connections. */
  close(): Promise<void>;
}
