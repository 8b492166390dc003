// KubeClient over HTTP: raw JSON, one method per verb. The typed models of client-node would drop what they do not know.
import { OperatorError } from '../kernel/errors.ts';
import type { KubeClient, ListOptions } from './client.ts';
import type { ApiRequest, ApiServer } from './http.ts';
import { keyText, type KubeObject, type ObjectKey, type Resource } from './objects.ts';

/** Large lists come in pages, so that neither side holds all of one in a single answer. */
const pageSize = '500';

/** What the server would drop silently is an error: it means that the installed CRDs are older than the operator. */
const strict = { fieldValidation: 'Strict' };

export interface Page<T> {
  readonly items: readonly T[];
  /** Of the whole list, the same on every page. */
  readonly resourceVersion: string;
  /** Empty on the last page. */
  readonly next: string;
}

export const createKubeClient = (server: ApiServer): KubeClient => ({ ...reads(server), ...writes(server) });

function reads(server: ApiServer): Pick<KubeClient, 'get' | 'list'> {
  return {
    async get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, signal?: AbortSignal) {
      try {
        return (await server.json({ ...on('read', resource, key), method: 'GET', signal })) as T;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}, signal?: AbortSignal) {
      const items: T[] = [];
      let next = '';
      do {
        const page = await listPage(server, resource, options, next, signal);
        items.push(...page.items);
        next = page.next;
      } while (next !== '');
      return items;
    },
  };
}

function writes(server: ApiServer): Omit<KubeClient, 'get' | 'list'> {
  const send = async <T extends KubeObject>(request: ApiRequest): Promise<T> =>
    (await server.json(request)) as T;
  return {
    create(resource, body, signal) {
      const { what } = on('create', resource, body.metadata);
      const path = pathOf(resource, body.metadata.namespace);
      return send({ what, path, method: 'POST', query: strict, body, signal });
    },
    apply(resource, body, fieldManager, signal) {
      const query = { ...strict, fieldManager, force: 'true' };
      const contentType = 'application/apply-patch+yaml';
      return send({
        ...on('apply', resource, body.metadata),
        method: 'PATCH',
        query,
        contentType,
        body,
        signal,
      });
    },
    patch(resource, key, body, signal) {
      const contentType = 'application/merge-patch+json';
      return send({
        ...on('change', resource, key),
        method: 'PATCH',
        query: strict,
        contentType,
        body,
        signal,
      });
    },
    replaceStatus(resource, object, status, signal) {
      const { path, what } = on('write the status of', resource, object.metadata);
      const { name, namespace, uid, resourceVersion } = object.metadata;
      // The server takes nothing but the status from it: the rest need not travel.
      const metadata = { name, namespace, uid, resourceVersion };
      const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata, status };
      return send({ what, path: `${path}/status`, method: 'PUT', query: strict, body, signal });
    },
    async delete(resource, key, preconditions = {}, signal) {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: 'Background',
        preconditions,
      };
      try {
        await server.json({ ...on('delete', resource, key), method: 'DELETE', body, signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
  };
}

/** One page of a list; `next` is what the page before said, empty for the first. */
export async function listPage<T extends KubeObject>(
  server: ApiServer,
  resource: Resource<T>,
  options: ListOptions,
  next: string,
  signal?: AbortSignal,
): Promise<Page<T>> {
  const { namespace, labelSelector } = options;
  const query = {
    limit: pageSize,
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(next === '' ? {} : { continue: next }),
  };
  const path = pathOf(resource, namespace);
  const answer = await server.json({ what: `list ${resource.plural}`, path, method: 'GET', query, signal });
  const { items, metadata } = answer as {
    readonly items: readonly T[] | null;
    readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  };
  // Items of the built-in kinds come without their own apiVersion and kind.
  const typed = (items ?? []).map((item) => ({
    ...item,
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
  }));
  return { items: typed, resourceVersion: metadata.resourceVersion, next: metadata.continue ?? '' };
}

const apiVersionOf = ({ group, version }: Resource): string =>
  group === '' ? version : `${group}/${version}`;

/** The path of a collection; in all namespaces without `namespace`. */
export function pathOf(resource: Resource, namespace: string | undefined): string {
  const root = resource.group === '' ? '/api' : '/apis';
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}/${apiVersionOf(resource)}${scope}/${resource.plural}`;
}

const on = (verb: string, resource: Resource, key: ObjectKey): Pick<ApiRequest, 'what' | 'path'> => ({
  what: `${verb} ${resource.kind} ${keyText(key)}`,
  path: `${pathOf(resource, key.namespace)}/${encodeURIComponent(key.name)}`,
});

const isNotFound = (error: unknown): boolean => error instanceof OperatorError && error.reason === 'NotFound';
