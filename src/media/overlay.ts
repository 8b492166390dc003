// The ISO with one machine's kernel arguments in it: where its argument region is, and which bytes come from where.
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { argumentBytes, argumentRegion } from '../api/media.ts';
import { transient } from '../kernel/errors.ts';
import type { Span } from './range.ts';

/** A piece of an answer: a span of the file, or bytes that stand in for one. */
export type Piece = Span | Uint8Array;

/** Files begin at a sector of an ISO or of a FAT image in it. */
const sector = 512;
/** A whole number of sectors; what is held of a file while it is searched. */
const chunkBytes = 1024 * 1024;

/** The pieces that make up `wanted` of a file whose argument region begins at `region`. */
export function overlaid(wanted: Span, region: number, text: string): readonly Piece[] {
  const until = region + argumentRegion.length;
  const inside = { start: clamp(wanted.start, region, until), end: clamp(wanted.end, region, until) };
  const pieces: readonly Piece[] = [
    { start: wanted.start, end: Math.min(wanted.end, region) },
    argumentBytes(text).subarray(inside.start - region, inside.end - region),
    { start: Math.max(wanted.start, until), end: wanted.end },
  ];
  return pieces.filter((piece) => lengthOf(piece) > 0);
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

const lengthOf = (piece: Piece): number =>
  piece instanceof Uint8Array ? piece.length : piece.end - piece.start;

/** A short hash of the arguments, for the ETag: other arguments are other bytes. */
export const argumentsTag = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);

/**
 * Where the one region of `file` begins, searched without holding more of it than a piece; undefined where there is none, or more
 * than one, or it is cut off by the end. Throws transient FileChanged when the file gets shorter meanwhile.
 */
export async function findRegion(file: FileHandle, size: number): Promise<number | undefined> {
  const marker = Buffer.from(argumentRegion.marker);
  const buffer = Buffer.alloc(Math.min(chunkBytes, Math.max(size, 1)));
  const found: number[] = [];
  for (let at = 0; at < size;) {
    const { bytesRead } = await readFully(file, buffer, at, size);
    for (let offset = 0; offset < bytesRead; offset += sector) {
      if (buffer.subarray(offset, offset + marker.length).equals(marker)) found.push(at + offset);
    }
    at += bytesRead;
  }
  const [region, ...more] = found;
  return region === undefined || more.length > 0 || region + argumentRegion.length > size
    ? undefined
    : region;
}

/** One read may return less than there is; sectors have to stay where they are in the buffer. */
async function readFully(file: FileHandle, buffer: Buffer, at: number, size: number) {
  const wanted = Math.min(buffer.length, size - at);
  let bytesRead = 0;
  while (bytesRead < wanted) {
    const read = await file.read(buffer, bytesRead, wanted - bytesRead, at + bytesRead);
    if (read.bytesRead === 0)
      throw transient('FileChanged', 'the file got shorter while it was read: ask again');
    bytesRead += read.bytesRead;
  }
  return { bytesRead };
}
