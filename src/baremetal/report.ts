// What a node's status says: a pure function of what was decided and seen. Every sentence names the node, the cause, the remedy.
import type { BareMetalNode, BareMetalNodeStatus } from '../api/baremetalnode.gen.ts';
import { isTrue, mergeConditions, summarise, type ConditionInput } from '../kernel/conditions.ts';
import type { Condition } from '../kube/objects.ts';
import { present } from './bmc/present.ts';
import { powerIn, type Findings } from './findings.ts';
import { inventoryName, summaryOf } from './inventory.ts';
import { healthOf } from './health.ts';
import { placeOf, settledState } from './lifecycle.ts';

export function buildStatus(findings: Findings): BareMetalNodeStatus {
  const { node, owner, place, now } = findings;
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
    errorCount: errorsIn(findings),
    power: powerIn(findings),
    powerRequest: findings.powerRequest,
    progressPercent: stays(findings) ? findings.step?.percent : undefined,
    work: workAfter(findings),
    image: imageAfter(findings),
    rebootRequest: findings.rebootRequest,
    sshHostKeys: findings.hostKeys,
    ...ruled(findings),
    hostRef: owner.hostRef,
    retainedFrom: owner.retainedFrom,
    bmc: learned?.bmc,
    credentialsVersion: findings.secretVersion ?? former?.credentialsVersion,
    credentialsName: node.spec.bmc.credentialsName,
    hardware: learned?.hardware,
  });
}

/** The work is still that of the state that follows, or failed in it. */
const stays = ({ node, place, step }: Findings): boolean =>
  step !== undefined && settledState(place) === settledState(placeOf(node)) && step.outcome !== 'done';

/** Where nobody may touch the machine, the work stays as it was recorded. */
function workAfter(findings: Findings): BareMetalNodeStatus['work'] {
  const { node, place, step } = findings;
  const same = settledState(place) === settledState(placeOf(node));
  if (step === undefined) return same ? node.status?.work : undefined;
  return stays(findings) ? step.work : undefined;
}

/** What we wrote last, for as long as the machine carries it. */
function imageAfter({ node, place, step }: Findings): BareMetalNodeStatus['image'] {
  if (place.state === 'active' && step?.work.kind === 'Deploy') return step.work.image;
  return place.state === 'cleaning' || place.state === 'deploying' ? undefined : node.status?.image;
}

function errorsIn({ node, bmc, step }: Findings): number {
  if (bmc.kind === 'fails') return bmc.failure.count;
  if (step?.outcome === 'failed') return step.work.attempt;
  return bmc.kind === 'answers' ? 0 : (node.status?.errorCount ?? 0);
}

/** What the spec says counts before what the rules say. */
function ruled({
  node,
  rules,
}: Findings): Pick<BareMetalNodeStatus, 'profile' | 'capabilities' | 'resourceClass' | 'refused'> {
  const { profile, capabilities, resourceClass, refused } = rules;
  return present({ profile: node.spec.profile ?? profile, capabilities, resourceClass, refused });
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

function inspected({ node, inventory, inspectedAnew }: Findings): ConditionInput {
  if (node.spec.inspectionMode === 'Disabled') {
    return no('Inspected', 'InspectionDisabled', 'spec.inspectionMode is Disabled');
  }
  if (!inspectedAnew && (inventory !== undefined || isTrue(node.status?.conditions, 'Inspected'))) {
    return yes('Inspected', 'InventoryTaken', `the inventory is in ConfigMap ${inventoryName(node)}`);
  }
  return no('Inspected', 'InspectionPending', 'the inventory was not taken yet');
}

function provisioned(findings: Findings): ConditionInput {
  const { node, place, step } = findings;
  if (node.spec.externallyProvisioned) {
    return yes('Provisioned', 'ExternallyProvisioned', 'the machine came with its operating system');
  }
  const image = imageAfter(findings);
  if (place.state === 'active' || place.state === 'adopting')
    return yes(
      'Provisioned',
      'Installed',
      image === undefined ? 'we installed it' : `${image.url} was installed`,
    );
  if (settledState(place) !== 'deploying')
    return no('Provisioned', 'NotProvisioned', 'no operating system was installed by us');
  const failure = step?.work.failure ?? node.status?.work?.failure;
  return failure === undefined
    ? no('Provisioned', 'Deploying', `${image?.url ?? 'its operating system'} is being installed`)
    : no('Provisioned', failure.reason, failure.message);
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
