// The files of the directory that is served: found by name, opened, listed.
import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, terminal } from '../kernel/errors.ts';
import { findRegion } from './overlay.ts';
import type { Version } from './range.ts';

export interface OpenFile {
  readonly handle: FileHandle;
  /** Bytes. */
  readonly size: number;
  readonly version: Version;
  /** Where its argument region begins; undefined where it has none. Searched once for each version of the file. */
  region(): Promise<number | undefined>;
}

export interface ListedFile {
  readonly name: string;
  readonly size: number;
  /** RFC 3339. */
  readonly modified: string;
}

export interface Files {
  /** Undefined when there is no such file, or it is not to be served. The caller closes its handle. */
  open(name: string): Promise<OpenFile | undefined>;
  /** In the order of their names. */
  list(): Promise<readonly ListedFile[]>;
}

/** No directories, nothing hidden, and nothing that could lead out of the directory. */
const servable = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}$/;
/** Names that the server has for itself. */
const reserved: readonly string[] = ['media', 'healthz'];
const mostListed = 1000;
/** Versions of files whose region is remembered. */
const mostRemembered = 100;

/** Throws terminal DirectoryUnusable when `directory` cannot be read. */
export async function createFiles(directory: string): Promise<Files> {
  const root = await realpath(directory).catch((error: unknown) => {
    throw terminal(
      'DirectoryUnusable',
      `--directory ${directory} cannot be served: ${messageOf(error)}`,
      error,
    );
  });
  const regions = new Map<string, Promise<number | undefined>>();

  const regionOf = (key: string, handle: FileHandle, size: number): Promise<number | undefined> => {
    const known = regions.get(key);
    if (known !== undefined) return known;
    const searched = findRegion(handle, size);
    regions.set(key, searched);
    searched.catch(() => regions.delete(key));
    for (const oldest of [...regions.keys()].slice(0, Math.max(regions.size - mostRemembered, 0))) {
      regions.delete(oldest);
    }
    return searched;
  };

  return {
    async open(name) {
      const place = await placeOf(root, name);
      const handle = place === undefined ? undefined : await openFile(place);
      if (handle === undefined) return undefined;
      const { size, mtimeNs, mtime, ino } = await handle.stat({ bigint: true });
      const tag = `${ino.toString(16)}-${size.toString(16)}-${mtimeNs.toString(16)}`;
      return {
        handle,
        size: Number(size),
        version: { etag: `"${tag}"`, lastModified: mtime.toUTCString() },
        region: () => regionOf(`${name} ${tag}`, handle, Number(size)),
      };
    },
    async list() {
      const names = (await readdir(root)).filter(isServable).sort().slice(0, mostListed);
      const listed = await Promise.all(names.map((name) => listedFile(root, name)));
      return listed.filter((file) => file !== undefined);
    },
  };
}

const isServable = (name: string): boolean => servable.test(name) && !reserved.includes(name);

/** A link may point to another file of the directory, and nowhere else. */
async function placeOf(root: string, name: string): Promise<string | undefined> {
  if (!isServable(name)) return undefined;
  const place = await realpath(path.join(root, name)).catch(missing);
  return place?.startsWith(`${root}${path.sep}`) === true ? place : undefined;
}

/** Only a regular file: opening a pipe would wait for its writer. */
async function openFile(place: string): Promise<FileHandle | undefined> {
  const found = await stat(place).catch(missing);
  return found?.isFile() === true ? open(place).catch(missing) : undefined;
}

async function listedFile(root: string, name: string): Promise<ListedFile | undefined> {
  const place = await placeOf(root, name);
  const found = place === undefined ? undefined : await stat(place).catch(missing);
  if (found?.isFile() !== true) return undefined;
  return { name, size: found.size, modified: found.mtime.toISOString() };
}

/** What is not there (any more) is no error of the server; what cannot be read is one. */
function missing(error: unknown): undefined {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
  throw error;
}
