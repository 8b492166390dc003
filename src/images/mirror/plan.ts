// What a copy consists of: each distinct blob with the repositories that need it, and each image's manifests in order. Pure.
import { terminal, type OperatorError } from '../../kernel/errors.ts';
import type { Descriptor, Manifest } from '../registry/port.ts';
import type { MirrorImage } from './image.ts';

/** A manifest as it was read, with all that it names. */
export interface ManifestTree {
  readonly manifest: Manifest;
  readonly blobs: readonly Descriptor[];
  readonly children: readonly ManifestTree[];
}

/** What the source has of an image and the destination lacks. */
export interface ReadImage {
  readonly image: MirrorImage;
  /** Absent where the destination has it: then only attachments are to be copied. */
  readonly tree?: ManifestTree;
  readonly attachments: readonly { readonly tag: string; readonly tree: ManifestTree }[];
}

export interface BlobPlan extends Descriptor {
  /** The repositories of the destination that need it, and for each where the source has it. */
  readonly places: readonly BlobPlace[];
}

export interface BlobPlace {
  readonly repository: string;
  readonly source: string;
}

export interface ImagePlan {
  readonly image: MirrorImage;
  readonly blobs: readonly BlobPlan[];
  /**
   * In this order: children before their index (registries refuse an index of what they do not have), then signatures, the
   * image's own tag last, so that whoever sees the tag can have all of the image.
   */
  readonly manifests: readonly { readonly reference: string; readonly manifest: Manifest }[];
}

export interface MirrorPlan {
  /** The largest first: a large one that starts last has the others wait. */
  readonly blobs: readonly BlobPlan[];
  readonly images: readonly ImagePlan[];
}

export function planOf(images: readonly ReadImage[]): MirrorPlan {
  const byKey = new Map<string, { readonly blob: Descriptor; readonly sources: Map<string, string> }>();
  for (const read of images) {
    const { source, destination } = read.image;
    for (const blob of blobsOf(read)) {
      const entry = byKey.get(keyOf(blob)) ?? { blob, sources: new Map<string, string>() };
      byKey.set(keyOf(blob), entry);
      if (!entry.sources.has(destination.path)) entry.sources.set(destination.path, source.path);
    }
  }
  const plans = new Map(
    [...byKey].map(([key, { blob, sources }]): [string, BlobPlan] => [
      key,
      { ...blob, places: [...sources].map(([repository, source]) => ({ repository, source })) },
    ]),
  );
  return {
    blobs: [...plans.values()].sort((a, b) => b.size - a.size),
    images: images.map((read) => ({
      image: read.image,
      blobs: [...new Set(blobsOf(read).map(keyOf))].flatMap((key) => plans.get(key) ?? []),
      manifests: manifestsOf(read),
    })),
  };
}

/** All that an image and its attachments name; the same blob may be there several times. */
const blobsOf = ({ tree, attachments }: ReadImage): readonly Descriptor[] =>
  [...attachments.map((attachment) => attachment.tree), ...(tree === undefined ? [] : [tree])].flatMap(
    blobsIn,
  );

/** Every blob of a tree, with repetitions. */
export const blobsIn = ({ blobs, children }: ManifestTree): readonly Descriptor[] => [
  ...blobs,
  ...children.flatMap(blobsIn),
];

/** With its size: a manifest that lies about it is refused on its own account, and not at the cost of those that do not. */
const keyOf = ({ digest, size }: Descriptor): string => `${digest} ${size}`;

function manifestsOf({ image, tree, attachments }: ReadImage): ImagePlan['manifests'] {
  const tagged = [...attachments, ...(tree === undefined ? [] : [{ tag: image.destination.tag, tree }])];
  return tagged.flatMap(({ tag, tree: { manifest, children } }) => [
    ...children.flatMap(byDigest),
    { reference: tag, manifest },
  ]);
}

const byDigest = ({ manifest, children }: ManifestTree): ImagePlan['manifests'] => [
  ...children.flatMap(byDigest),
  { reference: manifest.digest, manifest },
];

/** Images that would end under the tag of another one: the first of them keeps it. */
export function collisions(images: readonly MirrorImage[]): ReadonlyMap<MirrorImage, OperatorError> {
  const first = new Map<string, MirrorImage>();
  const refused = new Map<MirrorImage, OperatorError>();
  for (const image of images) {
    const location = `${image.destination.path}:${image.destination.tag}`;
    const other = first.get(location);
    if (other === undefined) first.set(location, image);
    else if (other.source.digest !== image.source.digest) {
      refused.set(
        image,
        terminal(
          'DestinationTaken',
          `images ${other.name} and ${image.name} differ, and both would be ${location} in the destination: give one of them another name, namespace or tag in spec.overrides`,
        ),
      );
    }
  }
  return refused;
}
