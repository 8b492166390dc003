// The API server as the commands use it: server-side apply that takes nothing over unasked, and the server's dry run.
import type { ApiServer } from '../kube/http.ts';
import { keyText, type KubeObject, type ObjectKey, type Resource } from '../kube/objects.ts';
import { createKubeClient, pathOf } from '../kube/rest.ts';

export interface WriteOptions {
  /** Who owns the fields afterwards. */
  readonly fieldManager: string;
  /** The server answers as if it had written, and writes nothing. */
  readonly dryRun: boolean;
  /** Take over fields that somebody else set to another value; otherwise they are a Conflict that names the owner. */
  readonly force: boolean;
}

/** What we have to say of an object: applied, it leaves everything else as it is. Defaults are the server's. */
export interface Draft {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectKey & { readonly annotations?: Readonly<Record<string, string>> };
  readonly [member: string]: unknown;
}

/** Errors are those of KubeClient. */
export interface Cluster {
  /** The namespace of the kubeconfig's context or of the service account. */
  readonly namespace: string | undefined;
  /** Undefined when there is no such object. */
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<T | undefined>;
  list<T extends KubeObject>(resource: Resource<T>, namespace: string): Promise<readonly T[]>;
  /** Creates or changes; with `resourceVersion`, only that very version. Answers with the object as it is afterwards. */
  apply<T extends KubeObject>(
    resource: Resource<T>,
    draft: Draft,
    options: WriteOptions,
    resourceVersion?: string,
  ): Promise<T>;
}

export function createCluster(server: ApiServer, namespace: string | undefined): Cluster {
  const client = createKubeClient(server);
  return {
    namespace,
    get: (resource, key) => client.get(resource, key),
    list: (resource, inNamespace) => client.list(resource, { namespace: inNamespace }),
    async apply<T extends KubeObject>(
      resource: Resource<T>,
      draft: Draft,
      options: WriteOptions,
      resourceVersion?: string,
    ) {
      const { name, namespace: home } = draft.metadata;
      return (await server.json({
        what: `apply ${resource.kind} ${keyText(draft.metadata)}`,
        path: `${pathOf(resource, home)}/${encodeURIComponent(name)}`,
        method: 'PATCH',
        contentType: 'application/apply-patch+yaml',
        query: {
          fieldValidation: 'Strict',
          fieldManager: options.fieldManager,
          force: String(options.force),
          ...(options.dryRun ? { dryRun: 'All' } : {}),
        },
        body:
          resourceVersion === undefined
            ? draft
            : { ...draft, metadata: { ...draft.metadata, resourceVersion } },
      })) as T;
    },
  };
}
