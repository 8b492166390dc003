// Which node becomes which host.
import { expect } from 'chai';
import fc from 'fast-check';
import type { BareMetalNode } from '../../../src/api/baremetalnode.gen.ts';
import type { Host } from '../../../src/api/host.gen.ts';
import type { OvercloudSpecRolesItem } from '../../../src/api/overcloud.gen.ts';
import { allocate, type Allocation } from '../../../src/overcloud/allocation.ts';
import { byName, host, node, overcloud, role } from './support/objects.ts';

const entry = (name: string, more: object = {}) => ({ name, hold: false, paused: false, ...more });
const control = (name: string, status = {}) => node(name, { profile: 'control' }, status);
/** Long after the nodes of these tests were made. */
const now = new Date('2026-02-01T00:00:00Z');
const roles = byName(role('controller', { profile: 'control' }), role('compute'));

const plan = (
  wanted: readonly OvercloudSpecRolesItem[],
  nodes: readonly BareMetalNode[],
  hosts: readonly Host[] = [],
): Allocation =>
  allocate({ overcloud: overcloud({ roles: wanted }), roles, nodes: byName(...nodes), hosts, now });

/** `lab-controller-0 on ctrl01` for every member. */
const members = (allocation: Allocation): readonly string[] =>
  allocation.members.map(({ name, nodeName }) => `${name} on ${nodeName}`);
const leaving = (allocation: Allocation): readonly string[] =>
  allocation.leaving.map(({ metadata }) => metadata.name);
const reasons = (allocation: Allocation): readonly string[] =>
  allocation.problems.map(({ reason }) => reason);

describe('which node becomes which host', () => {
  const three = ['ctrl03', 'ctrl01', 'ctrl02'].map((name) => control(name));
  const cases: readonly {
    readonly name: string;
    readonly roles: readonly OvercloudSpecRolesItem[];
    readonly nodes: readonly BareMetalNode[];
    readonly hosts?: readonly Host[];
    readonly members: readonly string[];
    readonly leaving?: readonly string[];
    readonly problems?: readonly string[];
  }[] = [
    {
      name: 'nodes are taken in order of their names',
      roles: [{ role: 'controller', count: 2 }],
      nodes: three,
      members: ['lab-controller-0 on ctrl01', 'lab-controller-1 on ctrl02'],
    },
    {
      name: 'a role waits for nodes that are still being registered, so that host 0 is on the first of them',
      roles: [{ role: 'controller', count: 2 }],
      nodes: [control('ctrl01', { state: 'verifying' }), control('ctrl02')],
      members: [],
      problems: ['NodesArriving'],
    },
    {
      name: 'a node that failed to register is not waited for',
      roles: [{ role: 'controller', count: 2 }],
      nodes: [
        control('ctrl01', { state: 'error', errorFrom: 'verifying', errorCount: 1 }),
        control('ctrl02'),
      ],
      members: ['lab-controller-0 on ctrl02'],
      problems: ['InsufficientNodes'],
    },
    {
      name: 'a node that was just made is waited for, as its Secret may come a moment later',
      roles: [{ role: 'controller', count: 2 }],
      nodes: [
        {
          ...control('ctrl01'),
          metadata: { ...control('ctrl01').metadata, creationTimestamp: now.toISOString() },
          status: { observedGeneration: 1, state: 'error', errorFrom: 'enroll', errorCount: 1 },
        },
        control('ctrl02'),
      ],
      members: [],
      problems: ['NodesArriving'],
    },
    {
      name: 'a node that is still being registered keeps nobody waiting when there are enough others',
      roles: [{ role: 'controller', count: 1 }],
      nodes: [control('ctrl01', { state: 'verifying' }), control('ctrl02')],
      members: ['lab-controller-0 on ctrl02'],
    },
    {
      name: 'only nodes of the profile fit',
      roles: [{ role: 'controller', count: 1 }],
      nodes: [node('a', { profile: 'compute' }), node('b'), control('c')],
      members: ['lab-controller-0 on c'],
    },
    {
      name: 'a role without a profile takes any node',
      roles: [{ role: 'compute', count: 1 }],
      nodes: [control('a')],
      members: ['lab-compute-0 on a'],
    },
    {
      name: 'a node that is named for a host goes to it, and to nobody else',
      roles: [{ role: 'controller', count: 2, hosts: [entry('lab-controller-1', { node: 'ctrl01' })] }],
      nodes: three,
      members: ['lab-controller-0 on ctrl02', 'lab-controller-1 on ctrl01'],
    },
    {
      name: 'a host with a name of its own takes the lowest index that is free',
      roles: [{ role: 'controller', count: 2, hosts: [entry('king')] }],
      nodes: three,
      members: ['king on ctrl01', 'lab-controller-1 on ctrl02'],
    },
    {
      name: 'hosts that are there keep their index and their node',
      roles: [{ role: 'controller', count: 2 }],
      nodes: [
        control('ctrl01'),
        control('ctrl02', {
          state: 'active',
          hostRef: { name: 'lab-controller-1', uid: 'uid-of-lab-controller-1' },
        }),
      ],
      hosts: [host('lab-controller-1', { index: 1, nodeName: 'ctrl02' })],
      members: ['lab-controller-0 on ctrl01', 'lab-controller-1 on ctrl02'],
    },
    {
      name: 'what is held, asked for, used by others, in maintenance, paused or not ready does not fit',
      roles: [{ role: 'controller', count: 1 }],
      nodes: [
        control('held', { state: 'active', hostRef: { name: 'other', uid: 'x' } }),
        control('asked'),
        node('outside', { profile: 'control', consumerRef: { kind: 'Machine', name: 'm' } }),
        node('broken', { profile: 'control', maintenance: true }),
        node('paused', { profile: 'control', paused: true }),
        control('new', { state: 'error', errorCount: 1 }),
        control('former', { state: 'active', retainedFrom: { overcloud: 'old', host: 'old-controller-0' } }),
      ],
      hosts: [host('other-controller-0', { overcloudName: 'other', nodeName: 'asked' })],
      members: [],
      problems: ['InsufficientNodes'],
    },
    {
      name: 'what a host of this name left running is taken back by it',
      roles: [{ role: 'controller', count: 1 }],
      nodes: [
        control('a'),
        control('z', { state: 'active', retainedFrom: { overcloud: 'lab', host: 'lab-controller-0' } }),
      ],
      members: ['lab-controller-0 on z'],
    },
    {
      name: 'as many as there are nodes are made, and the rest is said',
      roles: [{ role: 'controller', count: 3 }],
      nodes: three.slice(0, 2),
      members: ['lab-controller-0 on ctrl01', 'lab-controller-1 on ctrl03'],
      problems: ['InsufficientNodes'],
    },
    {
      name: 'a lower count alone takes nobody away',
      roles: [{ role: 'controller', count: 1 }],
      nodes: three,
      hosts: [
        host('lab-controller-0', { nodeName: 'ctrl01' }),
        host('lab-controller-1', { index: 1, nodeName: 'ctrl02' }),
      ],
      members: ['lab-controller-0 on ctrl01', 'lab-controller-1 on ctrl02'],
      problems: ['HostsToRemoveNotNamed'],
    },
    {
      name: 'a host that is named in remove leaves',
      roles: [{ role: 'controller', count: 1, remove: ['lab-controller-0'] }],
      nodes: three,
      hosts: [
        host('lab-controller-0', { nodeName: 'ctrl01' }),
        host('lab-controller-1', { index: 1, nodeName: 'ctrl02' }),
      ],
      members: ['lab-controller-1 on ctrl02'],
      leaving: ['lab-controller-0'],
    },
    {
      name: 'who replaces a host that was removed gets an index of its own',
      roles: [{ role: 'controller', count: 1, remove: ['lab-controller-0'] }],
      nodes: [control('ctrl02')],
      hosts: [],
      members: ['lab-controller-1 on ctrl02'],
    },
    {
      name: 'a role that is taken out of the spec keeps its hosts',
      roles: [{ role: 'controller', count: 0 }],
      nodes: three,
      hosts: [host('lab-compute-0', { role: 'compute', nodeName: 'ctrl01' })],
      members: ['lab-compute-0 on ctrl01'],
      problems: ['HostsToRemoveNotNamed'],
    },
    {
      name: 'a host that is being deleted keeps its place until it is gone',
      roles: [{ role: 'controller', count: 1 }],
      nodes: three,
      hosts: [
        host(
          'lab-controller-0',
          { nodeName: 'ctrl01' },
          { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
        ),
      ],
      members: [],
      leaving: ['lab-controller-0'],
    },
    {
      name: 'a host whose node was given to another before it began makes way for one with another node',
      roles: [{ role: 'controller', count: 1 }],
      nodes: [control('ctrl01', { state: 'active', hostRef: { name: 'other', uid: 'another' } })],
      hosts: [host('lab-controller-0', { nodeName: 'ctrl01' })],
      members: [],
      leaving: ['lab-controller-0'],
    },
    {
      name: 'a host that ran there keeps asking, even if its node says otherwise',
      roles: [{ role: 'controller', count: 1 }],
      nodes: [control('ctrl01', { state: 'active', hostRef: { name: 'other', uid: 'another' } })],
      hosts: [
        host(
          'lab-controller-0',
          { nodeName: 'ctrl01' },
          { status: { observedGeneration: 1, progress: { revision: 'A', step: 2 } } },
        ),
      ],
      members: ['lab-controller-0 on ctrl01'],
    },
    {
      name: 'a name that another cloud has is not taken',
      roles: [{ role: 'controller', count: 1 }],
      nodes: three,
      hosts: [host('lab-controller-0', { overcloudName: 'other', nodeName: 'ctrl01' })],
      members: [],
      problems: ['HostNameTaken'],
    },
    {
      name: 'a node that is named but not there is said',
      roles: [{ role: 'controller', count: 1, hosts: [entry('lab-controller-0', { node: 'nowhere' })] }],
      nodes: three,
      members: [],
      problems: ['InsufficientNodes'],
    },
  ];

  for (const each of cases) {
    it(each.name, () => {
      const allocation = plan(each.roles, each.nodes, each.hosts);
      expect(members(allocation)).to.deep.equal(each.members);
      expect(leaving(allocation)).to.deep.equal(each.leaving ?? []);
      expect(reasons(allocation)).to.deep.equal(each.problems ?? []);
    });
  }

  it('says what is short, and why the others do not fit', () => {
    const nodes = [
      control('ctrl01'),
      node('ctrl02', { profile: 'control', maintenance: true }),
      node('cmpt01', { profile: 'compute' }),
    ];
    const [problem] = plan([{ role: 'controller', count: 2 }], nodes).problems;
    expect(problem?.message).to.equal(
      'role controller wants 2 nodes of profile control, 1 are available: add nodes of profile control or lower count (ctrl02 is in maintenance)',
    );
  });

  it('takes nobody away in mode Plan, and says who would leave', () => {
    const spec = {
      mode: 'Plan' as const,
      roles: [{ role: 'controller', count: 0, remove: ['lab-controller-0'] }],
    };
    const allocation = allocate({
      overcloud: overcloud(spec),
      roles,
      nodes: byName(control('ctrl01')),
      hosts: [host('lab-controller-0', { nodeName: 'ctrl01' })],
      now,
    });
    expect(members(allocation)).to.deep.equal(['lab-controller-0 on ctrl01']);
    expect(reasons(allocation)).to.deep.equal(['RemovalPlanned']);
  });

  const stock = fc
    .array(
      fc.record({
        profile: fc.constantFrom('control', 'compute'),
        state: fc.constantFrom('available', 'verifying', 'active'),
      }),
      { maxLength: 12 },
    )
    .map((specs) =>
      specs.map(({ profile, state }, index) => node(`n${String(index)}`, { profile }, { state })),
    );
  const counts = fc.tuple(fc.nat(4), fc.nat(4)).map(([controllers, computes]) => [
    { role: 'controller', count: controllers },
    { role: 'compute', count: computes },
  ]);
  /** What becomes of an allocation: every member has its Host. */
  const made = (allocation: Allocation): readonly Host[] =>
    allocation.members.map(({ name, role: of, index, nodeName }) =>
      host(name, { role: of, index, nodeName }),
    );

  it('never gives one node to two hosts, and gives the same again when all is made', () => {
    fc.assert(
      fc.property(stock, counts, counts, (nodes, first, then) => {
        const hosts = made(plan(first, nodes));
        const second = plan(then, nodes, hosts);
        expect(new Set(second.members.map(({ nodeName }) => nodeName)).size).to.equal(second.members.length);
        expect(members(plan(then, nodes, made(second)))).to.deep.equal(members(second));
        for (const { metadata, spec } of hosts) {
          expect(members(second)).to.include(`${metadata.name} on ${spec.nodeName}`);
        }
      }),
    );
  });

  it('does not depend on the order in which nodes and hosts are listed', () => {
    const shuffled = stock.chain((nodes) =>
      fc.tuple(fc.constant(nodes), fc.shuffledSubarray(nodes, { minLength: nodes.length })),
    );
    fc.assert(
      fc.property(shuffled, counts, ([nodes, others], wanted) => {
        expect(members(plan(wanted, others))).to.deep.equal(members(plan(wanted, nodes)));
      }),
    );
  });
});
