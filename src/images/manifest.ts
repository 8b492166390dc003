// Reads manifests and indexes (OCI image-spec, manifest.md and image-index.md; Docker's image manifest V2 schema 2). Pure.
import { descriptorOf, listOf, parseJson, recordOf } from './registry/document.ts';
import type { Descriptor, Manifest } from './registry/port.ts';

/** Undefined for an index, and for what names none. */
export const configOf = (manifest: Manifest): Descriptor | undefined =>
  descriptorOf(contentOf(manifest).config);

/** Of an index the manifest for Linux on AMD64, else its first; undefined for what is no index. */
export function platformOf(manifest: Manifest): Descriptor | undefined {
  const parts = listOf(contentOf(manifest).manifests);
  const usual = parts.find((part) => {
    const { os, architecture } = recordOf(recordOf(part).platform);
    return os === 'linux' && architecture === 'amd64';
  });
  return descriptorOf(usual ?? parts[0]);
}

/**
 * What an engine pulls that has no layer of it yet, at most 2^53 - 1; undefined for an index, where that depends on the host. What
 * is no descriptor is left out: an engine refuses the image in its own words.
 */
export function bytesPulled(manifest: Manifest): number | undefined {
  const { config, layers } = contentOf(manifest);
  if (!Array.isArray(layers)) return undefined;
  const parts = [config, ...listOf(layers)].flatMap((part) => descriptorOf(part) ?? []);
  const bytes = parts.reduce((sum, { size }) => sum + size, manifest.size);
  return Math.min(bytes, Number.MAX_SAFE_INTEGER);
}

/** Its digest is right, so that is what was pushed, whatever it is. */
const contentOf = ({ content }: Manifest): Readonly<Record<string, unknown>> => recordOf(parseJson(content));
