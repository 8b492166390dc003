// A file's checksum and format: from what the user says, else from a local copy, else from the URL, read to its end.
import { createHash } from 'node:crypto';
import { checksumProblem, type ImageFile, imageUrlProblem } from '../../api/images.ts';
import { wrongUsage } from '../command.ts';
import type { Outside, Source } from '../outside/port.ts';

/** The first bytes of a qcow2 image (QEMU, docs/interop/qcow2.rst, "Header"). */
const qcow2Magic = Buffer.from('QFI\u00fb', 'latin1');
const mebi = 1024 * 1024;

/** One file as the command line names it. */
export interface Wanted {
  /** Of the flag with its URL, for messages: `--kernel`. */
  readonly flag: string;
  readonly url: string;
  readonly checksum: string | undefined;
  /** A local copy of what is at the URL. */
  readonly file: string | undefined;
}

export interface Known extends ImageFile {
  /** What its first bytes are; undefined where we read none. */
  readonly content: 'QCow2' | 'Other' | undefined;
}

/** Throws WrongUsage, and as Outside's openFile and openUrl do. */
export async function checksumOf(wanted: Wanted, command: string, outside: Outside): Promise<Known> {
  const { flag, url, file } = wanted;
  const urlProblem = imageUrlProblem(url);
  if (urlProblem !== undefined) throw wrongUsage(command, `${flag} ${urlProblem}`);
  if (wanted.checksum === undefined) {
    const source = file === undefined ? await outside.openUrl(url) : await outside.openFile(file);
    return { url, ...(await digest(source, file ?? url, outside)) };
  }
  if (file !== undefined) throw wrongUsage(command, `${flag} has a checksum and a file: give one of them`);
  const checksum = normal(wanted.checksum);
  const problem = checksumProblem(checksum);
  if (problem !== undefined) throw wrongUsage(command, `the checksum for ${flag} ${problem}`);
  return { url, checksum, content: undefined };
}

/** As sha256sum and sha512sum print it, too. */
function normal(checksum: string): string {
  const text = checksum.toLowerCase();
  if (/^[0-9a-f]{64}$/.test(text)) return `sha256:${text}`;
  return /^[0-9a-f]{128}$/.test(text) ? `sha512:${text}` : text;
}

async function digest(source: Source, what: string, outside: Outside): Promise<Omit<Known, 'url'>> {
  const hash = createHash('sha256');
  let start: Uint8Array = new Uint8Array();
  let read = 0;
  let shown = '';
  for await (const chunk of source.chunks) {
    if (start.length < qcow2Magic.length)
      start = Buffer.concat([start, chunk.subarray(0, qcow2Magic.length)]);
    hash.update(chunk);
    read += chunk.length;
    const now = progressOf(read, source.size);
    if (now !== shown) outside.progress(`reading ${what}: ${now}`);
    shown = now;
  }
  outside.progress('');
  const isQcow2 = qcow2Magic.equals(start.subarray(0, qcow2Magic.length));
  return { checksum: `sha256:${hash.digest('hex')}`, content: isQcow2 ? 'QCow2' : 'Other' };
}

const progressOf = (read: number, size: number | undefined): string =>
  size === undefined || size === 0
    ? `${Math.floor(read / mebi)} MiB`
    : `${Math.min(100, Math.floor((read / size) * 100))} %`;
