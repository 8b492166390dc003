// What a machine's record, and the Hosts that ask for it, say of the time before this pass.
import type { BareMetalNode, BareMetalNodeStatusRetainedFrom } from '../../api/baremetalnode.gen.ts';
import type { Host } from '../../api/host.gen.ts';
import { annotations } from '../../api/names.ts';
import { asOperatorError, type OperatorError } from '../../kernel/errors.ts';
import { isIdle } from '../decide.ts';
import { placeOf, settledState } from '../lifecycle.ts';
import type { Records } from './record.ts';

export interface Past {
  /** Whose system is on it. */
  readonly owner: BareMetalNodeStatusRetainedFrom | undefined;
  /** Undefined: not read in this pass. */
  readonly hostKeys: readonly string[] | undefined;
  /** Why nothing is known of it though it matters. */
  readonly unknown?: OperatorError;
}

/** Read only where it matters: a machine at work, one that is asked for, one that is given back. */
export async function readPast(
  records: Records,
  node: BareMetalNode,
  askers: readonly Host[],
  signal: AbortSignal,
): Promise<Past> {
  if (!needsRecord(node, askers)) return { owner: undefined, hostKeys: undefined };
  try {
    return await pastOf(records, node, askers, signal);
  } catch (error) {
    const failure = asOperatorError(error);
    if (failure.reason !== 'AgentSecretTaken') throw error;
    return { owner: undefined, hostKeys: undefined, unknown: failure };
  }
}

async function pastOf(
  records: Records,
  node: BareMetalNode,
  askers: readonly Host[],
  signal: AbortSignal,
): Promise<Past> {
  let record = await records.read(node, signal);
  // Given back: whoever comes next finds nothing of the former owner's.
  if (settledState(placeOf(node)) === 'deleting' && record.owner !== undefined)
    record = await records.change(node, { owner: null }, signal);
  const { owner, hostKey } = record;
  return {
    owner: owner === undefined ? ownerByHost(node, askers) : { overcloud: owner.overcloud, host: owner.host },
    hostKeys: hostKey === undefined ? undefined : [hostKey.publicKey],
  };
}

/** Each read is one request to the API server per node and process: not for nodes that nobody asks anything of. */
function needsRecord(node: BareMetalNode, askers: readonly Host[]): boolean {
  const { spec, status } = node;
  if (spec.externallyProvisioned || isIdle(node)) return false;
  const state = settledState(placeOf(node));
  switch (state) {
    case 'deploying':
    case 'deleting':
    case 'cleaning':
      return true;
    case 'manageable':
    case 'inspecting':
      return spec.inspectionMode === 'Agent';
    case 'available':
      return status?.hostRef !== undefined || askers.length > 0;
    default:
      return false;
  }
}

/** The Host itself remembers which machine carries its system, when the machine's record is lost. */
function ownerByHost(
  { metadata }: BareMetalNode,
  askers: readonly Host[],
): BareMetalNodeStatusRetainedFrom | undefined {
  const host = askers.find(
    (asker) =>
      asker.metadata.annotations?.[annotations.installedOn] === metadata.name &&
      asker.metadata.deletionTimestamp === undefined,
  );
  return host && { overcloud: host.spec.overcloudName, host: host.metadata.name };
}
