// Secrets as revisions see them: HMACs by key, made with a key of the cloud's own that is created
// once, when the first is needed. No content is kept.
import { hmac } from '../api/canonical.ts';
import { managedBy } from '../api/names.ts';
import type { Clock } from '../kernel/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { secrets, type ObjectKey, type Secret } from '../kube/objects.ts';
import type { SecretDigests } from './revision.ts';

/** How long digests are used before the Secret is read again: reconciles come in bursts. */
const freshMs = 10_000;
const keyBytes = 32;

/**
 * The Secret with the cloud's HMAC key. It has no owner: a cloud that was deleted with Retain and is made again must see the
 * same HMACs, or every container with a secret in it would be replaced.
 */
export const hmacKeyName = (overcloud: string): string => `${overcloud}-hmac-key`;
/** The key within that Secret. */
const hmacKeyField = 'key';

export interface SecretReader {
  /** Of each Secret that there is, the HMACs of its values. */
  digests(
    overcloud: ObjectKey,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SecretDigests>>;
}

interface Remembered {
  readonly digests: SecretDigests;
  readonly until: number;
}

export interface SecretReaderDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Bytes from a cryptographic source. */
  readonly randomBytes: (size: number) => Uint8Array;
}

export function createSecretReader(deps: SecretReaderDeps): SecretReader {
  const { client, clock } = deps;
  const remembered = new Map<string, Remembered>();

  const cloudKey = async (cloud: ObjectKey, signal: AbortSignal): Promise<Uint8Array> => {
    const key = { namespace: cloud.namespace, name: hmacKeyName(cloud.name) };
    const secret = await client.get(secrets, key, signal);
    const value = secret?.data?.[hmacKeyField] ?? '';
    return Buffer.from(value === '' ? await makeKey(deps, key, secret, signal) : value, 'base64');
  };
  const read = async (
    cloud: ObjectKey,
    name: string,
    signal: AbortSignal,
  ): Promise<SecretDigests | undefined> => {
    const id = `${cloud.namespace}/${cloud.name}/${name}`;
    const known = remembered.get(id);
    if (known !== undefined && known.until > clock.monotonic()) return known.digests;
    remembered.delete(id);
    const secret = await client.get(secrets, { namespace: cloud.namespace, name }, signal);
    if (secret === undefined) return undefined;
    const key = await cloudKey(cloud, signal);
    const digests = Object.fromEntries(
      Object.entries(secret.data ?? {}).map(([field, value]) => [
        field,
        hmac(key, Buffer.from(value, 'base64')),
      ]),
    );
    remembered.set(id, { digests, until: clock.monotonic() + freshMs });
    return digests;
  };

  return {
    async digests(cloud, names, signal) {
      const found = new Map<string, SecretDigests>();
      for (const name of names) {
        const digests = await read(cloud, name, signal);
        if (digests !== undefined) found.set(name, digests);
      }
      return found;
    },
  };
}

/** A new key, in base64. Throws transient AlreadyExists or Conflict when somebody else has made one meanwhile. */
async function makeKey(
  { client, randomBytes }: SecretReaderDeps,
  key: ObjectKey,
  present: Secret | undefined,
  signal: AbortSignal,
): Promise<string> {
  const value = Buffer.from(randomBytes(keyBytes)).toString('base64');
  const data = { [hmacKeyField]: value };
  if (present !== undefined) {
    const { resourceVersion } = present.metadata;
    await client.patch(secrets, key, { metadata: { resourceVersion }, data }, signal);
    return value;
  }
  const metadata = { ...key, labels: { 'app.kubernetes.io/managed-by': managedBy } };
  await client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data }, signal);
  return value;
}
