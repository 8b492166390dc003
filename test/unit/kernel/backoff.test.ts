// How long a key that keeps failing waits.
import { expect } from 'chai';
import { createBackoff } from '../../../src/kernel/backoff.ts';

describe('backoff', () => {
  it('doubles up to its limit, for each key by itself, until it is reset', () => {
    const backoff = createBackoff({ baseMs: 750, maxMs: 5_000, random: () => 0 });
    expect([1, 2, 3, 4, 5].map(() => backoff.next('a'))).to.deep.equal([750, 1_500, 3_000, 5_000, 5_000]);
    expect(backoff.next('b')).to.equal(750);
    backoff.reset('a');
    expect(backoff.next('a')).to.equal(750);
  });

  it('adds up to a tenth at random', () => {
    const backoff = createBackoff({ baseMs: 1_000, maxMs: 1_000, random: () => 0.5 });
    expect(backoff.next('a')).to.equal(1_050);
  });

  it('stays finite however often a key fails', () => {
    const backoff = createBackoff({ baseMs: 750, maxMs: 600_000, random: () => 0 });
    for (let i = 0; i < 2_000; i += 1) backoff.next('a');
    expect(backoff.next('a')).to.equal(600_000);
  });
});
