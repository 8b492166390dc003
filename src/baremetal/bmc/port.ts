// What this room asks of a BMC, whatever protocol it speaks. redfish/ and ipmi/ implement it.
import type { BmcAddress } from './address.ts';

/** PoweringOn and PoweringOff are on their way; Unknown is what the BMC did not say. */
export type PowerState = 'On' | 'Off' | 'PoweringOn' | 'PoweringOff' | 'Unknown';

/** `Off` cuts the power, `SoftOff` asks the operating system, `Reset` restarts without asking it. */
export type PowerAction = 'On' | 'Off' | 'SoftOff' | 'Reset';

/** What the firmware boots from. `Cd` is the virtual medium, wherever the BMC shows it. */
export type BootDevice = 'Network' | 'Disk' | 'Cd';
export type BootMode = 'UEFI' | 'Legacy';

export interface BootOverride {
  readonly device: BootDevice;
  readonly mode: BootMode;
  /** False: for the next boot only. A BMC that takes only the one or only the other gets that. */
  readonly persistent: boolean;
}

/** Values as Redfish's Attributes has them (DSP0268, Bios): their types are the BMC's own. */
export type BiosSettings = Readonly<Record<string, string | number | boolean>>;

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
  /** What is booted from at the next power-on. To be set again before each: firmware may drop it, `persistent` or not. */
  setBoot(override: BootOverride, permit: () => void, signal: AbortSignal): Promise<void>;
  /** The override as it is set; undefined: none, or the BMC does not say. */
  boot(signal: AbortSignal): Promise<Partial<BootOverride> | undefined>;
  /**
   * Has the BMC fetch the ISO image at `url` (http or https) and show it as the only virtual CD, whatever was there before.
   * Resolves when it is inserted; the same URL again is no change. Terminal BMCRefused where there is no such slot.
   */
  insertMedia(url: string, permit: () => void, signal: AbortSignal): Promise<void>;
  /** Empties every virtual CD; no change where there is none. */
  ejectMedia(permit: () => void, signal: AbortSignal): Promise<void>;
  /** The settings in force, all of them. */
  bios(signal: AbortSignal): Promise<BiosSettings>;
  /** Has `settings` take effect at the next restart. Terminal BMCRefused names the attribute that the BMC does not have or take. */
  setBios(settings: BiosSettings, permit: () => void, signal: AbortSignal): Promise<void>;
  /** Undefined: the machine has no such thing. */
  secureBoot(signal: AbortSignal): Promise<boolean | undefined>;
  /** Takes effect at the next restart. */
  setSecureBoot(enabled: boolean, permit: () => void, signal: AbortSignal): Promise<void>;
  /** The locator light. */
  setIndicator(lit: boolean, permit: () => void, signal: AbortSignal): Promise<void>;
  /**
   * Follows the serial console until `signal` aborts or the BMC ends it, which resolves; `onText` gets what the machine prints,
   * as it comes. Other commands go on meanwhile. Terminal BMCRefused where the BMC has no console for us.
   */
  console(onText: (text: string) => void, signal: AbortSignal): Promise<void>;
  /** Undefined: the protocol has none. */
  readonly events?: BmcEvents;
  /** Gives back the session, if there is one. Never throws. */
  close(): Promise<void>;
}

/** How a BMC tells what happens to its machine. */
export interface BmcEvents {
  /**
   * Has the BMC post its events to `destination` (https) with `context` in each; one that it has already is taken. Resolves with
   * the link of the subscription. Terminal BMCRefused where the BMC has no events.
   */
  subscribe(destination: string, context: string, permit: () => void, signal: AbortSignal): Promise<string>;
  /** One that is gone is no error. */
  unsubscribe(subscription: string, permit: () => void, signal: AbortSignal): Promise<void>;
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
