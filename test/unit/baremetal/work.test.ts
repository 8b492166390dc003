// The agent's work on a machine: every phase against what can be seen in it.
import { expect } from 'chai';
import { decideWork, type WorkInput } from '../../../src/baremetal/work/decide.ts';
import type { Phase, Work, WorkSeen, WorkStep } from '../../../src/baremetal/work/model.ts';
import { start } from './objects.ts';

const minute = 60_000;
const address = { url: 'https://10.0.0.5:9999', certificate: 'PEM', version: '10.2' };
const image = { url: 'http://10.0.0.1/a.raw', checksum: `sha256:${'a'.repeat(64)}` };
const work = (phase: Phase, more: Partial<Work> = {}): Work => ({
  kind: 'Deploy',
  phase,
  phaseSince: '2026-01-01T00:00:00Z',
  attempt: 1,
  boot: 'b1',
  hostUID: 'h1',
  image,
  ...more,
});
const seen: WorkSeen = {
  power: 'On',
  blocker: undefined,
  turn: true,
  prepared: false,
  heard: {},
  silentMs: undefined,
  inventoryKept: false,
  move: undefined,
  failure: undefined,
  trouble: undefined,
  plan: undefined,
  consoleTail: undefined,
  retired: false,
};
const decide = (
  recorded: Work | undefined,
  view: Partial<WorkSeen> = {},
  more: Partial<WorkInput> = {},
): WorkStep =>
  decideWork({
    kind: recorded?.kind ?? 'Deploy',
    recorded,
    hostUID: recorded === undefined ? 'h1' : recorded.hostUID,
    image,
    burnInMs: undefined,
    now: start,
    newBoot: 'b2',
    again: false,
    jitter: 0.5,
    ...more,
    seen: { ...seen, ...view },
  });
const later = (ms: number): Partial<WorkInput> => ({ now: new Date(start.getTime() + ms) });

describe('the next phase of the work', () => {
  const cases: readonly (readonly [what: string, from: Phase, view: Partial<WorkSeen>, to: Phase])[] = [
    ['its turn', 'Queued', {}, 'PoweringOff'],
    ['others before it', 'Queued', { turn: false }, 'Queued'],
    ['no image to be had', 'Queued', { blocker: { reason: 'x', message: 'x' } }, 'Queued'],
    ['the machine still on', 'PoweringOff', {}, 'PoweringOff'],
    ['a BMC that does not tell', 'PoweringOff', { power: 'Unknown' }, 'PoweringOff'],
    ['the machine off', 'PoweringOff', { power: 'Off' }, 'Booting'],
    ['nothing prepared', 'Booting', { power: 'Off' }, 'Booting'],
    ['all prepared, and off', 'Booting', { power: 'Off', prepared: true }, 'Booting'],
    ['the machine on', 'Booting', { prepared: true }, 'AwaitingAgent'],
    ['a machine on that we did not start', 'Booting', {}, 'PoweringOff'],
    ['nothing heard', 'AwaitingAgent', {}, 'AwaitingAgent'],
    ['a lookup', 'AwaitingAgent', { heard: { lookupAt: 1 } }, 'AwaitingAgent'],
    ['a heartbeat', 'AwaitingAgent', { heard: { address } }, 'Working'],
    ['an agent that cannot be asked', 'Working', {}, 'Working'],
    ['an agent at work', 'Working', { move: { kind: 'wait', what: 'writes', percent: 10 } }, 'Working'],
    ['an agent through', 'Working', { move: { kind: 'done' } }, 'Finishing'],
    ['the machine still on', 'Finishing', {}, 'Finishing'],
    ['the machine off', 'Finishing', { power: 'Off' }, 'Finishing'],
    ['the machine off and its disk set', 'Finishing', { power: 'Off', retired: true }, 'Starting'],
    ['the machine off', 'Starting', { power: 'Off' }, 'Starting'],
  ];
  for (const [what, from, view, to] of cases) {
    it(`${from}, with ${what}: ${to}`, () => {
      const { work: next, outcome } = decide(work(from), view);
      expect([next.phase, outcome]).to.deep.equal([to, 'going']);
    });
  }

  it('begins with the image of the day, for the host that has the machine', () => {
    const { work: begun } = decide(undefined);
    expect(begun).to.include({ kind: 'Deploy', phase: 'PoweringOff', attempt: 1, boot: 'b2', hostUID: 'h1' });
    expect(begun.image).to.deep.equal(image);
  });

  it('begins anew for another host', () => {
    const { work: begun } = decide(work('Working'), { turn: false }, { hostUID: 'h2' });
    expect(begun).to.include({ phase: 'Queued', attempt: 1, boot: 'b2', hostUID: 'h2' });
  });

  it('is another boot when something else ran: what its agent says is not heard', () => {
    expect(decide(work('Booting')).work).to.include({ phase: 'PoweringOff', boot: 'b2' });
    expect(decide(work('Booting'), { prepared: true }).work).to.include({
      phase: 'AwaitingAgent',
      boot: 'b1',
    });
  });

  it('of a deployment ends when the machine is on again', () => {
    expect(decide(work('Starting')).outcome).to.equal('done');
  });

  it('of a cleaning ends with the machine off', () => {
    const { outcome } = decide(work('Finishing', { kind: 'Clean' }), { power: 'Off', retired: true });
    expect(outcome).to.equal('done');
  });
});

describe('an inspection', () => {
  const inspect = (view: Partial<WorkSeen>, more: Partial<WorkInput> = {}) =>
    decide(work('AwaitingAgent', { kind: 'Inspect' }), view, more).work.phase;

  it('goes on only when the inventory is kept', () => {
    expect(inspect({ heard: { address } })).to.equal('AwaitingAgent');
    expect(inspect({ heard: { address }, inventoryKept: true })).to.equal('Finishing');
  });

  it('is followed by the burn-in where one is wanted', () => {
    expect(inspect({ heard: { address }, inventoryKept: true }, { burnInMs: 1000 })).to.equal('Working');
  });
});

describe('the power that a phase needs', () => {
  const cases: readonly (readonly [Phase, Partial<WorkSeen>, 'On' | 'Off' | undefined])[] = [
    ['Queued', { turn: false }, undefined],
    ['PoweringOff', {}, 'Off'],
    ['Booting', { power: 'Off' }, undefined],
    ['Booting', { power: 'Off', prepared: true }, 'On'],
    ['AwaitingAgent', {}, undefined],
    ['Working', {}, undefined],
    ['Finishing', {}, 'Off'],
    ['Finishing', { power: 'Off' }, undefined],
    ['Starting', { power: 'Off' }, 'On'],
  ];
  for (const [phase, view, power] of cases) {
    it(`${phase}, ${JSON.stringify(view)}: ${power ?? 'as it is'}`, () => {
      expect(decide(work(phase), view).power).to.equal(power);
    });
  }
});

describe('what is done', () => {
  const run = {
    kind: 'run',
    name: 'deploy.get_deploy_steps',
    params: {},
    what: 'asks',
    percent: 0,
  } as const;
  const cases: readonly (readonly [Phase, Partial<WorkSeen>, string | undefined])[] = [
    ['PoweringOff', { power: 'Off' }, undefined],
    ['Booting', { power: 'Off' }, 'prepare'],
    ['Booting', { power: 'Off', prepared: true }, undefined],
    ['Working', { move: run }, 'command'],
    ['Working', { move: { kind: 'wait', what: 'writes', percent: 10 } }, undefined],
    ['Finishing', { power: 'On' }, undefined],
    ['Finishing', { power: 'Off' }, 'retire'],
  ];
  for (const [phase, view, todo] of cases) {
    it(`${phase}, ${Object.keys(view).join(', ')}: ${todo ?? 'nothing'}`, () => {
      expect(decide(work(phase), view).todo?.kind).to.equal(todo);
    });
  }

  it('is never anything in a pass that leaves the phase, as that has to be recorded first', () => {
    for (const view of [
      { power: 'Off' as const },
      { power: 'On' as const, heard: { address }, prepared: true },
    ]) {
      for (const phase of ['Queued', 'PoweringOff', 'Booting', 'AwaitingAgent', 'Working'] as const) {
        const next = decide(work(phase), { ...view, move: { kind: 'done' } });
        if (next.work.phase !== phase) expect(next.todo, phase).to.equal(undefined);
      }
    }
  });
});

describe('a phase that lasts too long', () => {
  const cases: readonly (readonly [what: string, Phase, number, Partial<WorkSeen>, string | undefined])[] = [
    ['in the line', 'Queued', 9999, { turn: false }, undefined],
    ['a power that stays on', 'PoweringOff', 6, {}, 'PowerStuck'],
    ['a power that stays off', 'Starting', 6, { power: 'Off' }, 'PowerStuck'],
    ['a BMC that fails when all is done', 'Finishing', 60, { power: 'Unknown' }, undefined],
    ['nothing heard yet', 'AwaitingAgent', 19, {}, undefined],
    ['nothing heard', 'AwaitingAgent', 21, {}, 'NoBoot'],
    ['a script fetched', 'AwaitingAgent', 29, { heard: { scriptAt: 1 } }, undefined],
    ['a script fetched, no more', 'AwaitingAgent', 31, { heard: { scriptAt: 1 } }, 'NoLookup'],
    ['a lookup, no more', 'AwaitingAgent', 31, { heard: { lookupAt: 1 } }, 'NoHeartbeat'],
    ['the power gone', 'AwaitingAgent', 2, { power: 'Off' }, 'PowerLost'],
    ['the power gone for a moment', 'AwaitingAgent', 0, { power: 'Off' }, undefined],
    ['the power gone at work', 'Working', 2, { power: 'Off' }, 'PowerLost'],
    ['silence', 'Working', 7, { silentMs: 7 * minute }, 'AgentLost'],
    ['heartbeats, and no answers', 'Working', 7, { silentMs: minute }, undefined],
    [
      'an image that never ends',
      'Working',
      121,
      { silentMs: 1, move: { kind: 'wait', what: 'w', percent: 1 } },
      'AgentSlow',
    ],
  ];
  for (const [what, phase, minutes, view, reason] of cases) {
    it(`${phase}, ${minutes} min, ${what}: ${reason ?? 'goes on'}`, () => {
      const { work: next, outcome } = decide(work(phase), view, later(minutes * minute));
      expect(next.failure?.reason).to.equal(reason);
      expect(outcome).to.equal(reason === undefined ? 'going' : 'failed');
    });
  }

  it('ends with the end of the console, where somebody follows it', () => {
    const view = { consoleTail: 'Kernel panic - not syncing' };
    const { work: next } = decide(work('AwaitingAgent'), view, later(21 * minute));
    expect(next.failure?.message).to.match(/; its console ends with: Kernel panic - not syncing$/);
  });

  it('says that an inspection never came', () => {
    const view = { heard: { scriptAt: 1 } };
    const { work: next } = decide(work('AwaitingAgent', { kind: 'Inspect' }), view, later(31 * minute));
    expect(next.failure?.reason).to.equal('NoInspection');
  });
});

describe('a try that failed', () => {
  const failed = work('Working', {
    attempt: 3,
    failure: { reason: 'AgentLost', message: 'gone', retryAt: '2026-01-01T00:05:00Z' },
  });

  it('waits for its time', () => {
    expect(decide(failed)).to.deep.include({ outcome: 'failed', work: failed });
  });

  it('is followed by another boot, from the beginning', () => {
    const next = decide(failed, { turn: false }, later(5 * minute));
    expect(next.outcome).to.equal('going');
    expect(next.work)
      .to.include({ phase: 'Queued', attempt: 4, boot: 'b2' })
      .and.not.have.property('failure');
  });

  it('is followed by another at once when a person asks for it', () => {
    expect(decide(failed, { turn: false }, { again: true }).work).to.include({ phase: 'Queued', attempt: 4 });
  });

  const delays = [1, 2, 3, 7, 8, 99].map((attempt) => {
    const { failure } = decide(work('Working', { attempt }), {
      move: { kind: 'failed', reason: 'x', message: 'x' },
    }).work;
    return (Date.parse(failure?.retryAt ?? '') - start.getTime()) / 1000;
  });
  it('waits from 10 s, doubling, up to 10 min', () => {
    expect(delays).to.deep.equal([10, 20, 40, 600, 600, 600]);
  });

  it('is one also when an effect met what cannot mend by itself', () => {
    const { work: next } = decide(work('Booting'), {
      power: 'Off',
      failure: { reason: 'BMCRefused', message: 'it has no virtual CD' },
    });
    expect(next.failure).to.include({ reason: 'BMCRefused', message: 'it has no virtual CD' });
  });
});
