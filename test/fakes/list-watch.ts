// Lists and watches of the fake API server, for reflectors and managers that run on it.
import type { ListWatch } from '../../src/kube/list-watch.ts';
import type { KubeObject, Resource } from '../../src/kube/objects.ts';
import type { WatchEvent } from '../../src/kube/watch-stream.ts';
import type { FakeKube } from './kube.ts';

/** Streams go on until they are aborted, and begin with what happened after the list. */
export function listWatchOf(kube: FakeKube): ListWatch {
  const history: {
    readonly resource: Resource;
    readonly version: number;
    readonly event: WatchEvent<KubeObject>;
  }[] = [];
  let happened: PromiseWithResolvers<void> = Promise.withResolvers();
  kube.onChange((resource, before, after) => {
    const object = after ?? before;
    if (object === undefined) return;
    const type = before === undefined ? 'ADDED' : after === undefined ? 'DELETED' : 'MODIFIED';
    history.push({ resource, version: kube.version(), event: { type, object } });
    happened.resolve();
    happened = Promise.withResolvers();
  });

  async function* follow(
    resource: Resource,
    from: number,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<KubeObject>> {
    const aborted = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    let at = from;
    while (!signal.aborted) {
      const next = history.find((each) => each.version > at && each.resource.plural === resource.plural);
      if (next === undefined) {
        await Promise.race([happened.promise, aborted]);
        continue;
      }
      at = next.version;
      yield next.event;
    }
  }

  return {
    async page(resource, { namespace }) {
      const items = kube.cache.store(resource).list(namespace);
      return Promise.resolve({ items, resourceVersion: String(kube.version()), next: '' });
    },
    watch: (resource, { resourceVersion }, signal) =>
      Promise.resolve(follow(resource, Number(resourceVersion), signal) as AsyncGenerator<never>),
  };
}
