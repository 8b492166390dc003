// When a host may pull images ahead, what its status says of that, and which events there are: tables.
import { expect } from 'chai';
import type { HostStatusPrePulled } from '../../../src/api/host.gen.ts';
import { brakeOf } from '../../../src/host/brakes.ts';
import type { Action, Verdict } from '../../../src/host/plan/types.ts';
import type { PullState } from '../../../src/host/pre-pull/puller.ts';
import { mayPullAhead, noteOfPrePull, prePulledStatus } from '../../../src/host/pre-pull/status.ts';
import type { Health } from '../../../src/kernel/conditions.ts';
import { host, manifestOf, service } from './support/objects.ts';

const [container] = manifestOf([
  service('s', { containers: [{ name: 'c', image: 'c', step: 1 }] }),
]).containers;
if (container === undefined) throw new Error('the manifest has no container');
const create: Action = {
  kind: 'create',
  target: 'c',
  reason: 'is missing',
  fields: [],
  container,
  step: 1,
  startOrder: 0,
};
const quiet = { actions: [], stepDone: 5, unproven: [] };

describe('a host may pull ahead', () => {
  const verdict = (kind: 'proven' | 'probing'): ReadonlyMap<string, Verdict> => new Map([['id', { kind }]]);
  const started = { ...quiet, unproven: [{ id: 'id', container }], stepDone: 0 };
  const cases: readonly (readonly [string, boolean, Partial<Parameters<typeof host>[0]>, ...Rest])[] = [
    ['at rest', true, {}, 5, quiet],
    ['in mode Plan', true, { mode: 'Plan' }, 5, quiet],
    ['while it is held', true, { hold: true }, 5, quiet],
    ['when the last step has just been finished', true, {}, 4, quiet],
    ['with a container that failed and waits for another try', true, {}, 5, { ...quiet, stepDone: 2 }],
    ['with a container that proved itself', true, {}, 5, started, verdict('proven')],
    ['in mode Observe', false, { mode: 'Observe' }, 5, quiet],
    ['while it is paused', false, { paused: true }, 5, quiet],
    ['with something to heal', false, {}, 5, { ...quiet, actions: [create] }],
    ['on its way to a revision', false, {}, 3, { ...quiet, stepDone: 3 }],
    ['with a container that has yet to prove itself', false, {}, 5, started, verdict('probing')],
  ];
  type Rest = [number, Parameters<typeof mayPullAhead>[2], ReadonlyMap<string, Verdict>?];
  for (const [name, may, spec, reached, plan, verdicts = new Map<string, Verdict>()] of cases) {
    it(`${name}: ${may ? 'yes' : 'no'}`, () => {
      expect(mayPullAhead(brakeOf(host(spec), undefined), reached, plan, verdicts)).to.equal(may);
    });
  }
});

const images = ['r/a@sha256:1', 'r/b@sha256:2', 'r/c@sha256:3'];
const prePull = { hash: 'march', images };
const counted = (present: number, more: Partial<HostStatusPrePulled> = {}): HostStatusPrePulled => ({
  hash: 'march',
  desired: 3,
  present,
  summary: `${present}/3`,
  ...more,
});

describe('the status of what is pulled ahead', () => {
  const health: Health = { kind: 'ready', message: 'lab-controller-0: all is well' };
  const seen = (state: Partial<PullState> | undefined, waitsFor?: string) => ({
    state: state && { present: 1, failures: [], pulling: undefined, ...state },
    waitsFor,
  });
  const cases: readonly {
    readonly name: string;
    readonly former?: HostStatusPrePulled;
    readonly seen: ReturnType<typeof seen> | undefined;
    readonly becomes: HostStatusPrePulled;
  }[] = [
    {
      name: 'nobody has looked yet',
      seen: seen(undefined),
      becomes: counted(0, { message: 'looks which images are here' }),
    },
    {
      name: 'nobody has looked since the operator started: what was counted stays',
      former: counted(3),
      seen: seen(undefined),
      becomes: counted(3),
    },
    {
      name: 'what was counted is of another list',
      former: counted(3, { hash: 'february' }),
      seen: undefined,
      becomes: counted(0, { message: 'waits: all is well' }),
    },
    {
      name: 'the host could not be looked at',
      former: counted(2, { failed: 1, message: 'cannot pull r/c' }),
      seen: undefined,
      becomes: counted(2, { failed: 1, message: 'waits: all is well' }),
    },
    {
      name: 'an image is on its way',
      seen: seen({ pulling: `r/b@sha256:${'2'.repeat(64)}` }),
      becomes: counted(1, { message: `pulls r/b@sha256:${'2'.repeat(12)}` }),
    },
    {
      name: 'other hosts pull',
      seen: seen({}),
      becomes: counted(1, { message: 'waits for its turn' }),
    },
    {
      name: 'something else comes first',
      seen: seen({ failures: ['cannot pull r/b'] }, 'lab-controller-0: c is missing'),
      becomes: counted(1, { failed: 1, message: 'waits: c is missing' }),
    },
    {
      name: 'two failed',
      seen: seen({ failures: ['cannot pull r/b: no', 'cannot pull r/c: no'] }),
      becomes: counted(1, { failed: 2, message: 'cannot pull r/b: no (and 1 more)' }),
    },
    {
      name: 'all are there, whatever else is to be done',
      seen: seen({ present: 3 }, 'lab-controller-0: c is missing'),
      becomes: counted(3),
    },
    {
      name: 'a registry is verbose',
      seen: seen({ failures: ['x'.repeat(600)] }),
      becomes: counted(1, { failed: 1, message: `${'x'.repeat(511)}…` }),
    },
  ];
  for (const { name, former, seen: what, becomes } of cases) {
    it(`says it: ${name}`, () => {
      const status = { observedGeneration: 1, ...(former === undefined ? {} : { prePulled: former }) };
      expect(prePulledStatus({ ...host({ prePull }), status }, health, what)).to.deep.equal(becomes);
    });
  }

  it('is none where nothing is pulled ahead', () => {
    const status = { observedGeneration: 1, prePulled: counted(3) };
    expect(prePulledStatus({ ...host(), status }, health, undefined)).to.equal(undefined);
  });
});

describe('an event about what is pulled ahead', () => {
  const failing = counted(1, { failed: 1, message: 'cannot pull r/b' });
  const cases: readonly (readonly [
    string,
    HostStatusPrePulled | undefined,
    HostStatusPrePulled | undefined,
    string,
  ])[] = [
    ['the first count', undefined, counted(0), 'none'],
    ['progress', counted(0), counted(1), 'none'],
    ['the last image', counted(2), counted(3), 'ImagesPrePulled'],
    ['all were there from the beginning', undefined, counted(3), 'ImagesPrePulled'],
    ['nothing new', counted(3), counted(3), 'none'],
    ['another list that is there', counted(3, { hash: 'february' }), counted(3), 'ImagesPrePulled'],
    ['a failure', counted(1), failing, 'ImagePullFailed'],
    ['the same failure', failing, failing, 'none'],
    ['another one fails too', failing, counted(1, { failed: 2, message: 'cannot pull r/c' }), 'none'],
    ['a failure of another list', { ...failing, hash: 'february' }, failing, 'ImagePullFailed'],
    ['no longer wanted', counted(3), undefined, 'none'],
  ];
  for (const [name, before, after, reason] of cases) {
    it(`${name}: ${reason}`, () => {
      expect(noteOfPrePull(before, after)?.reason ?? 'none').to.equal(reason);
    });
  }
});
