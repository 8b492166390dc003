// The limiter that finds its own width: the decision by a table, the mechanism with time moved by hand.
import { expect } from 'chai';
import {
  createAdaptiveLimiter,
  createLimiter,
  nextWidth,
  type Load,
  type Round,
  type Width,
} from '../../../src/kernel/limiter.ts';
import { createManualClock, settle } from '../../fakes/clock.ts';

const never = new AbortController().signal;
const bounds = { least: 16, most: 256 };
const untroubled: Pick<Width, 'threshold'> = { threshold: 256 };

describe('next width', () => {
  const good: Round = { quick: 100, slow: 0, lost: 0, full: true };
  const cases: readonly (readonly [name: string, now: Width, round: Round, then: Width])[] = [
    [
      'doubles while nothing went wrong yet',
      { width: 32, ...untroubled },
      good,
      { width: 64, ...untroubled },
    ],
    [
      'stops doubling where there was trouble before',
      { width: 48, threshold: 64 },
      good,
      { width: 64, threshold: 64 },
    ],
    ['then grows by a step', { width: 64, threshold: 64 }, good, { width: 72, threshold: 64 }],
    ['never exceeds the ceiling', { width: 252, threshold: 64 }, good, { width: 256, threshold: 64 }],
    [
      'stays as it is where nobody had to wait',
      { width: 32, ...untroubled },
      { ...good, full: false },
      { width: 32, ...untroubled },
    ],
    [
      'stays as it is where most answers were slow',
      { width: 32, ...untroubled },
      { quick: 49, slow: 51, lost: 0, full: true },
      { width: 32, ...untroubled },
    ],
    [
      'grows where some answers were slow',
      { width: 64, threshold: 64 },
      { quick: 50, slow: 50, lost: 0, full: true },
      { width: 72, threshold: 64 },
    ],
    [
      'is not troubled by the loss of a few',
      { width: 64, threshold: 64 },
      { quick: 90, slow: 0, lost: 10, full: true },
      { width: 72, threshold: 64 },
    ],
    [
      'halves where many are lost, full or not',
      { width: 128, ...untroubled },
      { quick: 89, slow: 0, lost: 11, full: false },
      { width: 64, threshold: 64 },
    ],
    [
      'never falls below the floor',
      { width: 20, ...untroubled },
      { quick: 0, slow: 0, lost: 20, full: true },
      { width: 16, threshold: 16 },
    ],
  ];
  for (const [name, now, round, then] of cases) {
    it(name, () => expect(nextWidth(now, round, bounds)).to.deep.equal(then));
  }
});

describe('limiter that is resized', () => {
  it('lets in who waits when it is widened, and nobody while more runs than it takes now', async () => {
    const clock = createManualClock();
    const limiter = createLimiter(2);
    let running = 0;
    const works = Array.from({ length: 8 }, (_, index) =>
      limiter.run(never, async () => {
        running += 1;
        await clock.sleep(10 * (index + 1));
        running -= 1;
      }),
    );
    await settle();
    expect(running).to.equal(2);
    limiter.resize(4);
    await settle();
    expect(running).to.equal(4);
    limiter.resize(1);
    await clock.advance(30);
    expect(running, 'only the last one of the four').to.equal(1);
    await clock.advance(10);
    expect(running, 'the next').to.equal(1);
    await clock.advance(1_000);
    await Promise.all(works);
  });
});

describe('adaptive limiter', () => {
  /** `count` pieces of work of 1 s each, all there at once and judged alike; how many ran at once at most. */
  async function flood(limiter: ReturnType<typeof createAdaptiveLimiter>, count: number, load: Load) {
    const clock = createManualClock();
    let running = 0;
    let most = 0;
    const works = Array.from({ length: count }, () =>
      limiter.run(
        never,
        async () => {
          running += 1;
          most = Math.max(most, running);
          await clock.sleep(1_000);
          running -= 1;
        },
        () => load,
      ),
    );
    await clock.advance(count * 1_000);
    await Promise.all(works);
    return most;
  }
  const start = (first = 4) => createAdaptiveLimiter({ least: 2, first, most: 32 });

  it('widens to the ceiling while all goes well', async () => {
    const limiter = start();
    expect(await flood(limiter, 200, 'quick')).to.equal(32);
    expect(limiter.width()).to.equal(32);
  });

  it('stays narrow when no more is asked of it', async () => {
    const limiter = start();
    for (let time = 0; time < 20; time += 1) await flood(limiter, 4, 'quick');
    expect(limiter.width()).to.equal(4);
  });

  it('learns nothing from what says nothing', async () => {
    const limiter = start();
    expect(await flood(limiter, 100, 'silent')).to.equal(4);
  });

  it('halves once for one burst of losses, though many were under way', async () => {
    const limiter = start(32);
    await flood(limiter, 32, 'lost');
    expect(limiter.width()).to.equal(16);
  });

  it('halves again when it goes on, down to the floor', async () => {
    const limiter = start(32);
    await flood(limiter, 200, 'lost');
    expect(limiter.width()).to.equal(2);
  });

  it('recovers in steps', async () => {
    const limiter = start(32);
    await flood(limiter, 32, 'lost');
    await flood(limiter, 17, 'quick');
    expect(limiter.width()).to.equal(24);
  });

  it('passes on what the work returns and throws', async () => {
    const limiter = start();
    expect(
      await limiter.run(
        never,
        () => Promise.resolve('done'),
        () => 'quick',
      ),
    ).to.equal('done');
    const failure = new Error('no');
    const judged: unknown[] = [];
    const thrown = await limiter
      .run(
        never,
        () => Promise.reject(failure),
        (what) => {
          judged.push(what?.error);
          return 'silent';
        },
      )
      .catch((error: unknown) => error);
    expect([thrown, judged]).to.deep.equal([failure, [failure]]);
  });
});
