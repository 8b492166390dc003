// The grammar of Ready, Reconciling and Stalled, and how conditions change from status to status.
import { expect } from 'chai';
import fc from 'fast-check';
import { checkStatus } from '../../../src/kernel/conditions-check.ts';
import {
  isTrue,
  mergeConditions,
  summarise,
  type ConditionInput,
  type Health,
} from '../../../src/kernel/conditions.ts';
import type { Condition, KubeObject } from '../../../src/kube/objects.ts';

const now = new Date('2026-03-01T10:00:00.123Z');
const later = new Date('2026-03-01T10:05:00.999Z');
const line = (conditions: readonly (ConditionInput | Condition)[]) =>
  conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

const objectWith = (conditions: readonly Condition[], generation: number): KubeObject =>
  ({
    apiVersion: 'undercloud.dev/v1alpha1',
    kind: 'Host',
    metadata: {
      name: 'a',
      namespace: 'b',
      uid: 'u',
      resourceVersion: '1',
      generation,
      creationTimestamp: '',
    },
    status: { observedGeneration: generation, conditions },
  }) as KubeObject;

const word = fc.stringMatching(/^[A-Z][A-Za-z]{0,12}$/);
const message = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1500 });
const health: fc.Arbitrary<Health> = fc.record({
  kind: fc.constantFrom('ready', 'progressing', 'stalled', 'paused'),
  reason: word,
  message,
});
const others: fc.Arbitrary<readonly ConditionInput[]> = fc.array(
  fc.record({
    type: word.filter((type) => !['Ready', 'Reconciling', 'Stalled'].includes(type)),
    status: fc.constantFrom('True', 'False', 'Unknown'),
    reason: word,
    message,
  }),
  { maxLength: 6 },
);

describe('conditions', () => {
  const table: readonly [Health, readonly string[]][] = [
    [{ kind: 'ready', message: 'all is well' }, ['Ready=True Ready']],
    [{ kind: 'ready', reason: 'Active', message: 'all is well' }, ['Ready=True Active']],
    [
      { kind: 'progressing', reason: 'Pulling', message: 'm' },
      ['Ready=False Pulling', 'Reconciling=True Pulling'],
    ],
    [{ kind: 'stalled', reason: 'NoNodes', message: 'm' }, ['Ready=False NoNodes', 'Stalled=True NoNodes']],
    [{ kind: 'paused', reason: 'Paused', message: 'm' }, ['Ready=False Paused']],
  ];
  for (const [given, expected] of table) {
    it(`${given.kind} is ${expected.join(', ')}`, () =>
      expect(line(summarise(given))).to.deep.equal(expected));
  }

  it('come with Ready, Reconciling, Stalled first and the rest by name', () => {
    const of = (type: string): ConditionInput => ({ type, status: 'True', reason: 'R', message: 'm' });
    const merged = mergeConditions(undefined, ['Zone', 'Stalled', 'Active', 'Ready'].map(of), 1, now);
    expect(merged.map(({ type }) => type)).to.deep.equal(['Ready', 'Stalled', 'Active', 'Zone']);
  });

  it('keep their time while their status stays, and only then', () => {
    const first = mergeConditions(
      undefined,
      summarise({ kind: 'stalled', reason: 'A', message: 'm' }),
      1,
      now,
    );
    const same = mergeConditions(
      first,
      summarise({ kind: 'progressing', reason: 'B', message: 'n' }),
      2,
      later,
    );
    const flipped = mergeConditions(same, summarise({ kind: 'ready', message: 'o' }), 2, later);
    expect(first.map(({ lastTransitionTime }) => lastTransitionTime)).to.deep.equal([
      '2026-03-01T10:00:00Z',
      '2026-03-01T10:00:00Z',
    ]);
    expect(line(same)).to.deep.equal(['Ready=False B', 'Reconciling=True B']);
    expect(same.map(({ lastTransitionTime }) => lastTransitionTime)).to.deep.equal([
      '2026-03-01T10:00:00Z',
      '2026-03-01T10:05:00Z',
    ]);
    expect(flipped.map(({ lastTransitionTime }) => lastTransitionTime)).to.deep.equal([
      '2026-03-01T10:05:00Z',
    ]);
    expect(flipped[0]?.observedGeneration).to.equal(2);
  });

  it('are cut to 1024 characters, never within one', () => {
    const long = summarise({ kind: 'ready', message: '😀'.repeat(700) });
    const [ready] = mergeConditions(undefined, long, 1, now);
    expect(ready?.message.length).to.be.within(1022, 1024);
    expect(ready?.message.isWellFormed()).to.equal(true);
  });

  it('tell whether one is True', () => {
    const conditions = mergeConditions(undefined, summarise({ kind: 'ready', message: 'm' }), 1, now);
    expect([
      isTrue(conditions, 'Ready'),
      isTrue(conditions, 'Stalled'),
      isTrue(undefined, 'Ready'),
    ]).to.deep.equal([true, false, false]);
  });

  it('never break the rules that tools read them by, whatever came before', () => {
    fc.assert(
      fc.property(health, health, others, others, (former, next, formerOthers, nextOthers) => {
        const before = mergeConditions(undefined, [...formerOthers, ...summarise(former)], 1, now);
        const after = mergeConditions(before, [...summarise(next), ...nextOthers], 2, later);
        expect(checkStatus(objectWith(before, 1))).to.deep.equal([]);
        expect(checkStatus(objectWith(after, 2))).to.deep.equal([]);
      }),
    );
  });

  it('do not change when the same is said again later', () => {
    fc.assert(
      fc.property(health, others, (given, more) => {
        const wanted = [...summarise(given), ...more];
        const once = mergeConditions(undefined, wanted, 1, now);
        expect(mergeConditions(once, wanted, 1, later)).to.deep.equal(once);
      }),
    );
  });
});

describe('check of a status', () => {
  const good: Condition = {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: 'm',
    observedGeneration: 1,
    lastTransitionTime: '2026-03-01T10:00:00Z',
  };
  const stalled: Condition = { ...good, type: 'Stalled' };
  const table: readonly [string, readonly Condition[], string][] = [
    ['no Ready', [], 'Ready is missing'],
    ['Ready and stalled', [good, stalled], 'Ready and Stalled are both True'],
    [
      'an abnormal condition that is False',
      [good, { ...stalled, status: 'False' }],
      'Stalled is there without being True',
    ],
    [
      'reconciling and stalled',
      [{ ...good, status: 'False' }, { ...good, type: 'Reconciling' }, stalled],
      'Reconciling and Stalled are both there',
    ],
    ['a wrong order', [{ ...good, type: 'Active' }, good], 'conditions are not in order: Active,Ready'],
    [
      'a reason with blanks',
      [{ ...good, reason: 'not ready' }],
      "Ready: reason 'not ready' is not CamelCase",
    ],
    ['no message', [{ ...good, message: '' }], 'Ready: message is empty'],
    [
      'a future generation',
      [{ ...good, observedGeneration: 9 }],
      'Ready: observedGeneration is ahead of generation',
    ],
    [
      'fractions of a second',
      [{ ...good, lastTransitionTime: now.toISOString() }],
      'Ready: lastTransitionTime is not in whole seconds',
    ],
    ['a type twice', [good, good], 'a condition type is there twice'],
  ];
  for (const [name, conditions, complaint] of table) {
    it(`complains of ${name}`, () => expect(checkStatus(objectWith(conditions, 1))).to.include(complaint));
  }
});
