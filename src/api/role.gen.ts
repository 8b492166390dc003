// Generated from crds/role.yaml by hack/generate-types.ts: edit that file, then run `npm run generate`.
import type { Condition, KubeObject, Resource } from '../kube/objects.ts';

/**
 * A class of hosts: which services run on them, which networks they are on, how they are updated. Type
 * ocrole, since RBAC has a kind Role too.
 */
export interface Role extends KubeObject {
  /** What a host of this role is. */
  readonly spec: RoleSpec;

  /** What was seen last. It can be lost and is then found again. */
  readonly status?: RoleStatus;
}

export const roles: Resource<Role> = {
  group: 'undercloud.dev',
  version: 'v1alpha1',
  plural: 'roles',
  kind: 'Role',
};

/** What a host of this role is. */
export interface RoleSpec {
  /** Names of the OvercloudServices that every host of this role carries. Example: [keystone, nova-api]. */
  readonly services: readonly string[];

  /**
   * Only nodes with this BareMetalNode.spec.profile become hosts of this role. Unset: any node may.
   * Example: control.
   */
  readonly profile?: string;

  /**
   * What is special about the role. primary: its first host runs what a cloud needs once; pacemaker: its
   * hosts form the Pacemaker cluster. No barrier is passed without the hosts of these two. Other words are
   * yours.
   */
  readonly tags?: readonly string[];

  /**
   * Names of the networks (Overcloud.spec.networks) that its hosts have an address on. ctlplane is always
   * there. Example: [internalApi, tenant].
   */
  readonly networks?: readonly string[];

  /** How its hosts' interfaces, bonds and bridges are set up, in os-net-config's format. */
  readonly networkConfig?: RoleSpecNetworkConfig;

  /**
   * How its hosts are named: %overcloud% and %role% stand for those names, %index% counts from 0, %index1%
   * from 1, %index1:02% with two digits. Default "%overcloud%-%role%-%index%".
   */
  readonly hostnameFormat: string;

  /**
   * The operating system that is written to a machine when it is deployed next: an entry of ConfigMap
   * undercloud-images, or an image of its own. Unset: the default of that ConfigMap. A change never
   * re-images a host.
   */
  readonly osImage?: RoleSpecOsImage;

  /** The container engine on its hosts. */
  readonly engine: RoleSpecEngine;

  /** How its hosts move to a new revision. */
  readonly update: RoleSpecUpdate;
}

/** How its hosts' interfaces, bonds and bridges are set up, in os-net-config's format. */
export interface RoleSpecNetworkConfig {
  /** Where the configuration is, a Liquid template. */
  readonly from: RoleSpecNetworkConfigFrom;

  /** When it is applied to a host. Default OnCreate. */
  readonly apply: 'OnCreate' | 'OnChange' | 'Manual';
}

/** Where the configuration is, a Liquid template. */
export interface RoleSpecNetworkConfigFrom {
  /** Name of a ConfigMap. */
  readonly configMap: string;

  /** Key in that ConfigMap. */
  readonly key: string;
}

/**
 * The operating system that is written to a machine when it is deployed next: an entry of ConfigMap
 * undercloud-images, or an image of its own. Unset: the default of that ConfigMap. A change never
 * re-images a host.
 */
export interface RoleSpecOsImage {
  /** Name of an image in ConfigMap undercloud-images. Example: debian-12. */
  readonly name?: string;

  /** Where an image of its own is. Example: http://172.16.0.1/images/host.raw. */
  readonly url?: string;

  /** SHA-256 or SHA-512 of that image: "sha256:<64 hex digits>" or "sha512:<128 hex digits>". */
  readonly checksum?: string;

  /** Format of that image. Unset: QCow2 where url ends in .qcow2 or .qcow, else Raw. */
  readonly format?: 'Raw' | 'QCow2';

  /** The kernel beside a partition image, with ramdisk; an image of a whole disk has neither. */
  readonly kernel?: RoleSpecOsImageKernel;

  /** The ramdisk beside a partition image, with kernel. */
  readonly ramdisk?: RoleSpecOsImageRamdisk;
}

/** The kernel beside a partition image, with ramdisk; an image of a whole disk has neither. */
export interface RoleSpecOsImageKernel {
  /** Where it is. */
  readonly url: string;

  /** Its SHA-256 or SHA-512: "sha256:<64 hex digits>" or "sha512:<128 hex digits>". */
  readonly checksum: string;
}

/** The ramdisk beside a partition image, with kernel. */
export interface RoleSpecOsImageRamdisk {
  /** Where it is. */
  readonly url: string;

  /** Its SHA-256 or SHA-512: "sha256:<64 hex digits>" or "sha512:<128 hex digits>". */
  readonly checksum: string;
}

/** The container engine on its hosts. */
export interface RoleSpecEngine {
  /** Which engine runs the containers. Default Podman. */
  readonly type: 'Podman' | 'Docker';
}

/** How its hosts move to a new revision. */
export interface RoleSpecUpdate {
  /** How many hosts are updated at a time, as a number or a share ("25%", rounded up). Default 1. */
  readonly serial: number | string;
}

/** What was seen last. It can be lost and is then found again. */
export interface RoleStatus {
  /** The metadata.generation that this status speaks of; -1 before anything was seen. */
  readonly observedGeneration: number;

  /**
   * How it is: Ready, Stalled (something that it refers to does not exist), and Supported, which is False
   * while it asks for what this release does not do.
   */
  readonly conditions?: readonly Condition[];
}
