// What a node's status says: a pure function of what was decided and seen. Every sentence names the node, the cause, the remedy.
import type { BareMetalNode, BareMetalNodeStatus } from '../api/baremetalnode.gen.ts';
import { isTrue, mergeConditions, summarise, type ConditionInput } from '../kernel/conditions.ts';
import type { Condition } from '../kube/objects.ts';
import { present } from './bmc/present.ts';
import { powerIn, type Findings } from './findings.ts';
import { inventoryName, summaryOf } from './inventory.ts';
import { healthOf } from './health.ts';

export function buildStatus(findings: Findings): BareMetalNodeStatus {
  const { node, owner, place, bmc, now } = findings;
  const former = node.status;
  const health = healthOf(findings);
  const conditions = [...summarise(health), ...aspects(findings)];
  const learned = findings.inventory === undefined ? former : summaryOf(findings.inventory);
  return present<BareMetalNodeStatus>({
    observedGeneration: node.metadata.generation,
    conditions: mergeConditions(former?.conditions, conditions, node.metadata.generation, now),
    state: place.state,
    stateReason: health.message.slice(0, 1024),
    stateSince: place.state === former?.state ? former.stateSince : wholeSeconds(now),
    errorFrom: place.errorFrom,
    errorCount:
      bmc.kind === 'fails' ? bmc.failure.count : bmc.kind === 'answers' ? 0 : (former?.errorCount ?? 0),
    power: powerIn(findings),
    powerRequest: findings.powerRequest,
    progressPercent: undefined,
    hostRef: owner.hostRef,
    retainedFrom: owner.retainedFrom,
    bmc: learned?.bmc,
    credentialsVersion: findings.secretVersion ?? former?.credentialsVersion,
    credentialsName: node.spec.bmc.credentialsName,
    hardware: learned?.hardware,
  });
}

/** Every condition beside Ready and its companions. */
function aspects(findings: Findings): readonly ConditionInput[] {
  const { node } = findings;
  return [
    manageable(findings),
    inspected(findings),
    provisioned(findings),
    powered(findings),
    ...unverified(node),
  ];
}

function manageable({ node, bmc }: Findings): ConditionInput {
  const { address } = node.spec.bmc;
  if (bmc.kind === 'answers') return yes('Manageable', 'BMCAnswers', `BMC ${address} answers`);
  if (bmc.kind === 'fails') return no('Manageable', bmc.failure.reason, bmc.failure.message);
  return (
    formerly(node, 'Manageable') ?? unknown('Manageable', 'NotLookedAt', `BMC ${address} was not asked yet`)
  );
}

function inspected({ node, inventory }: Findings): ConditionInput {
  if (node.spec.inspectionMode === 'Disabled') {
    return no('Inspected', 'InspectionDisabled', 'spec.inspectionMode is Disabled');
  }
  if (inventory !== undefined || isTrue(node.status?.conditions, 'Inspected')) {
    return yes('Inspected', 'InventoryTaken', `the inventory is in ConfigMap ${inventoryName(node)}`);
  }
  return node.spec.inspectionMode === 'Agent'
    ? no('Inspected', 'InspectionUnavailable', 'inspection by agent is not in this release')
    : no('Inspected', 'InspectionPending', 'the inventory was not taken yet');
}

function provisioned({ node, unableFor }: Findings): ConditionInput {
  if (node.spec.externallyProvisioned) {
    return yes('Provisioned', 'ExternallyProvisioned', 'the machine came with its operating system');
  }
  return unableFor === undefined
    ? no('Provisioned', 'NotProvisioned', 'no operating system was installed by us')
    : no('Provisioned', 'DeploymentUnavailable', 'deployment of operating systems is not in this release');
}

function powered(findings: Findings): ConditionInput {
  const power = powerIn(findings);
  const { powerBrake } = findings;
  const message =
    powerBrake === undefined ? `power is ${power}` : `power is ${power}, and left so: ${powerBrake}`;
  if (power === 'On') return yes('Powered', 'PowerOn', message);
  return power === 'Unknown'
    ? unknown('Powered', 'PowerUnknown', message)
    : no('Powered', `Power${power}`, message);
}

/** There only while the BMC could be anybody. */
function unverified({ spec }: BareMetalNode): readonly ConditionInput[] {
  const { address, tls } = spec.bmc;
  if (tls?.insecureSkipVerify === true) {
    const remedy = 'set spec.bmc.tls.caName or fingerprint instead of insecureSkipVerify';
    return [
      yes(
        'CertificateUnverified',
        'InsecureSkipVerify',
        `the certificate of BMC ${address} is not verified: ${remedy}`,
      ),
    ];
  }
  if (!address.includes('+http:')) return [];
  return [
    yes(
      'CertificateUnverified',
      'Unencrypted',
      `BMC ${address} gets the password unencrypted: use redfish://`,
    ),
  ];
}

function formerly({ status }: BareMetalNode, type: string): ConditionInput | undefined {
  const condition: Condition | undefined = status?.conditions?.find((candidate) => candidate.type === type);
  return (
    condition && { type, status: condition.status, reason: condition.reason, message: condition.message }
  );
}

const yes = (type: string, reason: string, message: string): ConditionInput => ({
  type,
  status: 'True',
  reason,
  message,
});
const no = (type: string, reason: string, message: string): ConditionInput => ({
  type,
  status: 'False',
  reason,
  message,
});
const unknown = (type: string, reason: string, message: string): ConditionInput => ({
  type,
  status: 'Unknown',
  reason,
  message,
});

const wholeSeconds = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;
