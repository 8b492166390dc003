// Work with a deadline.
import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { withDeadline } from '../../../src/kernel/deadline.ts';
import { createManualClock, settle } from '../../fakes/clock.ts';

const late = () => new Error('late');
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('interrupted'))));

describe('deadline', () => {
  const clock = createManualClock();
  const begin = <T>(signal: AbortSignal, work: (signal: AbortSignal, extend: () => void) => Promise<T>) =>
    withDeadline({ clock, ms: 100, signal, late }, work).catch((error: unknown) => (error as Error).message);
  const never = new AbortController().signal;

  it('gives what the work gives, and leaves neither timer nor listener behind', async () => {
    expect(await begin(never, () => Promise.resolve(7))).to.equal(7);
    expect([clock.pending(), getEventListeners(never, 'abort')]).to.deep.equal([0, []]);
  });

  it('interrupts work that takes too long, and says so rather than how the work failed', async () => {
    const result = begin(never, untilAborted);
    await clock.advance(100);
    expect(await result).to.equal('late');
  });

  it('counts from the last extension', async () => {
    const result = begin(never, async (signal, extend) => {
      await clock.sleep(80, signal);
      extend();
      await clock.sleep(80, signal);
      return 'done';
    });
    await clock.advance(200);
    expect(await result).to.equal('done');
  });

  it("interrupts the work with its caller's reason", async () => {
    const caller = new AbortController();
    const result = begin(caller.signal, untilAborted);
    await settle();
    caller.abort(new Error('stopping'));
    expect(await result).to.equal('stopping');
  });
});
