// Reads manifests and indexes (OCI image-spec, manifest.md and image-index.md; Docker's image manifest V2 schema 2). Pure.
import type { Descriptor, Manifest } from './registry/port.ts';

const digestPattern = /^sha256:[0-9a-f]{64}$/;

interface Part {
  readonly digest?: unknown;
  readonly size?: unknown;
  readonly platform?: { readonly os?: unknown; readonly architecture?: unknown } | null;
}

interface Content {
  readonly config?: Part | null;
  readonly layers?: readonly (Part | null)[];
  readonly manifests?: readonly (Part | null)[];
}

/** Undefined for an index, and for what names none. */
export const configOf = (manifest: Manifest): Descriptor | undefined =>
  descriptorOf(contentOf(manifest).config);

/** Of an index the manifest for Linux on AMD64, else its first; undefined for what is no index. */
export function platformOf(manifest: Manifest): Descriptor | undefined {
  const { manifests } = contentOf(manifest);
  if (!Array.isArray(manifests)) return undefined;
  const parts = manifests as readonly (Part | null)[];
  const usual = parts.find(
    (part) => part?.platform?.os === 'linux' && part.platform.architecture === 'amd64',
  );
  return descriptorOf(usual ?? parts[0]);
}

/** What an engine pulls that has no layer of it yet; undefined for an index, where that depends on the host. */
export function bytesPulled(manifest: Manifest): number | undefined {
  const { config, layers } = contentOf(manifest);
  if (!Array.isArray(layers)) return undefined;
  const parts = [config, ...(layers as readonly (Part | null)[])].flatMap((part) => descriptorOf(part) ?? []);
  return parts.reduce((sum, { size }) => sum + size, manifest.size);
}

function contentOf({ content }: Manifest): Content {
  try {
    return (JSON.parse(Buffer.from(content).toString('utf8')) as Content | null) ?? {};
  } catch {
    // Its digest is right, so that is what was pushed: an engine refuses it in its own words.
    return {};
  }
}

function descriptorOf(part: Part | null | undefined): Descriptor | undefined {
  const { digest, size } = part ?? {};
  if (typeof digest !== 'string' || !digestPattern.test(digest)) return undefined;
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? { digest, size } : undefined;
}
