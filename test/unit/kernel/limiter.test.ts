// The semaphore and the mutex per key.
import { expect } from 'chai';
import fc from 'fast-check';
import { createKeyedMutex, createLimiter } from '../../../src/kernel/limiter.ts';
import { createManualClock, settle } from '../../fakes/clock.ts';

const never = new AbortController().signal;

describe('limiter', () => {
  it('never runs more at once than its width, and runs all in the order they came', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat(20), { maxLength: 20 }),
        async (width, lengths) => {
          const clock = createManualClock();
          const limiter = createLimiter(width);
          const started: number[] = [];
          let running = 0;
          let most = 0;
          const all = lengths.map((ms, index) =>
            limiter.run(never, async () => {
              started.push(index);
              running += 1;
              most = Math.max(most, running);
              await clock.sleep(ms);
              running -= 1;
            }),
          );
          await clock.advance(1_000);
          await Promise.all(all);
          expect(most).to.equal(Math.min(width, lengths.length));
          expect(started).to.deep.equal(lengths.map((_, index) => index));
        },
      ),
    );
  });

  it('gives the slot back when the work fails', async () => {
    const limiter = createLimiter(1);
    const failure = new Error('no');
    expect(await limiter.run(never, () => Promise.reject(failure)).catch((error: unknown) => error)).to.equal(
      failure,
    );
    expect(await limiter.run(never, () => Promise.resolve('next'))).to.equal('next');
  });

  it('lets a waiter leave the line, and serves the one behind', async () => {
    const limiter = createLimiter(1);
    const leaving = new AbortController();
    const hold: PromiseWithResolvers<void> = Promise.withResolvers();
    const first = limiter.run(never, () => hold.promise);
    const second = limiter
      .run(leaving.signal, () => Promise.resolve('second'))
      .catch((error: unknown) => error);
    const third = limiter.run(never, () => Promise.resolve('third'));
    const reason = new Error('gone');
    leaving.abort(reason);
    hold.resolve();
    await first;
    expect([await second, await third]).to.deep.equal([reason, 'third']);
  });
});

describe('mutex per key', () => {
  it('runs one at a time of a key, and different keys side by side', async () => {
    const mutex = createKeyedMutex();
    const log: string[] = [];
    const gate: PromiseWithResolvers<void> = Promise.withResolvers();
    const a1 = mutex.run('a', never, async () => {
      log.push('a1 begins');
      await gate.promise;
      log.push('a1 ends');
    });
    const a2 = mutex.run('a', never, () => Promise.resolve(log.push('a2')));
    const b = mutex.run('b', never, () => Promise.resolve(log.push('b')));
    await settle();
    gate.resolve();
    await Promise.all([a1, a2, b]);
    expect(log).to.deep.equal(['a1 begins', 'b', 'a1 ends', 'a2']);
  });
});
