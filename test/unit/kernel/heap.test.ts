// The heap of due keys, against a sorted list.
import { expect } from 'chai';
import fc from 'fast-check';
import { createDueHeap } from '../../../src/kernel/heap.ts';

const key = fc.nat(20).map((number) => `key-${number}`);
const step = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key, at: fc.nat(50) }),
  fc.record({ kind: fc.constant('remove' as const), key }),
);

describe('heap of due keys', () => {
  it('gives out what falls due first, whatever was set, moved and removed', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 90 }), (steps) => {
        const heap = createDueHeap();
        const model = new Map<string, number>();
        for (const each of steps) {
          if (each.kind === 'set') {
            heap.set(each.key, each.at);
            model.set(each.key, each.at);
          } else {
            heap.remove(each.key);
            model.delete(each.key);
          }
          expect(heap.first()?.at).to.equal(model.size === 0 ? undefined : Math.min(...model.values()));
        }
        const drained: { readonly key: string; readonly at: number }[] = [];
        for (let first = heap.first(); first !== undefined; first = heap.first()) {
          drained.push(first);
          heap.remove(first.key);
        }
        expect(drained.map(({ at }) => at)).to.deep.equal([...model.values()].sort((a, b) => a - b));
        expect(new Map(drained.map((due) => [due.key, due.at]))).to.deep.equal(model);
      }),
    );
  });
});
