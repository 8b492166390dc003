// Makes every secret value that is read known to whoever keeps it out of the logs.
import type { KubeClient } from './client.ts';
import { type KubeObject, type ObjectKey, type Resource, type Secret, secrets } from './objects.ts';

/** Names of accounts are in messages on purpose; they are no secret. */
const harmless = new Set(['username', 'ca.crt']);

/** `client`, but the values of each Secret that it reads are passed to `register` first. */
export function registerSecrets(client: KubeClient, register: (value: string) => void): KubeClient {
  return {
    ...client,
    async get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, signal?: AbortSignal) {
      const object = await client.get(resource, key, signal);
      if (object !== undefined && resource.kind === secrets.kind) registerValues(object, register);
      return object;
    },
  };
}

function registerValues(secret: Secret, register: (value: string) => void): void {
  for (const [name, encoded] of Object.entries(secret.data ?? {})) {
    if (!harmless.has(name)) register(Buffer.from(encoded, 'base64').toString('utf8').trim());
  }
}
