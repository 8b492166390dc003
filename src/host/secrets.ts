// Reads Secrets by name, live, and keeps them for half a minute: no list, no watch, no secret kept longer than that.
import type { KubeClient } from '../kube/client.ts';
import { secrets, type Secret } from '../kube/objects.ts';
import type { Clock } from '../kernel/clock.ts';
import { terminal } from '../kernel/errors.ts';
import type { RegistryAuth } from './ports.ts';

const keptMs = 30_000;

export interface SecretReader {
  /** The value of `<secret>/<key>` as text. Throws terminal SecretNotFound or SecretKeyNotFound; `user` says who wants it. */
  text(namespace: string, reference: string, user: string, signal: AbortSignal): Promise<string>;
  /** What a pull from `registry` has to send. Throws terminal SecretNotFound or CredentialsInvalid. */
  registryAuth(namespace: string, name: string, registry: string, signal: AbortSignal): Promise<RegistryAuth>;
}

export function createSecretReader(deps: {
  readonly client: KubeClient;
  readonly clock: Clock;
}): SecretReader {
  const { client, clock } = deps;
  /** In order of age. */
  const kept = new Map<string, { readonly data: Secret['data']; readonly at: number }>();

  const read = async (namespace: string, name: string, user: string, signal: AbortSignal) => {
    const now = clock.monotonic();
    for (const [key, { at }] of kept) {
      if (now - at < keptMs) break;
      kept.delete(key);
    }
    const key = `${namespace}/${name}`;
    const known = kept.get(key);
    if (known !== undefined) return known.data ?? {};
    const secret = await client.get(secrets, { namespace, name }, signal);
    if (secret === undefined) {
      throw terminal(
        'SecretNotFound',
        `Secret ${name}, which ${user} needs, is not there: create it in namespace ${namespace}`,
      );
    }
    kept.set(key, { data: secret.data, at: now });
    return secret.data ?? {};
  };

  return {
    async text(namespace, reference, user, signal) {
      const slash = reference.indexOf('/');
      const [name, key] = [reference.slice(0, slash), reference.slice(slash + 1)];
      const value = (await read(namespace, name, user, signal))[key];
      if (value === undefined) {
        throw terminal('SecretKeyNotFound', `Secret ${name} has no key ${key}, which ${user} needs: add it`);
      }
      return decoded(value);
    },
    async registryAuth(namespace, name, registry, signal) {
      const data = await read(namespace, name, `registry ${registry}`, signal);
      const auth = basicAuth(data) ?? dockerAuth(data['.dockerconfigjson'], registry);
      if (auth !== undefined) return auth;
      throw terminal(
        'CredentialsInvalid',
        `Secret ${name} has no credentials for registry ${registry}: give it username and password, or .dockerconfigjson with an entry for it`,
      );
    },
  };
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

function basicAuth(data: Readonly<Record<string, string>>): RegistryAuth | undefined {
  const { username, password } = data;
  return username === undefined || password === undefined
    ? undefined
    : { username: decoded(username), password: decoded(password) };
}

interface DockerConfig {
  readonly auths?: Readonly<
    Record<string, { readonly auth?: string; readonly username?: string; readonly password?: string }>
  >;
}

/** The `auths` of Docker's config.json; an entry's key may be a URL. */
function dockerAuth(file: string | undefined, registry: string): RegistryAuth | undefined {
  const auths = parsed(file).auths ?? {};
  const entry = Object.entries(auths).find(
    ([key]) => key.replace(/^https?:\/\//, '').split('/')[0] === registry,
  )?.[1];
  if (entry?.username !== undefined && entry.password !== undefined) {
    return { username: entry.username, password: entry.password };
  }
  if (entry?.auth === undefined) return undefined;
  const [username = '', ...rest] = decoded(entry.auth).split(':');
  return { username, password: rest.join(':') };
}

function parsed(file: string | undefined): DockerConfig {
  try {
    return JSON.parse(decoded(file ?? '')) as DockerConfig;
  } catch {
    return {}; // the caller says that there are no credentials in it
  }
}
