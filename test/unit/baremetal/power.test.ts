// Which power is wanted, who forbids touching it, and which command follows.
import { expect } from 'chai';
import type { HostSpec } from '../../../src/api/host.gen.ts';
import {
  decidePower,
  isStuck,
  powerBrake,
  shownPower,
  wantedPower,
  type PowerInput,
} from '../../../src/baremetal/power.ts';
import type { State } from '../../../src/baremetal/lifecycle.ts';
import { hostOf, nodeOf, start, type NodeParts } from './objects.ts';

const later = (seconds: number): Date => new Date(start.getTime() + seconds * 1000);
const request = (power: 'On' | 'Off') => ({ power, requestedAt: '2026-01-01T00:00:00Z', epoch: 1 });

describe('the wanted power', () => {
  const cases: readonly (readonly [
    what: string,
    poweredOn: boolean | undefined,
    external: boolean,
    State,
    claimed: boolean,
    string | undefined,
  ])[] = [
    ['unset, with a host', undefined, true, 'active', true, 'On'],
    ['unset, without a host', undefined, true, 'available', false, undefined],
    ['unset, retained', undefined, true, 'active', false, undefined],
    ['on, without a host', true, true, 'available', false, 'On'],
    ['off, a bare machine', false, false, 'available', false, 'Off'],
    ['off, a machine that came with its system', false, true, 'available', false, undefined],
    ['on, before it is available', true, true, 'manageable', false, undefined],
    ['on, in error', true, true, 'error', true, undefined],
  ];
  for (const [what, poweredOn, externallyProvisioned, state, claimed, wanted] of cases) {
    it(`${what}: ${wanted ?? 'as it is'}`, () => {
      const spec = { externallyProvisioned, ...(poweredOn !== undefined && { poweredOn }) };
      expect(wantedPower(spec, state, claimed)).to.equal(wanted);
    });
  }
});

describe('the brake', () => {
  const held: NodeParts['status'] = { state: 'active', hostRef: { name: 'host1', uid: 'uid-of-host1' } };
  const cases: readonly (readonly [
    what: string,
    node: NodeParts,
    host: Partial<HostSpec>,
    brake: RegExp | undefined,
  ])[] = [
    ['nothing', {}, {}, undefined],
    ['a paused node', { spec: { paused: true } }, {}, /node is paused/],
    ['maintenance', { spec: { maintenance: true } }, {}, /maintenance/],
    ['a node that is being deleted', { metadata: { deletionTimestamp: 'now' } }, {}, /being deleted/],
    ['somebody else', { spec: { consumerRef: { kind: 'Server', name: 'x' } } }, {}, /Server x uses/],
    ['a paused host', { status: held }, { paused: true }, /Host host1 is paused/],
    ['a host that is observed', { status: held }, { mode: 'Observe' }, /only observed/],
    ['a host that is only planned', { status: held }, { mode: 'Plan' }, undefined],
  ];
  for (const [what, node, spec, brake] of cases) {
    it(`${brake === undefined ? 'is off for' : 'is'} ${what}`, () => {
      const found = powerBrake(nodeOf('node1', node), hostOf('host1', 'node1', { spec }));
      if (brake === undefined) expect(found).to.equal(undefined);
      else expect(found).to.match(brake);
    });
  }

  it('is a host that is gone', () => {
    expect(powerBrake(nodeOf('node1', { status: held }), undefined)).to.match(/gone/);
  });
});

describe('the next power command', () => {
  const decide = (input: Partial<PowerInput>) =>
    decidePower({
      wanted: 'On',
      observed: 'Off',
      former: 'Off',
      request: undefined,
      now: start,
      epoch: 1,
      sentMsAgo: undefined,
      softRefused: false,
      hard: false,
      ...input,
    });
  const none = { request: undefined, send: undefined, lost: false };
  const cases: readonly (readonly [what: string, input: Partial<PowerInput>, expected: object])[] = [
    ['none when all is as wanted', { observed: 'On' }, none],
    ['none when nothing is wanted', { wanted: undefined }, none],
    ['none when a request was fulfilled', { observed: 'On', request: request('On') }, none],
    ['on', {}, { request: request('On'), send: 'On', lost: false }],
    [
      'on, and a loss, when it was on before',
      { former: 'On' },
      { request: request('On'), send: 'On', lost: true },
    ],
    [
      'none while the last one may still work',
      { request: request('On'), sentMsAgo: 5_000 },
      { request: request('On'), send: undefined, lost: false },
    ],
    [
      'on again when the last one had no effect',
      { request: request('On'), sentMsAgo: 60_000 },
      { request: request('On'), send: 'On', lost: false },
    ],
    [
      'on again after a restart in between',
      { request: request('On') },
      { request: request('On'), send: 'On', lost: false },
    ],
    ['none while the BMC does not know', { observed: 'Unknown' }, none],
    [
      'none while it is on its way',
      { observed: 'PoweringOn', request: request('On') },
      { request: request('On'), send: undefined },
    ],
    ['a shutdown first', { wanted: 'Off', observed: 'On' }, { request: request('Off'), send: 'SoftOff' }],
    [
      'the power cut when the shutdown takes too long',
      { wanted: 'Off', observed: 'On', request: request('Off'), now: later(180), sentMsAgo: 60_000 },
      { send: 'Off' },
    ],
    [
      'the power cut where there is no shutdown',
      { wanted: 'Off', observed: 'On', request: request('Off'), softRefused: true },
      { send: 'Off' },
    ],
    [
      'the opposite of what was asked for before',
      { wanted: 'Off', observed: 'On', request: request('On'), sentMsAgo: 1_000 },
      { request: request('Off'), send: 'SoftOff' },
    ],
  ];
  for (const [what, input, expected] of cases) {
    it(`is ${what}`, () => {
      expect(decide(input)).to.deep.include(expected);
    });
  }

  it('shows as what is going on', () => {
    expect(shownPower('Off', request('On'))).to.equal('PoweringOn');
    expect(shownPower('On', request('Off'))).to.equal('PoweringOff');
    expect(shownPower('On', request('On'))).to.equal('On');
    expect(shownPower('Unknown', undefined)).to.equal('Unknown');
  });

  it('is a case for a person after five minutes', () => {
    expect([isStuck(request('On'), later(299)), isStuck(request('On'), later(301))]).to.deep.equal([
      false,
      true,
    ]);
  });
});
