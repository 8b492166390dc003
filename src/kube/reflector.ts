// Keeps a store level with the API server: list once, then watch, over and over, whatever happens in between.
//
//   list (pages) → watch from its version → stream ends → watch from the last version seen → …
//                     ↑ 410 Expired, silence, or failing again and again: the version is of no use, list anew
//
// It never ends by itself. Handlers hear of each difference once, in order, and cannot break it.
import type { Clock } from '../kernel/clock.ts';
import { createBackoff } from '../kernel/backoff.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { asOperatorError, messageOf, transient, type OperatorError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/log.ts';
import type { ListOptions, Store } from './client.ts';
import type { ListWatch } from './list-watch.ts';
import { keyOf, type KubeObject, type Resource } from './objects.ts';
import type { Page } from './rest.ts';
import { createStore, type Change, type MutableStore } from './store.ts';
import type { WatchEvent } from './watch-stream.ts';

/** The server ends a watch after this and up to a fifth more, so that not all end together. */
const watchSeconds = 290;
const watchSecondsJitter = 58;
/** Bookmarks come about once a minute: a stream this quiet is dead, whatever TCP thinks. */
const silenceMs = 150_000;
/** A watch that ends sooner than this without an event has failed. */
const shortestWatchMs = 1_000;
/** After so many failures in a row even a version that the server still knows is not trusted. */
const failuresBeforeRelist = 5;
/** The errors after which the version is of no use. */
const useless: ReadonlySet<string> = new Set(['Expired', 'Silent']);
const backoffMs = { baseMs: 500, maxMs: 30_000 };

/** Counts for metrics; every method may be called at any time. */
export interface ReflectorObserver {
  listed(objects: number): void;
  watchStarted(): void;
  event(): void;
  failed(reason: string): void;
}

export type ChangeHandler<T extends KubeObject> = (change: Change<T>) => void;

export interface Reflector<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  readonly store: Store<T>;
  /** Resolves when the first list is in the store. */
  readonly synced: Promise<void>;
  /** Why the first list is not there yet; undefined when it is. */
  problem(): string | undefined;
  /** Hears of every change from now on. */
  onChange(handler: ChangeHandler<T>): void;
  /** Runs until `signal` aborts; then it resolves. */
  run(signal: AbortSignal): Promise<void>;
}

interface Deps {
  readonly source: ListWatch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly observer: ReflectorObserver;
  /** All namespaces, or only one. */
  readonly scope: { readonly namespace?: string };
}

export function createReflector<T extends KubeObject>(resource: Resource<T>, deps: Deps): Reflector<T> {
  const { source, clock, random, log, observer, scope } = deps;
  const store = createStore<T>();
  const handlers: ChangeHandler<T>[] = [];
  const synced: PromiseWithResolvers<void> = Promise.withResolvers();
  const backoff = createBackoff({ ...backoffMs, random });
  /** What the store stands for; undefined while only a list can tell. */
  let version: string | undefined;
  let failures = 0;
  let problem: string | undefined = `${resource.plural}: not listed yet`;

  const list = async (signal: AbortSignal): Promise<string> => {
    const { items, resourceVersion } = await listAll(source, resource, scope, signal);
    observer.listed(items.length);
    announce(store.replace(items), handlers, log);
    problem = undefined;
    synced.resolve();
    return resourceVersion;
  };
  const watch = async (resourceVersion: string, signal: AbortSignal): Promise<void> => {
    const timeoutSeconds = Math.round(watchSeconds + watchSecondsJitter * random());
    const startedAt = clock.monotonic();
    await withDeadline({ clock, ms: silenceMs, signal, late: silent }, async (stream, extend) => {
      const events = await source.watch(resource, { ...scope, resourceVersion, timeoutSeconds }, stream);
      observer.watchStarted();
      for await (const event of events) {
        extend();
        failures = 0;
        if (event.type !== 'BOOKMARK') observer.event();
        announce(applied(event, store), handlers, log);
        // Only now: had the event got lost half-way, it would have to come again.
        version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
      }
      stream.throwIfAborted();
    });
    if (version === resourceVersion && clock.monotonic() - startedAt < shortestWatchMs)
      throw endedAtOnce(resource);
    failures = 0;
  };
  const recover = async ({ reason, message }: OperatorError, signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return;
    failures += 1;
    if (failures === 1) backoff.reset(resource.plural);
    if (problem !== undefined) problem = `${resource.plural}: not listed yet: ${message}`;
    observer.failed(reason);
    if (reason !== 'Expired') log.warn('Cannot follow the objects', { reason, error: message });
    if (useless.has(reason) || failures >= failuresBeforeRelist) version = undefined;
    await clock.sleep(backoff.next(resource.plural) * (0.5 + random()), signal);
  };

  return {
    resource,
    store,
    synced: synced.promise,
    problem: () => problem,
    onChange: (handler) => void handlers.push(handler),
    async run(signal) {
      while (!signal.aborted) {
        try {
          version ??= await list(signal);
          await watch(version, signal);
        } catch (error) {
          // Only the end of everything interrupts the pause, and the loop sees to that.
          await recover(asOperatorError(error), signal).catch(() => undefined);
        }
      }
    },
  };
}

async function listAll<T extends KubeObject>(
  source: ListWatch,
  resource: Resource<T>,
  scope: ListOptions,
  signal: AbortSignal,
): Promise<Page<T>> {
  const items: T[] = [];
  let page: Page<T> | undefined;
  do {
    page = await source.page(resource, scope, page?.next ?? '', signal);
    items.push(...page.items);
  } while (page.next !== '');
  return { ...page, items };
}

function applied<T extends KubeObject>(event: WatchEvent<T>, store: MutableStore<T>): readonly Change<T>[] {
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
      return store.put(event.object);
    case 'DELETED':
      return store.remove(keyOf(event.object));
    case 'BOOKMARK':
      return [];
  }
}

function announce<T extends KubeObject>(
  changes: readonly Change<T>[],
  handlers: readonly ChangeHandler<T>[],
  log: Logger,
): void {
  for (const change of changes) {
    for (const handler of handlers) {
      try {
        handler(change);
      } catch (error) {
        log.error('A handler of changes failed', { error: messageOf(error) });
      }
    }
  }
}

const silent = (): OperatorError =>
  transient('Silent', `nothing came for ${silenceMs / 1000} s, not even a bookmark`);
const endedAtOnce = (resource: Resource): OperatorError =>
  transient('Unavailable', `cannot watch ${resource.plural}: the stream ended at once`);
