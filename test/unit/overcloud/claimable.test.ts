// Which machines may become hosts: those that we install, those on their way, and what the hardware rules say of them.
import { expect } from 'chai';
import type { BareMetalNode } from '../../../src/api/baremetalnode.gen.ts';
import type { Host } from '../../../src/api/host.gen.ts';
import type { OvercloudSpecRolesItem } from '../../../src/api/overcloud.gen.ts';
import { allocate, type Allocation } from '../../../src/overcloud/allocation.ts';
import { byName, host, node, overcloud, role } from './support/objects.ts';

const control = (name: string, status = {}) => node(name, { profile: 'control' }, status);

const plan = (
  wanted: readonly OvercloudSpecRolesItem[],
  nodes: readonly BareMetalNode[],
  hosts: readonly Host[] = [],
): Allocation =>
  allocate({
    overcloud: overcloud({ roles: wanted }),
    roles: byName(role('controller', { profile: 'control' })),
    nodes: byName(...nodes),
    hosts,
    // Long after the nodes were made.
    now: new Date('2026-02-01T00:00:00Z'),
  });

describe('which machine may become a host', () => {
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
      name: 'a role waits for nodes that are given back, cleaned or inspected',
      roles: [{ role: 'controller', count: 3 }],
      nodes: [
        control('ctrl01', { state: 'deleting' }),
        control('ctrl02', { state: 'cleaning' }),
        control('ctrl03', { state: 'inspecting' }),
      ],
      members: [],
      problems: ['NodesArriving'],
    },
    {
      name: 'a node that cannot be cleaned is not waited for',
      roles: [{ role: 'controller', count: 2 }],
      nodes: [control('ctrl01', { state: 'error', errorFrom: 'cleaning', errorCount: 1 }), control('ctrl02')],
      members: ['lab-controller-0 on ctrl02'],
      problems: ['InsufficientNodes'],
    },
    {
      name: 'a machine that we have to install fits as any other',
      roles: [{ role: 'controller', count: 1 }],
      nodes: [node('bare', { profile: 'control', externallyProvisioned: false })],
      members: ['lab-controller-0 on bare'],
    },
    {
      name: 'a node that the hardware rules refuse fits nobody, and is not waited for',
      roles: [{ role: 'controller', count: 2 }],
      nodes: [
        control('ctrl01', { refused: 'its firmware is too old' }),
        control('ctrl02', { state: 'inspecting', refused: 'its firmware is too old' }),
        control('ctrl03'),
      ],
      members: ['lab-controller-0 on ctrl03'],
      problems: ['InsufficientNodes'],
    },
    {
      name: 'what a host of this name left running is taken back, though the hardware rules refuse the machine now',
      roles: [{ role: 'controller', count: 1 }],
      nodes: [
        control('a', {
          state: 'active',
          retainedFrom: { overcloud: 'lab', host: 'lab-controller-0' },
          refused: 'its firmware is too old',
        }),
      ],
      members: ['lab-controller-0 on a'],
    },
    {
      name: 'a host whose node the hardware rules refuse before it was given makes way for one with another node',
      roles: [{ role: 'controller', count: 1 }],
      nodes: [control('ctrl01', { refused: 'its firmware is too old' }), control('ctrl02')],
      hosts: [host('lab-controller-0', { nodeName: 'ctrl01' })],
      members: [],
      leaving: ['lab-controller-0'],
    },
    {
      name: 'a host that has its node keeps it, whatever the hardware rules say later',
      roles: [{ role: 'controller', count: 1 }],
      nodes: [
        control('ctrl01', {
          state: 'deploying',
          refused: 'its firmware is too old',
          hostRef: { name: 'lab-controller-0', uid: 'uid-of-lab-controller-0' },
        }),
      ],
      hosts: [host('lab-controller-0', { nodeName: 'ctrl01' })],
      members: ['lab-controller-0 on ctrl01'],
    },
    {
      name: 'the profile by the hardware rules counts where the spec has none, and only there',
      roles: [{ role: 'controller', count: 2 }],
      nodes: [
        node('a', { profile: 'compute' }, { profile: 'control' }),
        node('b', {}, { profile: 'compute' }),
        node('c', {}, { profile: 'control' }),
        node('d', { profile: 'control' }, { profile: 'compute' }),
      ],
      members: ['lab-controller-0 on c', 'lab-controller-1 on d'],
    },
  ];
  for (const each of cases) {
    it(each.name, () => {
      const { members, leaving, problems } = plan(each.roles, each.nodes, each.hosts);
      expect(members.map(({ name, nodeName }) => `${name} on ${nodeName}`)).to.deep.equal(each.members);
      expect(leaving.map(({ metadata }) => metadata.name)).to.deep.equal(each.leaving ?? []);
      expect(problems.map(({ reason }) => reason)).to.deep.equal(each.problems ?? []);
    });
  }

  it('says which nodes are on the way, and how far they are', () => {
    const nodes = [control('ctrl01', { state: 'cleaning' }), control('ctrl02', { state: 'verifying' })];
    const [problem] = plan([{ role: 'controller', count: 2 }], nodes).problems;
    expect(problem?.message).to.equal(
      'role controller waits for ctrl01 (cleaning), ctrl02 (verifying): on the way to be available',
    );
  });

  it('says that and why a machine is refused', () => {
    const refused = { profile: 'control', refused: 'its firmware is too old' };
    const nodes = [node('cmpt01', { profile: 'compute' }), node('ctrl01', {}, refused)];
    const [problem] = plan([{ role: 'controller', count: 1 }], nodes).problems;
    expect(problem?.message).to.contain('(ctrl01 is refused by the hardware rules: its firmware is too old)');
  });
});
