// What a manifest or an index says belongs to an image: other manifests, and blobs. Pure.
import { terminal } from '../../kernel/errors.ts';
import { descriptorOf, listOf, parseJson, recordOf } from '../registry/document.ts';
import type { Descriptor, Manifest } from '../registry/port.ts';

export interface Contents {
  /** Of an index: one for each platform, and what goes with them. */
  readonly manifests: readonly Descriptor[];
  /** The configuration first. Without layers that the registry is not to hold. */
  readonly blobs: readonly Descriptor[];
}

/** OCI image-spec, image-index.md; Docker's image manifest V2 schema 2, "Manifest List". */
const indexTypes: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
/** OCI image-spec, manifest.md; Docker's image manifest V2 schema 2, "Image Manifest". */
const imageTypes: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
/** OCI image-spec, layer.md, "Non-Distributable Layers"; Docker's "foreign" layers. */
const notDistributed =
  /^application\/vnd\.(oci\.image\.layer\.nondistributable|docker\.image\.rootfs\.foreign)\./;

/**
 * `name` says in messages which image it is. Throws terminal ManifestUnsupported for anything that is not passed on byte for
 * byte (as schema 1), and ManifestInvalid.
 */
export function contentsOf(manifest: Manifest, name: string): Contents {
  const { mediaType } = manifest;
  const parsed = recordOf(parseJson(manifest.content));
  if (indexTypes.includes(mediaType)) {
    return { manifests: descriptorsIn(parsed, 'manifests', name), blobs: [] };
  }
  if (!imageTypes.includes(mediaType)) {
    throw terminal(
      'ManifestUnsupported',
      `${name} is of type ${mediaType.slice(0, 100)}, which cannot be copied byte for byte: push the image again with a current tool`,
    );
  }
  const config = descriptorOf(parsed.config);
  if (config === undefined) throw invalid(name, 'config');
  const copied = { layers: listOf(parsed.layers).filter((layer) => !isElsewhere(layer)) };
  if (!Array.isArray(parsed.layers)) throw invalid(name, 'layers');
  return { manifests: [], blobs: [config, ...descriptorsIn(copied, 'layers', name)] };
}

function descriptorsIn(
  parsed: Readonly<Record<string, unknown>>,
  field: string,
  name: string,
): readonly Descriptor[] {
  const list = parsed[field];
  if (!Array.isArray(list)) throw invalid(name, field);
  return list.map((element: unknown) => {
    const descriptor = descriptorOf(element);
    if (descriptor === undefined) throw invalid(name, field);
    return descriptor;
  });
}

/** Engines fetch such a layer from where its `urls` say: its licence may not allow it to be copied. */
function isElsewhere(layer: unknown): boolean {
  const { mediaType, urls } = recordOf(layer);
  return typeof mediaType === 'string' && notDistributed.test(mediaType) && listOf(urls).length > 0;
}

const invalid = (name: string, field: string) =>
  terminal(
    'ManifestInvalid',
    `${name} has no valid ${field} (digests of sha256 or sha512 with their sizes, each of at most 1 TB): push the image again with a current tool`,
  );
