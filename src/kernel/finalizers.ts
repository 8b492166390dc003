// Adds and removes one finalizer without touching those of others.
import type { KubeClient } from '../kube/client.ts';
import { keyOf, type KubeObject, type Resource } from '../kube/objects.ts';
import { OperatorError } from './errors.ts';

/**
 * The newest object, with `finalizer` on it. Call it before the first side effect, and never for an object that is being
 * deleted: the API server refuses that. Throws transient Conflict when `object` is not the newest.
 */
export async function ensureFinalizer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  finalizer: string,
): Promise<T> {
  const present = object.metadata.finalizers ?? [];
  if (present.includes(finalizer)) return object;
  return setFinalizers(client, resource, object, [...present, finalizer]);
}

/**
 * The newest object without `finalizer`, or undefined when it is gone. Throws transient Conflict when `object` is not the
 * newest.
 */
export async function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  finalizer: string,
): Promise<T | undefined> {
  const present = object.metadata.finalizers ?? [];
  if (!present.includes(finalizer)) return object;
  try {
    return await setFinalizers(
      client,
      resource,
      object,
      present.filter((name) => name !== finalizer),
    );
  } catch (error) {
    if (error instanceof OperatorError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

const setFinalizers = <T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  finalizers: readonly string[],
): Promise<T> =>
  client.patch(resource, keyOf(object), {
    metadata: { resourceVersion: object.metadata.resourceVersion, finalizers },
  });
