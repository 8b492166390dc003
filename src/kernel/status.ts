// Writes status: only when it differs, on condition that nobody wrote meanwhile, and progress no more than once in 5 s.
import { canonicalJson } from '../api/canonical.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Condition, KubeObject, Resource } from '../kube/objects.ts';
import type { Clock } from './clock.ts';

const progressIntervalMs = 5_000;

/** `deferred`: nothing was written; come back in `ms`. */
export type Written<T> =
  | { readonly kind: 'written'; readonly object: T }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'deferred'; readonly ms: number };

export interface StatusWriter {
  /**
   * Replaces the whole status of `object` if it differs from what `object` has. While its conditions (type, status and
   * reason) and observedGeneration stay the same, that is progress, written at most once in 5 s per object unless
   * `urgent`. Throws transient Conflict when `object` is not the newest.
   */
  write<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    status: Readonly<Record<string, unknown>>,
    options?: { readonly urgent?: boolean },
  ): Promise<Written<T>>;
}

interface StatusShape {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

export function createStatusWriter(deps: {
  readonly client: KubeClient;
  readonly clock: Clock;
}): StatusWriter {
  const { client, clock } = deps;
  /** By uid, oldest first; entries older than the interval mean nothing and are dropped. */
  const writtenAt = new Map<string, number>();

  const msToWait = (uid: string): number => {
    const now = clock.monotonic();
    for (const [known, at] of writtenAt) {
      if (now - at < progressIntervalMs) break;
      writtenAt.delete(known);
    }
    const last = writtenAt.get(uid);
    return last === undefined ? 0 : last + progressIntervalMs - now;
  };

  return {
    async write<T extends KubeObject>(
      resource: Resource<T>,
      object: T,
      status: Readonly<Record<string, unknown>>,
      options: { readonly urgent?: boolean } = {},
    ): Promise<Written<T>> {
      const former: unknown = (object as { readonly status?: unknown }).status ?? {};
      if (canonicalJson(former) === canonicalJson(status)) return { kind: 'unchanged' };
      const { uid } = object.metadata;
      if (options.urgent !== true && meaning(former) === meaning(status)) {
        const ms = msToWait(uid);
        if (ms > 0) return { kind: 'deferred', ms };
      }
      const written = await client.replaceStatus(resource, object, status);
      writtenAt.delete(uid);
      writtenAt.set(uid, clock.monotonic());
      return { kind: 'written', object: written };
    },
  };
}

/** What others wait for or act on: everything else in a status is progress. */
function meaning(status: unknown): string {
  const { observedGeneration, conditions = [] } = status as StatusShape;
  return canonicalJson([
    observedGeneration,
    conditions.map(({ type, status: value, reason }) => [type, value, reason]),
  ]);
}
