// How far a copy is, how fast it goes and how long it will take, from counts and the times they were taken at. Pure.

export interface MirrorCounts {
  /** Images that are at the destination. */
  readonly images: number;
  readonly totalImages: number;
  /** Bytes that were sent. */
  readonly bytes: number;
  /** Bytes that were and are to be sent, as far as it is known by now: less when blobs turn out to be there. */
  readonly totalBytes: number;
  /** Blobs that were sent. */
  readonly copied: number;
  /** Blobs that another repository of the destination had, once for each repository that needed them. */
  readonly mounted: number;
  /** Blobs that a repository had already. Those of images that are there as a whole are not counted: nobody asked. */
  readonly skipped: number;
}

/** The same while it changes. */
export type MirrorTally = { -readonly [Name in keyof MirrorCounts]: MirrorCounts[Name] };

export interface MirrorProgress extends MirrorCounts {
  /** Over the last ten seconds. */
  readonly bytesPerSecond: number;
  /** At most three years. Absent while nothing moves, and when everything has been sent. */
  readonly secondsLeft?: number;
}

export interface ProgressMeter {
  /** `nowMs` never goes back. */
  at(nowMs: number, counts: MirrorCounts): MirrorProgress;
}

/** Long enough to even out single blobs, short enough to show that the line has become slow. */
const windowMs = 10_000;
/** As much as a set's status can hold. */
const longestSeconds = 1e8;

export function createProgressMeter(): ProgressMeter {
  const samples: { readonly at: number; readonly bytes: number }[] = [];
  return {
    at(nowMs, counts) {
      samples.push({ at: nowMs, bytes: counts.bytes });
      // The one at or before the window's start stays: the rate is over the whole window.
      while (samples[1] !== undefined && samples[1].at <= nowMs - windowMs) samples.shift();
      const { at, bytes } = samples[0] ?? { at: nowMs, bytes: counts.bytes };
      const elapsed = nowMs - at;
      const rate = elapsed === 0 ? 0 : ((counts.bytes - bytes) * 1000) / elapsed;
      const left = counts.totalBytes - counts.bytes;
      return {
        ...counts,
        bytesPerSecond: Math.round(rate),
        ...(rate > 0 && left > 0 ? { secondsLeft: Math.min(Math.ceil(left / rate), longestSeconds) } : {}),
      };
    },
  };
}
