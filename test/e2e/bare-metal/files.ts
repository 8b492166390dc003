// What machines fetch, served by the media server as its own process: an image, a kernel, a ramdisk, and an ISO of the ramdisk.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { argumentRegion } from '../../../src/api/media.ts';
import { keepTrackOf, killChild } from './children.ts';

const root = path.resolve(import.meta.dirname, '../../..');

export interface File {
  readonly url: string;
  readonly checksum: string;
}

export interface Files {
  readonly disk: File;
  readonly kernel: File;
  readonly ramdisk: File;
  /** Has the region for kernel arguments. */
  readonly iso: File;
  close(): Promise<void>;
}

export async function startFiles(directory: string): Promise<Files> {
  const served = path.join(directory, 'served');
  const tree = path.join(directory, 'tree');
  await Promise.all([served, path.join(tree, 'boot')].map((name) => mkdir(name, { recursive: true })));
  const contents = [
    ['disk.raw', randomBytes(3_000_001)],
    ['kernel', randomBytes(1000)],
    ['ramdisk', randomBytes(2000)],
  ] as const;
  for (const [name, bytes] of contents) await writeFile(path.join(served, name), bytes);
  const region = argumentRegion.marker.padEnd(argumentRegion.length, '#');
  await writeFile(path.join(tree, 'boot', 'undercloud.cfg'), region);
  const iso = path.join(served, 'agent.iso');
  await promisify(execFile)('xorriso', ['-as', 'mkisofs', '-quiet', '-R', '-V', 'AGENT', '-o', iso, tree]);
  const { child, port } = await startMedia(served);
  const file = async (name: string): Promise<File> => {
    const digest = createHash('sha256').update(await readFile(path.join(served, name)));
    return { url: `http://127.0.0.1:${port}/${name}`, checksum: `sha256:${digest.digest('hex')}` };
  };
  return {
    disk: await file('disk.raw'),
    kernel: await file('kernel'),
    ramdisk: await file('ramdisk'),
    iso: await file('agent.iso'),
    close: () => killChild(child),
  };
}

/** Its first line says where it listens. */
async function startMedia(directory: string): Promise<{ child: ChildProcess; port: number }> {
  const flags = ['--directory', directory, '--listen', '127.0.0.1:0'];
  const child = spawn(process.execPath, [path.join(root, 'dist/media/main.js'), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  keepTrackOf(child);
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
  while (!said.includes('\n')) await once(child.stdout, 'data');
  const { port } = JSON.parse(said.split('\n')[0] ?? '') as { readonly port: number };
  return { child, port };
}
