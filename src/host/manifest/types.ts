// The manifest: everything that should be on one host, compiled from its revision and the facts. Plain values, no I/O.
import type { ContainerSpec } from '../ports.ts';

export interface Manifest {
  /** `namespace/overcloud/host`, as the owner label and the owner file have it. */
  readonly owner: string;
  readonly revision: string;
  readonly imagesTag: string;
  readonly directories: readonly ManifestDirectory[];
  readonly files: readonly ManifestFile[];
  /** In order of step, startOrder, and as the role and its services list them. */
  readonly containers: readonly ManifestContainer[];
  readonly jobs: readonly ManifestJob[];
  /** One sentence for each thing that was asked for and is not done. */
  readonly unsupported: readonly string[];
}

export interface ManifestDirectory {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
}

export interface ManifestFile {
  readonly path: string;
  readonly content: Uint8Array;
  readonly sha256: string;
  readonly mode: string;
  readonly owner: string;
  /** It is mounted by itself somewhere, so its inode has to stay. */
  readonly inPlace: boolean;
  /** Whether the running containers that mount it are restarted when its content changes. */
  readonly restarts: boolean;
  /** What the engine needs before it can pull. */
  readonly registry: boolean;
}

/** Where something stands in the order of a deployment. */
export interface Place {
  /** 1..5 */
  readonly step: number;
  readonly startOrder: number;
}

export interface ManifestImage {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

export interface ManifestContainer extends Place {
  readonly name: string;
  readonly service: string;
  readonly spec: ContainerSpec;
  readonly image: ManifestImage;
  /** `v1:…`, as in the label. */
  readonly specHash: string;
}

export interface ManifestJob extends Place {
  readonly name: string;
  readonly service: string;
  /** What its run is remembered by. */
  readonly hash: string;
  /** `Run`: here; `Wait`: another host does; `Done`: nothing to do. */
  readonly action: 'Run' | 'Wait' | 'Done';
  readonly timeoutSeconds: number;
  readonly work: JobWork;
}

/** A container of its own, or a command in one that runs. */
export type JobWork =
  | {
      readonly kind: 'container';
      readonly spec: ContainerSpec;
      readonly image: ManifestImage;
      readonly specHash: string;
    }
  | {
      readonly kind: 'exec';
      readonly container: string;
      readonly argv: readonly string[];
      readonly user: string;
      readonly environment: Readonly<Record<string, string>>;
    };

/** A job's key in the ledger. */
export const jobKey = (job: { readonly service: string; readonly name: string }): string =>
  `${job.service}/${job.name}`;

export const byPlace = (a: Place, b: Place): number => a.step - b.step || a.startOrder - b.startOrder;
