// A set as local_registry_images.yaml: what is copied from where, and to which registry. Pure.
// Its form is that of openstack overcloud container image prepare --output-images-file.
import { dump } from 'js-yaml';
import type { ContainerImageSetStatusResolvedImagesItem } from '../../api/containerimageset.gen.ts';

type Image = ContainerImageSetStatusResolvedImagesItem;

export interface PushFile {
  readonly text: string;
  /** Images that are called otherwise at the destination, which such a file cannot say. */
  readonly renamed: readonly string[];
}

export function pushFile(images: readonly Image[]): PushFile {
  const items = images.map((image) => ({ image, item: itemOf(image) }));
  return {
    text: dump({ container_images: items.map(({ item }) => item) }, { lineWidth: -1, seqNoIndent: true }),
    renamed: items
      .filter(({ image, item }) => image.source !== undefined && !('push_destination' in item))
      .map(({ image }) => image.name),
  };
}

/** TripleO puts push_destination in the place of the source's host; nothing else can differ. */
function itemOf({ source, reference }: Image): Readonly<Record<string, string>> {
  if (source === undefined) return { imagename: reference };
  const path = source.slice(source.indexOf('/'));
  if (!reference.endsWith(path)) return { imagename: source };
  return { imagename: source, push_destination: reference.slice(0, -path.length) };
}
