// How a node does, in one sentence: the worst thing first, with its cause and what to do about it. Pure.
import { annotations } from '../api/names.ts';
import type { Health } from '../kernel/conditions.ts';
import { deadlineOf, type Failure, type State } from './lifecycle.ts';
import { isDetached, isStuck } from './power.ts';
import { powerIn, type Findings } from './findings.ts';

/** A BMC that is away for longer than this is for a person to look at. */
const awayMs = 300_000;

/** What each transitional state without the agent does. */
const doing: Partial<Record<State, readonly [reason: string, what: string]>> = {
  enroll: ['Enrolling', 'is being enrolled: its credentials are read'],
  verifying: ['Verifying', 'is being verified: its BMC is logged in to'],
  manageable: ['Inspecting', 'is manageable: its inventory is read from the BMC'],
  inspecting: ['Inspecting', 'is being inspected: its inventory is read from the BMC'],
  adopting: ['Adopting', 'is being adopted by its host'],
  deleting: ['Deleting', 'is being given back: it is powered off'],
};

/** Each looks for one kind of trouble, in order of what matters to the reader. */
const checks: readonly ((findings: Findings) => Health | undefined)[] = [
  deleting,
  stopped,
  failing,
  blocked,
  atWork,
  working,
  refused,
  powering,
];

export function healthOf(findings: Findings): Health {
  for (const check of checks) {
    const health = check(findings);
    if (health !== undefined) return health;
  }
  return well(findings);
}

function deleting({ node, owner }: Findings): Health | undefined {
  if (node.metadata.deletionTimestamp === undefined || owner.hostRef === undefined) return undefined;
  const holder = owner.hostRef.name;
  return progressing(
    'Deleting',
    `${node.metadata.name} is being deleted and waits for Host ${holder}, which has it: remove that host from its cloud`,
  );
}

function stopped({ node }: Findings): Health | undefined {
  const { name } = node.metadata;
  const { paused, maintenance, maintenanceReason } = node.spec;
  if (isDetached(node)) {
    const message = `${name} is detached: the machine is left as it is until the annotation ${annotations.detach} is taken away`;
    return { kind: 'paused', reason: 'Detached', message };
  }
  if (paused)
    return {
      kind: 'paused',
      reason: 'Paused',
      message: `${name} is paused: nothing is done until spec.paused is false`,
    };
  if (!maintenance) return undefined;
  const why = maintenanceReason === undefined ? '' : ` (${maintenanceReason})`;
  const message = `${name} is in maintenance${why}: its power is left alone until spec.maintenance is false`;
  return { kind: 'paused', reason: 'Maintenance', message };
}

function failing({ node, bmc, now }: Findings): Health | undefined {
  if (bmc.kind !== 'fails') return undefined;
  const { failure } = bmc;
  const message = `${node.metadata.name}: ${failure.message}: ${remedyFor(failure, node.spec.bmc.credentialsName)}`;
  const manageable = node.status?.conditions?.find(({ type }) => type === 'Manageable');
  const since = manageable?.status === 'False' ? Date.parse(manageable.lastTransitionTime) : now.getTime();
  const patient = failure.kind === 'transient' && now.getTime() - since < awayMs;
  return patient ? progressing(failure.reason, message) : stalled(failure.reason, message);
}

function remedyFor({ reason }: Failure, secret: string): string {
  switch (reason) {
    case 'BMCUnreachable':
      return 'check spec.bmc.address, the BMC and the network to it; it is tried again by itself';
    case 'BMCBusy':
      return 'it is tried again by itself';
    case 'BMCAuthFailed':
      return `correct username or password in Secret ${secret}; a change is tried within 30 s`;
    case 'BMCCertificateInvalid':
      return 'set spec.bmc.tls to the CA that signed it (caName) or to its fingerprint';
    case 'CredentialsMissing':
    case 'CredentialsInvalid':
      return `write Secret ${secret} with the keys username and password; it is read again within 30 s`;
    case 'CredentialsForbidden':
      return 'give the operator the rights of deploy/access on Secrets and ConfigMaps; it is read again within 30 s';
    case 'BMCShared':
      return 'delete one of both nodes, or correct spec.bmc.address';
    case 'AgentSecretTaken':
      return 'it is looked at again within 30 s';
    case 'CAMissing':
      return 'create it or correct spec.bmc.tls.caName; it is read again within 30 s';
    default:
      return 'correct spec.bmc or the settings of the BMC';
  }
}

/** What the agent's work waits for, or did not come to. */
function blocked({ node, blocker, workBrake, step, place }: Findings): Health | undefined {
  const { name } = node.metadata;
  if (workBrake !== undefined) {
    const message = `${name} is ${place.state}, and left as it is: ${workBrake}`;
    return { kind: 'paused', reason: 'WorkLeftAlone', message };
  }
  const waiting = step?.work.phase === 'Queued' || step?.work.phase === 'Booting';
  if (blocker === undefined || !waiting || step.outcome === 'failed') return undefined;
  return stalled(blocker.reason, `${name} ${blocker.message}`);
}

const workNames = { Inspect: 'Inspecting', Deploy: 'Deploying', Clean: 'Cleaning' } as const;

function atWork({ node, step, owner }: Findings): Health | undefined {
  if (step === undefined || step.outcome === 'done') return undefined;
  const { kind, attempt, failure, lastFailure } = step.work;
  const { name } = node.metadata;
  if (failure !== undefined) {
    const message = `${name} ${failure.message}; try ${attempt + 1} begins at ${failure.retryAt}`;
    return stalled(failure.reason, message);
  }
  const whom = kind === 'Deploy' && owner.hostRef !== undefined ? ` for Host ${owner.hostRef.name}` : '';
  const before = lastFailure === undefined ? '' : `: the one before ${lastFailure}`;
  const again = attempt > 1 ? ` (try ${attempt}${before})` : '';
  return progressing(
    workNames[kind],
    `${name} is ${workNames[kind].toLowerCase()}${whom}${again}: it ${step.says}`,
  );
}

/** A machine that somebody has is not thrown out by a rule that came later. */
function refused({ node, owner, rules }: Findings): Health | undefined {
  const why = rules.refused;
  if (why === undefined || owner.hostRef !== undefined) return undefined;
  const message = `${node.metadata.name} is refused by the hardware rules: ${why}; no host gets it`;
  return stalled('RefusedByRule', message);
}

function working({ node, place, now }: Findings): Health | undefined {
  const known = doing[place.state];
  if (known === undefined) return undefined;
  const [reason, what] = known;
  const { state, stateSince } = node.status ?? {};
  const age = state === place.state && stateSince !== undefined ? now.getTime() - Date.parse(stateSince) : 0;
  const message = `${node.metadata.name} ${what}`;
  if (age <= (deadlineOf(place.state, node.spec) ?? Infinity)) return progressing(reason, message);
  return stalled(
    'DeadlineExceeded',
    `${message}, for ${Math.round(age / 60_000)} min already: look at its BMC ${node.spec.bmc.address}`,
  );
}

function powering({ node, powerRequest, powerFailure, powerBrake, now }: Findings): Health | undefined {
  const { name } = node.metadata;
  if (powerBrake !== undefined) {
    const message = `${name} is not powered as it should be, and left so: ${powerBrake}`;
    return { kind: 'paused', reason: 'PowerLeftAlone', message };
  }
  if (powerRequest === undefined) return undefined;
  const { power } = powerRequest;
  if (powerFailure !== undefined) {
    return progressing(
      powerFailure.reason,
      `${name} should be powered ${power}, and cannot be: ${powerFailure.message}; it is tried again by itself`,
    );
  }
  if (!isStuck(powerRequest, now))
    return progressing(`Powering${power}`, `${name} is being powered ${power}`);
  const since = `since ${powerRequest.requestedAt}`;
  return stalled(
    'PowerStuck',
    `${name} was asked to power ${power} ${since}, and BMC ${node.spec.bmc.address} does not show it: look at the machine`,
  );
}

function well(findings: Findings): Health {
  const { node, owner } = findings;
  const { name } = node.metadata;
  const power = `power is ${powerIn(findings)}`;
  const { consumerRef } = node.spec;
  if (owner.hostRef !== undefined)
    return ready(`${name} is the machine of Host ${owner.hostRef.name}; ${power}`);
  if (owner.retainedFrom !== undefined) {
    const remedy = `undercloud.dev/release=${name} frees it`;
    return ready(
      `${name} still runs what Host ${owner.retainedFrom.host} left on it; the annotation ${remedy}; ${power}`,
    );
  }
  if (consumerRef !== undefined)
    return ready(`${name} is used by ${consumerRef.kind} ${consumerRef.name}, and left alone; ${power}`);
  return ready(`${name} is available; ${power}`);
}

const ready = (message: string): Health => ({ kind: 'ready', message });
const progressing = (reason: string, message: string): Health => ({ kind: 'progressing', reason, message });
const stalled = (reason: string, message: string): Health => ({ kind: 'stalled', reason, message });
