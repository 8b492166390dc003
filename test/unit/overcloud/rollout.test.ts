// Who may move now, case by case.
import { expect } from 'chai';
import { unreachableDeadlineMs } from '../../../src/overcloud/rollout/barrier.ts';
import type { RolloutDecision, RolloutHost, RolloutInput } from '../../../src/overcloud/rollout/model.ts';
import { decide, deployed, host, moving, policy, role } from './support/rollout.ts';

/** `ctrl0: A 1` for each host: where it is sent, and how far it may go. */
const sent = (decision: RolloutDecision): readonly string[] =>
  [...decision.assignments].map(
    ([name, { revision, step }]) => `${name}: ${revision || 'none'} ${String(step)}`,
  );

describe('who may move', () => {
  const cases: readonly {
    readonly name: string;
    readonly hosts: readonly RolloutHost[];
    readonly with?: Partial<RolloutInput>;
    readonly sent: readonly string[];
    readonly waits?: readonly string[];
  }[] = [
    {
      name: 'the hosts of a first deployment begin together, across roles',
      hosts: [host('ctrl0'), host('ctrl1'), host('compute0', { target: 'C' })],
      sent: ['ctrl0: A 1', 'ctrl1: A 1', 'compute0: C 1'],
    },
    { name: 'a host that is deployed alone waits for nobody', hosts: [host('ctrl0')], sent: ['ctrl0: A 5'] },
    {
      name: 'a first deployment waits at step 1 for hosts whose nodes are still being registered',
      hosts: [moving('ctrl0', 'A', 1)],
      with: { arriving: 2 },
      sent: ['ctrl0: A 1'],
    },
    {
      name: 'an update does not wait for hosts that are still to come',
      hosts: [deployed('ctrl0', 'A', { target: 'B' })],
      with: { arriving: 2 },
      sent: ['ctrl0: B 5'],
    },
    {
      name: 'a host alone in joining a cloud waits for nobody',
      hosts: [deployed('compute0', 'A'), host('compute1')],
      sent: ['compute0: A 5', 'compute1: A 5'],
    },
    {
      name: 'nobody starts a step before all have finished the one before',
      hosts: [moving('ctrl0', 'A', 2), moving('ctrl1', 'A', 1, { step: 2 })],
      sent: ['ctrl0: A 2', 'ctrl1: A 2'],
    },
    {
      name: 'the step goes up when the last has finished',
      hosts: [moving('ctrl0', 'A', 2), moving('ctrl1', 'A', 2)],
      sent: ['ctrl0: A 3', 'ctrl1: A 3'],
    },
    {
      name: 'a step that was given is not taken back when a host joins late',
      hosts: [moving('ctrl0', 'A', 3), moving('ctrl1', 'A', 3), host('ctrl2')],
      sent: ['ctrl0: A 3', 'ctrl1: A 3', 'ctrl2: A 1'],
    },
    {
      name: 'a host whose status was lost stays where it is',
      hosts: [deployed('ctrl0', 'A', { progress: undefined, ready: false })],
      sent: ['ctrl0: A 5'],
    },
    {
      name: 'a role without a revision does not hold up the others',
      hosts: [host('ctrl0', { target: '' }), host('compute0')],
      sent: ['ctrl0: none 0', 'compute0: A 5'],
    },
    {
      name: 'an input that changes during a deployment reaches the new hosts at once',
      hosts: [moving('ctrl0', 'A', 2, { target: 'B' }), moving('ctrl1', 'A', 3, { target: 'B' })],
      sent: ['ctrl0: B 1', 'ctrl1: B 1'],
    },
    {
      name: 'an update takes one host at a time by default',
      hosts: [deployed('ctrl0', 'A', { target: 'B' }), deployed('ctrl1', 'A', { target: 'B' })],
      sent: ['ctrl0: B 5', 'ctrl1: A 5'],
    },
    {
      name: 'an update takes as large a wave as the role says, and leads it step by step',
      hosts: ['c0', 'c1', 'c2', 'c3'].map((name) => deployed(name, 'A', { target: 'B' })),
      with: { roles: [role('c', { serial: '50%' })] },
      sent: ['c0: B 1', 'c1: B 1', 'c2: A 5', 'c3: A 5'],
    },
    {
      name: 'members of a Pacemaker cluster move one at a time, whatever the role says',
      hosts: ['c0', 'c1', 'c2'].map((name) => deployed(name, 'A', { target: 'B' })),
      with: { roles: [role('c', { serial: 3, tags: ['pacemaker'] })] },
      sent: ['c0: B 5', 'c1: A 5', 'c2: A 5'],
    },
    {
      name: 'the next wave waits until the one before is ready',
      hosts: [deployed('c0', 'B', { target: 'B', ready: false }), deployed('c1', 'A', { target: 'B' })],
      sent: ['c0: B 5', 'c1: A 5'],
      waits: ['WaitingForUpdatedHosts'],
    },
    {
      name: 'a host that is not ready is updated first',
      hosts: [deployed('c0', 'A', { target: 'B' }), deployed('c1', 'A', { target: 'B', ready: false })],
      sent: ['c0: A 5', 'c1: B 5'],
    },
    {
      name: 'nothing moves while too much of the role is out of reach',
      hosts: [
        deployed('c0', 'A', { target: 'B' }),
        deployed('c1', 'A', { target: 'B', ready: false, unreachableForMs: 1000 }),
      ],
      sent: ['c0: A 5', 'c1: A 5'],
      waits: ['TooManyUnavailable'],
    },
    {
      name: 'a host in maintenance counts as not available',
      hosts: [deployed('c0', 'A', { target: 'B' }), deployed('c1', 'A', { target: 'B', aside: true })],
      sent: ['c0: A 5', 'c1: A 5'],
      waits: ['TooManyUnavailable'],
    },
    {
      name: 'more may be missing when the policy says so',
      hosts: [deployed('c0', 'A', { target: 'B' }), deployed('c1', 'A', { target: 'B', aside: true })],
      with: { update: { ...policy, maxUnavailable: 2 } },
      sent: ['c0: B 5', 'c1: A 5'],
    },
    {
      name: 'a host in maintenance is not waited for in a deployment',
      hosts: [moving('c0', 'A', 1), moving('c1', 'A', 1), moving('c2', 'A', 0, { aside: true })],
      sent: ['c0: A 2', 'c1: A 2', 'c2: A 0'].map((line) => line.replace('c2: A 0', 'c2: A 1')),
    },
    {
      name: 'a host out of reach for long is not waited for where the policy allows',
      hosts: [
        moving('c0', 'A', 1),
        moving('c1', 'A', 1),
        moving('c2', 'A', 1, { unreachableForMs: unreachableDeadlineMs }),
        moving('c3', 'A', 1),
      ],
      with: { update: { ...policy, maxFailPercent: 25 } },
      sent: ['c0: A 2', 'c1: A 2', 'c2: A 1', 'c3: A 2'],
    },
    {
      name: 'too many out of reach stop all',
      hosts: [
        moving('c0', 'A', 2),
        moving('c1', 'A', 1, { unreachableForMs: unreachableDeadlineMs }),
        moving('c2', 'A', 1, { unreachableForMs: unreachableDeadlineMs }),
      ],
      with: { update: { ...policy, maxFailPercent: 34 } },
      sent: ['c0: A 2', 'c1: A 2', 'c2: A 2'],
    },
    {
      name: 'a controller out of reach is always waited for',
      hosts: [moving('c0', 'A', 2), moving('c1', 'A', 1, { unreachableForMs: unreachableDeadlineMs })],
      with: { roles: [role('c', { tags: ['primary'] })], update: { ...policy, maxFailPercent: 100 } },
      sent: ['c0: A 2', 'c1: A 2'],
    },
    {
      name: 'a host that comes back when the others are done goes on alone',
      hosts: [deployed('c0', 'A'), moving('c1', 'A', 1)],
      sent: ['c0: A 5', 'c1: A 5'],
    },
    {
      name: 'roles are updated one after the other',
      hosts: [deployed('ctrl0', 'A', { target: 'B' }), deployed('compute0', 'C', { target: 'D' })],
      sent: ['ctrl0: B 5', 'compute0: C 5'],
      waits: ['WaitingForRole'],
    },
    {
      name: 'a host on hold stays, and holds nobody up',
      hosts: [deployed('c0', 'A', { target: 'B', hold: true }), deployed('c1', 'A', { target: 'B' })],
      sent: ['c0: A 5', 'c1: B 5'],
    },
    {
      name: 'a paused rollout moves nobody to another revision, but finishes what runs',
      hosts: [deployed('c0', 'A', { target: 'B' }), moving('d0', 'A', 2), moving('d1', 'A', 2), host('d2')],
      with: { frozen: 'rollout is Paused' },
      sent: ['c0: A 5', 'd0: A 3', 'd1: A 3', 'd2: none 0'],
      waits: ['RolloutFrozen', 'RolloutFrozen'],
    },
    {
      name: 'a host on which the new revision fails goes back, and the role stops',
      hosts: [
        moving('c0', 'B', 3, { completed: 'A', failure: 'nova_api exits 1' }),
        deployed('c1', 'A', { target: 'B' }),
      ],
      sent: ['c0: A 5', 'c1: A 5'],
      waits: ['RevisionRejected'],
    },
    {
      name: 'with onFailure Pause it stays for a person to look at',
      hosts: [
        moving('c0', 'B', 3, { completed: 'A', failure: 'nova_api exits 1', step: 5 }),
        deployed('c1', 'A', { target: 'B' }),
      ],
      with: { update: { ...policy, onFailure: 'Pause' } },
      sent: ['c0: B 5', 'c1: A 5'],
      waits: ['RolloutStopped'],
    },
    {
      name: 'a role after one that stopped waits too',
      hosts: [deployed('ctrl0', 'A', { target: 'A' }), deployed('compute0', 'C', { target: 'D' })],
      with: { rejected: [{ role: 'ctrl', revision: 'B', host: 'ctrl0', reason: 'it failed' }] },
      sent: ['ctrl0: A 5', 'compute0: C 5'],
      waits: ['RevisionRejected', 'WaitingForRole'],
    },
    {
      name: 'what mends the input reaches a host that failed at once',
      hosts: [moving('c0', 'B', 3, { completed: 'A', failure: 'nova_api exits 1', target: 'C' })],
      sent: ['c0: C 5'],
    },
    {
      name: 'a new host on which the first revision fails has nothing to go back to',
      hosts: [moving('c0', 'A', 3, { failure: 'nova_api exits 1', step: 5 })],
      sent: ['c0: A 5'],
    },
    {
      name: 'a failure after the revision was complete is drift, not a bad revision',
      hosts: [deployed('c0', 'B', { target: 'B', ready: false, failure: 'nova_api exits 1' })],
      sent: ['c0: B 5'],
    },
    {
      name: 'the canary goes alone',
      hosts: ['c0', 'c1', 'c2', 'c3'].map((name) => deployed(name, 'A', { target: 'B' })),
      with: {
        roles: [role('c', { serial: 4 })],
        update: { ...policy, canary: { hosts: 1, pauseMs: 60_000 } },
      },
      sent: ['c0: B 5', 'c1: A 5', 'c2: A 5', 'c3: A 5'],
    },
    {
      name: 'the canary goes alone, whoever is pinned to another revision',
      hosts: [
        deployed('c0', 'P', { target: 'P' }),
        ...['c1', 'c2', 'c3'].map((name) => deployed(name, 'A', { target: 'B' })),
      ],
      with: {
        roles: [role('c', { serial: 4 })],
        update: { ...policy, canary: { hosts: 1, pauseMs: 60_000 } },
      },
      sent: ['c0: P 5', 'c1: B 5', 'c2: A 5', 'c3: A 5'],
    },
    {
      name: 'the others wait out the pause of the canary',
      hosts: [
        deployed('c0', 'B', { target: 'B', readyForMs: 59_000 }),
        ...['c1', 'c2'].map((name) => deployed(name, 'A', { target: 'B' })),
      ],
      with: {
        roles: [role('c', { serial: 4 })],
        update: { ...policy, canary: { hosts: 1, pauseMs: 60_000 } },
      },
      sent: ['c0: B 5', 'c1: A 5', 'c2: A 5'],
      waits: ['CanaryPause'],
    },
    {
      name: 'the others follow when the canary stayed ready',
      hosts: [
        deployed('c0', 'B', { target: 'B', readyForMs: 60_000 }),
        ...['c1', 'c2'].map((name) => deployed(name, 'A', { target: 'B' })),
      ],
      with: {
        roles: [role('c', { serial: 4 })],
        update: { ...policy, canary: { hosts: 1, pauseMs: 60_000 } },
      },
      sent: ['c0: B 5', 'c1: B 1', 'c2: B 1'],
    },
  ];

  for (const { name, hosts, with: more, sent: expected, waits = [] } of cases) {
    it(name, () => {
      const decision = decide(hosts, more);
      expect(sent(decision)).to.deep.equal(expected);
      const blocking = decision.waits.filter((wait) => wait.reason !== 'Updating');
      expect(blocking.map((wait) => wait.reason)).to.deep.equal(waits);
    });
  }

  it('shows in mode Plan what would come, and moves nobody', () => {
    const hosts = [
      deployed('c0', 'A', { target: 'B' }),
      host('c1', { target: 'B' }),
      deployed('c2', 'B', { target: 'B' }),
    ];
    const { assignments } = decide(hosts, { frozen: 'mode is Plan', planOnly: true });
    expect([...assignments.values()]).to.deep.equal([
      { revision: 'A', proposedRevision: 'B', step: 5 },
      { revision: '', proposedRevision: 'B', step: 0 },
      { revision: 'B', proposedRevision: '', step: 5 },
    ]);
  });

  it('remembers the revision that failed, and why', () => {
    const failing = moving('c0', 'B', 3, { completed: 'A', failure: 'container nova_api exits 1' });
    expect(decide([failing, deployed('c1', 'A')]).rejected).to.deep.equal([
      { role: 'c', revision: 'B', host: 'c0', reason: 'container nova_api exits 1' },
    ]);
  });

  it('asks to be called again when the pause of the canary or the patience with a host ends', () => {
    const canary = { ...policy, canary: { hosts: 1, pauseMs: 60_000 } };
    const pausing = [
      deployed('c0', 'B', { target: 'B', readyForMs: 59_000 }),
      deployed('c1', 'A', { target: 'B' }),
    ];
    expect(decide(pausing, { update: canary }).lookAgainMs).to.equal(1_000);
    const lost = moving('c1', 'A', 1, { unreachableForMs: unreachableDeadlineMs - 5 });
    expect(decide([moving('c0', 'A', 1), lost]).lookAgainMs).to.equal(5);
    expect(decide([deployed('c0', 'A')]).lookAgainMs).to.equal(undefined);
  });
});
