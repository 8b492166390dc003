// Debian's docker-registry, as a process of its own over a directory of the test's.
import { execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../../support/wait.ts';
import { keepTrackOf, killChild } from '../bare-metal/children.ts';
import { freeTcpPort } from '../bare-metal/ports.ts';

export interface Registry {
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly storage: string;
  /** Gives its own file system another size. */
  resize(megabytes: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Several may share a directory, and then have the same images. With `megabytes` it is a file system of its own, of that size: seen by this
 * process alone, and gone with it.
 */
export async function startRegistry(storage: string, megabytes?: number): Promise<Registry> {
  await mkdir(storage, { recursive: true });
  const port = await freeTcpPort();
  const host = `127.0.0.1:${port}`;
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: host },
  };
  const file = `${storage}-${port}.json`;
  // It reads YAML, of which JSON is a part.
  await writeFile(file, JSON.stringify(config));
  const mount = `mount -t tmpfs -o size=${megabytes ?? 0}m tmpfs "$0" && exec "$@"`;
  const apart = megabytes === undefined ? [] : ['unshare', '-m', 'sh', '-c', mount, storage];
  const child = spawn('env', [...apart, 'docker-registry', 'serve', file], { stdio: 'ignore' });
  keepTrackOf(child);
  await eventually(`docker-registry answers at ${host}`, 30, async () =>
    (await fetch(`http://${host}/v2/`)).ok ? true : undefined,
  );
  return {
    host,
    storage,
    async resize(size) {
      const remount = ['mount', '-o', `remount,size=${size}m`, storage];
      await promisify(execFile)('nsenter', ['-t', String(child.pid), '-m', ...remount]);
    },
    stop: () => killChild(child),
  };
}

/** Where a registry keeps a blob. */
export const blobFile = (storage: string, digest: string): string =>
  path.join(storage, 'docker/registry/v2/blobs', ...partsOf(digest), 'data');

/** Where it notes that a repository has a blob. */
export const linkFile = (storage: string, repository: string, digest: string): string =>
  path.join(repositoryIn(storage, repository), '_layers', digest.replace(':', '/'), 'link');

/** Where it notes what a tag stands for. */
export const tagFile = (storage: string, repository: string, tag: string): string =>
  path.join(repositoryIn(storage, repository), '_manifests/tags', tag, 'current/link');

const repositoryIn = (storage: string, repository: string): string =>
  path.join(storage, 'docker/registry/v2/repositories', repository);

function partsOf(digest: string): readonly string[] {
  const [algorithm = '', hex = ''] = digest.split(':');
  return [algorithm, hex.slice(0, 2), hex];
}
