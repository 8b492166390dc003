// The work queue against a model that states its laws in the plainest way.
import { expect } from 'chai';
import fc from 'fast-check';
import { createWorkQueue, type Priority, type WorkQueue } from '../../../src/kernel/workqueue.ts';
import { createManualClock, settle, type ManualClock } from '../../fakes/clock.ts';

const silent = { added: () => undefined, taken: () => undefined, done: () => undefined };

describe('work queue', () => {
  let clock: ManualClock;
  let queue: WorkQueue;
  beforeEach(() => {
    clock = createManualClock();
    queue = createWorkQueue(clock, silent);
  });

  it('hands out a key that was added many times once', async () => {
    queue.add('a');
    queue.add('a');
    queue.add('a');
    expect(await queue.take()).to.equal('a');
    expect(queue.depth()).to.equal(0);
  });

  it('runs a key that was added while it was held exactly once more, after it was done', async () => {
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('a');
    expect(queue.depth()).to.equal(0);
    queue.done('a');
    expect(await queue.take()).to.equal('a');
    queue.done('a');
    expect(queue.depth()).to.equal(0);
  });

  it('lets an early addition overtake a late one, not the other way round', async () => {
    queue.add('a', { afterMs: 1_000 });
    queue.add('a', { afterMs: 10 });
    queue.add('a', { afterMs: 500 });
    await clock.advance(10);
    expect([queue.depth(), clock.pending()]).to.deep.equal([1, 0]);
    expect(await queue.take()).to.equal('a');
    queue.done('a');
    await clock.advance(10_000);
    expect(queue.depth()).to.equal(0);
  });

  it('calls off the timer of a key that is ready sooner', () => {
    queue.add('a', { afterMs: 1_000 });
    queue.add('a');
    expect([queue.depth(), clock.pending()]).to.deep.equal([1, 0]);
  });

  it('keeps one timer however many keys wait', () => {
    for (let i = 0; i < 1_000; i += 1) queue.add(`key-${i}`, { afterMs: 1_000 - i });
    expect(clock.pending()).to.equal(1);
  });

  it('lets fresh edits overtake the slow pass', async () => {
    queue.add('old', { priority: 'low' });
    queue.add('new');
    expect([await queue.take(), await queue.take()]).to.deep.equal(['new', 'old']);
  });

  it('raises a key of low priority when somebody cares', async () => {
    queue.add('first', { priority: 'low' });
    queue.add('second', { priority: 'low' });
    queue.add('second');
    expect(await queue.take()).to.equal('second');
  });

  it('wakes the worker that has waited longest', async () => {
    const [first, second] = [queue.take(), queue.take()];
    queue.add('a');
    queue.add('b');
    expect([await first, await second]).to.deep.equal(['a', 'b']);
  });

  it('waits at shutdown for what is held, and hands out nothing more', async () => {
    queue.add('a');
    queue.add('b');
    await queue.take();
    let drained = false;
    const shutdown = queue.shutdown().then(() => {
      drained = true;
    });
    expect(await queue.take()).to.equal(undefined);
    await settle();
    expect(drained).to.equal(false);
    queue.done('a');
    await shutdown;
    queue.add('c');
    expect(await queue.take()).to.equal(undefined);
    expect(clock.pending()).to.equal(0);
  });

  it('tells for how long keys are held and have waited', async () => {
    const waited: number[] = [];
    queue = createWorkQueue(clock, { ...silent, taken: (ms) => waited.push(ms) });
    queue.add('a', { afterMs: 100 });
    await clock.advance(150);
    await queue.take();
    await clock.advance(30);
    expect(waited).to.deep.equal([50]);
    expect(queue.heldMs()).to.deep.equal([30]);
  });

  it('obeys its laws under any sequence of calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const time = createManualClock();
        const real = createWorkQueue(time, silent);
        const model = createModel();
        const got: (string | undefined)[] = [];
        for (const each of steps) {
          switch (each.kind) {
            case 'add':
              real.add(keys[each.key] ?? '', { afterMs: each.after, priority: each.priority });
              model.add(keys[each.key] ?? '', each.after, each.priority);
              break;
            case 'take':
              void real.take().then((key) => got.push(key));
              model.take();
              break;
            case 'done':
              real.done(keys[each.key] ?? '');
              model.done(keys[each.key] ?? '');
              break;
            case 'advance':
              await time.advance(each.ms);
              model.advance(each.ms);
          }
          await settle();
          expect(got).to.deep.equal(model.given);
          expect(real.depth()).to.equal(model.depth());
        }
        expect(real.heldMs().length).to.equal(model.held.size);
      }),
      { numRuns: 300 },
    );
  });
});

const keys = ['a', 'b', 'c', 'd'];
const anyKey = fc.nat(keys.length - 1);
/** Delays differ between keys by less than time moves: no two keys ever fall due together, so the order is certain. */
const step = fc.oneof(
  fc
    .record({
      kind: fc.constant('add' as const),
      key: anyKey,
      delay: fc.constantFrom(0, 10, 20, 40, 80),
      priority: fc.constantFrom<Priority>('normal', 'low'),
    })
    .map((add) => ({ ...add, after: add.delay === 0 ? 0 : add.delay + add.key })),
  fc.record({ kind: fc.constant('take' as const) }),
  fc.record({ kind: fc.constant('done' as const), key: anyKey }),
  fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(10, 30, 100) }),
);

interface Wanted {
  at: number;
  priority: Priority;
  /** Its place in the line once it is ready; undefined before. */
  turn: number | undefined;
}

/** One list, looked through from the start every time. */
function createModel() {
  const wanted = new Map<string, Wanted>();
  const held = new Set<string>();
  const given: string[] = [];
  let now = 0;
  let turns = 0;
  let takers = 0;

  const ready = () => [...wanted].filter(([, item]) => item.turn !== undefined);
  const serve = () => {
    for (const [key, item] of [...wanted].sort(([, a], [, b]) => a.at - b.at)) {
      if (item.turn === undefined && item.at <= now && !held.has(key)) item.turn = turns++;
    }
    while (takers > 0) {
      const normal = ready().filter(([, { priority }]) => priority === 'normal');
      const line = normal.length > 0 ? normal : ready();
      const first = line.sort(([, a], [, b]) => (a.turn ?? 0) - (b.turn ?? 0))[0];
      if (first === undefined) return;
      takers -= 1;
      wanted.delete(first[0]);
      held.add(first[0]);
      given.push(first[0]);
    }
  };
  return {
    given,
    held,
    depth: () => ready().length,
    add(key: string, after: number, priority: Priority) {
      const former = wanted.get(key);
      const next: Wanted = former ?? { at: Infinity, priority, turn: undefined };
      const raised = former?.priority === 'low' && priority === 'normal';
      next.at = Math.min(next.at, now + after);
      if (raised) next.priority = 'normal';
      if (raised && next.turn !== undefined) next.turn = turns++;
      wanted.set(key, next);
      serve();
    },
    take() {
      takers += 1;
      serve();
    },
    done(key: string) {
      held.delete(key);
      serve();
    },
    advance(ms: number) {
      // Step by step: who falls due first is served first.
      for (const until = now + ms; now < until;) {
        now += 1;
        serve();
      }
    },
  };
}
