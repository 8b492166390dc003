// File operations on the host, through the helper.
import { terminal } from '../../kernel/errors.ts';
import type { FileWrite, HostFiles, SessionTarget } from '../ports.ts';
import type { HelperClient } from './helper-client.ts';
import type { EncodedFile } from './helper-protocol.ts';

/**
 * Content per request, in bytes, so that no line of the protocol gets too long for the helper (64 MiB in
 * base64).
 */
const batchBytes = 8 * 1024 * 1024;
const fileLimit = 32 * 1024 * 1024;

/** `name` begins every message. */
export function createHostFiles(
  helper: HelperClient,
  engine: SessionTarget['engine'],
  name: string,
): HostFiles {
  const changed = async (paths: readonly string[], signal: AbortSignal) => {
    if (paths.some(isRegistriesConfig)) await reloadRegistries(helper, engine, signal);
  };
  return {
    stat: (paths, signal) => helper.request('stat', { paths }, signal),
    async write(files, signal) {
      for (const batch of batches(files, name)) {
        await helper.request('write', { files: batch.map(encoded) }, signal);
      }
      await changed(
        files.map(({ path }) => path),
        signal,
      );
    },
    async ensureDirectories(directories, signal) {
      await helper.request('ensureDirectories', { directories }, signal);
    },
    async remove(paths, signal) {
      await helper.request('remove', { paths }, signal);
      await changed(paths, signal);
    },
  };
}

/** containers-registries.conf(5), and the files in the directory of that name. */
function isRegistriesConfig(path: string): boolean {
  return path.startsWith('/etc/containers/registries.conf');
}

/**
 * Podman's service reads registries.conf once and keeps it for as long as it runs, which is as long as we
 * listen to its events; it forgets it on SIGHUP (tried with 4.3.1). Docker has nothing of the kind that we
 * write.
 */
export async function reloadRegistries(
  helper: HelperClient,
  engine: SessionTarget['engine'],
  signal: AbortSignal,
): Promise<void> {
  if (engine === 'Podman') await helper.request('reloadEngine', { service: 'podman.service' }, signal);
}

function encoded(file: FileWrite): EncodedFile {
  return { ...file, content: Buffer.from(file.content).toString('base64') };
}

function batches(files: readonly FileWrite[], name: string): FileWrite[][] {
  const result: FileWrite[][] = [];
  let room = 0;
  for (const file of files) {
    const size = file.content.byteLength;
    if (size > fileLimit) {
      const message = `${name}: ${file.path} has ${size} bytes, ${fileLimit} is the most we write`;
      throw terminal('FileRefused', message);
    }
    const last = result.at(-1);
    if (last === undefined || size > room) {
      result.push([file]);
      room = batchBytes - size;
    } else {
      last.push(file);
      room -= size;
    }
  }
  return result;
}
