// Who gets a node, who keeps it, and what becomes of it afterwards.
import { expect } from 'chai';
import type { BareMetalNode } from '../../../src/api/baremetalnode.gen.ts';
import type { Host } from '../../../src/api/host.gen.ts';
import { annotations, finalizers } from '../../../src/api/names.ts';
import { decideClaim, type ClaimInput } from '../../../src/baremetal/claim.ts';
import { hostOf, nodeOf, type HostParts, type NodeParts } from './objects.ts';

const deleted = { deletionTimestamp: '2026-01-01T01:00:00Z' };
const drained = { ...deleted, finalizers: [finalizers.hostRelease] };
const node = (parts: NodeParts = {}): BareMetalNode => nodeOf('node1', parts);
const host = (name: string, parts: HostParts = {}): Host => hostOf(name, 'node1', parts);
const decide = (input: Partial<ClaimInput> & { readonly node: BareMetalNode }) =>
  decideClaim({ holder: undefined, askers: [], answers: true, recorded: undefined, ...input });
const held = (state: 'active' | 'adopting' = 'active'): BareMetalNode =>
  node({ status: { state, hostRef: { name: 'host1', uid: 'uid-of-host1' } } });
const retained = (overcloud = 'lab', meta: NodeParts['metadata'] = {}): BareMetalNode =>
  node({ status: { state: 'active', retainedFrom: { overcloud, host: 'host1' } }, metadata: meta });

describe('a free node', () => {
  it('goes to the host that asks', () => {
    const asker = host('host1');
    expect(decide({ node: node(), askers: [asker] })).to.deep.equal({ kind: 'grant', host: asker });
  });

  it('goes to the one who asked first, and of two at once to the first by name', () => {
    const late = host('a', { metadata: { creationTimestamp: '2026-01-01T00:00:09Z' } });
    const askers = [late, host('c'), host('b')];
    expect(decide({ node: node(), askers })).to.have.nested.property('host.metadata.name', 'b');
  });

  const refused: readonly (readonly [why: string, node: NodeParts, more?: Partial<ClaimInput>])[] = [
    ['while it is paused', { spec: { paused: true } }],
    ['in maintenance', { spec: { maintenance: true } }],
    ['claimed from outside', { spec: { consumerRef: { kind: 'Server', name: 'x' } } }],
    ['being deleted', { metadata: deleted }],
    ['in error', { status: { state: 'error' } }],
    ['not verified yet', { status: { state: 'verifying' } }],
    ['whose BMC does not answer', {}, { answers: false }],
    ['asked for by a host that is being deleted', {}, { askers: [host('host1', { metadata: deleted })] }],
    ['asked for by nobody', {}, { askers: [] }],
  ];
  for (const [why, parts, more = {}] of refused) {
    it(`goes to nobody ${why}`, () => {
      expect(decide({ node: node(parts), askers: [host('host1')], ...more })).to.deep.equal({ kind: 'keep' });
    });
  }

  it('that we have to install goes to the host that asks as well', () => {
    const claim = decide({ node: node({ spec: { externallyProvisioned: false } }), askers: [host('host1')] });
    expect(claim).to.include({ kind: 'grant' }).and.have.nested.property('host.metadata.name', 'host1');
  });

  it('that the hardware rules refuse goes to nobody', () => {
    const refused = node({ status: { refused: 'too small' } });
    expect(decide({ node: refused, askers: [host('host1')] })).to.deep.equal({ kind: 'keep' });
  });

  for (const state of ['enroll', 'verifying', 'manageable', 'available'] as const) {
    it(`in ${state} that lost its status goes back to the one whose system is on it, and to nobody else`, () => {
      const recorded = { overcloud: 'lab', host: 'host1' };
      const lost = node({ spec: { externallyProvisioned: false }, status: { state } });
      const claim = decide({ node: lost, askers: [host('host2')], recorded });
      expect(claim).to.deep.equal({ kind: 'recall', from: recorded });
    });
  }
});

describe('a held node', () => {
  it('stays with its host, whoever else asks, whatever else is said', () => {
    const kept = { ...held(), spec: { ...node().spec, maintenance: true, paused: true } };
    expect(decide({ node: kept, holder: host('host1'), askers: [host('host0')] })).to.deep.equal({
      kind: 'keep',
    });
  });

  it('stays while its host is drained', () => {
    expect(decide({ node: held(), holder: host('host1', { metadata: deleted }) })).to.deep.equal({
      kind: 'keep',
    });
  });

  const releases: readonly (readonly [
    what: string,
    node: BareMetalNode,
    holder: Host | undefined,
    retained: unknown,
  ])[] = [
    [
      'with Retain keeps what runs',
      held(),
      host('host1', { metadata: drained }),
      { overcloud: 'lab', host: 'host1' },
    ],
    [
      'with Delete is free',
      held(),
      host('host1', { metadata: drained, spec: { deletionPolicy: 'Delete' } }),
      undefined,
    ],
    ['that never was active is free', held('adopting'), host('host1', { metadata: drained }), undefined],
    ['whose host went without a word keeps what runs', held(), undefined, { overcloud: '', host: 'host1' }],
    [
      'whose host was made anew keeps what runs',
      held(),
      host('host1', { metadata: { uid: 'other' } }),
      { overcloud: '', host: 'host1' },
    ],
    [
      'that lost its status, with a host that was at work, keeps what runs',
      held('adopting'),
      host('host1', {
        metadata: drained,
        status: { observedGeneration: 1, progress: { revision: 'r', step: 5 } },
      }),
      { overcloud: 'lab', host: 'host1' },
    ],
  ];
  for (const [what, holding, holder, expected] of releases) {
    it(what, () => {
      const claim = decide({ node: holding, holder });
      expect(claim).to.include({ kind: 'release' });
      expect(claim).to.have.property('retained').that.deep.equals(expected);
    });
  }

  it('is released though it is paused: nothing on the machine is touched', () => {
    const paused = { ...held(), spec: { ...node().spec, paused: true } };
    expect(decide({ node: paused, holder: host('host1', { metadata: drained }) })).to.include({
      kind: 'release',
    });
  });
});

describe('a retained node', () => {
  it('goes back to the host of that name in that cloud', () => {
    expect(decide({ node: retained(), askers: [host('host1')] })).to.include({ kind: 'grant' });
  });

  it('goes to no other host, and to no other cloud', () => {
    const others = [host('host2'), host('host1', { spec: { overcloudName: 'other' } })];
    expect(decide({ node: retained(), askers: others })).to.deep.equal({ kind: 'keep' });
  });

  it('whose cloud is not known any more goes back by the name of the host', () => {
    expect(decide({ node: retained(''), askers: [host('host1')] })).to.include({ kind: 'grant' });
  });

  it('is freed by its name', () => {
    const named = { annotations: { [annotations.release]: 'node1' } };
    expect(decide({ node: retained('lab', named) })).to.deep.equal({ kind: 'free' });
  });

  it('is not freed by another name', () => {
    const misnamed = { annotations: { [annotations.release]: 'node2' } };
    expect(decide({ node: retained('lab', misnamed) })).to.deep.equal({ kind: 'keep' });
  });
});
