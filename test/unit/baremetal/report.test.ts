// What status says: the sentence and the conditions for everything that can be the matter with a node.
import { expect } from 'chai';
import type { BmcView, Failure } from '../../../src/baremetal/lifecycle.ts';
import type { WorkStep } from '../../../src/baremetal/work/model.ts';
import type { Findings } from '../../../src/baremetal/findings.ts';
import { summaryOf } from '../../../src/baremetal/inventory.ts';
import { buildStatus } from '../../../src/baremetal/report.ts';
import { isTrue } from '../../../src/kernel/conditions.ts';
import { nodeOf, start, type NodeParts } from './objects.ts';

const on: BmcView = { kind: 'answers', power: 'On' };
const off: BmcView = { kind: 'answers', power: 'Off' };
const failing = (reason: string, kind: Failure['kind'], count = 1): BmcView => ({
  kind: 'fails',
  failure: { kind, reason, message: `BMC ipmi://10.0.0.1 ${reason}`, count },
});
const owner = { hostRef: { name: 'host1', uid: 'u' } };
const found = (parts: NodeParts, more: Partial<Findings> = {}): Findings => ({
  node: nodeOf('node1', parts),
  owner: {},
  place: { state: 'available' },
  bmc: on,
  inventory: undefined,
  secretVersion: '7',
  powerRequest: undefined,
  powerBrake: undefined,
  powerFailure: undefined,
  step: undefined,
  workBrake: undefined,
  blocker: undefined,
  rebootRequest: undefined,
  hostKeys: undefined,
  rules: {},
  inspectedAnew: false,
  now: start,
  ...more,
});
const longAgo = '2025-12-31T23:00:00Z';
const failingSince = (since: string): NonNullable<NodeParts['status']> => ({
  conditions: [{ type: 'Manageable', status: 'False', reason: 'x', message: 'x', lastTransitionTime: since }],
});
const requested = { power: 'On', requestedAt: '2026-01-01T00:00:00Z' } as const;

const stepOf = (more: Partial<WorkStep>): WorkStep => ({
  work: {
    kind: 'Deploy',
    phase: 'Queued',
    phaseSince: '2026-01-01T00:00:00Z',
    attempt: 1,
    boot: 'b1',
  },
  power: undefined,
  todo: undefined,
  outcome: 'going',
  says: 'goes on',
  percent: 0,
  ...more,
});
const failedStep = stepOf({
  outcome: 'failed',
  work: {
    ...stepOf({}).work,
    attempt: 2,
    failure: { reason: 'NoBoot', message: 'did not boot', retryAt: '2026-01-01T00:10:00Z' },
  },
});

describe('Ready', () => {
  const active = { owner, place: { state: 'active' } } as const;
  const cases: readonly (readonly [
    what: string,
    Findings,
    status: string,
    reason: string,
    message: RegExp,
    stalled?: boolean,
  ])[] = [
    ['an available node', found({}), 'True', 'Ready', /^node1 is available; power is On$/],
    [
      'a node at work',
      found({}, active),
      'True',
      'Ready',
      /^node1 is the machine of Host host1; power is On$/,
    ],
    [
      'a retained node',
      found({}, { owner: { retainedFrom: { overcloud: 'lab', host: 'host1' } }, place: { state: 'active' } }),
      'True',
      'Ready',
      /host1 left on it.*undercloud\.dev\/release=node1/,
    ],
    [
      'a node that is used by others',
      found({ spec: { consumerRef: { kind: 'Server', name: 'x' } } }),
      'True',
      'Ready',
      /used by Server x/,
    ],
    ['a paused node', found({ spec: { paused: true } }), 'False', 'Paused', /spec\.paused/],
    [
      'maintenance',
      found(
        { spec: { maintenance: true, maintenanceReason: 'a fan, anna' } },
        { bmc: failing('BMCUnreachable', 'transient') },
      ),
      'False',
      'Maintenance',
      /\(a fan, anna\)/,
    ],
    [
      'a BMC that is away',
      found({}, { bmc: failing('BMCUnreachable', 'transient') }),
      'False',
      'BMCUnreachable',
      /^node1: BMC ipmi:\/\/10\.0\.0\.1 .*spec\.bmc\.address.*tried again/,
      false,
    ],
    [
      'a BMC that is away for long',
      found({ status: failingSince(longAgo) }, { bmc: failing('BMCUnreachable', 'transient') }),
      'False',
      'BMCUnreachable',
      /network/,
      true,
    ],
    [
      'a wrong password',
      found({}, { bmc: failing('BMCAuthFailed', 'terminal') }),
      'False',
      'BMCAuthFailed',
      /password in Secret node1-bmc/,
      true,
    ],
    [
      'a missing Secret',
      found({}, { bmc: failing('CredentialsMissing', 'terminal') }),
      'False',
      'CredentialsMissing',
      /write Secret node1-bmc with the keys username and password/,
      true,
    ],
    [
      'a certificate of somebody',
      found({}, { bmc: failing('BMCCertificateInvalid', 'terminal') }),
      'False',
      'BMCCertificateInvalid',
      /caName/,
      true,
    ],
    [
      'an agent that is awaited',
      found({}, { place: { state: 'deploying' }, owner, step: stepOf({ says: 'boots' }) }),
      'False',
      'Deploying',
      /deploying for Host host1: it boots/,
      false,
    ],
    [
      'a try that failed',
      found({}, { place: { state: 'error', errorFrom: 'deploying' }, step: failedStep }),
      'False',
      'NoBoot',
      /node1 did not boot; try 3 begins at 2026-01-01T00:10:00Z/,
      true,
    ],
    [
      'work that cannot begin',
      found(
        {},
        {
          place: { state: 'deploying' },
          step: stepOf({}),
          blocker: { reason: 'BootImageMissing', message: 'waits: there is no image' },
        },
      ),
      'False',
      'BootImageMissing',
      /node1 waits: there is no image/,
      true,
    ],
    [
      'a rule that refuses it',
      found({}, { rules: { refused: 'too small (rule x)' } }),
      'False',
      'RefusedByRule',
      /too small \(rule x\); no host gets it/,
      true,
    ],
    [
      'a node on its way',
      found(
        { status: { state: 'verifying', stateSince: '2025-12-31T23:59:00Z' } },
        { place: { state: 'verifying' }, bmc: { kind: 'unseen' } },
      ),
      'False',
      'Verifying',
      /being verified/,
      false,
    ],
    [
      'a node that got stuck on its way',
      found(
        { status: { state: 'verifying', stateSince: longAgo } },
        { place: { state: 'verifying' }, bmc: { kind: 'unseen' } },
      ),
      'False',
      'DeadlineExceeded',
      /60 min already/,
      true,
    ],
    [
      'a machine that is switched on',
      found({}, { ...active, bmc: off, powerRequest: requested }),
      'False',
      'PoweringOn',
      /being powered On/,
      false,
    ],
    [
      'a machine that does not come up',
      found({}, { ...active, bmc: off, powerRequest: requested, now: new Date('2026-01-01T00:06:00Z') }),
      'False',
      'PowerStuck',
      /look at the machine/,
      true,
    ],
    [
      'a BMC that refuses',
      found(
        {},
        {
          ...active,
          bmc: off,
          powerRequest: requested,
          powerFailure: { reason: 'BMCRefused', message: 'no' },
        },
      ),
      'False',
      'BMCRefused',
      /cannot be: no/,
      false,
    ],
    [
      'a machine that is off and may not be touched',
      found({}, { ...active, bmc: off, powerBrake: 'Host host1 is only observed' }),
      'False',
      'PowerLeftAlone',
      /only observed/,
    ],
    [
      'a held node that is being deleted',
      found({ metadata: { deletionTimestamp: 'now' } }, active),
      'False',
      'Deleting',
      /waits for Host host1/,
      false,
    ],
  ];
  for (const [what, findings, status, reason, message, stalled] of cases) {
    it(`of ${what}: ${status}, ${reason}`, () => {
      const { conditions = [], stateReason } = buildStatus(findings);
      expect(conditions[0]).to.include({ type: 'Ready', status, reason });
      expect(conditions[0]?.message).to.match(message).and.to.equal(stateReason);
      expect(isTrue(conditions, 'Stalled')).to.equal(stalled === true);
      expect(isTrue(conditions, 'Reconciling')).to.equal(stalled === false);
    });
  }
});

describe('the rest of the status', () => {
  const conditionsOf = (findings: Findings): Record<string, string> =>
    Object.fromEntries(
      (buildStatus(findings).conditions ?? []).map(({ type, status, reason }) => [
        type,
        `${status} ${reason}`,
      ]),
    );

  it('says each aspect in a condition of its own', () => {
    expect(conditionsOf(found({}))).to.deep.equal({
      Ready: 'True Ready',
      Inspected: 'False InspectionPending',
      Manageable: 'True BMCAnswers',
      Powered: 'True PowerOn',
      Provisioned: 'True ExternallyProvisioned',
    });
  });

  it('warns of a certificate that is not verified, and of a password in the clear', () => {
    const insecure = {
      address: 'redfish://10.0.0.1',
      credentialsName: 's',
      tls: { insecureSkipVerify: true },
    };
    const clear = { address: 'redfish+http://10.0.0.1', credentialsName: 's' };
    expect(conditionsOf(found({ spec: { bmc: insecure } }))).to.include({
      CertificateUnverified: 'True InsecureSkipVerify',
    });
    expect(conditionsOf(found({ spec: { bmc: clear } }))).to.include({
      CertificateUnverified: 'True Unencrypted',
    });
  });

  it('keeps what it knew of a BMC that was not asked', () => {
    const conditions = [
      {
        type: 'Manageable',
        status: 'True',
        reason: 'BMCAnswers',
        message: 'm',
        lastTransitionTime: longAgo,
      } as const,
    ];
    const paused = found(
      { spec: { paused: true }, status: { power: 'On', conditions } },
      { bmc: { kind: 'unseen' } },
    );
    expect(buildStatus(paused)).to.include({ power: 'On' });
    expect(conditionsOf(paused)).to.include({ Manageable: 'True BMCAnswers', Powered: 'True PowerOn' });
  });

  it('knows no power of a BMC that fails, and counts the failures', () => {
    const status = buildStatus(
      found({ status: { power: 'On' } }, { bmc: failing('BMCUnreachable', 'transient', 4) }),
    );
    expect(status).to.include({ power: 'Unknown', errorCount: 4 });
  });

  it('is the same when nothing has changed', () => {
    const first = buildStatus(found({}));
    const later = found({ status: first }, { now: new Date('2026-01-01T09:00:00Z') });
    expect(buildStatus(later)).to.deep.equal(first);
  });

  it('cuts a large inventory and says by how much', () => {
    const nics = Array.from({ length: 60 }, (_, index) => ({ name: `eth${index}` }));
    const { hardware } = summaryOf({ bmc: { protocol: 'Redfish' }, model: 'x'.repeat(300), disks: [], nics });
    expect(hardware).to.include({ truncated: 10 }).and.not.have.property('disks');
    expect([hardware.nics?.length, hardware.model?.length]).to.deep.equal([50, 256]);
  });
});
