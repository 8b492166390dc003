// What a set's images were pinned to, in the ConfigMap `<set>-image-pins`: a status that is lost, or a restore without any,
// rolls no cloud to whatever the registry has by then.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { terminal } from '../kernel/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { configMaps } from '../kube/objects.ts';
import type { FoundImage } from './lookup.ts';

const fieldManager = 'undercloud-images';
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
  readonly proposal?: Proposal;
}

export interface PinStore {
  /** Undefined where there are none yet. Throws terminal PinsInvalid. */
  read(set: ContainerImageSet, signal: AbortSignal): Promise<Pins | undefined>;
  /** Brings them up to date, if they are not. Throws terminal PinsTaken. */
  write(set: ContainerImageSet, pins: Pins, signal: AbortSignal): Promise<void>;
}

const pinsName = ({ metadata }: ContainerImageSet): string => `${metadata.name}-image-pins`;

export function createPinStore(client: KubeClient): PinStore {
  const keyFor = (set: ContainerImageSet) => ({
    namespace: set.metadata.namespace,
    name: pinsName(set),
  });
  return {
    async read(set, signal) {
      const text = (await client.get(configMaps, keyFor(set), signal))?.data?.[dataKey];
      return text === undefined ? undefined : parse(text, pinsName(set));
    },
    async write(set, pins, signal) {
      const { apiVersion, kind, metadata } = set;
      const former = await client.get(configMaps, keyFor(set), signal);
      const owners = former?.metadata.ownerReferences ?? [];
      if (
        former !== undefined &&
        !owners.some((owner) => owner.kind === kind && owner.name === metadata.name)
      ) {
        throw terminal(
          'PinsTaken',
          `ConfigMap ${pinsName(set)} is somebody else's, and image set ${metadata.name} keeps its digests under that name: rename it`,
        );
      }
      const text = `${JSON.stringify(pins, null, 2)}\n`;
      if (former?.data?.[dataKey] === text && owners.some(({ uid }) => uid === metadata.uid)) return;
      const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true };
      await client.apply(
        configMaps,
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { ...keyFor(set), ownerReferences: [owner] },
          data: { [dataKey]: text },
        },
        fieldManager,
        signal,
      );
    },
  };
}

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
    `ConfigMap ${name} does not hold what was written there: restore its key ${dataKey}, or delete it to take what the registry has now`,
  );
}

const isPins = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((pin: Partial<Record<keyof Pin, unknown>> | null) =>
    [pin?.of, pin?.name, pin?.tag, pin?.digest].every((part) => typeof part === 'string'),
  );
