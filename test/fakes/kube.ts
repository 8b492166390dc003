// An API server in memory, as far as controllers can tell: versions, conflicts, generations, finalizers, status apart,
// server-side apply with field managers. What it cannot do, the tests against the real one cover.
import type { Cache, KubeClient, ListOptions, Store } from '../../src/kube/client.ts';
import type { KubeObject, Manifest, ObjectKey, Resource } from '../../src/kube/objects.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { Json } from './json.ts';
import { createObjects } from './objects.ts';

export interface FakeRequest {
  readonly verb: 'get' | 'list' | 'create' | 'apply' | 'patch' | 'replaceStatus' | 'delete';
  readonly resource: Resource;
  /** Of a list: the namespace and no name. */
  readonly key: ObjectKey;
}

export interface FakeKube {
  readonly client: KubeClient;
  /** Never behind. */
  readonly cache: Cache;
  /** Puts an object there as it stands, status included, as if it had always been there. */
  seed<T extends KubeObject>(resource: Resource<T>, object: Seed<T>): T;
  /** Changes the spec, labels or whatever else of an object, as a user would. */
  edit<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Json): Promise<T>;
  /** Hears of every change, as a reflector's handler does. */
  onChange(
    listener: (resource: Resource, before: KubeObject | undefined, after: KubeObject | undefined) => void,
  ): void;
  /** Runs before each request; what it throws, the request throws. The last one set counts. */
  intercept(hook: (request: FakeRequest) => void | Promise<void>): void;
  /** How many writes have changed something: stays the same at rest. */
  writes(): number;
  /** The version of the newest change. */
  version(): number;
}

/** What a test has to say of an object: the server fills in the rest of the metadata. */
export type Seed<T extends KubeObject> = Omit<T, 'metadata'> & {
  readonly metadata: Pick<T['metadata'], 'name' | 'namespace'> & Partial<T['metadata']>;
};

export function createFakeKube(clock: Pick<Clock, 'now'>): FakeKube {
  const objects = createObjects(clock);
  let hook: (request: FakeRequest) => void | Promise<void> = () => undefined;
  const before = async (
    verb: FakeRequest['verb'],
    resource: Resource,
    key: ObjectKey,
    signal?: AbortSignal,
  ) => {
    signal?.throwIfAborted();
    await hook({ verb, resource, key });
  };

  const client: KubeClient = {
    async get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, signal?: AbortSignal) {
      await before('get', resource, key, signal);
      return objects.get(resource, key) as T | undefined;
    },
    async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}, signal?: AbortSignal) {
      await before('list', resource, { namespace: options.namespace ?? '', name: '' }, signal);
      const selected = matches(options.labelSelector);
      return objects.list(resource, options.namespace).filter(selected) as unknown as readonly T[];
    },
    async create<T extends KubeObject>(resource: Resource<T>, object: Manifest<T>, signal?: AbortSignal) {
      await before('create', resource, object.metadata, signal);
      return objects.create(resource, withoutStatus(resource, object), 'create') as T;
    },
    async apply<T extends KubeObject>(
      resource: Resource<T>,
      object: Manifest<T>,
      fieldManager: string,
      signal?: AbortSignal,
    ) {
      await before('apply', resource, object.metadata, signal);
      return objects.apply(resource, withoutStatus(resource, object), fieldManager) as T;
    },
    async patch<T extends KubeObject>(
      resource: Resource<T>,
      key: ObjectKey,
      patch: Json,
      signal?: AbortSignal,
    ) {
      await before('patch', resource, key, signal);
      return objects.patch(resource, key, withoutStatus(resource, patch)) as T;
    },
    async replaceStatus<T extends KubeObject>(
      resource: Resource<T>,
      object: T,
      status: unknown,
      signal?: AbortSignal,
    ) {
      await before('replaceStatus', resource, object.metadata, signal);
      return objects.replaceStatus(resource, object, asSent(status)) as T;
    },
    async delete(resource, key, precondition = {}, signal) {
      await before('delete', resource, key, signal);
      objects.delete(resource, key, precondition);
    },
  };

  return {
    client,
    cache: {
      store: <T extends KubeObject>(resource: Resource<T>): Store<T> => ({
        get: (key) => objects.get(resource, key) as T | undefined,
        list: (namespace) => objects.list(resource, namespace) as unknown as readonly T[],
      }),
    },
    seed: <T extends KubeObject>(resource: Resource<T>, object: Seed<T>) =>
      objects.create(resource, asSent(object), 'seed') as T,
    edit: <T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Json) =>
      Promise.resolve(objects.patch(resource, key, withoutStatus(resource, patch)) as T),
    onChange: (listener) => objects.onChange(listener),
    intercept: (next) => {
      hook = next;
    },
    writes: () => objects.version(),
    version: () => objects.version(),
  };
}

/** Of our own kinds, and only of those, status is a subresource, and generation counts changes of the rest. */
const isOurs = (resource: Resource): boolean => resource.group === 'undercloud.dev';

function withoutStatus(resource: Resource, object: object): Json {
  const { status, ...rest } = asSent(object);
  return isOurs(resource) || status === undefined ? rest : { ...rest, status };
}

/** What arrives of an object that is sent as JSON. */
const asSent = (object: unknown): Json => JSON.parse(JSON.stringify(object)) as Json;

function matches(selector: string | undefined): (object: KubeObject) => boolean {
  const terms = selector === undefined ? [] : selector.split(',').map((term) => term.split('='));
  return ({ metadata }) => terms.every(([name = '', value]) => metadata.labels?.[name] === value);
}
