// The state machine: every state against everything that can happen in it.
import { expect } from 'chai';
import {
  deadlineOf,
  lookFor,
  nextPlace,
  retryDelay,
  type BmcView,
  type LifecycleInput,
  type Place,
  type State,
} from '../../../src/baremetal/lifecycle.ts';

const unseen: BmcView = { kind: 'unseen' };
const answers: BmcView = { kind: 'answers', power: 'On' };
const fails = (count: number): BmcView => ({
  kind: 'fails',
  failure: { kind: 'transient', reason: 'BMCUnreachable', message: 'away', count },
});
const ours = { externallyProvisioned: true, inspectionMode: 'OutOfBand' } as const;
const bare = { externallyProvisioned: false, inspectionMode: 'OutOfBand' } as const;

const step = (place: Place, input: Partial<LifecycleInput>): Place =>
  nextPlace({ spec: ours, held: false, bmc: answers, inspected: false, ...input, place });

describe('the next state of a node', () => {
  const cases: readonly (readonly [what: string, from: State, input: Partial<LifecycleInput>, to: State])[] =
    [
      ['credentials that can be read', 'enroll', { bmc: unseen }, 'verifying'],
      ['credentials that cannot', 'enroll', { bmc: fails(1) }, 'error'],
      ['a BMC not asked yet', 'verifying', { bmc: unseen }, 'verifying'],
      ['a BMC that answers', 'verifying', {}, 'manageable'],
      ['a BMC that does not', 'verifying', { bmc: fails(1) }, 'error'],
      ['no inventory yet', 'manageable', {}, 'manageable'],
      ['the inventory of an installed machine', 'manageable', { inspected: true }, 'available'],
      ['no inventory wanted', 'manageable', { spec: { ...ours, inspectionMode: 'Disabled' } }, 'available'],
      ['an inventory to be taken of a bare machine', 'manageable', { spec: bare }, 'inspecting'],
      [
        'a bare machine, nothing wanted',
        'manageable',
        { spec: { ...bare, inspectionMode: 'Disabled' } },
        'available',
      ],
      ['an agent wanted', 'manageable', { spec: { ...bare, inspectionMode: 'Agent' } }, 'manageable'],
      ['a BMC that fails', 'manageable', { bmc: fails(1) }, 'error'],
      ['the inventory of a bare machine', 'inspecting', { spec: bare, inspected: true }, 'available'],
      ['no inventory of a bare machine yet', 'inspecting', { spec: bare }, 'inspecting'],
      ['a change of mind', 'inspecting', { spec: { ...bare, inspectionMode: 'Disabled' } }, 'manageable'],
      ['a BMC that fails', 'inspecting', { spec: bare, bmc: fails(2) }, 'error'],
      ['nobody who has it', 'available', {}, 'available'],
      ['a host', 'available', { held: true }, 'adopting'],
      ['a BMC that failed twice', 'available', { bmc: fails(2) }, 'available'],
      ['a BMC that failed three times', 'available', { bmc: fails(3) }, 'error'],
      ['a BMC that answers', 'adopting', { held: true }, 'active'],
      ['a BMC not asked yet', 'adopting', { held: true, bmc: unseen }, 'adopting'],
      ['a BMC that fails', 'adopting', { held: true, bmc: fails(1) }, 'error'],
      ['a host that went', 'adopting', {}, 'available'],
      ['a host', 'active', { held: true }, 'active'],
      ['a host, and a BMC that fails for long', 'active', { held: true, bmc: fails(99) }, 'active'],
      ['no host any more', 'active', {}, 'available'],
      ['whatever', 'deploying', { held: true }, 'deploying'],
      ['whatever', 'cleaning', {}, 'cleaning'],
      ['whatever', 'deleting', {}, 'deleting'],
    ];
  for (const [what, from, input, to] of cases) {
    it(`${from}, with ${what}: ${to}`, () => {
      const expected = to === 'error' ? { state: to, errorFrom: from } : { state: to };
      expect(step({ state: from }, input)).to.deep.equal(expected);
    });
  }

  const errors: readonly (readonly [what: string, from: State, input: Partial<LifecycleInput>, to: Place])[] =
    [
      ['a failure that lasts', 'verifying', { bmc: fails(7) }, { state: 'error', errorFrom: 'verifying' }],
      ['nothing known', 'verifying', { bmc: unseen }, { state: 'error', errorFrom: 'verifying' }],
      ['a BMC that answers again', 'verifying', {}, { state: 'verifying' }],
      ['credentials that can be read now', 'enroll', { bmc: unseen }, { state: 'enroll' }],
      ['a BMC that answers again', 'available', {}, { state: 'available' }],
      ['a BMC that answers again', 'adopting', { held: true }, { state: 'adopting' }],
      ['a BMC that answers again, and the host gone', 'adopting', {}, { state: 'available' }],
      [
        'the host gone, the BMC too',
        'adopting',
        { bmc: fails(4) },
        { state: 'error', errorFrom: 'available' },
      ],
    ];
  for (const [what, from, input, to] of errors) {
    it(`error from ${from}, with ${what}: ${to.state}`, () => {
      expect(step({ state: 'error', errorFrom: from }, input)).to.deep.equal(to);
    });
  }
});

describe('what is asked of the BMC', () => {
  const cases: readonly (readonly [State, boolean, string])[] = [
    ['enroll', false, 'Credentials'],
    ['verifying', false, 'Power'],
    ['manageable', false, 'Inventory'],
    ['manageable', true, 'Power'],
    ['inspecting', false, 'Inventory'],
    ['active', true, 'Power'],
    ['active', false, 'Inventory'],
  ];
  for (const [state, inspected, look] of cases) {
    it(`in ${state}, ${inspected ? 'with' : 'without'} an inventory: ${look}`, () => {
      expect(lookFor({ spec: ours, place: { state }, inspected })).to.equal(look);
    });
  }

  it('in error, what the state before it wanted', () => {
    expect(
      lookFor({ spec: ours, place: { state: 'error', errorFrom: 'enroll' }, inspected: false }),
    ).to.equal('Credentials');
  });
});

describe('the retry of a failing BMC', () => {
  const minutes = (reason: string, count: number): number => retryDelay({ reason, count }) / 60_000;

  it('starts at 10 s, doubles, and ends at 10 min', () => {
    const delays = [1, 2, 3, 4, 20].map((count) => retryDelay({ reason: 'BMCUnreachable', count }) / 1000);
    expect(delays).to.deep.equal([10, 20, 40, 80, 600]);
  });

  it('logs in three times with a wrong password, then rests for 10 min', () => {
    expect([1, 2, 3, 4].map((count) => minutes('BMCAuthFailed', count))).to.deep.equal([
      1 / 6,
      1 / 3,
      10,
      10,
    ]);
  });

  it('belongs to states that have an end', () => {
    expect(deadlineOf('verifying')).to.be.a('number');
    expect([deadlineOf('available'), deadlineOf('active')]).to.deep.equal([undefined, undefined]);
  });
});
