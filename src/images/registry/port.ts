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

export interface ManifestDescriptor {
  /** `sha256:…` of the manifest (or index) as the registry sends it. */
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the manifest itself. */
  readonly size: number;
}

/**
 * One registry, for one set of credentials. Every method throws OperatorErrors: transient RegistryUnreachable and
 * RegistryThrottled; terminal RegistryCertificateInvalid, RegistryAuthFailed, RegistryRefused (it answers, but not as a
 * registry does) and DigestMismatch.
 */
export interface Registry {
  /** Says whether the registry can be used at all; free when that is known. Call it before asking for many images. */
  check(signal: AbortSignal): Promise<void>;
  /**
   * Fetches the manifest at `reference` (a tag or a digest) and verifies its digest. Throws terminal ImageNotFound.
   */
  manifest(repository: string, reference: string, signal: AbortSignal): Promise<ManifestDescriptor>;
  /** The digest that `tag` has now, by a request that registries do not count as a pull. Undefined when there is no such tag. */
  digest(repository: string, tag: string, signal: AbortSignal): Promise<string | undefined>;
}

export interface RegistryConnector {
  /** The same access yields the same registry, with its connections and tokens. Does no I/O by itself. */
  connect(access: RegistryAccess): Registry;
  /** Ends all connections. */
  close(): Promise<void>;
}
