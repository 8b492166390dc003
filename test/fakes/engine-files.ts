// The files of a machine in memory, behind HostFiles.
import { sha256 } from '../../src/api/canonical.ts';
import { terminal } from '../../src/kernel/errors.ts';
import type { FileState, FileWrite, HostFiles } from '../../src/host/ports.ts';
import type { FakeFile, FakeMachine, Hands } from './engine.ts';

export function fakeFiles({ files, faults }: FakeMachine, { change, ask }: Hands): HostFiles {
  const write = (file: FileWrite) => {
    if (faults.refuseWrite.has(file.path))
      throw terminal('FileRefused', `host: ${file.path}: no such owner on this host: ${file.owner}`);
    const { mode, owner } = file;
    files.set(file.path, { type: 'file', content: Buffer.from(file.content).toString(), mode, owner });
  };
  return {
    stat: (paths) => ask(() => paths.map((path) => stateOf(path, files.get(path)))),
    write: (list) => change(() => list.forEach(write)),
    ensureDirectories: (list) =>
      change(() =>
        list.forEach(({ path, mode, owner }) =>
          files.set(path, { type: 'directory', content: '', mode, owner }),
        ),
      ),
    remove: (paths) => change(() => paths.forEach((path) => files.delete(path))),
  };
}

function stateOf(path: string, file: FakeFile | undefined): FileState {
  if (file === undefined) return { path, type: 'missing', sha256: '', mode: '', owner: '' };
  const { type, content, mode, owner } = file;
  return { path, type, sha256: type === 'file' ? sha256(content) : '', mode, owner };
}
