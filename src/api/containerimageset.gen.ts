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

  /**
   * The registry that hosts pull from: what the source has is copied there before any host moves, byte for
   * byte, and each layer once. Unset: hosts pull from the source.
   */
  readonly destination?: ContainerImageSetSpecDestination;

  /** The tag of every image that has no other by overrides. Example: 12.0-20180309.1. */
  readonly tag?: string;

  /**
   * Instead of tag, make each image's tag of its own labels, as openstack overcloud container image tag
   * discover does.
   */
  readonly tagFromLabel?: ContainerImageSetSpecTagFromLabel;

  /**
   * Instead of tag, the newest of each image's tags that match; * stands for any characters, ? for one.
   * Numbers in tags are compared as numbers: 13.0-100 is newer than 13.0-99. Example: 13.0-*.
   */
  readonly tagPattern?: string;

  /** Images that are elsewhere, or are called or tagged otherwise. */
  readonly overrides?: readonly ContainerImageSetSpecOverridesItem[];

  /**
   * Which variant of an image the catalog is to yield, where it has several. Example: {neutronDriver:
   * ovn}.
   */
  readonly variants?: Readonly<Record<string, string>>;

  /** Images to resolve beside those that the services of its clouds name. */
  readonly images?: readonly string[];

  /**
   * Name of the ConfigMap whose key catalog.yaml lists images: their names, the services that need them,
   * their variants and the parameters that TripleO's environment files name them by. Unset: what the
   * services' containers name is all.
   */
  readonly catalogName?: string;

  /** Only images that match one of these, whatever excludes says; * stands for any characters. Unset, all. */
  readonly includes?: readonly string[];

  /** No images that match one of these; * stands for any characters. */
  readonly excludes?: readonly string[];

  /**
   * What becomes of a newer tag, or of a tag that stands for another image by now. Propose says so in
   * status.proposed, and waits until the annotation undercloud.dev/accept names it. Apply takes it: the
   * clouds of this set roll by themselves. Default Propose.
   */
  readonly updatePolicy: 'Propose' | 'Apply';

  /**
   * How often tags are looked up again, in seconds; a new value of the annotation
   * undercloud.dev/reconcile-requested-at asks for it at once. Default 600.
   */
  readonly lookupIntervalSeconds: number;

  /** Which images may be used at all. Unset, any. */
  readonly verify?: ContainerImageSetSpecVerify;

  /** How the destination is filled. */
  readonly mirror: ContainerImageSetSpecMirror;

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

  /** Put after every name: with -rhel9, nova-api is nova-api-rhel9. Default: none. */
  readonly suffix: string;

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

/**
 * The registry that hosts pull from: what the source has is copied there before any host moves, byte for
 * byte, and each layer once. Unset: hosts pull from the source.
 */
export interface ContainerImageSetSpecDestination {
  /** Its address, HOST[:PORT] without a scheme. Example: registry.access.redhat.com. */
  readonly registry: string;

  /** The path before the images' names. Unset: as in the source. */
  readonly namespace?: string;

  /** Put before every name. Unset: as in the source. */
  readonly prefix?: string;

  /** Put after every name. Unset: as in the source. */
  readonly suffix?: string;

  /** Speak HTTP, or HTTPS without verifying the certificate. Default false. */
  readonly insecure: boolean;

  /** Name of the ConfigMap whose key ca.crt holds the CAs to trust, in PEM. */
  readonly caName?: string;

  /**
   * Name of the Secret to log in with: of type kubernetes.io/dockerconfigjson, or with the keys username
   * and password. Unset: nobody logs in.
   */
  readonly credentialsName?: string;

  /**
   * Name of the Secret that hosts log in with, as credentialsName: a login that may only pull, since each
   * host sees it; "" for none. Unset: credentialsName, which may push.
   */
  readonly pullCredentialsName?: string;
}

/**
 * Instead of tag, make each image's tag of its own labels, as openstack overcloud container image tag
 * discover does.
 */
export interface ContainerImageSetSpecTagFromLabel {
  /** The tag, with labels of the image in braces. Example: "{version}-{release}". */
  readonly format: string;

  /** The tag whose labels are read. Default latest. */
  readonly inspectTag: string;

  /**
   * The one image whose labels name the tag of all, as services call it. Example: base. Unset: each its
   * own.
   */
  readonly image?: string;
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

  /** Put after its name; "" for nothing. Unset: as in the source. */
  readonly suffix?: string;

  /** Its tag. Unset: as the set says. */
  readonly tag?: string;

  /**
   * Instead of tag, make each image's tag of its own labels, as openstack overcloud container image tag
   * discover does.
   */
  readonly tagFromLabel?: ContainerImageSetSpecOverridesItemTagFromLabel;

  /**
   * Instead of tag, the newest of each image's tags that match; * stands for any characters, ? for one.
   * Numbers in tags are compared as numbers: 13.0-100 is newer than 13.0-99. Example: 13.0-*.
   */
  readonly tagPattern?: string;
}

/**
 * Instead of tag, make each image's tag of its own labels, as openstack overcloud container image tag
 * discover does.
 */
export interface ContainerImageSetSpecOverridesItemTagFromLabel {
  /** The tag, with labels of the image in braces. Example: "{version}-{release}". */
  readonly format: string;

  /** The tag whose labels are read. Default latest. */
  readonly inspectTag: string;

  /**
   * The one image whose labels name the tag of all, as services call it. Example: base. Unset: each its
   * own.
   */
  readonly image?: string;
}

/** Which images may be used at all. Unset, any. */
export interface ContainerImageSetSpecVerify {
  /** Each image must carry a signature of this key, as cosign sign --key makes it. */
  readonly cosign: ContainerImageSetSpecVerifyCosign;
}

/** Each image must carry a signature of this key, as cosign sign --key makes it. */
export interface ContainerImageSetSpecVerifyCosign {
  /** Name of the ConfigMap whose key cosign.pub holds the public key, in PEM. */
  readonly keyName: string;
}

/** How the destination is filled. */
export interface ContainerImageSetSpecMirror {
  /** How many layers are on their way at once. Default 6. */
  readonly parallel: number;
}

/** What was seen last. It can be lost and is then found again. */
export interface ContainerImageSetStatus {
  /** The metadata.generation that this status speaks of; -1 before anything was seen. */
  readonly observedGeneration: number;

  /**
   * How it is: Ready, Reconciling and Stalled; Resolved (every needed image has a digest), Mirrored (the
   * destination has them all), Verified (all are signed; while it is False, clouds take nothing from the
   * set), TagMoved and UpdateAvailable (the registry has something else by now), Consistent (False where
   * something in the spec has no effect).
   */
  readonly conditions?: readonly Condition[];

  /** The tag in use; the lowest and the highest where images have their own: 13.0-36…13.0-43. */
  readonly tag?: string;

  /** How many of the needed images have a digest: "36/36". */
  readonly images?: string;

  /** How many of them the destination has: "36/36". Empty without a destination. */
  readonly pushed?: string;

  /** What the set stands for; replaced whole, when complete. */
  readonly resolved?: ContainerImageSetStatusResolved;

  /** What the registry has by now and the clouds do not. Nothing moves until it is accepted. */
  readonly proposed?: ContainerImageSetStatusProposed;

  /** How far the last copy to the destination is, or was at its end. */
  readonly progress?: ContainerImageSetStatusProgress;

  /** The images that are not ready to be used yet, and why. */
  readonly unresolved?: readonly ContainerImageSetStatusUnresolvedItem[];

  /** How many more items unresolved would have. */
  readonly truncated?: number;
}

/** What the set stands for; replaced whole, when complete. */
export interface ContainerImageSetStatusResolved {
  /** The metadata.generation that was resolved, or the last one that asks for the same. */
  readonly generation: number;

  /**
   * A hash of what decides digests in the spec that was resolved. While the spec has the same, this
   * stands: paused, mirror, lookupIntervalSeconds and updatePolicy decide none.
   */
  readonly of?: string;

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

  /** Where it was found, where that is not the registry that hosts pull from. */
  readonly source?: string;

  /** Bytes that a host pulls which has nothing of it yet. Absent for an image of several platforms. */
  readonly size?: number;

  /** Resolved at the source, or Mirrored to the destination. */
  readonly state?: 'Resolved' | 'Mirrored';

  /** What the catalog says that environment files call it. */
  readonly parameters?: readonly string[];
}

/** What the registry has by now and the clouds do not. Nothing moves until it is accepted. */
export interface ContainerImageSetStatusProposed {
  /** The value that the annotation undercloud.dev/accept takes this by. */
  readonly id: string;

  /** When it was seen first. */
  readonly foundAt: string;

  /** The images that would change. */
  readonly images: readonly ContainerImageSetStatusProposedImagesItem[];

  /** How many more images it would change. */
  readonly truncated?: number;
}

/** One image. */
export interface ContainerImageSetStatusProposedImagesItem {
  /** The name that services use. */
  readonly name: string;

  /** The tag it would have. */
  readonly tag: string;

  /** The digest it would have. */
  readonly digest: string;

  /** The tag it has now. */
  readonly from: string;
}

/** How far the last copy to the destination is, or was at its end. */
export interface ContainerImageSetStatusProgress {
  /** How many images of those to be copied are there: "12/36". */
  readonly images: string;

  /** Bytes that were sent. */
  readonly bytes: number;

  /** Bytes that are to be sent, as far as it is known by now. */
  readonly totalBytes: number;

  /** Layers that were sent. */
  readonly copied?: number;

  /** Layers that another repository of the destination had. */
  readonly mounted?: number;

  /** Layers that were there already. */
  readonly skipped?: number;

  /** How fast it goes. */
  readonly bytesPerSecond?: number;

  /** How long it will take at that rate. Absent when it is over. */
  readonly secondsLeft?: number;

  /** When it began. */
  readonly startedAt?: string;
}

/** One image. */
export interface ContainerImageSetStatusUnresolvedItem {
  /** Whether it is looked for, on its way to the destination, or cannot be had. */
  readonly state?: 'Searching' | 'Copying' | 'Failed';

  /** The name that services use. */
  readonly name: string;

  /** Where it was looked for. */
  readonly reference: string;

  /** What is wrong and what to do. */
  readonly message: string;
}
