// The state machine: every state against everything that can happen in it.
import { expect } from 'chai';
import {
  deadlineOf,
  lookFor,
  nextPlace,
  retryDelay,
  workIn,
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
const off: BmcView = { kind: 'answers', power: 'Off' };
const ours = {
  externallyProvisioned: true,
  inspectionMode: 'OutOfBand',
  automatedCleaningMode: 'Disabled',
} as const;
/** A machine that we install, inspected by agent and cleaned. */
const bare = {
  externallyProvisioned: false,
  inspectionMode: 'Agent',
  automatedCleaningMode: 'Metadata',
} as const;

const step = (place: Place, input: Partial<LifecycleInput>): Place =>
  nextPlace({
    spec: ours,
    held: false,
    installed: false,
    bmc: answers,
    inspected: false,
    work: undefined,
    ...input,
    place,
  });

describe('the next state of a machine that runs its own system', () => {
  const cases: readonly (readonly [what: string, from: State, input: Partial<LifecycleInput>, to: State])[] =
    [
      ['credentials that can be read', 'enroll', { bmc: unseen }, 'verifying'],
      ['credentials that cannot', 'enroll', { bmc: fails(1) }, 'error'],
      ['a BMC that answers', 'verifying', {}, 'manageable'],
      ['no inventory yet', 'manageable', {}, 'manageable'],
      ['the inventory', 'manageable', { inspected: true }, 'available'],
      ['no inventory wanted', 'manageable', { spec: { ...ours, inspectionMode: 'Disabled' } }, 'available'],
      ['a host', 'available', { held: true }, 'adopting'],
      ['a BMC that answers', 'adopting', { held: true }, 'active'],
      ['a host that went', 'adopting', {}, 'available'],
      ['a host, and a BMC that fails for long', 'active', { held: true, bmc: fails(99) }, 'active'],
      ['no host any more: it is not touched', 'active', {}, 'available'],
      ['no host any more, and a BMC that fails', 'active', { bmc: fails(3) }, 'available'],
    ];
  for (const [what, from, input, to] of cases) {
    it(`${from}, with ${what}: ${to}`, () => {
      const expected = to === 'error' ? { state: to, errorFrom: from } : { state: to };
      expect(step({ state: from }, input)).to.deep.equal(expected);
    });
  }
});

describe('the next state of a machine that we install', () => {
  const events = {
    'nothing new': {},
    'a BMC not asked yet': { bmc: unseen },
    'a BMC that fails': { bmc: fails(1) },
    'a BMC that fails for the third time': { bmc: fails(3) },
    'a host': { held: true },
    'a host whose system is on it': { held: true, installed: true },
    'no host': { held: false },
    'its inventory': { inspected: true },
    'the agent at work': { work: 'going' },
    'the agent through': { work: 'done' },
    'the agent failed': { work: 'failed' },
    'the power off': { bmc: off },
  } as const satisfies Readonly<Record<string, Partial<LifecycleInput>>>;
  type Event = keyof typeof events;
  type Row = Readonly<Record<Event, State>>;
  const all = (state: State, but: Partial<Row> = {}): Row => ({
    ...(Object.fromEntries(Object.keys(events).map((event) => [event, state])) as Row),
    ...but,
  });
  const bmcFails = { 'a BMC that fails': 'error', 'a BMC that fails for the third time': 'error' } as const;
  /** What a state is like by itself. */
  const base = (state: State): Partial<LifecycleInput> => ({
    held: ['adopting', 'deploying', 'active'].includes(state),
  });
  const table: Readonly<Record<Exclude<State, 'error'>, Row>> = {
    enroll: all('verifying', bmcFails),
    verifying: all('manageable', { ...bmcFails, 'a BMC not asked yet': 'verifying' }),
    manageable: all('inspecting', {
      ...bmcFails,
      'a BMC not asked yet': 'manageable',
      'its inventory': 'available',
      // Its status was lost: a living system is not rebooted to be looked at.
      'a host whose system is on it': 'available',
    }),
    inspecting: all('inspecting', {
      'the agent through': 'available',
      'the agent failed': 'error',
      'a host whose system is on it': 'available',
    }),
    available: all('available', {
      'a BMC that fails for the third time': 'error',
      'a host': 'deploying',
      'a host whose system is on it': 'adopting',
    }),
    adopting: all('active', { ...bmcFails, 'a BMC not asked yet': 'adopting', 'no host': 'deleting' }),
    deploying: all('deploying', {
      'the agent through': 'active',
      'the agent failed': 'error',
      'no host': 'deleting',
    }),
    active: all('active', { 'no host': 'deleting' }),
    deleting: all('deleting', { 'the power off': 'cleaning' }),
    cleaning: all('cleaning', { 'the agent through': 'available', 'the agent failed': 'error' }),
  };
  for (const [from, row] of Object.entries(table) as [State, Row][]) {
    for (const [event, to] of Object.entries(row) as [Event, State][]) {
      it(`${from}, with ${event}: ${to}`, () => {
        const expected = to === 'error' ? { state: to, errorFrom: from } : { state: to };
        const input = { spec: bare, ...base(from), ...events[event] };
        expect(step({ state: from }, input)).to.deep.equal(expected);
      });
    }
  }

  const minds: readonly (readonly [what: string, from: State, input: Partial<LifecycleInput>, to: State])[] =
    [
      [
        'no inspection wanted any more',
        'inspecting',
        { spec: { ...bare, inspectionMode: 'Disabled' } },
        'manageable',
      ],
      ['the BMC to be asked', 'manageable', { spec: { ...bare, inspectionMode: 'OutOfBand' } }, 'inspecting'],
      [
        'the BMC asked',
        'inspecting',
        { spec: { ...bare, inspectionMode: 'OutOfBand' }, inspected: true },
        'available',
      ],
      [
        'no cleaning wanted, once it is off',
        'deleting',
        { spec: { ...bare, automatedCleaningMode: 'Disabled' }, bmc: off },
        'available',
      ],
      [
        'no cleaning wanted any more',
        'cleaning',
        { spec: { ...bare, automatedCleaningMode: 'Disabled' }, work: 'going' },
        'deleting',
      ],
    ];
  for (const [what, from, input, to] of minds) {
    it(`${from}, with ${what}: ${to}`, () => {
      expect(step({ state: from }, input)).to.deep.equal({ state: to });
    });
  }
});

describe('a node in error', () => {
  const cases: readonly (readonly [
    what: string,
    from: State,
    input: Partial<LifecycleInput>,
    to: State | 'stays',
  ])[] = [
    ['a failure that lasts', 'verifying', { bmc: fails(7) }, 'stays'],
    ['nothing known', 'verifying', { bmc: unseen }, 'stays'],
    ['a BMC that answers again', 'verifying', {}, 'verifying'],
    ['credentials that can be read now', 'enroll', { bmc: unseen }, 'enroll'],
    ['a BMC that answers again', 'available', {}, 'available'],
    ['a BMC that answers again', 'adopting', { held: true }, 'adopting'],
    ['a BMC that answers again, and the host gone', 'adopting', {}, 'available'],
    ['the host gone, the BMC too', 'adopting', { bmc: fails(4) }, 'available'],
    ['a try that waits for its time', 'deploying', { spec: bare, held: true, work: 'failed' }, 'stays'],
    ['a new try', 'deploying', { spec: bare, held: true, work: 'going' }, 'deploying'],
    ['a new try, and a BMC that fails', 'cleaning', { spec: bare, work: 'going', bmc: fails(1) }, 'cleaning'],
    ['the host gone', 'deploying', { spec: bare, work: 'failed' }, 'deleting'],
    ['a new try', 'inspecting', { spec: bare, work: 'going' }, 'inspecting'],
    [
      'no cleaning wanted any more',
      'cleaning',
      { spec: { ...bare, automatedCleaningMode: 'Disabled' }, work: 'failed' },
      'deleting',
    ],
  ];
  for (const [what, from, input, to] of cases) {
    it(`from ${from}, with ${what}: ${to}`, () => {
      const expected = to === 'stays' ? { state: 'error', errorFrom: from } : { state: to };
      expect(step({ state: 'error', errorFrom: from }, input)).to.deep.equal(expected);
    });
  }
});

describe('what the agent does', () => {
  const cases: readonly (readonly [State, LifecycleInput['spec'], string | undefined])[] = [
    ['inspecting', bare, 'Inspect'],
    ['inspecting', { ...bare, inspectionMode: 'OutOfBand' }, undefined],
    ['deploying', bare, 'Deploy'],
    ['cleaning', bare, 'Clean'],
    ['active', bare, undefined],
    ['deleting', bare, undefined],
    ['inspecting', ours, undefined],
    ['deploying', ours, undefined],
    ['cleaning', ours, undefined],
  ];
  for (const [state, spec, work] of cases) {
    const whose = spec.externallyProvisioned ? 'that runs its own system' : 'that we install';
    it(`in ${state}, on a machine ${whose}, inspected by ${spec.inspectionMode}: ${work ?? 'nothing'}`, () => {
      expect(workIn(spec, { state })).to.equal(work);
      expect(workIn(spec, { state: 'error', errorFrom: state })).to.equal(work);
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
    expect(deadlineOf('verifying', ours)).to.be.a('number');
    expect([deadlineOf('available', ours), deadlineOf('active', ours)]).to.deep.equal([undefined, undefined]);
  });
});
