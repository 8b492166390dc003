// Generated from crds/host.yaml by hack/generate-types.ts: edit that file, then run `npm run generate`.
import type { Condition, KubeObject, Resource } from '../kube/objects.ts';

/**
 * One machine's life as a member of a cloud. The Overcloud controller writes it; people look, and say
 * what they have to say about a host in Overcloud.spec.roles[].hosts[].
 */
export interface Host extends KubeObject {
  /** What the host should be, written by the Overcloud controller. */
  readonly spec: HostSpec;

  /** What was seen last. It can be lost and is then found again. */
  readonly status?: HostStatus;
}

export const hosts: Resource<Host> = {
  group: 'undercloud.dev',
  version: 'v1alpha1',
  plural: 'hosts',
  kind: 'Host',
};

/** What the host should be, written by the Overcloud controller. */
export interface HostSpec {
  /** Name of the Overcloud that it belongs to. */
  readonly overcloudName: string;

  /** Name of its Role. */
  readonly role: string;

  /** Its number within the role, from 0. The lowest runs what a role does once. */
  readonly index: number;

  /** Its name on the networks, without a domain. */
  readonly hostname: string;

  /**
   * Name of the BareMetalNode that it asks for. It has that machine once BareMetalNode.status.hostRef
   * carries its name and UID.
   */
  readonly nodeName: string;

  /** Its address on each network. */
  readonly addresses?: readonly HostSpecAddressesItem[];

  /** The DNS servers of its networks, those of ctlplane first, for a machine that we install. */
  readonly dnsServers?: readonly string[];

  /** How the host is logged in to. */
  readonly ssh: HostSpecSsh;

  /**
   * The operating system that is written to its machine when that is deployed next: an entry of ConfigMap
   * undercloud-images, or an image of its own. Unset: the default of that ConfigMap. A change re-images
   * nothing.
   */
  readonly osImage?: HostSpecOsImage;

  /** Name of the ControllerRevision that the host is brought to and kept at. Empty before one was cut. */
  readonly revision: string;

  /** Name of a ControllerRevision that is only planned, into status.plan. */
  readonly proposedRevision: string;

  /** How far this host may go, the barrier of its cohort. 0 is not at all, 5 is everything. Default 0. */
  readonly step: number;

  /** What this host does about each of the cloud's jobs (scope Cloud). */
  readonly jobs?: readonly HostSpecJobsItem[];

  /** As Overcloud.spec.mode: what may be done to the host. Default Apply. */
  readonly mode: 'Observe' | 'Plan' | 'Apply';

  /** True stops us from touching the host. Default false. */
  readonly paused: boolean;

  /** Why it is paused, and by whom. */
  readonly pauseReason: string;

  /** When this Host is deleted: leave what runs on the machine, or remove it. Default Retain. */
  readonly deletionPolicy: 'Retain' | 'Delete';

  /** True keeps the host on its revision; it still heals. Default false. */
  readonly hold: boolean;

  /**
   * The images that are pulled ahead of the day on which they are needed, while there is nothing else to
   * do.
   */
  readonly prePull?: HostSpecPrePull;
}

/** One address. */
export interface HostSpecAddressesItem {
  /** Name of the network; ctlplane is where SSH answers. */
  readonly network: string;

  /** IP address on that network. */
  readonly address: string;

  /**
   * Length of the network's prefix. Unset where the cloud does not say: a machine that we install then
   * takes its address on ctlplane from DHCP. Example: 24.
   */
  readonly prefixLength?: number;

  /** IP address of the network's router. Unset where it has none. */
  readonly gateway?: string;
}

/** How the host is logged in to. */
export interface HostSpecSsh {
  /** User to log in as; one other than root needs sudo without a password. Default root. */
  readonly user: string;

  /** Name of the Secret whose key ssh-privatekey holds the private key. */
  readonly keyName: string;

  /** TCP port where SSH answers. Default 22. */
  readonly port: number;
}

/**
 * The operating system that is written to its machine when that is deployed next: an entry of ConfigMap
 * undercloud-images, or an image of its own. Unset: the default of that ConfigMap. A change re-images
 * nothing.
 */
export interface HostSpecOsImage {
  /** Name of an image in ConfigMap undercloud-images. Example: debian-12. */
  readonly name?: string;

  /** Where an image of its own is. Example: http://172.16.0.1/images/host.raw. */
  readonly url?: string;

  /** SHA-256 or SHA-512 of that image: "sha256:<64 hex digits>" or "sha512:<128 hex digits>". */
  readonly checksum?: string;

  /** Format of that image. Unset: QCow2 where url ends in .qcow2 or .qcow, else Raw. */
  readonly format?: 'Raw' | 'QCow2';

  /** The kernel beside a partition image, with ramdisk; an image of a whole disk has neither. */
  readonly kernel?: HostSpecOsImageKernel;

  /** The ramdisk beside a partition image, with kernel. */
  readonly ramdisk?: HostSpecOsImageRamdisk;
}

/** The kernel beside a partition image, with ramdisk; an image of a whole disk has neither. */
export interface HostSpecOsImageKernel {
  /** Where it is. */
  readonly url: string;

  /** Its SHA-256 or SHA-512: "sha256:<64 hex digits>" or "sha512:<128 hex digits>". */
  readonly checksum: string;
}

/** The ramdisk beside a partition image, with kernel. */
export interface HostSpecOsImageRamdisk {
  /** Where it is. */
  readonly url: string;

  /** Its SHA-256 or SHA-512: "sha256:<64 hex digits>" or "sha512:<128 hex digits>". */
  readonly checksum: string;
}

/** One job. */
export interface HostSpecJobsItem {
  /** Name of the OvercloudService that has it. */
  readonly service: string;

  /** Name of the job. */
  readonly name: string;

  /** What it is to be run for; another hash is another run. */
  readonly hash: string;

  /** Run it here, wait until another host has run it, or go on as it is done. */
  readonly action: 'Run' | 'Wait' | 'Done';
}

/**
 * The images that are pulled ahead of the day on which they are needed, while there is nothing else to
 * do.
 */
export interface HostSpecPrePull {
  /** Stands for the list of images; status.prePulled.hash says which list was counted. */
  readonly hash: string;

  /** What is pulled, sorted. */
  readonly images: readonly string[];

  /** How the host reaches the registries that the images are pulled from. */
  readonly registries?: readonly HostSpecPrePullRegistriesItem[];
}

/** One registry. */
export interface HostSpecPrePullRegistriesItem {
  /** Its address, HOST[:PORT]. */
  readonly host: string;

  /** HTTP, or HTTPS without verifying the certificate. Default false. */
  readonly insecure: boolean;

  /** Name of the ConfigMap whose key ca.crt holds the CAs to trust, in PEM. */
  readonly caName?: string;

  /** Name of the Secret to log in with. Unset: nobody logs in. */
  readonly credentialsName?: string;
}

/** What was seen last. It can be lost and is then found again. */
export interface HostStatus {
  /** The metadata.generation that this status speaks of; -1 before anything was seen. */
  readonly observedGeneration: number;

  /**
   * How it is: Ready, Reconciling and Stalled, Connected (SSH and the engine answer) and Converged (all is
   * as the revision says).
   */
  readonly conditions?: readonly Condition[];

  /** Where SSH answers. */
  readonly address?: string;

  /** The tag of the images that it runs. */
  readonly images?: string;

  /** The stop switch that holds it, and who set it; empty when nothing does. */
  readonly brake?: string;

  /** How far it has come; never falls for its revision. */
  readonly progress?: HostStatusProgress;

  /** The images of spec.prePull, counted. Unset without spec.prePull. */
  readonly prePulled?: HostStatusPrePulled;

  /** Its containers, counted. */
  readonly containers?: HostStatusContainers;

  /** The containers that are not ready, and why. */
  readonly unready?: readonly HostStatusUnreadyItem[];

  /** What is not as the revision says. */
  readonly drift?: readonly HostStatusDriftItem[];

  /** How many more items unready, drift and jobs would have. */
  readonly truncated?: number;

  /** What the proposed revision would do here, and why. */
  readonly plan?: HostStatusPlan;

  /** What became of the jobs here. */
  readonly jobs?: readonly HostStatusJobsItem[];

  /** Changes with every boot of the machine. */
  readonly bootId?: string;

  /** The epoch of the leader that was last connected. */
  readonly epoch?: number;
}

/** How far it has come; never falls for its revision. */
export interface HostStatusProgress {
  /** Name of the revision. */
  readonly revision: string;

  /** The last step of it that was finished here. */
  readonly step: number;
}

/** The images of spec.prePull, counted. Unset without spec.prePull. */
export interface HostStatusPrePulled {
  /** The spec.prePull.hash that was counted. */
  readonly hash: string;

  /** How many there should be. */
  readonly desired: number;

  /** How many are on the host. */
  readonly present: number;

  /** Both for people: "36/36". */
  readonly summary: string;

  /** How many could not be pulled when that was last tried. Unset when none. */
  readonly failed?: number;

  /** What is being done or waited for, or what went wrong. Unset when all are present. */
  readonly message?: string;
}

/** Its containers, counted. */
export interface HostStatusContainers {
  /** How many should run. */
  readonly desired: number;

  /** How many run, and are healthy where they have a check. */
  readonly ready: number;

  /** Both for people: "47/49". */
  readonly summary: string;
}

/** One container. */
export interface HostStatusUnreadyItem {
  /** Its name. */
  readonly name: string;

  /** What it is instead of ready. Example: Exited. */
  readonly state: string;

  /** How it ended, where it did. */
  readonly exitCode?: number;

  /** The last line of its log, or what is in the way. */
  readonly message?: string;
}

/** One difference. */
export interface HostStatusDriftItem {
  /** What kind of difference it is. */
  readonly kind: 'Missing' | 'Stopped' | 'Changed' | 'Unhealthy' | 'Orphan' | 'File';

  /** The container or the path. */
  readonly what: string;

  /** When it was seen first. */
  readonly since?: string;
}

/** What the proposed revision would do here, and why. */
export interface HostStatusPlan {
  /** The revision that was planned. */
  readonly revision: string;

  /** What would be done, in order. */
  readonly actions?: readonly HostStatusPlanActionsItem[];

  /** All of it in a sentence: "2 replaced, 0 restarted, 1 file". */
  readonly summary: string;

  /** How many more actions there are. */
  readonly truncated?: number;
}

/** One action. */
export interface HostStatusPlanActionsItem {
  /** What is done. Example: Replace. */
  readonly action: string;

  /** The container, job or path. */
  readonly target: string;

  /** Why. */
  readonly reason: string;

  /** The fields that differ. */
  readonly fields?: readonly string[];
}

/** One job. */
export interface HostStatusJobsItem {
  /** Name of the OvercloudService that has it. */
  readonly service: string;

  /** Name of the job. */
  readonly name: string;

  /** What it was run for. */
  readonly hash: string;

  /** How it went. */
  readonly state: 'Running' | 'Succeeded' | 'Failed';

  /** How it ended. */
  readonly exitCode?: number;

  /** The tail of its log, where it failed. */
  readonly message?: string;

  /** When it ended. */
  readonly finishedAt?: string;
}
