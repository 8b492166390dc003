// Generated from crds/containerimageset.yaml by hack/generate-types.ts: edit that file, then run `npm run generate`.
import type { Condition, KubeObject, Resource } from '../kube/objects.ts';

/**
 * Where a cloud's images come from, which tag, and where they are mirrored to. Every image that the
 * services of its clouds name is resolved to a digest.
 */
export interface ContainerImageSet extends KubeObject {
  /** Which images. */
  readonly spec: ContainerImageSetSpec;

  /** What was seen last. It can be lost and is then found again. */
  readonly status?: ContainerImageSetStatus;
}

export const containerImageSets: Resource<ContainerImageSet> = {
  group: 'undercloud.dev',
  version: 'v1alpha1',
  plural: 'containerimagesets',
  kind: 'ContainerImageSet',
};

/** Which images. */
export interface ContainerImageSetSpec {
  /** The registry that the images come from. */
  readonly source: ContainerImageSetSpecSource;

  /** The registry that hosts pull from. Unset: the source. */
  readonly destination?: ContainerImageSetSpecDestination;

  /** The tag of every image that has no other by overrides. Example: 12.0-20180309.1. */
  readonly tag?: string;

  /** Instead of tag, find the newest tag by labels of an image. */
  readonly tagFromLabel?: ContainerImageSetSpecTagFromLabel;

  /** Images that are elsewhere, or are called or tagged otherwise. */
  readonly overrides?: readonly ContainerImageSetSpecOverridesItem[];

  /** Which variant of an image is meant, where there are several. Example: {neutronDriver: ovn}. */
  readonly variants?: Readonly<Record<string, string>>;

  /** Images to resolve beside those that the services of its clouds name. */
  readonly images?: readonly string[];

  /** True stops us from asking and writing to the registries. Default false. */
  readonly paused: boolean;
}

/** The registry that the images come from. */
export interface ContainerImageSetSpecSource {
  /** Its address, HOST[:PORT] without a scheme. Example: registry.access.redhat.com. */
  readonly registry: string;

  /** The path before the images' names. Example: rhosp12. Default: none. */
  readonly namespace: string;

  /** Put before every name: with openstack-, nova-api is openstack-nova-api. Default: none. */
  readonly prefix: string;

  /** Speak HTTP, or HTTPS without verifying the certificate. Default false. */
  readonly insecure: boolean;

  /** Name of the ConfigMap whose key ca.crt holds the CAs to trust, in PEM. */
  readonly caName?: string;

  /**
   * Name of the Secret to log in with: of type kubernetes.io/dockerconfigjson, or with the keys username
   * and password. Unset: nobody logs in.
   */
  readonly credentialsName?: string;
}

/** The registry that hosts pull from. Unset: the source. */
export interface ContainerImageSetSpecDestination {
  /** Its address, HOST[:PORT] without a scheme. Example: registry.access.redhat.com. */
  readonly registry: string;

  /** The path before the images' names. Unset: as in the source. */
  readonly namespace?: string;

  /** Put before every name. Unset: as in the source. */
  readonly prefix?: string;

  /** Speak HTTP, or HTTPS without verifying the certificate. Default false. */
  readonly insecure: boolean;

  /** Name of the ConfigMap whose key ca.crt holds the CAs to trust, in PEM. */
  readonly caName?: string;

  /**
   * Name of the Secret to log in with: of type kubernetes.io/dockerconfigjson, or with the keys username
   * and password. Unset: nobody logs in.
   */
  readonly credentialsName?: string;
}

/** Instead of tag, find the newest tag by labels of an image. */
export interface ContainerImageSetSpecTagFromLabel {
  /** The tag, made of the image's labels. Example: "{version}-{release}". */
  readonly format: string;

  /** The tag whose labels are read. Default latest. */
  readonly inspectTag: string;
}

/** One image. */
export interface ContainerImageSetSpecOverridesItem {
  /** The name that services use. Example: ceph-daemon. */
  readonly image: string;

  /** The path before its name. Unset: as in the source. */
  readonly namespace?: string;

  /** What the registry calls it. Unset: as services do. */
  readonly name?: string;

  /** Put before its name; "" for nothing. Unset: as in the source. */
  readonly prefix?: string;

  /** Its tag. Unset: that of the set. */
  readonly tag?: string;
}

/** What was seen last. It can be lost and is then found again. */
export interface ContainerImageSetStatus {
  /** The metadata.generation that this status speaks of; -1 before anything was seen. */
  readonly observedGeneration: number;

  /** How it is: Ready, Reconciling and Stalled, and Resolved (every needed image has a digest). */
  readonly conditions?: readonly Condition[];

  /** The tag in use. */
  readonly tag?: string;

  /** How many of the needed images have a digest: "36/36". */
  readonly images?: string;

  /** How many of them the destination has: "36/36". Empty without a destination. */
  readonly pushed?: string;

  /** What the set stands for; replaced whole, when complete. */
  readonly resolved?: ContainerImageSetStatusResolved;

  /** The images that have no digest yet, and why. */
  readonly unresolved?: readonly ContainerImageSetStatusUnresolvedItem[];

  /** How many more items unresolved would have. */
  readonly truncated?: number;
}

/** What the set stands for; replaced whole, when complete. */
export interface ContainerImageSetStatusResolved {
  /** The metadata.generation that was resolved. */
  readonly generation: number;

  /** The tag that people know it by. */
  readonly tag: string;

  /**
   * The value of the annotation undercloud.dev/retry at which the tags were looked up. An image keeps its
   * digest, even if its tag moves, until the spec or that annotation changes.
   */
  readonly retry?: string;

  /** Every image. */
  readonly images: readonly ContainerImageSetStatusResolvedImagesItem[];
}

/** One image. */
export interface ContainerImageSetStatusResolvedImagesItem {
  /** The name that services use. */
  readonly name: string;

  /** Where hosts pull it from, without tag. Example: 172.16.0.1:8787/rhosp12/openstack-nova-api. */
  readonly repository: string;

  /** Its tag. */
  readonly tag: string;

  /** The digest of its manifest. */
  readonly digest: string;

  /** Repository and tag, as people read it. */
  readonly reference: string;
}

/** One image. */
export interface ContainerImageSetStatusUnresolvedItem {
  /** The name that services use. */
  readonly name: string;

  /** Where it was looked for. */
  readonly reference: string;

  /** What is wrong and what to do. */
  readonly message: string;
}
