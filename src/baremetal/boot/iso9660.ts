// Writes an ISO 9660 image with Rock Ridge names: a few small files, the same bytes for the same input.
import { terminal } from '../../kernel/errors.ts';

/*
 * ISO 9660 is cited as ECMA-119 (4th edition), Rock Ridge as RRIP 1.12, which sits on SUSP 1.12. Readers that know no Rock Ridge see
 * names in capitals.
 */
const sector = 2048;
/** ECMA-119 section 6.2.1: sectors 0 to 15 are the system area. */
const descriptorAt = 16;
const pathTableAt = { little: 18, big: 19 } as const;
const firstDirectoryAt = 20;

export interface IsoFile {
  /** `openstack/latest/meta_data.json`; directories are made of it. */
  readonly path: string;
  readonly content: string | Uint8Array;
}

interface FileEntry {
  readonly kind: 'file';
  readonly name: string;
  readonly content: Uint8Array;
  at: number;
}

interface Directory {
  readonly kind: 'directory';
  readonly name: string;
  readonly parent: Directory | undefined;
  readonly entries: Map<string, Directory | FileEntry>;
  at: number;
}

/**
 * Files are readable by root only (0400): they may hold private keys. `label` is the volume's, up to 32 characters. Throws terminal
 * ConfigDriveUnwritable for a tree that the format cannot hold.
 */
export function isoImage(label: string, files: readonly IsoFile[]): Uint8Array {
  const root = treeOf(files);
  const directories = breadthFirst(root);
  if (
    directories.some((directory) => directorySize(directory) > sector) ||
    pathTableSize(directories) > sector
  ) {
    throw unwritable('it has more files than fit into one sector of a directory');
  }
  const end = place(directories);
  const image = Buffer.alloc(end * sector);
  primaryDescriptor(label, root, pathTableSize(directories), end).copy(image, descriptorAt * sector);
  terminator.copy(image, (descriptorAt + 1) * sector);
  pathTable(directories, 'little').copy(image, pathTableAt.little * sector);
  pathTable(directories, 'big').copy(image, pathTableAt.big * sector);
  for (const directory of directories) {
    Buffer.concat(recordsOf(directory)).copy(image, directory.at * sector);
    for (const entry of directory.entries.values()) {
      if (entry.kind === 'file') image.set(entry.content, entry.at * sector);
    }
  }
  return image;
}

const unwritable = (why: string) =>
  terminal('ConfigDriveUnwritable', `the config drive cannot be written: ${why}`);

function treeOf(files: readonly IsoFile[]): Directory {
  const root: Directory = { kind: 'directory', name: '', parent: undefined, entries: new Map(), at: 0 };
  for (const { path, content } of files) {
    const names = path.split('/');
    const name = names.pop() ?? '';
    const directory = names.reduce(directoryIn, root);
    if (directory.entries.has(name)) throw unwritable(`${path} is there twice`);
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    directory.entries.set(name, { kind: 'file', name, content: bytes, at: 0 });
  }
  return root;
}

function directoryIn(parent: Directory, name: string): Directory {
  const found = parent.entries.get(name);
  if (found?.kind === 'directory') return found;
  if (found !== undefined) throw unwritable(`${name} is both a file and a directory`);
  const made: Directory = { kind: 'directory', name, parent, entries: new Map(), at: 0 };
  parent.entries.set(name, made);
  return made;
}

/** The order of the path table (ECMA-119 section 6.9.1): by level, then by parent, then by name. */
function breadthFirst(root: Directory): readonly Directory[] {
  const found = [root];
  for (const directory of found)
    found.push(...sorted(directory).filter((entry) => entry.kind === 'directory'));
  return found;
}

/** ECMA-119 section 9.3: by identifier. */
const sorted = (directory: Directory): readonly (Directory | FileEntry)[] =>
  [...directory.entries.values()].sort((a, b) => (identifierOf(a) < identifierOf(b) ? -1 : 1));

/** Gives every directory and file its first sector, and returns the first one behind all. */
function place(directories: readonly Directory[]): number {
  let next = firstDirectoryAt;
  for (const directory of directories) directory.at = next++;
  for (const entry of directories.flatMap(sorted)) {
    if (entry.kind === 'directory') continue;
    entry.at = next;
    next += Math.ceil(entry.content.length / sector);
  }
  return next;
}

/** ECMA-119 sections 7.5 and 7.6: capitals, digits and underscores; a file has one dot and a version. */
function identifierOf({ kind, name }: Directory | FileEntry): string {
  const capital = (text: string): string => text.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
  if (kind === 'directory') return capital(name);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? `${capital(name)}.;1` : `${capital(name.slice(0, dot))}.${capital(name.slice(dot + 1))};1`;
}

function recordsOf(directory: Directory): readonly Buffer[] {
  const { parent = directory } = directory;
  const children = sorted(directory).map((entry) => {
    const system = [posix(entry), alternateName(entry.name)];
    return record({ identifier: Buffer.from(identifierOf(entry)), of: entry, system });
  });
  const first = parent === directory ? [sharing, posix(directory), extensions] : [posix(directory)];
  return [
    record({ identifier: Buffer.of(0), of: directory, system: first }),
    record({ identifier: Buffer.of(1), of: parent, system: [posix(parent)] }),
    ...children,
  ];
}

const directorySize = (directory: Directory): number => Buffer.concat(recordsOf(directory)).length;
/** A directory fills its one sector. */
const sizeOf = (entry: Directory | FileEntry): number =>
  entry.kind === 'file' ? entry.content.length : sector;

interface RecordParts {
  readonly identifier: Buffer;
  readonly of: Directory | FileEntry;
  readonly system: readonly Buffer[];
}

/** ECMA-119 section 9.1.5: years since 1900, month, day, and the time: 2000-01-01, so that the bytes are the same every time. */
const date = Buffer.of(100, 1, 1, 0, 0, 0, 0);

/** ECMA-119 section 9.1. */
function record({ identifier, of, system }: RecordParts): Buffer {
  const named = 33 + identifier.length + (identifier.length % 2 === 0 ? 1 : 0);
  const length = named + system.reduce((sum, field) => sum + field.length, 0);
  if (length > 255) throw unwritable(`the name ${of.name} is too long`);
  const bytes = Buffer.alloc(length + (length % 2));
  bytes.writeUInt8(bytes.length, 0);
  bothEndian32(bytes, of.at, 2);
  bothEndian32(bytes, sizeOf(of), 10);
  date.copy(bytes, 18);
  bytes.writeUInt8(of.kind === 'directory' ? 2 : 0, 25);
  bothEndian16(bytes, 1, 28); // of one volume
  bytes.writeUInt8(identifier.length, 32);
  identifier.copy(bytes, 33);
  Buffer.concat(system).copy(bytes, named);
  return bytes;
}

/** SUSP section 5.3, SP: system use fields follow. */
const sharing = Buffer.from([...Buffer.from('SP'), 7, 1, 0xbe, 0xef, 0]);
/** SUSP section 5.5, ER: they are Rock Ridge's (RRIP section 4.3). */
const extensions = Buffer.from([...Buffer.from('ER'), 18, 1, 10, 0, 0, 1, ...Buffer.from('RRIP_1991A')]);

/** RRIP section 4.1.1, PX: mode, links, user and group, as version 1.10 has it, without an inode number. Root's. */
function posix({ kind }: Directory | FileEntry): Buffer {
  const bytes = Buffer.alloc(36);
  bytes.write('PX', 'latin1');
  bytes.writeUInt8(bytes.length, 2);
  bytes.writeUInt8(1, 3);
  bothEndian32(bytes, kind === 'directory' ? 0o040555 : 0o100400, 4);
  bothEndian32(bytes, kind === 'directory' ? 2 : 1, 12);
  return bytes;
}

/** RRIP section 4.1.4, NM: the name as it is. */
const alternateName = (name: string): Buffer =>
  Buffer.concat([Buffer.from('NM'), Buffer.of(5 + Buffer.byteLength(name), 1, 0), Buffer.from(name)]);

/** ECMA-119 section 9.4. The root's name is a zero byte, and it is its own parent. */
function pathTable(directories: readonly Directory[], order: 'little' | 'big'): Buffer {
  const entries = directories.map((directory) => {
    const name = directory.parent === undefined ? Buffer.of(0) : Buffer.from(identifierOf(directory));
    const parent = directories.indexOf(directory.parent ?? directory) + 1;
    const bytes = Buffer.alloc(8 + name.length + (name.length % 2));
    bytes.writeUInt8(name.length, 0);
    if (order === 'little') {
      bytes.writeUInt32LE(directory.at, 2);
      bytes.writeUInt16LE(parent, 6);
    } else {
      bytes.writeUInt32BE(directory.at, 2);
      bytes.writeUInt16BE(parent, 6);
    }
    name.copy(bytes, 8);
    return bytes;
  });
  return Buffer.concat(entries);
}

const pathTableSize = (directories: readonly Directory[]): number => pathTable(directories, 'little').length;

/** ECMA-119 section 8.4. Dates are digits of zero: not specified (section 8.4.26.1). */
function primaryDescriptor(label: string, root: Directory, tableSize: number, end: number): Buffer {
  const bytes = Buffer.alloc(sector);
  bytes.writeUInt8(1, 0);
  bytes.write('CD001\u0001', 1, 'latin1');
  bytes.fill(' ', 8, 72);
  bytes.write(label.slice(0, 32), 40, 'latin1');
  bothEndian32(bytes, end, 80);
  bothEndian16(bytes, 1, 120); // volumes in the set
  bothEndian16(bytes, 1, 124); // number of this one
  bothEndian16(bytes, sector, 128);
  bothEndian32(bytes, tableSize, 132);
  bytes.writeUInt32LE(pathTableAt.little, 140);
  bytes.writeUInt32BE(pathTableAt.big, 148);
  record({ identifier: Buffer.of(0), of: root, system: [] }).copy(bytes, 156);
  bytes.fill(' ', 190, 813);
  for (const at of [813, 830, 847, 864]) bytes.fill('0', at, at + 16);
  bytes.writeUInt8(1, 881); // version of the directory records
  return bytes;
}

/** ECMA-119 section 8.3: no more descriptors. */
const terminator = Buffer.concat([Buffer.of(255), Buffer.from('CD001'), Buffer.of(1)]);

/** ECMA-119 sections 7.2.3 and 7.3.3: a number in both byte orders. */
function bothEndian16(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt16LE(value, at);
  bytes.writeUInt16BE(value, at + 2);
}
function bothEndian32(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value, at);
  bytes.writeUInt32BE(value, at + 4);
}
