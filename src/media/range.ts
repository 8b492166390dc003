// Which part of a file a request asks for: Range and If-Range of HTTP. Pure.

/** Bytes from `start` up to and without `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Wanted =
  | { readonly kind: 'whole' }
  | ({ readonly kind: 'part' } & Span)
  /** Nothing of the file is in it: 416. */
  | { readonly kind: 'beyond' };

/** What names one version of a file. */
export interface Version {
  /** With its quotes; a strong one. */
  readonly etag: string;
  /** As an HTTP date. */
  readonly lastModified: string;
}

const whole: Wanted = { kind: 'whole' };

/**
 * RFC 9110 sections 14.1.2 (byte ranges), 14.2 (a Range that we do not take is ignored: several ranges, another unit, nonsense) and
 * 13.1.5 (If-Range: the part only if the file is still the same, else the whole). `size` in bytes.
 */
export function wantedOf(
  range: string | undefined,
  ifRange: string | undefined,
  size: number,
  version: Version,
): Wanted {
  if (range === undefined) return whole;
  if (ifRange !== undefined && ifRange !== version.etag && ifRange !== version.lastModified) return whole;
  const { first = '', last = '' } = /^bytes=(?<first>\d*)-(?<last>\d*)$/i.exec(range.trim())?.groups ?? {};
  if (first === '') return last === '' ? whole : lastBytes(Number(last), size);
  const start = Number(first);
  if (last !== '' && Number(last) < start) return whole;
  if (start >= size) return { kind: 'beyond' };
  return { kind: 'part', start, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}

function lastBytes(count: number, size: number): Wanted {
  if (count === 0 || size === 0) return { kind: 'beyond' };
  return { kind: 'part', start: Math.max(size - count, 0), end: size };
}
