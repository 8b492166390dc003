// What was found of each image that is to be pulled ahead: whether it is on the host, how it failed, when it is tried again.
import { createBackoff } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { PullOrder, PullState } from './puller.ts';

export interface PullFindings {
  /** Forgets all but what concerns this order. */
  keep(order: Pick<PullOrder, 'images' | 'hash'>): void;
  /** What is on the host has to be found out again; what failed stays known. */
  forgetPresence(): void;
  /** Nobody has looked for it, or that was long ago. */
  isOld(image: string): boolean;
  /** It is not there, and is to be pulled now. */
  isDue(image: string): boolean;
  /** True when that is news. */
  saw(image: string, present: boolean): boolean;
  /** It is tried again after a while that doubles each time. */
  failed(image: string, sentence: string): void;
  /** As PrePuller.state. */
  state(hash: string, pulling: string | undefined): PullState | undefined;
  /** As PrePuller.nextMs; 0 when it is time. */
  nextMs(): number | undefined;
}

/** Nobody waits for these images yet. */
const retry = { baseMs: 30_000, maxMs: 10 * 60_000 };
/** What nothing uses may be pruned on the host: it is looked for again. */
const freshMs = 30 * 60_000;
/** Every other image would fail too, and would fill the disk up once more under what runs there. */
const diskFull = /no space left|disk quota exceeded/i;
/** The disk's own backoff; an image's name has an @. */
const disk = 'disk';

export function createPullFindings(deps: {
  readonly clock: Clock;
  readonly random: () => number;
}): PullFindings {
  const { clock, random } = deps;
  const backoff = createBackoff({ ...retry, random });
  /** `at` and `notBefore` are on the monotonic clock. */
  const presence = new Map<string, { readonly present: boolean; readonly at: number }>();
  const failures = new Map<string, { readonly sentence: string; readonly notBefore: number }>();
  let order: Pick<PullOrder, 'images' | 'hash'> = { images: [], hash: '' };
  /** No image is pulled before. */
  let blockedUntil = -Infinity;

  const forgetFailure = (image: string) => {
    failures.delete(image);
    backoff.reset(image);
  };

  return {
    keep(wanted) {
      if (wanted.hash !== order.hash) {
        backoff.reset(disk);
        blockedUntil = -Infinity;
      }
      order = wanted;
      const kept = new Set(wanted.images);
      for (const image of [...presence.keys()]) if (!kept.has(image)) presence.delete(image);
      for (const image of [...failures.keys()]) if (!kept.has(image)) forgetFailure(image);
    },
    forgetPresence: () => presence.clear(),
    isOld: (image) => (presence.get(image)?.at ?? -Infinity) + freshMs <= clock.monotonic(),
    isDue: (image) =>
      presence.get(image)?.present === false &&
      Math.max(blockedUntil, failures.get(image)?.notBefore ?? -Infinity) <= clock.monotonic(),
    saw(image, present) {
      const news = presence.get(image)?.present !== present;
      presence.set(image, { present, at: clock.monotonic() });
      if (present) forgetFailure(image);
      return news;
    },
    failed(image, sentence) {
      const full = diskFull.test(sentence);
      const notBefore = clock.monotonic() + backoff.next(full ? disk : image);
      failures.set(image, { sentence, notBefore });
      if (full) blockedUntil = notBefore;
    },
    state(hash, pulling) {
      const seen = order.images.map((image) => presence.get(image)?.present);
      if (hash !== order.hash || seen.includes(undefined)) return undefined;
      return {
        present: seen.filter((present) => present).length,
        failures: order.images.flatMap((image) => failures.get(image)?.sentence ?? []),
        pulling,
      };
    },
    nextMs() {
      const times = [...failures.values()].map(({ notBefore }) => Math.max(notBefore, blockedUntil));
      return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - clock.monotonic());
    },
  };
}
