// What ends a request: silence of the other side, and a line on which next to nothing moves; never our own slowness.
import { expect } from 'chai';
import { watched } from '../../../src/images/registry/body.ts';
import { isSlowLine, slowLine } from '../../../src/images/registry/network-error.ts';
import type { RegistryAccess } from '../../../src/images/registry/port.ts';
import { createSource } from '../../../src/images/registry/source.ts';
import { createUploads } from '../../../src/images/registry/uploads.ts';
import type { UploadRequests } from '../../../src/images/registry/upload-requests.ts';
import { createWatchdog } from '../../../src/images/registry/watchdog.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { collect, failure, memory, never, noise, repository, sample } from './registry-lab.ts';

const minute = 60_000;
const access: RegistryAccess = { host: 'registry.example.org', insecure: false };
const slow = slowLine(access, new URL('https://registry.example.org/v2/'), 7);

describe('the watchdog of a request', () => {
  /** Each step: for how long whose move it is, and what moved then. */
  const cases: readonly {
    readonly name: string;
    readonly steps: readonly {
      readonly times: number;
      readonly theirs?: number;
      readonly ours?: number;
      readonly bytes: number;
    }[];
    readonly ends: string | undefined;
  }[] = [
    {
      name: 'lets a quick line be',
      steps: [{ times: 100, theirs: 10_000, bytes: 100_000 }],
      ends: undefined,
    },
    {
      name: 'ends a line that trickles, after five minutes',
      steps: [{ times: 30, theirs: 10_000, bytes: 99_990 }],
      ends: '9999 bytes a second',
    },
    {
      name: 'waits for five minutes with that',
      steps: [{ times: 29, theirs: 10_000, bytes: 1 }],
      ends: undefined,
    },
    {
      name: 'ends a line that was quick at first',
      steps: [
        { times: 1, theirs: 10_000, bytes: 1e9 },
        { times: 59, theirs: 10_000, bytes: 1 },
      ],
      ends: '0 bytes a second',
    },
    {
      name: 'forgives a pause of minutes',
      steps: [
        { times: 20, theirs: 10_000, bytes: 1 },
        { times: 60, theirs: 10_000, bytes: 1e6 },
      ],
      ends: undefined,
    },
    {
      name: 'does not count the time in which we have the move',
      steps: [{ times: 1000, theirs: 10, ours: 10_000, bytes: 1000 }],
      ends: undefined,
    },
    { name: 'ends silence', steps: [{ times: 1, theirs: 15_000, bytes: 0 }], ends: 'late after 15000' },
  ];
  for (const { name, steps, ends } of cases) {
    it(name, async () => {
      const clock = createManualClock();
      const dog = createWatchdog(
        clock,
        never,
        (ms) => new Error(`late after ${ms}`),
        (rate) => new Error(`${rate} bytes a second`),
      );
      for (const { times, theirs = 0, ours = 0, bytes } of steps) {
        for (let time = 0; time < times; time += 1) {
          dog.wait(15_000);
          await clock.advance(theirs);
          dog.rest(bytes);
          await clock.advance(ours);
        }
      }
      expect((dog.signal.reason as Error | undefined)?.message).to.equal(ends);
      dog.end();
      expect(clock.pending()).to.equal(0);
    });
  }

  for (const [name, theirs, ours, ends] of [
    ['ends an upload that is taken slowly', 10_000, 0, 'slow'],
    ['lets an upload be whose source is slow', 10, 10_000, undefined],
  ] as const) {
    it(name, async () => {
      const clock = createManualClock();
      const dog = createWatchdog(
        clock,
        never,
        () => new Error('late'),
        () => new Error('slow'),
      );
      const body = (async function* () {
        for (let piece = 0; piece < 40; piece += 1) {
          await clock.advance(ours);
          yield Buffer.alloc(1000);
        }
      })();
      for await (const _ of watched(body, dog, 15_000)) await clock.advance(theirs);
      expect((dog.signal.reason as Error | undefined)?.message).to.equal(ends);
      dog.end();
    });
  }

  it('leaves no timer behind when the request goes on for a moment after its end', async () => {
    const clock = createManualClock();
    const dog = createWatchdog(
      clock,
      never,
      () => new Error('late'),
      () => new Error('slow'),
    );
    dog.wait(minute);
    await clock.advance(minute);
    dog.wait(minute);
    expect(clock.pending()).to.equal(0);
  });
});

describe('a blob on a line that is too slow', () => {
  const clock = { ...createManualClock(), sleep: () => Promise.resolve() };
  const large = { ...sample.blob, size: 100_000_000 };
  /** Twice what makes other breaks the first again. */
  const piece = noise(2 * 1024 * 1024);

  it('is read on a few times, and not for as long as something comes', async () => {
    let reads = 0;
    // eslint-disable-next-line @typescript-eslint/require-await
    const read = async () => {
      reads += 1;
      // eslint-disable-next-line @typescript-eslint/require-await
      return (async function* () {
        yield piece;
        throw slow;
      })();
    };
    const source = createSource({ name: 'it', size: large.size, read, clock, random: () => 0 });
    expect(await failure(collect(source(0, never)))).to.equal(slow);
    expect(reads).to.equal(6);
  });

  it('is sent on a few times, and not for as long as something goes', async () => {
    let appended = 0;
    const location = new URL('https://registry.example.org/v2/upload');
    const requests: UploadRequests = {
      open: () => Promise.resolve({ location, offset: 0 }),
      append: async (_parcel, upload, body) => {
        let taken = 0;
        for await (const chunk of body) {
          taken += chunk.length;
          if (taken >= piece.length) break;
        }
        appended = upload.offset + taken;
        return { interrupted: slow };
      },
      close: () => Promise.resolve(undefined),
      progress: (_parcel, upload) => Promise.resolve({ ...upload, offset: appended }),
      abandon: () => Promise.resolve(),
    };
    const hasBlob = () => Promise.resolve(false);
    const { uploadBlob } = createUploads({ access, requests, hasBlob, clock, random: () => 0 });
    const { read } = memory(noise(20_000_000));
    expect(
      await failure(uploadBlob(repository, { ...large, size: 20_000_000 }, read, () => undefined, never)),
    ).to.equal(slow);
    expect(appended).to.be.within(6 * piece.length, 7 * piece.length);
  });

  it('is known by what ended it', () => {
    expect(slow).to.include({ kind: 'transient', reason: 'RegistryUnreachable' });
    expect(isSlowLine(slow)).to.equal(true);
    expect(isSlowLine(new Error('bytes come too slowly'))).to.equal(false);
  });
});
