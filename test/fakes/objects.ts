// The objects of the fake API server and the rules by which they change.
import { canonicalJson } from '../../src/api/canonical.ts';
import type { Precondition } from '../../src/kube/client.ts';
import { keyText, type KubeObject, type ObjectKey, type Resource } from '../../src/kube/objects.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { terminal, transient } from '../../src/kernel/errors.ts';
import {
  deepFreeze,
  fromLeaves,
  isMap,
  mergePatch,
  omit,
  overlap,
  toLeaves,
  type Json,
  type Leaves,
} from './json.ts';

type Listener = (resource: Resource, before: KubeObject | undefined, after: KubeObject | undefined) => void;

type Managers = Map<string, ReadonlySet<string>>;

interface Entry {
  readonly object: KubeObject;
  /** Which field manager set which leaves (paths as in json.ts). */
  readonly managers: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface FakeObjects {
  get(resource: Resource, key: ObjectKey): KubeObject | undefined;
  list(resource: Resource, namespace?: string): readonly KubeObject[];
  create(resource: Resource, object: Json, manager: string): KubeObject;
  apply(resource: Resource, object: Json, manager: string): KubeObject;
  patch(resource: Resource, key: ObjectKey, patch: Json): KubeObject;
  replaceStatus(resource: Resource, object: KubeObject, status: unknown): KubeObject;
  delete(resource: Resource, key: ObjectKey, precondition: Precondition): void;
  onChange(listener: Listener): void;
  /** Of the newest change: each one counts it up by 1. */
  version(): number;
}

/** What only the server sets. */
const serverFields = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

export function createObjects(clock: Pick<Clock, 'now'>): FakeObjects {
  const entries = new Map<string, Entry>();
  const listeners: Listener[] = [];
  let version = 0;

  const id = (resource: Resource, key: ObjectKey) => `${resource.group}/${resource.plural}/${keyText(key)}`;
  const timestamp = () => `${clock.now().toISOString().slice(0, 19)}Z`;
  const store = (
    resource: Resource,
    before: Entry | undefined,
    object: Json,
    managers: Entry['managers'],
  ) => {
    version += 1;
    const metadata = { ...(object.metadata as Json), resourceVersion: String(version) };
    const next = deepFreeze(structuredClone({ ...object, metadata })) as unknown as KubeObject;
    const gone =
      next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0;
    const at = id(resource, next.metadata);
    if (gone) entries.delete(at);
    else entries.set(at, { object: next, managers });
    for (const listener of listeners) listener(resource, before?.object, gone ? undefined : next);
    return next;
  };
  const existing = (resource: Resource, key: ObjectKey): Entry => {
    const entry = entries.get(id(resource, key));
    if (entry === undefined) throw transient('NotFound', `${resource.kind} ${keyText(key)} does not exist`);
    return entry;
  };
  /** Writes `wanted` over what is there: nothing happens when it is the same. */
  const update = (
    resource: Resource,
    entry: Entry,
    wanted: Json,
    managers: Entry['managers'],
  ): KubeObject => {
    const former = entry.object as unknown as Json;
    const next = { ...wanted, metadata: { ...usersOwn(wanted), ...serverSet(former) } };
    refuseNewFinalizers(resource, entry.object, next);
    if (same(former, next)) {
      entries.set(id(resource, entry.object.metadata), { object: entry.object, managers });
      return entry.object;
    }
    const generation = entry.object.metadata.generation + (same(intent(former), intent(next)) ? 0 : 1);
    const metadata = generation > 0 ? { ...next.metadata, generation } : next.metadata;
    return store(resource, entry, { ...next, metadata }, managers);
  };

  const create = (resource: Resource, object: Json, manager: string): KubeObject => {
    const key = object.metadata as ObjectKey;
    if (entries.has(id(resource, key))) {
      throw transient('AlreadyExists', `${resource.kind} ${keyText(key)} exists already`);
    }
    const ours = resource.group === 'undercloud.dev';
    const filledIn = {
      uid: `uid-${version + 1}`,
      creationTimestamp: timestamp(),
      ...(ours ? { generation: 1 } : {}),
    };
    const whole = {
      ...object,
      ...(ours && object.status === undefined ? { status: { observedGeneration: -1 } } : {}),
      metadata: { ...filledIn, ...key },
    };
    return store(resource, undefined, whole, new Map([[manager, intentLeaves(object)]]));
  };

  return {
    create,
    get: (resource, key) => entries.get(id(resource, key))?.object,
    list: (resource, namespace) =>
      [...entries]
        .filter(([at]) =>
          at.startsWith(
            `${resource.group}/${resource.plural}/${namespace === undefined ? '' : `${namespace}/`}`,
          ),
        )
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { object }]) => object),
    apply(resource, object, manager) {
      const entry = entries.get(id(resource, object.metadata as ObjectKey));
      if (entry === undefined) return create(resource, object, manager);
      const { merged, managers } = serverSideApply(entry, object, manager);
      return update(resource, entry, merged, managers);
    },
    patch(resource, key, patch) {
      const entry = existing(resource, key);
      const { resourceVersion, uid } = (patch.metadata ?? {}) as Precondition;
      check(resource, entry.object, { ...(resourceVersion && { resourceVersion }), ...(uid && { uid }) });
      const merged = mergePatch(entry.object, patch) as Json;
      const changed = changedLeaves(toLeaves(entry.object), toLeaves(merged));
      return update(resource, entry, merged, handOver(entry.managers, 'patch', changed));
    },
    replaceStatus(resource, object, status) {
      const entry = existing(resource, object.metadata);
      const { resourceVersion, uid } = object.metadata;
      check(resource, entry.object, { resourceVersion, uid });
      return update(resource, entry, { ...(entry.object as unknown as Json), status }, entry.managers);
    },
    delete(resource, key, precondition) {
      const entry = entries.get(id(resource, key));
      if (entry === undefined) return;
      check(resource, entry.object, precondition);
      const { metadata } = entry.object;
      if (metadata.deletionTimestamp !== undefined) return;
      const generation = metadata.generation > 0 ? { generation: metadata.generation + 1 } : {};
      const deleted = { ...metadata, ...generation, deletionTimestamp: timestamp() };
      store(resource, entry, { ...(entry.object as unknown as Json), metadata: deleted }, entry.managers);
    },
    onChange: (listener) => void listeners.push(listener),
    version: () => version,
  };
}

/** JSON has no undefined members, and does not care about the order of keys. */
const same = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);

/** What `generation` counts the changes of: everything but metadata and status. */
const intent = (object: Json): Json => ({ ...object, metadata: null, status: null });

const metadataWhere = (object: Json, keep: (name: string) => boolean): Json =>
  Object.fromEntries(Object.entries(object.metadata as Json).filter(([name]) => keep(name)));
const serverSet = (object: Json): Json => metadataWhere(object, (name) => serverFields.includes(name));
const usersOwn = (object: Json): Json => metadataWhere(object, (name) => !serverFields.includes(name));

function check(resource: Resource, object: KubeObject, precondition: Precondition): void {
  const { uid, resourceVersion } = precondition;
  const { metadata } = object;
  if (
    (uid ?? metadata.uid) === metadata.uid &&
    (resourceVersion ?? metadata.resourceVersion) === metadata.resourceVersion
  ) {
    return;
  }
  throw transient('Conflict', `${resource.kind} ${keyText(metadata)} was changed meanwhile`);
}

function refuseNewFinalizers(
  resource: Resource,
  before: KubeObject,
  next: { readonly metadata: Json },
): void {
  if (before.metadata.deletionTimestamp === undefined) return;
  const former = new Set(before.metadata.finalizers);
  const added = ((next.metadata.finalizers ?? []) as readonly string[]).filter((name) => !former.has(name));
  if (added.length === 0) return;
  const name = keyText(before.metadata);
  throw terminal(
    'Invalid',
    `${resource.kind} ${name} is being deleted: no new finalizers can be added (${added.join()})`,
  );
}

/** The leaves that count as set by whoever sends `object`. */
function intentLeaves(object: Json): ReadonlySet<string> {
  const metadata = omit(usersOwn(object), 'name', 'namespace');
  return new Set(toLeaves({ ...omit(object, 'apiVersion', 'kind'), metadata }).keys());
}

/** Who has set what after `manager` has changed the leaves in `changed`. */
function handOver(managers: Entry['managers'], manager: string, changed: ReadonlySet<string>): Managers {
  const left = [...managers].map(
    ([name, paths]) => [name, new Set([...paths].filter((path) => !changed.has(path)))] as const,
  );
  return new Map(left).set(manager, new Set([...(managers.get(manager) ?? []), ...changed]));
}

const changedLeaves = (before: Leaves, after: Leaves): ReadonlySet<string> =>
  new Set([...after.keys()].filter((path) => !same(before.get(path), after.get(path))));

const isEmptyMap = (value: unknown): boolean => isMap(value) && Object.keys(value).length === 0;

/** With force: what the manager lists becomes its own; what it listed before and leaves out now goes, unless another has it. */
function serverSideApply(entry: Entry, object: Json, manager: string) {
  const mine = intentLeaves(object);
  const others = new Map([...entry.managers].filter(([name]) => name !== manager));
  const leaves = toLeaves(entry.object);
  for (const path of entry.managers.get(manager) ?? []) {
    if (!mine.has(path) && ![...others.values()].some((paths) => paths.has(path))) leaves.delete(path);
  }
  const wanted = toLeaves(object);
  const changed = changedLeaves(leaves, new Map([...wanted].filter(([path]) => mine.has(path))));
  for (const path of changed) {
    const within = [...leaves.keys()].filter(
      (present) => overlap(path, present) && present.length > path.length,
    );
    // An empty map wants the map to be there, and says nothing of what others have put into it.
    if (isEmptyMap(wanted.get(path)) && within.length > 0) continue;
    for (const present of [...leaves.keys()]) if (overlap(path, present)) leaves.delete(present);
    leaves.set(path, wanted.get(path));
  }
  return { merged: fromLeaves(leaves), managers: handOver(others, manager, changed).set(manager, mine) };
}
