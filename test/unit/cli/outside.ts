// Everything around a command, in memory: what it prints, the files and URLs that there are, and a cluster of ConfigMaps.
import type { Role } from '../../../src/api/role.gen.ts';
import type { Cluster } from '../../../src/cli/cluster.ts';
import type { Outside, Source } from '../../../src/cli/outside/port.ts';
import { run } from '../../../src/cli/run.ts';
import { terminal } from '../../../src/kernel/errors.ts';
import type { ConfigMap, KubeObject } from '../../../src/kube/objects.ts';

export interface World {
  readonly files?: Readonly<Record<string, string>>;
  readonly urls?: Readonly<Record<string, string>>;
  /** The text of undercloud-images, when the cluster has it. */
  readonly images?: string;
  /** The osImage of a Role each: its URL, or the name of an image. */
  readonly roleImages?: readonly string[];
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The text of undercloud-images afterwards. */
  readonly images: string | undefined;
}

/** Runs the command line `args` in `world`. Latin-1 is how the world's texts become bytes. */
export async function runIn(world: World, ...args: readonly string[]): Promise<Outcome> {
  let out = '';
  let err = '';
  const { cluster, images } = clusterOf(world);
  const outside: Outside = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    progress: () => undefined,
    ask: () => Promise.resolve(undefined),
    readText: (path) => Promise.resolve(entry(world.files, path)),
    openFile: (path) => Promise.resolve(sourceOf(entry(world.files, path))),
    openUrl: (url) => Promise.resolve(sourceOf(entry(world.urls, url))),
    sizeOfUrl: (url) => Promise.resolve(world.urls?.[url]?.length),
    connect: () => ({ ...cluster, close: () => Promise.resolve() }),
  };
  const code = await run(args, outside);
  return { code, out, err, images: images() };
}

function entry(entries: Readonly<Record<string, string>> = {}, name: string): string {
  const found = entries[name];
  if (found === undefined) throw terminal('FileUnreadable', `cannot read ${name}: it is not there`);
  return found;
}

function sourceOf(text: string): Source {
  const bytes = Buffer.from(text, 'latin1');
  // In pieces of three, so that nobody counts on more.
  async function* pieces(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 3) yield await Promise.resolve(bytes.subarray(at, at + 3));
  }
  return { size: bytes.length, chunks: pieces() };
}

function clusterOf({ images, roleImages = [] }: World) {
  const metadata = { name: 'undercloud-images', namespace: 'lab', resourceVersion: '7' };
  let stored = images;
  const roles = roleImages.map((image, index) => ({
    metadata: { name: `role${index}` },
    spec: { osImage: image.includes('/') ? { url: image, checksum: '' } : { name: image } },
  }));
  const cluster: Cluster = {
    namespace: 'lab',
    get<T extends KubeObject>() {
      const found = stored === undefined ? undefined : { metadata, data: { 'images.yaml': stored } };
      return Promise.resolve(found as unknown as T | undefined);
    },
    list: <T extends KubeObject>() => Promise.resolve(roles as unknown as readonly (T & Role)[]),
    apply<T extends KubeObject>(...[, draft, { dryRun }]: Parameters<Cluster['apply']>) {
      if (!dryRun) stored = (draft as unknown as ConfigMap).data?.['images.yaml'];
      return Promise.resolve(draft as unknown as T);
    },
  };
  return { cluster, images: () => stored };
}
