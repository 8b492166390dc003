// How fast a copy is said to be, and how long it will take.
import { expect } from 'chai';
import { createProgressMeter, type MirrorCounts } from '../../../src/images/mirror/progress.ts';

const counts = (bytes: number, totalBytes = 1000): MirrorCounts => ({
  images: 0,
  totalImages: 1,
  bytes,
  totalBytes,
  copied: 0,
  mounted: 0,
  skipped: 0,
});

describe('the progress of a copy', () => {
  /** [seconds, bytes by then, bytes in all]; what is said at the last of them. */
  const cases: readonly {
    readonly name: string;
    readonly samples: readonly (readonly [number, number, number?])[];
    readonly rate: number;
    readonly left: number | undefined;
  }[] = [
    { name: 'knows no rate at first', samples: [[0, 0]], rate: 0, left: undefined },
    {
      name: 'divides bytes by time',
      samples: [
        [0, 0],
        [1, 100],
      ],
      rate: 100,
      left: 9,
    },
    {
      name: 'rounds the time up',
      samples: [
        [0, 0],
        [1, 300],
      ],
      rate: 300,
      left: 3,
    },
    {
      name: 'counts from where it began',
      samples: [
        [5, 400],
        [7, 600],
      ],
      rate: 100,
      left: 4,
    },
    {
      name: 'forgets what was more than ten seconds ago',
      samples: [
        [0, 0],
        [1, 500],
        [11, 600],
      ],
      rate: 10,
      left: 40,
    },
    {
      name: 'says nothing of the time left while nothing moves',
      samples: [
        [0, 0],
        [1, 100],
        [11, 100],
        [12, 100],
      ],
      rate: 0,
      left: undefined,
    },
    {
      name: 'has no time left when all is sent',
      samples: [
        [0, 0],
        [1, 1000],
      ],
      rate: 1000,
      left: undefined,
    },
    {
      name: 'has less to do when blobs turn out to be there',
      samples: [
        [0, 0, 1000],
        [1, 100, 200],
      ],
      rate: 100,
      left: 1,
    },
    {
      name: 'has no more time left than a status can hold',
      samples: [
        [0, 0, 1e15],
        [1, 1, 1e15],
      ],
      rate: 1,
      left: 100_000_000,
    },
    {
      name: 'stands at 0 of 0 when there is nothing to send',
      samples: [
        [0, 0, 0],
        [1, 0, 0],
      ],
      rate: 0,
      left: undefined,
    },
  ];
  for (const { name, samples, rate, left } of cases) {
    it(name, () => {
      const meter = createProgressMeter();
      const said = samples.map(([seconds, bytes, total]) => meter.at(seconds * 1000, counts(bytes, total)));
      expect(said.at(-1)).to.deep.equal({
        ...counts(samples.at(-1)?.[1] ?? 0, samples.at(-1)?.[2]),
        bytesPerSecond: rate,
        ...(left === undefined ? {} : { secondsLeft: left }),
      });
    });
  }
});
