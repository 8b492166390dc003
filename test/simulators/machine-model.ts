// What a simulated machine is made of: its options, its disks, what can go wrong with it, and what its ramdisk gets to work with.
import type { MachineWeb } from './machine-web.ts';

export interface DiskOptions {
  /** `/dev/sda` and so on by default. */
  readonly name?: string;
  /** 16 GiB by default. */
  readonly sizeBytes?: number;
  readonly serial?: string;
  readonly model?: string;
  readonly rotational?: boolean;
}

/** What is on a disk now. */
export interface MachineDisk extends Required<DiskOptions> {
  /** As BootImage.checksum has it, `sha256:…`; undefined: nothing that could be booted. */
  image: string | undefined;
  /** The ISO 9660 image that cloud-init would find. */
  configDrive: Buffer | undefined;
  /** The Host's UID that the config drive names. */
  hostUid: string | undefined;
  erased: 'Metadata' | 'Express' | 'Full' | undefined;
}

/** All may be changed at any time; what was begun goes on as it was. */
export interface MachineFaults {
  /** Its power comes on, and that is all. */
  neverBoots?: boolean;
  /** It fetches its script, and hangs. */
  diesAfterScript?: boolean;
  /** Its agent looks itself up, and is never heard of again. */
  diesAfterLookup?: boolean;
  /** The agent dies so many milliseconds into write_image. */
  diesInWrite?: number;
  /** It beats with a token that is not its own. */
  wrongToken?: boolean;
  /** It sends no certificate. */
  noCertificate?: boolean;
  /** What arrives of the image is damaged. */
  checksumWrong?: boolean;
  /** The image is larger than the disk. */
  diskTooSmall?: boolean;
  /** From this IP address another agent looks itself up with the same MAC addresses. */
  secondAgent?: string;
  /** The name of a command or of a step that never ends: `write_image`, `install_bootloader`. */
  endless?: string;
}

/** Milliseconds; a real agent takes minutes for all of it. */
export interface MachineSpeed {
  readonly boot: number;
  /** Between two tries of what was turned away. */
  readonly retry: number;
  readonly heartbeat: number;
  /** What a command takes at least. */
  readonly step: number;
}

export interface MachineOptions {
  /** Any spelling; the first is the one that it boots from. */
  readonly macs: readonly string[];
  /** One of 16 GiB by default. */
  readonly disks?: readonly DiskOptions[];
  /** The operator's boot listener, `http://127.0.0.1:PORT`. */
  readonly bootUrl: string;
  /** A loopback IP address of its own: it speaks from there, and its agent listens there. */
  readonly address: string;
  readonly bootMode?: 'uefi' | 'bios';
  readonly faults?: MachineFaults;
  readonly speed?: Partial<MachineSpeed>;
}

/** One boot of the ramdisk. */
export interface Ramdisk {
  readonly macs: readonly string[];
  readonly address: string;
  readonly bootMode: 'uefi' | 'bios';
  readonly disks: readonly MachineDisk[];
  readonly faults: Readonly<MachineFaults>;
  readonly speed: MachineSpeed;
  readonly web: MachineWeb;
  /** From the kernel's command line. */
  readonly arguments: ReadonlyMap<string, string>;
  /** Aborts when the machine loses its power, or dies. */
  readonly signal: AbortSignal;
  readonly log: (text: string) => void;
  /** What the agent was told, for the test to see. */
  readonly told: (command: string) => void;
  readonly serving: (url: string) => void;
  /** The disk that the system is on. */
  readonly rooted: (disk: MachineDisk) => void;
  /** Goes silent, with its power on. */
  readonly die: (why: string) => void;
}
