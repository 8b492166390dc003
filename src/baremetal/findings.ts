// All that a pass over a node has decided and seen, which is what its status is made of.
import type { BareMetalNode, BareMetalNodeStatus } from '../api/baremetalnode.gen.ts';
import type { Inventory, PowerState } from './bmc/port.ts';
import type { BmcView, Place } from './lifecycle.ts';
import { shownPower } from './power.ts';
import type { RuleResult } from './rules.ts';
import type { Blocker, WorkStep } from './work/model.ts';

export interface Findings {
  readonly node: BareMetalNode;
  /** Who has the node from now on. */
  readonly owner: Pick<BareMetalNodeStatus, 'hostRef' | 'retainedFrom'>;
  readonly place: Place;
  readonly bmc: BmcView;
  readonly inventory: Inventory | undefined;
  readonly secretVersion: string | undefined;
  readonly powerRequest: BareMetalNodeStatus['powerRequest'];
  /** Why the BMC is not written to though the power is not as wanted. */
  readonly powerBrake: string | undefined;
  /** Why the last power command failed. */
  readonly powerFailure: { readonly reason: string; readonly message: string } | undefined;
  /** The step of the agent's work that was decided; undefined where there is none, or `workBrake` forbids it. */
  readonly step: WorkStep | undefined;
  readonly workBrake: string | undefined;
  /** Why the work cannot begin. */
  readonly blocker: Blocker | undefined;
  readonly rebootRequest: BareMetalNodeStatus['rebootRequest'];
  /** SSH host keys that the machine was given when we installed it. */
  readonly hostKeys: readonly string[] | undefined;
  /** What the hardware rules say of it. */
  readonly rules: RuleResult;
  /** The inventory is taken anew: the former one does not count any more. */
  readonly inspectedAnew: boolean;
  readonly now: Date;
}

/** The node's power as status shows it: what was known before where nobody looked, Unknown where the BMC does not say. */
export function powerIn({
  node,
  bmc,
  powerRequest,
}: Pick<Findings, 'node' | 'bmc' | 'powerRequest'>): PowerState {
  if (bmc.kind === 'answers') return shownPower(bmc.power, powerRequest);
  return bmc.kind === 'fails' ? 'Unknown' : (node.status?.power ?? 'Unknown');
}
