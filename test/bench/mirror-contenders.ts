// Who copies: we, in a process of our own that runs compiled code as the operator does; skopeo, one by one and six at once.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { CopyJob, CopyReport } from './mirror-copy.ts';
import type { ImageSet } from './mirror-images.ts';
import { inParallel } from './raw.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
/** Within node_modules, so that what is compiled finds its packages. */
const built = path.join(root, 'node_modules/.cache/undercloud-bench');
/** As many blobs, or skopeos, as the operator has on their way by default. */
const parallel = 6;

/** Of one copy. */
export interface Timing {
  readonly seconds: number;
  /** What we know besides. */
  readonly ours?: CopyReport;
}

export type Name = 'undercloud' | 'skopeo' | '6 skopeos';

export interface Contender {
  readonly name: Name;
  copy(from: string, to: string, set: ImageSet): Promise<Timing>;
}

/** Compiles what is ours: taking the types out while it runs costs a program 30 MB and a quarter of a second. */
export async function contenders(): Promise<readonly Contender[]> {
  await run('skopeo', ['--version']).catch(() => {
    throw new Error('skopeo is missing: apt install skopeo');
  });
  await mkdir(built, { recursive: true });
  await writeFile(path.join(built, 'package.json'), JSON.stringify({ type: 'module' }));
  const compilerOptions = { noEmit: false, rootDir: root, outDir: built, types: ['node'] };
  const config = {
    extends: path.join(root, 'tsconfig.json'),
    compilerOptions,
    include: [],
    files: [path.join(import.meta.dirname, 'mirror-copy.ts')],
  };
  await writeFile(path.join(built, 'tsconfig.json'), JSON.stringify(config));
  await run(path.join(root, 'node_modules/.bin/tsc'), ['-p', path.join(built, 'tsconfig.json')]);
  return [
    { name: 'undercloud', copy: ours },
    { name: 'skopeo', copy: (from, to, set) => skopeo(from, to, set, 1) },
    { name: '6 skopeos', copy: (from, to, set) => skopeo(from, to, set, parallel) },
  ];
}

async function ours(from: string, to: string, { images }: ImageSet): Promise<Timing> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-bench-'));
  const file = path.join(directory, 'job.json');
  await writeFile(file, JSON.stringify({ from, to, images, parallel } satisfies CopyJob));
  const begun = performance.now();
  const { stdout } = await run(process.execPath, [path.join(built, 'test/bench/mirror-copy.js'), file]);
  const seconds = (performance.now() - begun) / 1000;
  await rm(directory, { recursive: true });
  const copied = JSON.parse(stdout) as CopyReport;
  if (copied.failed.length > 0) throw new Error(copied.failed.join('\n'));
  return { seconds, ours: copied };
}

async function skopeo(from: string, to: string, { images }: ImageSet, atOnce: number): Promise<Timing> {
  const begun = performance.now();
  await inParallel(images, atOnce, async ({ source, destination: { path: repository, tag } }) => {
    await run('skopeo', [
      '--insecure-policy',
      'copy',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      `docker://${from}/${source.path}:${tag}`,
      `docker://${to}/${repository}:${tag}`,
    ]);
  });
  return { seconds: (performance.now() - begun) / 1000 };
}
