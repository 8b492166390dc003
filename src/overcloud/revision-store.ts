// The revisions that there are, as ControllerRevisions: reading them, cutting a new one, and which of the old ones are kept.
import { objectLabels } from '../api/names.ts';
import type { Overcloud } from '../api/overcloud.gen.ts';
import { decodeRevision, type RevisionPayload, type StoredRevision } from '../api/revision.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { controllerRevisions, keyOf, type ControllerRevision } from '../kube/objects.ts';
import { metadataFor } from './host-object.ts';

/** How many revisions of a role are kept beside those that somebody names. */
const historyLimit = 10;
/** Payloads are some hundred KB each. */
const rememberedPayloads = 200;

export interface Revision {
  readonly name: string;
  readonly role: string;
  /** Counts all revisions of the cloud, whatever their role: the higher, the newer. */
  readonly number: number;
  /** Undefined where it cannot be read. */
  readonly payload: RevisionPayload | undefined;
}

/** A revision that is to be made. */
export interface NewRevision {
  readonly name: string;
  readonly role: string;
  readonly number: number;
  readonly payload: RevisionPayload;
  readonly stored: StoredRevision;
}

/** Reads ControllerRevisions; their data never changes, so that each is decoded once. */
export function createRevisionReader(): (object: ControllerRevision) => Revision {
  const payloads = new Map<string, RevisionPayload | undefined>();
  return (object) => {
    const { name, uid, labels } = object.metadata;
    if (!payloads.has(uid)) {
      if (payloads.size >= rememberedPayloads) payloads.clear();
      payloads.set(uid, readPayload(name, object.data));
    }
    return {
      name,
      role: labels?.[objectLabels.role] ?? '',
      number: object.revision,
      payload: payloads.get(uid),
    };
  };
}

/** What somebody damaged is as good as gone: its role's input makes it again under the same name once it is deleted. */
function readPayload(name: string, data: unknown): RevisionPayload | undefined {
  try {
    return decodeRevision(name, data);
  } catch (thrown) {
    if (thrown instanceof OperatorError && thrown.kind === 'terminal') return undefined;
    throw thrown;
  }
}

export async function cutRevision(
  client: KubeClient,
  overcloud: Overcloud,
  revision: NewRevision,
  signal: AbortSignal,
): Promise<void> {
  const manifest = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: metadataFor(overcloud, revision.name, { [objectLabels.role]: revision.role }),
    revision: revision.number,
    data: revision.stored,
  };
  try {
    await client.create(controllerRevisions, manifest, signal);
  } catch (thrown) {
    // The name says the content: whoever made it made the same.
    if (!(thrown instanceof OperatorError) || thrown.reason !== 'AlreadyExists') throw thrown;
  }
}

/** The oldest of each role beyond the limit, but for those that are named: by a host, a pin or the role's input now. */
export function prunable(revisions: readonly Revision[], named: ReadonlySet<string>): readonly Revision[] {
  const byRole = Map.groupBy(revisions, ({ role }) => role);
  return [...byRole.values()].flatMap((ofRole) =>
    ofRole
      .toSorted((a, b) => b.number - a.number)
      .slice(historyLimit)
      .filter(({ name }) => !named.has(name)),
  );
}

export async function pruneRevisions(
  client: KubeClient,
  objects: readonly ControllerRevision[],
  prune: readonly Revision[],
  signal: AbortSignal,
): Promise<void> {
  const names = new Set(prune.map(({ name }) => name));
  for (const object of objects.filter(({ metadata }) => names.has(metadata.name))) {
    await client.delete(controllerRevisions, keyOf(object), { uid: object.metadata.uid }, signal);
  }
}
