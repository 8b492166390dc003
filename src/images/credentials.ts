// Reads the login for a registry out of a Secret. Pure.
import type { Secret } from '../kube/objects.ts';
import { terminal, type OperatorError } from '../kernel/errors.ts';
import type { RegistryCredentials } from './registry/port.ts';

const dockerConfigType = 'kubernetes.io/dockerconfigjson';
const dockerConfigKey = '.dockerconfigjson';

/**
 * A Secret of type kubernetes.io/dockerconfigjson, or any with the keys username and password (kubernetes.io/basic-auth has
 * them). `field` names it in messages. Throws terminal CredentialsInvalid.
 */
export function readCredentials(secret: Secret, host: string, field: string): RegistryCredentials {
  const data = secret.data ?? {};
  const invalid = (problem: string) =>
    terminal('CredentialsInvalid', `Secret ${secret.metadata.name} (${field}) ${problem}`);
  if (secret.type === dockerConfigType) {
    return fromDockerConfig(decode(data[dockerConfigKey]), host, invalid);
  }
  const credentials = { username: decode(data.username), password: decode(data.password) };
  if (credentials.username === '' || credentials.password === '') {
    throw invalid(
      `has type ${secret.type ?? 'Opaque'} and not both of the keys username and password: add them, or make it one of type ${dockerConfigType}`,
    );
  }
  return credentials;
}

interface DockerAuth {
  readonly auth?: unknown;
  readonly username?: unknown;
  readonly password?: unknown;
}

function fromDockerConfig(
  text: string,
  host: string,
  invalid: (problem: string) => OperatorError,
): RegistryCredentials {
  const auths = parseAuths(text);
  if (auths === undefined)
    throw invalid(
      `has no JSON with auths in its key ${dockerConfigKey}: make it with kubectl create secret docker-registry`,
    );
  const entry = Object.entries(auths).find(([server]) => hostOf(server) === host)?.[1];
  if (entry === undefined) throw invalid(`has no login for ${host} in its key ${dockerConfigKey}: add one`);
  const credentials = splitAuth(entry ?? {});
  if (credentials === undefined) {
    throw invalid(
      `has no user name and password for ${host} in its key ${dockerConfigKey}: log in again with those`,
    );
  }
  return credentials;
}

function parseAuths(text: string): Readonly<Record<string, DockerAuth | null>> | undefined {
  try {
    const { auths } = JSON.parse(text) as { readonly auths?: unknown };
    return typeof auths === 'object' && auths !== null
      ? (auths as Record<string, DockerAuth | null>)
      : undefined;
  } catch {
    // The caller says what is wrong without quoting what may be a password.
    return undefined;
  }
}

/** `auth` is base64 of `user:password`, and is what docker login writes. */
function splitAuth({ auth, username, password }: DockerAuth): RegistryCredentials | undefined {
  if (typeof username === 'string' && typeof password === 'string') return { username, password };
  const [, user, secret] = /^([^:]+):(.+)$/s.exec(decode(typeof auth === 'string' ? auth : undefined)) ?? [];
  return user === undefined || secret === undefined ? undefined : { username: user, password: secret };
}

/** Keys are hosts, at times written as URLs; Docker Hub's is `https://index.docker.io/v1/`. */
function hostOf(server: string): string {
  const host = server.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return host === 'index.docker.io' ? 'docker.io' : host;
}

const decode = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('utf8');
