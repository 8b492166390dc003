// Generated from crds/baremetalnode.yaml by hack/generate-types.ts: edit that file, then run `npm run generate`.
import type { Condition, KubeObject, Resource } from '../kube/objects.ts';

/**
 * One physical machine and its BMC: how it is powered, what may be done to it, and which host of a cloud
 * has it.
 */
export interface BareMetalNode extends KubeObject {
  /** What the machine is and what may be done to it. */
  readonly spec: BareMetalNodeSpec;

  /** What was seen last. It can be lost and is then found again. */
  readonly status?: BareMetalNodeStatus;
}

export const bareMetalNodes: Resource<BareMetalNode> = {
  group: 'undercloud.dev',
  version: 'v1alpha1',
  plural: 'baremetalnodes',
  kind: 'BareMetalNode',
};

/** What the machine is and what may be done to it. */
export interface BareMetalNodeSpec {
  /** The baseboard management controller, by which the machine is powered and inspected. */
  readonly bmc: BareMetalNodeSpecBmc;

  /**
   * IP address where the machine's SSH answers, on the provisioning network; its host's address on the
   * network ctlplane. Required with externallyProvisioned. Example: 172.16.0.22.
   */
  readonly address?: string;

  /** TCP port where the machine's SSH answers. Default 22. */
  readonly sshPort: number;

  /**
   * The machine's SSH host keys, as lines of a known_hosts file without the host: "ssh-ed25519 AAAA…".
   * Unset: the first key seen is trusted with a warning, recorded, and pinned from then on.
   */
  readonly sshHostKeys?: readonly string[];

  /**
   * The machine runs its operating system already. It is never inspected by agent, cleaned, written to or
   * powered off by us. Default false. It cannot change while a host has the node.
   */
  readonly externallyProvisioned: boolean;

  /** The kind of machine, which roles ask for by Role.spec.profile. Example: control. */
  readonly profile?: string;

  /** What else is known of the machine, by name. Example: {rack: a1}. */
  readonly capabilities?: Readonly<Record<string, string>>;

  /** The class of hardware that the machine is counted in. Example: baremetal.gold. */
  readonly resourceClass?: string;

  /** MAC address of the NIC that the machine boots from. Example: 2c:c2:60:01:02:04. */
  readonly bootMACAddress?: string;

  /** How the firmware boots when we install the machine. Default UEFI. */
  readonly bootMode: 'UEFI' | 'UEFISecureBoot' | 'Legacy';

  /**
   * Which disk the operating system is written to: the first that matches all hints. Unset: the smallest
   * of at least 4 GiB.
   */
  readonly rootDeviceHints?: BareMetalNodeSpecRootDeviceHints;

  /**
   * Whether the machine is kept on or off, while available or active. Unset: kept on while a host has it,
   * left alone otherwise.
   */
  readonly poweredOn?: boolean;

  /**
   * How the inventory is taken. Agent boots a ramdisk that sees everything; OutOfBand asks the BMC and
   * disturbs nothing; Disabled takes none. Default OutOfBand.
   */
  readonly inspectionMode: 'Agent' | 'OutOfBand' | 'Disabled';

  /**
   * What is erased when a host gives the machine back: nothing, partition tables (Metadata), by the disks'
   * own quick erase (Express), or everything (Full). Default Disabled.
   */
  readonly automatedCleaningMode: 'Disabled' | 'Metadata' | 'Express' | 'Full';

  /**
   * Disks that are never erased or written to, whatever else is said: each entry matches by all that it
   * names. Names of devices change from boot to boot, so they are no way to name a disk here.
   */
  readonly keepDisks?: readonly BareMetalNodeSpecKeepDisksItem[];

  /**
   * Volumes that the agent makes before it writes the operating system, at each deployment. What was on
   * their disks is lost.
   */
  readonly raid?: BareMetalNodeSpecRaid;

  /**
   * BIOS settings by the BMC's own names, brought in before each deployment. Example: {ProcVirtualization:
   * Enabled}.
   */
  readonly firmwareSettings?: Readonly<Record<string, number | string>>;

  /**
   * A test under load that a machine has to pass before it is available, run by the agent after its
   * inspection. Unset: none.
   */
  readonly burnIn?: BareMetalNodeSpecBurnIn;

  /** A fixed address for the agent, for a machine that boots from a virtual medium where there is no DHCP. */
  readonly ramdiskNetwork?: BareMetalNodeSpecRamdiskNetwork;

  /**
   * Hands off: no power, boot or cleaning; its host is treated as paused and counts as unavailable.
   * Default false.
   */
  readonly maintenance: boolean;

  /** Why, for people to read. Example: "disk swap, ticket 4711, anna". */
  readonly maintenanceReason?: string;

  /** What else uses this machine. While it is set, we leave the machine alone and no host gets it. */
  readonly consumerRef?: BareMetalNodeSpecConsumerRef;

  /** True stops us from touching the machine and its BMC: it is only reported. Default false. */
  readonly paused: boolean;
}

/** The baseboard management controller, by which the machine is powered and inspected. */
export interface BareMetalNodeSpecBmc {
  /**
   * Where the BMC answers, a URL whose scheme picks the driver: ipmi://HOST[:623],
   * redfish://HOST[:443]/redfish/v1/Systems/ID (HTTPS), redfish+http:// (no TLS), redfish-virtualmedia://
   * (boots the agent from a virtual CD, without DHCP) or ipmitool://HOST[:623] (IPMI by the program
   * ipmitool, for a BMC that our own IPMI does not get on with). Without a path the only system of the BMC
   * is meant. It cannot change while a host has the node, unless spec.maintenance is true.
   */
  readonly address: string;

  /** Name of the Secret with the keys username and password. */
  readonly credentialsName: string;

  /** How the BMC's certificate is verified. Unset: against the CAs that the operator's system trusts. */
  readonly tls?: BareMetalNodeSpecBmcTls;
}

/** How the BMC's certificate is verified. Unset: against the CAs that the operator's system trusts. */
export interface BareMetalNodeSpecBmcTls {
  /** Name of the ConfigMap whose key ca.crt holds the CAs to trust, in PEM. */
  readonly caName?: string;

  /** SHA-256 of the one certificate to accept, over its DER form: "sha256:<64 hex digits>". */
  readonly fingerprint?: string;

  /** Accept any certificate. A condition warns for as long as this is true. Default false. */
  readonly insecureSkipVerify: boolean;
}

/**
 * Which disk the operating system is written to: the first that matches all hints. Unset: the smallest
 * of at least 4 GiB.
 */
export interface BareMetalNodeSpecRootDeviceHints {
  /** Path of the device. Example: /dev/disk/by-path/pci-0000:00:1f.2-ata-1. */
  readonly deviceName?: string;

  /** SCSI bus address. Example: 0:0:0:0. */
  readonly hctl?: string;

  /** A part of the disk's model name. */
  readonly model?: string;

  /** A part of the disk's vendor name. */
  readonly vendor?: string;

  /** The disk's whole serial number. */
  readonly serialNumber?: string;

  /** The disk has at least as many gigabytes (10^9 bytes). */
  readonly minSizeGigabytes?: number;

  /** The disk's World Wide Name. */
  readonly wwn?: string;

  /** The disk's World Wide Name with the vendor's extension. */
  readonly wwnWithExtension?: string;

  /** The vendor's extension of the World Wide Name alone. */
  readonly wwnVendorExtension?: string;

  /** True for a disk that spins, false for flash. */
  readonly rotational?: boolean;
}

/** Which disk. */
export interface BareMetalNodeSpecKeepDisksItem {
  /** The disk's whole serial number. */
  readonly serialNumber?: string;

  /** The disk's World Wide Name. */
  readonly wwn?: string;
}

/**
 * Volumes that the agent makes before it writes the operating system, at each deployment. What was on
 * their disks is lost.
 */
export interface BareMetalNodeSpecRaid {
  /** The volumes; the first one is the root device unless rootDeviceHints say otherwise. */
  readonly volumes: readonly BareMetalNodeSpecRaidVolumesItem[];
}

/** One volume. */
export interface BareMetalNodeSpecRaidVolumesItem {
  /** RAID level. */
  readonly level: '0' | '1' | '5' | '6' | '1+0';

  /** Its size in GiB. Unset: all the space there is. */
  readonly sizeGigabytes?: number;

  /**
   * Who makes it: "software" (Linux md), or the name of a controller that the ramdisk's hardware manager
   * knows. Default software.
   */
  readonly controller: string;

  /** Its disks, as paths or serial numbers. Unset: as many as there are. */
  readonly disks?: readonly string[];
}

/**
 * A test under load that a machine has to pass before it is available, run by the agent after its
 * inspection. Unset: none.
 */
export interface BareMetalNodeSpecBurnIn {
  /** How long the processors are loaded, in seconds. */
  readonly cpuSeconds?: number;

  /** How long memory is loaded, in seconds. */
  readonly memorySeconds?: number;

  /** How long the disks are written to, in seconds. What is on them is lost. */
  readonly diskSeconds?: number;
}

/** A fixed address for the agent, for a machine that boots from a virtual medium where there is no DHCP. */
export interface BareMetalNodeSpecRamdiskNetwork {
  /** The IP address. Example: 172.16.0.54. */
  readonly address: string;

  /** Length of its prefix. Example: 24. */
  readonly prefixLength: number;

  /** IP address of the gateway, where one is needed to reach the operator. */
  readonly gateway?: string;
}

/** What else uses this machine. While it is set, we leave the machine alone and no host gets it. */
export interface BareMetalNodeSpecConsumerRef {
  /** Group and version of the consumer's kind. Example: metal3.io/v1alpha1. */
  readonly apiVersion?: string;

  /** The consumer's kind, or any word for what it is. */
  readonly kind: string;

  /** The consumer's namespace. Unset for something that has none. */
  readonly namespace?: string;

  /** The consumer's name. */
  readonly name: string;
}

/** What was seen last. It can be lost and is then found again. */
export interface BareMetalNodeStatus {
  /** The metadata.generation that this status speaks of; -1 before anything was seen. */
  readonly observedGeneration: number;

  /**
   * How it is: Ready, Reconciling and Stalled in every kind, here also Manageable (the BMC answers),
   * Inspected, Provisioned and Powered.
   */
  readonly conditions?: readonly Condition[];

  /** Where the machine is on its way from enrolment to a host of a cloud, in Ironic's words. */
  readonly state?:
    | 'enroll'
    | 'verifying'
    | 'manageable'
    | 'inspecting'
    | 'available'
    | 'adopting'
    | 'deploying'
    | 'active'
    | 'deleting'
    | 'cleaning'
    | 'error';

  /** What it is doing, how far it is, and what it waits for. */
  readonly stateReason?: string;

  /** When state changed last. */
  readonly stateSince?: string;

  /** The state that it was in when it came to be in error; it goes back there. */
  readonly errorFrom?:
    | 'enroll'
    | 'verifying'
    | 'manageable'
    | 'inspecting'
    | 'available'
    | 'adopting'
    | 'deploying'
    | 'active'
    | 'deleting'
    | 'cleaning'
    | 'error';

  /** Failures in a row since the last success. */
  readonly errorCount?: number;

  /** The machine's power, as the BMC last told it. */
  readonly power?: 'On' | 'Off' | 'PoweringOn' | 'PoweringOff' | 'Unknown';

  /** The power command that was recorded before it was sent, until the BMC shows its effect. */
  readonly powerRequest?: BareMetalNodeStatusPowerRequest;

  /** How far the work of this state is, in percent, where that is known. */
  readonly progressPercent?: number;

  /** What the agent is booted for. Each phase is recorded before it is begun. */
  readonly work?: BareMetalNodeStatusWork;

  /** The operating system that we wrote last. */
  readonly image?: BareMetalNodeStatusImage;

  /** The reboot that the annotation undercloud.dev/reboot asked for, until the machine was seen off. */
  readonly rebootRequest?: BareMetalNodeStatusRebootRequest;

  /** The SSH host keys that the machine was given when we installed it. */
  readonly sshHostKeys?: readonly string[];

  /**
   * The kind of machine: spec.profile or, where that is unset, by the rules of ConfigMap
   * undercloud-hardware-rules.
   */
  readonly profile?: string;

  /** Capabilities by those rules; those of the spec come first. */
  readonly capabilities?: Readonly<Record<string, string>>;

  /** The class of hardware by those rules; spec.resourceClass comes first. */
  readonly resourceClass?: string;

  /** Why those rules refuse the machine: no host gets it. */
  readonly refused?: string;

  /** The Host that has this machine, granted here after Host.spec.nodeName asked for it. */
  readonly hostRef?: BareMetalNodeStatusHostRef;

  /**
   * The former host whose containers were left running. No other host gets the machine until the
   * annotation undercloud.dev/release carries the node's name.
   */
  readonly retainedFrom?: BareMetalNodeStatusRetainedFrom;

  /** What the BMC told about itself. */
  readonly bmc?: BareMetalNodeStatusBmc;

  /**
   * Name of the Secret that is kept from deletion for this node. When the spec names another, it is let
   * go.
   */
  readonly credentialsName?: string;

  /** The resourceVersion of the credentials Secret that was tried last: another one is tried at once. */
  readonly credentialsVersion?: string;

  /** A summary of the inventory; all of it is in the ConfigMap <node>-inventory. */
  readonly hardware?: BareMetalNodeStatusHardware;
}

/** The power command that was recorded before it was sent, until the BMC shows its effect. */
export interface BareMetalNodeStatusPowerRequest {
  /** What the BMC was asked for. */
  readonly power: 'On' | 'Off';

  /** When it was recorded. */
  readonly requestedAt: string;

  /** The epoch of the leader that asked. */
  readonly epoch?: number;
}

/** What the agent is booted for. Each phase is recorded before it is begun. */
export interface BareMetalNodeStatusWork {
  /** What is done to the machine. */
  readonly kind: 'Inspect' | 'Deploy' | 'Clean';

  /**
   * How far it is: waiting for its turn, powered off, booted into the agent, waiting for the agent to
   * call, the agent at work, powered off again, started from its disk.
   */
  readonly phase:
    'Queued' | 'PoweringOff' | 'Booting' | 'AwaitingAgent' | 'Working' | 'Finishing' | 'Starting';

  /** When the phase changed last. */
  readonly phaseSince: string;

  /** The how-manieth try it is. */
  readonly attempt: number;

  /** Names this boot of the agent; what an earlier one says is not heard any more. */
  readonly boot: string;

  /** UID of the Host that it is done for. */
  readonly hostUID?: string;

  /** The operating system that is written. */
  readonly image?: BareMetalNodeStatusWorkImage;

  /** Names what the agent was told to do; a spec that asks for something else begins anew. */
  readonly plan?: string;

  /** Why the try before this one failed. */
  readonly lastFailure?: string;

  /** Why this try failed. */
  readonly failure?: BareMetalNodeStatusWorkFailure;
}

/** The operating system that is written. */
export interface BareMetalNodeStatusWorkImage {
  /** Its name in ConfigMap undercloud-images, if it has one. */
  readonly name?: string;

  /** Where it is read. */
  readonly url: string;

  /** Its SHA-256 or SHA-512. */
  readonly checksum: string;

  /** Its format. */
  readonly format?: 'Raw' | 'QCow2';

  /** It is of one partition, not of a whole disk. */
  readonly partition?: boolean;
}

/** Why this try failed. */
export interface BareMetalNodeStatusWorkFailure {
  /** A word for why. */
  readonly reason: string;

  /** A sentence for people. */
  readonly message: string;

  /** When the next try begins. */
  readonly retryAt: string;
}

/** The operating system that we wrote last. */
export interface BareMetalNodeStatusImage {
  /** Its name in ConfigMap undercloud-images, if it has one. */
  readonly name?: string;

  /** Where it is read. */
  readonly url: string;

  /** Its SHA-256 or SHA-512. */
  readonly checksum: string;

  /** Its format. */
  readonly format?: 'Raw' | 'QCow2';

  /** It is of one partition, not of a whole disk. */
  readonly partition?: boolean;
}

/** The reboot that the annotation undercloud.dev/reboot asked for, until the machine was seen off. */
export interface BareMetalNodeStatusRebootRequest {
  /** Soft asks the operating system first, Hard does not. */
  readonly mode: 'Soft' | 'Hard';

  /** When it was taken up. */
  readonly requestedAt: string;
}

/** The Host that has this machine, granted here after Host.spec.nodeName asked for it. */
export interface BareMetalNodeStatusHostRef {
  /** The Host's name. */
  readonly name: string;

  /** The Host's UID; a new Host of the same name has another. */
  readonly uid: string;
}

/**
 * The former host whose containers were left running. No other host gets the machine until the
 * annotation undercloud.dev/release carries the node's name.
 */
export interface BareMetalNodeStatusRetainedFrom {
  /** Name of the Overcloud that it belonged to. */
  readonly overcloud: string;

  /** Name of the Host that it was. */
  readonly host: string;
}

/** What the BMC told about itself. */
export interface BareMetalNodeStatusBmc {
  /** What it is spoken to in. */
  readonly protocol?: 'IPMI' | 'Redfish';

  /** Version of that protocol. Example: 1.11.0. */
  readonly protocolVersion?: string;

  /** Who made it. */
  readonly vendor?: string;

  /** Which one it is. */
  readonly model?: string;

  /** Version of its firmware. */
  readonly firmwareVersion?: string;

  /** IPMI cipher suite that worked first, pinned from then on. */
  readonly cipherSuite?: number;
}

/** A summary of the inventory; all of it is in the ConfigMap <node>-inventory. */
export interface BareMetalNodeStatusHardware {
  /** Who made the machine. */
  readonly vendor?: string;

  /** Which one it is. */
  readonly model?: string;

  /** Its serial number. */
  readonly serial?: string;

  /** Version of its firmware. */
  readonly biosVersion?: string;

  /** Its processors. */
  readonly cpu?: BareMetalNodeStatusHardwareCpu;

  /** Main memory in MiB (2^20 bytes). */
  readonly memoryMebibytes?: number;

  /** Its disks. */
  readonly disks?: readonly BareMetalNodeStatusHardwareDisksItem[];

  /** Its network interfaces. */
  readonly nics?: readonly BareMetalNodeStatusHardwareNicsItem[];

  /** How many disks and NICs were left out of this summary. */
  readonly truncated?: number;
}

/** Its processors. */
export interface BareMetalNodeStatusHardwareCpu {
  /** Their model name. */
  readonly model?: string;

  /** Their instruction set. Example: x86_64. */
  readonly architecture?: string;

  /** How many processors there are. */
  readonly sockets?: number;

  /** How many cores they have in all. */
  readonly cores?: number;

  /** How many hardware threads they have in all. */
  readonly threads?: number;
}

/** One disk. */
export interface BareMetalNodeStatusHardwareDisksItem {
  /** Name of the device. Example: /dev/sda. */
  readonly name?: string;

  /** Its model name. */
  readonly model?: string;

  /** Its serial number. */
  readonly serial?: string;

  /** What kind of disk it is. */
  readonly type?: 'HDD' | 'SSD' | 'NVMe';

  /** Its size in bytes. */
  readonly sizeBytes?: number;
}

/** One network interface. */
export interface BareMetalNodeStatusHardwareNicsItem {
  /** Name of the interface. Example: eno1. */
  readonly name?: string;

  /** Its MAC address, in lower case with colons. */
  readonly mac?: string;

  /** Its speed in megabits per second. */
  readonly speedMbps?: number;

  /** Whether it has a link. */
  readonly linkUp?: boolean;
}
