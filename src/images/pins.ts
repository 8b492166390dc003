// What a set's images were pinned to, in the ConfigMap `<set>-image-pins`: a status that is lost, or a restore without any,
// rolls no cloud to whatever the registry has by then.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { terminal, transient } from '../kernel/errors.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { configMaps, type ConfigMap } from '../kube/objects.ts';
import type { FoundImage } from './lookup.ts';

const dataKey = 'pins.json';

export interface Pin extends FoundImage {
  /** As resolve.ts' identityOf says it: with another of these the pin is of no use. */
  readonly of: string;
  readonly name: string;
}

/** What the registry has by now, waiting for somebody to accept it. */
export interface Proposal {
  readonly id: string;
  /** ISO 8601. */
  readonly foundAt: string;
  readonly images: readonly Pin[];
}

export interface Pins {
  readonly images: readonly Pin[];
  /** The value of the annotation undercloud.dev/retry at which they were looked up. */
  readonly retry?: string;
  /** The value of undercloud.dev/reconcile-requested-at that the last lookup answered. */
  readonly requested?: string;
  readonly proposal?: Proposal;
}

export interface PinStore {
  /** Undefined where there are none yet. Throws terminal PinsInvalid. */
  read(set: ContainerImageSet, signal: AbortSignal): Promise<Pins | undefined>;
  /** Whether they stand there, and are this very set's, as far as the cache knows. Free. */
  isCurrent(set: ContainerImageSet, pins: Pins): boolean;
  /**
   * Puts `pins` in the place of `former`, which is what was read or written last. Throws terminal PinsTaken, and transient
   * PinsChanged where something else stands there by now: another leader, or a person, knows better.
   */
  write(set: ContainerImageSet, former: Pins | undefined, pins: Pins, signal: AbortSignal): Promise<void>;
}

const suffix = '-image-pins';
const pinsName = ({ metadata }: ContainerImageSet): string => `${metadata.name}${suffix}`;

/** The set whose pins a ConfigMap of this name would be; undefined for all others. */
export const setPinnedBy = (name: string): string | undefined =>
  name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;

export function createPinStore(deps: { readonly client: KubeClient; readonly cache: Cache }): PinStore {
  const { client, cache } = deps;
  const keyFor = (set: ContainerImageSet) => ({
    namespace: set.metadata.namespace,
    name: pinsName(set),
  });
  return {
    async read(set, signal) {
      const text = (await client.get(configMaps, keyFor(set), signal))?.data?.[dataKey];
      return text === undefined ? undefined : parse(text, pinsName(set));
    },
    isCurrent(set, pins) {
      const there = cache.store(configMaps).get(keyFor(set));
      return there?.data?.[dataKey] === textOf(pins) && isOwnedBy(there, set);
    },
    async write(set, former, pins, signal) {
      const there = await client.get(configMaps, keyFor(set), signal);
      const metadata = { ...keyFor(set), ownerReferences: [ownerOf(set)] };
      const data = { [dataKey]: textOf(pins) };
      if (there === undefined) {
        // Somebody else's that comes in between is a conflict, and tried again.
        await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, signal);
        return;
      }
      checkMayReplace(set, there, former);
      if (there.data?.[dataKey] === textOf(pins) && isOwnedBy(there, set)) return;
      const { resourceVersion } = there.metadata;
      const { ownerReferences } = metadata;
      await client.patch(
        configMaps,
        keyFor(set),
        { metadata: { resourceVersion, ownerReferences }, data },
        signal,
      );
    },
  };
}

function checkMayReplace(set: ContainerImageSet, there: ConfigMap, former: Pins | undefined): void {
  const { kind, metadata } = set;
  const owners = there.metadata.ownerReferences ?? [];
  if (!owners.some((owner) => owner.kind === kind && owner.name === metadata.name)) {
    throw terminal(
      'PinsTaken',
      `ConfigMap ${pinsName(set)} is somebody else's, and image set ${metadata.name} keeps its digests under that name: rename it`,
    );
  }
  const text = there.data?.[dataKey];
  if (text === undefined || (former !== undefined && text === textOf(former))) return;
  throw transient('PinsChanged', `ConfigMap ${pinsName(set)} was changed meanwhile: it is read anew`);
}

/** Of a restored or re-created set the name is the same, and the UID is another. */
const isOwnedBy = (configMap: ConfigMap, { metadata }: ContainerImageSet): boolean =>
  configMap.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true;

const ownerOf = ({ apiVersion, kind, metadata }: ContainerImageSet) => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid,
  controller: true,
});

const textOf = (pins: Pins): string => `${JSON.stringify(pins, null, 2)}\n`;

/** Whoever edits them by hand is told, rather than rolled to what the registry has. */
function parse(text: string, name: string): Pins {
  try {
    const pins = JSON.parse(text) as Pins | null;
    if (pins !== null && isPins(pins.images) && isPins(pins.proposal?.images ?? [])) return pins;
  } catch {
    // Said below.
  }
  throw terminal(
    'PinsInvalid',
    `ConfigMap ${name} does not hold what was written there: restore its key ${dataKey}, or delete it to go on with what status.resolved has`,
  );
}

const isPins = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((pin: Partial<Record<keyof Pin, unknown>> | null) =>
    [pin?.of, pin?.name, pin?.tag, pin?.digest].every((part) => typeof part === 'string'),
  );
