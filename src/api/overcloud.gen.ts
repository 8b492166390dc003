// Generated from crds/overcloud.yaml by hack/generate-types.ts: edit that file, then run `npm run generate`.
import type { Condition, KubeObject, Resource } from '../kube/objects.ts';

/**
 * A cloud: how many hosts of which roles, its networks and addresses, its image set, how it is updated.
 * Its controller claims nodes, makes Hosts and leads them through the steps.
 */
export interface Overcloud extends KubeObject {
  /** What the cloud is. */
  readonly spec: OvercloudSpec;

  /** What was seen last. It can be lost and is then found again. */
  readonly status?: OvercloudStatus;
}

export const overclouds: Resource<Overcloud> = {
  group: 'undercloud.dev',
  version: 'v1alpha1',
  plural: 'overclouds',
  kind: 'Overcloud',
};

/** What the cloud is. */
export interface OvercloudSpec {
  /** Name of the ContainerImageSet that the images come from. */
  readonly imageSetName: string;

  /**
   * Images that are pulled to the hosts ahead of the day on which they are needed. Nothing moves for that.
   * Unset: nothing is pulled ahead; what was pulled stays on the hosts.
   */
  readonly prePull?: OvercloudSpecPrePull;

  /**
   * Observe writes nothing on any host or BMC, and reports; Plan keeps hosts at their revision and plans
   * the next; Apply does both. Default Apply.
   */
  readonly mode: 'Observe' | 'Plan' | 'Apply';

  /** With Paused no host moves to another revision; hosts keep healing. Default Running. */
  readonly rollout: 'Running' | 'Paused';

  /** True stops us from touching the cloud and its hosts. Default false. */
  readonly paused: boolean;

  /**
   * When the cloud is deleted: stop managing and leave everything running (Retain), or remove its
   * containers and free its nodes (Delete). Data directories stay in any case. Default Retain.
   */
  readonly deletionPolicy: 'Retain' | 'Delete';

  /** DNS domain of the hosts. Default localdomain. Example: cloud.example.com. */
  readonly domain: string;

  /** How many hosts of which roles. The order counts where update.order says nothing. */
  readonly roles: readonly OvercloudSpecRolesItem[];

  /**
   * The networks. ctlplane, where SSH answers, has to be among them only for machines that we install: a
   * node's spec.address is its host's address there.
   */
  readonly networks?: readonly OvercloudSpecNetworksItem[];

  /** How hosts are logged in to. */
  readonly ssh: OvercloudSpecSsh;

  /** Values for the services' templates; of a key that stands in several, the last one counts. */
  readonly values?: readonly OvercloudSpecValuesItem[];

  /** How the cloud moves to new revisions. */
  readonly update: OvercloudSpecUpdate;
}

/**
 * Images that are pulled to the hosts ahead of the day on which they are needed. Nothing moves for that.
 * Unset: nothing is pulled ahead; what was pulled stays on the hosts.
 */
export interface OvercloudSpecPrePull {
  /**
   * The sets whose images are pulled, to each host those that the services of its role use. Example:
   * [pike-20180319].
   */
  readonly imageSetNames: readonly string[];
}

/** The hosts of one role. */
export interface OvercloudSpecRolesItem {
  /** Name of the Role. */
  readonly role: string;

  /** How many hosts there are. A lower number removes only those that remove names. */
  readonly count: number;

  /** What is said about single hosts; the rest is by Role.spec.hostnameFormat and the pools. */
  readonly hosts?: readonly OvercloudSpecRolesItemHostsItem[];

  /** Single images that come from another set. */
  readonly images?: readonly OvercloudSpecRolesItemImagesItem[];

  /** Names of the hosts that leave when count is lowered. */
  readonly remove?: readonly string[];

  /** Pins the role to this ControllerRevision, a rollback by hand. Empty or unset is no pin. */
  readonly revision?: string;
}

/** One host. */
export interface OvercloudSpecRolesItemHostsItem {
  /** Its name, as hostname -s prints it. */
  readonly name: string;

  /** Name of the BareMetalNode that it gets. Unset: any that fits. */
  readonly node?: string;

  /** Its addresses by network; others come from the pools. Example: {internalApi: 172.17.1.201}. */
  readonly addresses?: Readonly<Record<string, string>>;

  /** True keeps the host on its revision; it still heals. Default false. */
  readonly hold: boolean;

  /** True stops us from touching the host. Default false. */
  readonly paused: boolean;

  /** Pins the host to this ControllerRevision of its role. Empty or unset is no pin. */
  readonly revision?: string;

  /** Single images that come from another set. */
  readonly images?: readonly OvercloudSpecRolesItemHostsItemImagesItem[];
}

/** One image. */
export interface OvercloudSpecRolesItemHostsItemImagesItem {
  /** The name that services use. Example: nova-api. */
  readonly name: string;

  /** Name of the ContainerImageSet that the images come from. */
  readonly imageSetName: string;
}

/** One image. */
export interface OvercloudSpecRolesItemImagesItem {
  /** The name that services use. Example: nova-api. */
  readonly name: string;

  /** Name of the ContainerImageSet that the images come from. */
  readonly imageSetName: string;
}

/** One network. */
export interface OvercloudSpecNetworksItem {
  /** Its name, as roles use it. Example: internalApi. */
  readonly name: string;

  /** Its addresses. Example: 172.17.1.0/24. */
  readonly cidr: string;

  /** Its VLAN. Unset: untagged. */
  readonly vlan?: number;

  /** Its largest packet in bytes. Unset: what the interface has. */
  readonly mtu?: number;

  /** IP address of its router. Unset: it has none. */
  readonly gateway?: string;

  /**
   * The DNS servers that hosts on it are given when we install their machines, those of ctlplane first.
   * Example: [172.17.1.53].
   */
  readonly dnsServers?: readonly string[];

  /**
   * Where hosts' addresses are taken from; on ctlplane those of machines that we install and whose node
   * has no spec.address. Nothing else may be given out there, by DHCP neither.
   */
  readonly pools?: readonly OvercloudSpecNetworksItemPoolsItem[];

  /** Addresses that belong to a service rather than to a host; outside the pools. */
  readonly vips?: readonly OvercloudSpecNetworksItemVipsItem[];
}

/** One range. */
export interface OvercloudSpecNetworksItemPoolsItem {
  /** Its first address. */
  readonly start: string;

  /** Its last address, included. */
  readonly end: string;
}

/** One virtual address. */
export interface OvercloudSpecNetworksItemVipsItem {
  /** Its name, as templates use it. Example: internalApi, redis. */
  readonly name: string;

  /** The IP address. */
  readonly address: string;

  /** The Pacemaker bundle that it runs beside. Example: haproxy-bundle. */
  readonly with?: string;
}

/** How hosts are logged in to. */
export interface OvercloudSpecSsh {
  /** User to log in as; one other than root needs sudo without a password. Default root. */
  readonly user: string;

  /** Name of the Secret whose key ssh-privatekey holds the private key. */
  readonly keyName: string;
}

/** One source, a ConfigMap or a Secret. */
export interface OvercloudSpecValuesItem {
  /** Name of a ConfigMap. */
  readonly configMap?: string;

  /** Name of a Secret. */
  readonly secret?: string;
}

/** How the cloud moves to new revisions. */
export interface OvercloudSpecUpdate {
  /**
   * Roles in the order of their turn; others follow as they stand in roles. Example: [controller,
   * compute].
   */
  readonly order?: readonly string[];

  /** The first hosts of a role, that the others wait for. */
  readonly canary?: OvercloudSpecUpdateCanary;

  /**
   * How many hosts of one role may be away at a time, for whatever reason, as a number or a share ("10%",
   * rounded up). Unset: as many as Role.spec.update.serial.
   */
  readonly maxUnavailable?: number | string;

  /**
   * How many hosts of a role may be out of reach before a barrier stops, in percent. Never counts for
   * roles tagged primary or pacemaker. Default 0.
   */
  readonly maxFailPercent: number;

  /**
   * What happens to a host that fails on a new revision: it goes back to its former one, or stays as it
   * is. The rollout stops in both cases. Default Rollback.
   */
  readonly onFailure: 'Rollback' | 'Pause';

  /**
   * A new revision is taken back unless a person confirms it within so many seconds. 0 asks nobody.
   * Default 0.
   */
  readonly confirmWithinSeconds: number;
}

/** The first hosts of a role, that the others wait for. */
export interface OvercloudSpecUpdateCanary {
  /** How many hosts go first. */
  readonly hosts: number;

  /** How long they must have been Ready before the others follow, in seconds. Default 0. */
  readonly pauseSeconds: number;
}

/** What was seen last. It can be lost and is then found again. */
export interface OvercloudStatus {
  /** The metadata.generation that this status speaks of; -1 before anything was seen. */
  readonly observedGeneration: number;

  /**
   * How it is: Ready, Reconciling and Stalled, NodesAllocated, ImagesResolved, Converged and, with
   * spec.prePull, PrePulled.
   */
  readonly conditions?: readonly Condition[];

  /** Its hosts, counted. */
  readonly hosts?: OvercloudStatusHosts;

  /** The step that its slowest cohort is in: "5" when all is done. */
  readonly step?: string;

  /** The tag of the images that it runs. */
  readonly images?: string;

  /** How many of the images of spec.prePull are on their hosts: "140/144". Unset without spec.prePull. */
  readonly prePulled?: string;

  /** The same by role. */
  readonly roles?: readonly OvercloudStatusRolesItem[];

  /**
   * Revisions that failed. They are not tried again until the input changes or the annotation
   * undercloud.dev/retry does.
   */
  readonly rejected?: readonly OvercloudStatusRejectedItem[];

  /** The value of the annotation undercloud.dev/retry that was honoured last. */
  readonly retry?: string;
}

/** Its hosts, counted. */
export interface OvercloudStatusHosts {
  /** How many there should be. */
  readonly desired: number;

  /** How many are Ready. */
  readonly ready: number;

  /** How many have finished their role's newest revision. */
  readonly updated: number;

  /** Ready of desired, for people: "6/6". */
  readonly summary: string;
}

/** One role. */
export interface OvercloudStatusRolesItem {
  /** Name of the Role. */
  readonly name: string;

  /** How many there should be. */
  readonly desired: number;

  /** How many are Ready. */
  readonly ready: number;

  /** How many have finished the newest revision. */
  readonly updated: number;

  /** Name of the newest ControllerRevision. */
  readonly revision?: string;
}

/** One revision. */
export interface OvercloudStatusRejectedItem {
  /** Name of the Role. */
  readonly role: string;

  /** Name of the ControllerRevision. */
  readonly revision: string;

  /** Name of the Host that it failed on. */
  readonly host?: string;

  /** How it failed. */
  readonly reason: string;

  /** When it failed. */
  readonly at?: string;
}
