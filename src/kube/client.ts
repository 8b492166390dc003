// The port to the API server: raw JSON in and out, every write with a precondition where one is possible.
import type { KubeObject, Manifest, ObjectKey, Resource } from './objects.ts';

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
}

/** Only delete the object with this uid (and, where given, in this very version). */
export interface Precondition {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/**
 * Every method reads or writes live and throws OperatorErrors: `transient` Conflict (409 on a precondition), NotFound (what is
 * to be changed is gone), AlreadyExists, Throttled, Unauthorized, Unavailable; `terminal` Invalid (422), Forbidden,
 * NamespaceTerminating. Messages name the object and what the server said, without bodies or headers.
 */
export interface KubeClient {
  /** Undefined when there is no such object. */
  get<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    signal?: AbortSignal,
  ): Promise<T | undefined>;
  list<T extends KubeObject>(
    resource: Resource<T>,
    options?: ListOptions,
    signal?: AbortSignal,
  ): Promise<readonly T[]>;
  create<T extends KubeObject>(resource: Resource<T>, object: Manifest<T>, signal?: AbortSignal): Promise<T>;
  /** Server-side apply with force under `fieldManager`: fields that this manager set before and leaves out now are removed. */
  apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Manifest<T>,
    fieldManager: string,
    signal?: AbortSignal,
  ): Promise<T>;
  /**
   * JSON merge patch of anything but status. `patch.metadata.resourceVersion`, where given, is the precondition.
   */
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Replaces the whole status of `object`, on condition of its resourceVersion (compare and swap). */
  replaceStatus<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    status: unknown,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Does nothing when it is gone already. */
  delete<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    precondition?: Precondition,
    signal?: AbortSignal,
  ): Promise<void>;
}

/** What a reflector keeps: objects as last seen, possibly a little behind the server. Never change what you get. */
export interface Store<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  /** In order of namespace and name, so that what is derived from it is stable. */
  list(namespace?: string): readonly T[];
}

/** The stores of all the kinds that some controller watches. Throws for a kind nobody watches: that is a programming error. */
export interface Cache {
  store<T extends KubeObject>(resource: Resource<T>): Store<T>;
}
