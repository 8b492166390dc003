// What is done to a machine with the agent: its phases, what has to be seen to go on, and what a step of it asks for.
import type { BareMetalNodeStatusWork } from '../../api/baremetalnode.gen.ts';
import type { AgentMove } from '../agent/plan.ts';
import type { Heard } from '../agent/port.ts';
import type { PowerState } from '../bmc/port.ts';

/** As status records it. */
export type Work = BareMetalNodeStatusWork;
export type WorkKind = Work['kind'];
export type Phase = Work['phase'];

/** Something that a person has to mend before the work can begin. */
export interface Blocker {
  readonly reason: string;
  readonly message: string;
}

/** What the outside world shows of this boot. */
export interface WorkSeen {
  /** Unknown where the BMC does not answer. */
  readonly power: PowerState;
  /** Why it cannot begin. */
  readonly blocker: Blocker | undefined;
  /** It is this node's turn. */
  readonly turn: boolean;
  /** The boot device is set and the agent is awaited, by this process and for this boot. */
  readonly prepared: boolean;
  readonly heard: Heard;
  /** Milliseconds since the last heartbeat; undefined: none yet. */
  readonly silentMs: number | undefined;
  /** The inventory that the agent told is safely kept. */
  readonly inventoryKept: boolean;
  /** What is to be asked of the agent next; undefined: it could not be asked what it does. */
  readonly move: AgentMove | undefined;
  /** Names the job as the spec has it now; undefined where there is none. */
  readonly plan: string | undefined;
  /** What an effect of this try met that trying again cannot mend. */
  readonly failure: Blocker | undefined;
  /** The last lines of the machine's console, if anybody follows it. */
  readonly consoleTail: string | undefined;
  /** What the last effect met, which is tried again. */
  readonly trouble: string | undefined;
  /** Media ejected, boot device back to the disk, ownership written down: by this process and for this boot. */
  readonly retired: boolean;
}

/** What has to be done before the next look. */
export type Todo =
  | { readonly kind: 'prepare' }
  | { readonly kind: 'command'; readonly move: Extract<AgentMove, { kind: 'run' }> }
  | { readonly kind: 'retire' };

export interface WorkStep {
  /** To be recorded before `todo` is done. */
  readonly work: Work;
  /** The power that this phase needs; undefined: as it is. */
  readonly power: 'On' | 'Off' | undefined;
  readonly todo: Todo | undefined;
  readonly outcome: 'going' | 'done' | 'failed';
  /** What it does, for people: "waits for the agent to call". */
  readonly says: string;
  readonly percent: number;
}
