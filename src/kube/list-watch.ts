// Where a reflector gets its objects from: a list in pages, then everything that happens after it.
import type { ListOptions } from './client.ts';
import type { ApiServer } from './http.ts';
import type { KubeObject, Resource } from './objects.ts';
import { listPage, pathOf, type Page } from './rest.ts';
import { watchEvents, type WatchEvent } from './watch-stream.ts';

export interface WatchOptions {
  readonly namespace?: string;
  /** Events after this version. */
  readonly resourceVersion: string;
  /** When the server is to end the stream by itself. */
  readonly timeoutSeconds: number;
}

/** Both throw transient Expired when the server has forgotten the version (or page) asked for. */
export interface ListWatch {
  page<T extends KubeObject>(
    resource: Resource<T>,
    options: ListOptions,
    next: string,
    signal: AbortSignal,
  ): Promise<Page<T>>;
  watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<WatchEvent<T>>>;
}

export function createListWatch(server: ApiServer): ListWatch {
  return {
    page: (resource, options, next, signal) => listPage(server, resource, options, next, signal),
    async watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions, signal: AbortSignal) {
      const what = `watch ${resource.plural}`;
      const query = {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: options.resourceVersion,
        timeoutSeconds: String(options.timeoutSeconds),
      };
      const path = pathOf(resource, options.namespace);
      return watchEvents<T>(await server.stream({ what, method: 'GET', path, query, signal }), what);
    },
  };
}
