// The labels of an image: its configuration, by way of its manifest. Each configuration is read once.
import { terminal } from '../kernel/errors.ts';
import { configOf, platformOf } from './manifest.ts';
import type { Manifest, Registry } from './registry/port.ts';

/** Of the images that were asked for last. */
const mostKept = 500;

export type Labels = Readonly<Record<string, string>>;

export interface LabelReader {
  /** `repository` names the image in messages. Throws what the registry throws, and terminal LabelsUnreadable. */
  read(
    registry: Registry,
    repository: string,
    at: { readonly path: string; readonly tag: string },
    signal: AbortSignal,
  ): Promise<Labels>;
}

export function createLabelReader(): LabelReader {
  const byDigest = new Map<string, Labels>();
  return {
    async read(registry, repository, { path, tag }, signal) {
      const digest = await registry.digest(path, tag, signal);
      const known = digest === undefined ? undefined : byDigest.get(digest);
      if (known !== undefined) return known;
      const top = await registry.manifest(path, digest ?? tag, signal);
      const labels = labelsIn(await configText(registry, { repository, path }, top, signal), repository);
      byDigest.set(top.digest, labels);
      for (const oldest of byDigest.keys()) {
        if (byDigest.size <= mostKept) break;
        byDigest.delete(oldest);
      }
      return labels;
    },
  };
}

/** Of an image for several platforms that of Linux on AMD64 speaks for all. */
async function configText(
  registry: Registry,
  { repository, path }: { readonly repository: string; readonly path: string },
  top: Manifest,
  signal: AbortSignal,
): Promise<string> {
  const child = platformOf(top);
  const manifest = child === undefined ? top : await registry.manifest(path, child.digest, signal);
  const config = configOf(manifest);
  if (config === undefined) throw unreadable(repository, 'names no configuration');
  return Buffer.from(await registry.smallBlob(path, config, signal)).toString('utf8');
}

/** OCI image-spec, config.md; Docker's image specification v1.2 has the same. */
function labelsIn(text: string, repository: string): Labels {
  let parsed: { readonly config?: { readonly Labels?: unknown } | null } | null;
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    throw unreadable(repository, 'has a configuration that is no JSON');
  }
  const labels: object | null = objectOr(parsed?.config?.Labels ?? {});
  if (labels === null) throw unreadable(repository, 'has labels of no kind that is known');
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value] as const] : [],
    ),
  );
}

const objectOr = (value: unknown): object | null => (typeof value === 'object' ? value : null);

const unreadable = (repository: string, what: string) =>
  terminal(
    'LabelsUnreadable',
    `image ${repository} ${what}: push it again with a current tool, or give spec.tag`,
  );
