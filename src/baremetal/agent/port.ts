// What this room knows of ironic-python-agent: whom it awaits, what was heard, what can be asked. desk.ts, client.ts and plan.ts implement it.
import type { Inventory } from '../bmc/port.ts';

/** One boot of one machine into the ramdisk, announced before the machine is powered on. */
export interface ExpectedAgent {
  /** The node's UID, which is its uuid to the agent. */
  readonly uid: string;
  /** The node's name, for messages. */
  readonly name: string;
  /** Lower case, with colons; any of them tells the machine. Never empty. */
  readonly macs: readonly string[];
  /** Names this boot: another one forgets what was heard in the boot before. */
  readonly boot: string;
  /** What the agent and we show each other in this boot, at least 32 characters. */
  readonly token: string;
  /** Whether inspection data are awaited in this boot. */
  readonly inspecting: boolean;
  readonly node: AgentNode;
}

/** Ironic's node as the agent reads it (ironic/api/controllers/v1/ramdisk.py): hints and disks to keep are in `properties`. */
export interface AgentNode {
  readonly uuid: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly instance_info: Readonly<Record<string, unknown>>;
  readonly driver_info: Readonly<Record<string, unknown>>;
  readonly driver_internal_info: Readonly<Record<string, unknown>>;
}

/** Where an agent is and how it is known again; kept in a Secret, so that another leader goes on with it. */
export interface AgentAddress {
  /** `https://IP:PORT` */
  readonly url: string;
  /** PEM of the agent's own certificate. */
  readonly certificate: string;
  readonly version: string;
}

/** What was heard of an agent in this boot. Times are milliseconds of the monotonic clock. */
export interface Heard {
  /** It fetched its boot script: DHCP and iPXE work. */
  readonly scriptAt?: number;
  readonly inspection?: AgentInspection;
  readonly lookupAt?: number;
  readonly heartbeatAt?: number;
  readonly address?: AgentAddress;
  /** Something else spoke in its name and was turned away: a sentence for people. */
  readonly trouble?: string;
}

export interface AgentInspection {
  /** The agent does not know how we speak to its BMC. */
  readonly inventory: Omit<Inventory, 'bmc'> & { readonly bmc: Omit<Inventory['bmc'], 'protocol'> };
  /** All that the agent told, without its logs. */
  readonly raw: unknown;
  /** A part of the inspection failed: the agent's words. */
  readonly error?: string;
}

/** One command as the agent lists it (ironic_python_agent/extensions/base.py). */
export interface AgentCommand {
  readonly id: string;
  /** Without the extension's name: `execute_deploy_step`. */
  readonly name: string;
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CLEAN_VERSION_MISMATCH';
  readonly error: string | undefined;
  readonly result: unknown;
}

/** The agent, called by us. Throws transient AgentUnreachable and AgentBusy, terminal AgentRefused (token, certificate, or 4xx). */
export interface AgentClient {
  /** Every command of this boot, oldest first. */
  commands(signal: AbortSignal): Promise<readonly AgentCommand[]>;
  /** Starts one; resolves when the agent took it. `permit` is called right before it is sent. */
  run(
    name: string,
    params: Readonly<Record<string, unknown>>,
    permit: () => void,
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}
