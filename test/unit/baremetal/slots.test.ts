// Who may provision now, and who is next.
import { expect } from 'chai';
import fc from 'fast-check';
import { createSlots } from '../../../src/baremetal/slots.ts';

/** As the room uses them: whoever is called tries at once. */
function calling(most: number) {
  const slots = createSlots(most);
  const called: string[] = [];
  slots.onFree((key) => called.push(key));
  return { slots, called };
}

describe('provisioning slots', () => {
  it('gives out as many as there are, and lets the others stand in line', () => {
    const { slots } = calling(2);
    expect(['a', 'b', 'c', 'd'].map(slots.tryTake)).to.deep.equal([true, true, false, false]);
    expect(slots.holders()).to.deep.equal(['a', 'b']);
    expect(slots.waiting()).to.deep.equal(['c', 'd']);
  });

  it('takes no second slot and no second place for one node', () => {
    const { slots } = calling(1);
    expect(['a', 'a', 'b', 'b', 'c', 'b'].map(slots.tryTake)).to.deep.equal([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(slots.waiting()).to.deep.equal(['b', 'c']);
  });

  it('calls the first in line when a slot becomes free, and gives it to nobody else', () => {
    const { slots, called } = calling(1);
    ['a', 'b', 'c'].forEach(slots.tryTake);
    slots.free('a');
    expect(called).to.deep.equal(['b']);
    expect(['c', 'newcomer', 'b'].map(slots.tryTake)).to.deep.equal([false, false, true]);
    expect(slots.waiting()).to.deep.equal(['c', 'newcomer']);
  });

  it('calls the next when one who was called leaves the line', () => {
    const { slots, called } = calling(1);
    ['a', 'b', 'c'].forEach(slots.tryTake);
    slots.free('a');
    slots.free('b');
    expect(called).to.deep.equal(['b', 'c']);
    expect(slots.tryTake('c')).to.equal(true);
  });

  it('lets go on what was under way before a restart, more than there are slots, and admits nobody until they are fewer', () => {
    const { slots, called } = calling(2);
    ['a', 'b', 'c'].forEach(slots.take);
    expect(slots.tryTake('a')).to.equal(true);
    expect(slots.tryTake('d')).to.equal(false);
    slots.free('a');
    expect([slots.tryTake('d'), called]).to.deep.equal([false, []]);
    slots.free('b');
    expect([called, slots.tryTake('d')]).to.deep.equal([['d'], true]);
  });

  it('is told of a slot while it stands in line: it stands there no more', () => {
    const { slots } = calling(1);
    ['a', 'b'].forEach(slots.tryTake);
    slots.take('b');
    expect([slots.holders(), slots.waiting()]).to.deep.equal([['a', 'b'], []]);
  });

  it('does nothing when somebody without a slot gives it back', () => {
    const { slots, called } = calling(1);
    ['a', 'b'].forEach(slots.tryTake);
    slots.free('stranger');
    expect([slots.holders(), slots.waiting(), called]).to.deep.equal([['a'], ['b'], []]);
  });

  it('serves everybody in the order in which they came, whatever the others do', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), frees: fc.boolean() })),
        (most, steps) => {
          const { slots } = calling(most);
          /** In the order of their first try. */
          let line: string[] = [];
          for (const { key, frees } of steps) {
            const had = slots.holders().includes(key);
            if (frees) {
              slots.free(key);
              line = line.filter((other) => other !== key);
              continue;
            }
            const got = slots.tryTake(key);
            if (had) continue;
            if (!line.includes(key)) line.push(key);
            const first =
              line.indexOf(key) < most - slots.holders().filter((holder) => holder !== key).length;
            expect(got).to.equal(first);
            if (got) line = line.filter((other) => other !== key);
            expect(slots.waiting()).to.deep.equal(line);
            expect(slots.holders().length).to.be.at.most(most);
          }
        },
      ),
    );
  });
});
