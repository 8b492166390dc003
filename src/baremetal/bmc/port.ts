// What this room asks of a BMC, whatever protocol it speaks. redfish/ and ipmi/ implement it.
import type { BmcAddress } from './address.ts';

/** PoweringOn and PoweringOff are on their way; Unknown is what the BMC did not say. */
export type PowerState = 'On' | 'Off' | 'PoweringOn' | 'PoweringOff' | 'Unknown';

/** `Off` cuts the power, `SoftOff` asks the operating system, `Reset` restarts without asking it. */
export type PowerAction = 'On' | 'Off' | 'SoftOff' | 'Reset';

/** What a BMC knows of its machine, all of it: a BMC leaves out what it does not know. */
export interface Inventory {
  readonly bmc: {
    readonly protocol: 'IPMI' | 'Redfish';
    readonly protocolVersion?: string;
    readonly vendor?: string;
    readonly model?: string;
    readonly firmwareVersion?: string;
    readonly cipherSuite?: number;
  };
  readonly vendor?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly biosVersion?: string;
  readonly cpu?: {
    readonly model?: string;
    readonly architecture?: string;
    readonly sockets?: number;
    readonly cores?: number;
    readonly threads?: number;
  };
  readonly memoryMebibytes?: number;
  readonly disks: readonly Disk[];
  readonly nics: readonly Nic[];
}

export interface Disk {
  readonly name?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly type?: 'HDD' | 'SSD' | 'NVMe';
  readonly sizeBytes?: number;
}

export interface Nic {
  readonly name?: string;
  /** Lower case, with colons. */
  readonly mac?: string;
  readonly speedMbps?: number;
  readonly linkUp?: boolean;
}

/**
 * One machine's BMC. It logs in at the first command and not before. Every method throws the OperatorErrors of errors.ts:
 * transient BMCUnreachable and BMCBusy; terminal BMCAuthFailed, BMCRefused, BMCCertificateInvalid, BMCDriverMissing.
 */
export interface Bmc {
  power(signal: AbortSignal): Promise<PowerState>;
  /**
   * Resolves when the BMC took the command, which may be long before `power` shows it. `permit` is called right before it is
   * sent, and throws if it must not be sent any more.
   */
  setPower(action: PowerAction, permit: () => void, signal: AbortSignal): Promise<void>;
  inventory(signal: AbortSignal): Promise<Inventory>;
  /** Gives back the session, if there is one. Never throws. */
  close(): Promise<void>;
}

/** How a BMC's certificate is judged: by the system's CAs, by given ones (PEM), by its SHA-256 (hex), or not at all. */
export type TlsTrust =
  | { readonly kind: 'system' }
  | { readonly kind: 'ca'; readonly pem: string }
  | { readonly kind: 'fingerprint'; readonly sha256: string }
  | { readonly kind: 'any' };

export interface BmcTarget {
  readonly address: BmcAddress;
  readonly username: string;
  readonly password: string;
  readonly trust: TlsTrust;
}

/** Makes the driver for a target; does no I/O. */
export type BmcConnector = (target: BmcTarget) => Bmc;
