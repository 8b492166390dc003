// What the plan is made from and what it says. Plain values, so that tests and `kubectl undercloud plan` read the same.
import type {
  Manifest,
  ManifestContainer,
  ManifestDirectory,
  ManifestFile,
  ManifestJob,
  Place,
} from '../manifest/types.ts';
import type { ContainerDetail, ContainerSummary, FileState, Ledger } from '../ports.ts';

/** The host as it is. */
export interface Observation {
  /** All containers, whoever made them. */
  readonly containers: readonly ContainerSummary[];
  /** By ID; only of containers for which the list does not tell enough. */
  readonly details: ReadonlyMap<string, ContainerDetail>;
  /** By ID: the last log line of containers that have exited. */
  readonly lastLines: ReadonlyMap<string, string>;
  /** By path, for all of `pathsOf(manifest, ledger)`. */
  readonly files: ReadonlyMap<string, FileState>;
  readonly ledger: Ledger;
}

/** Why a container or a job is not as it should be. */
export interface Failure {
  /** CamelCase, for the condition: ContainerExited, ReplaceFailed, JobFailed… */
  readonly reason: string;
  /** What follows the name of the thing: `exits 1: no such option: --frobnicate`. */
  readonly message: string;
  /** The last line of its log, where that is what matters. */
  readonly line?: string;
  /** As the engine calls it: exited, running… */
  readonly state: string;
  readonly exitCode: number;
  /** With ReplaceFailed: the former one could not be put back either. */
  readonly stuck?: true;
}

/** What our own probes know of one container (by ID). */
export type Verdict =
  | { readonly kind: 'proven' }
  | { readonly kind: 'probing' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** A failure that is remembered until the thing has proven itself; `again`: it is time for another try. */
export interface Remembered {
  readonly failure: Failure;
  readonly again: boolean;
  /** Milliseconds since it first failed without having proven itself in between. */
  readonly forMs: number;
}

export interface PlanInput {
  readonly manifest: Manifest;
  readonly observed: Observation;
  /** How far this host may go, 0..5. */
  readonly step: number;
  /** How far it has been with this revision: steps up to here heal independently of each other. */
  readonly reached: number;
  /** By container ID. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** By name of container, or `service/job`. */
  readonly failures: ReadonlyMap<string, Remembered>;
  /** Names of containers that ended not long ago, by themselves or by hand. */
  readonly suspects: ReadonlySet<string>;
}

/** One field that differs, as people read it. */
export interface FieldChange {
  readonly field: string;
  readonly current: string;
  readonly desired: string;
}

interface Planned extends Place {
  /** A container, a path, or `service/job`. */
  readonly target: string;
  /** Why, as what follows the target's name: `is missing`, `image changed`. */
  readonly reason: string;
  readonly fields: readonly FieldChange[];
}

export type Action = Planned &
  (
    | { readonly kind: 'ensureDirectory'; readonly directory: ManifestDirectory }
    /** `restarts`: the containers that run with the former content. */
    | { readonly kind: 'writeFile'; readonly file: ManifestFile; readonly restarts: readonly string[] }
    | { readonly kind: 'removeFile' }
    | { readonly kind: 'create'; readonly container: ManifestContainer }
    /** `failure`: how it ended; undefined for one that never ran. */
    | {
        readonly kind: 'start';
        readonly container: ManifestContainer;
        readonly id: string;
        readonly failure: Failure | undefined;
      }
    | { readonly kind: 'restart'; readonly container: ManifestContainer; readonly id: string }
    /**
     * `aside`: where a former one waits already; then `id` is a successor that never proved itself. `asideTaken`: what we did
     * not make has the name under which it would wait.
     */
    | {
        readonly kind: 'replace';
        readonly container: ManifestContainer;
        readonly id: string;
        readonly aside: string | undefined;
        readonly asideTaken: boolean;
      }
    /** The successor (`id`, where there is one) failed: away with it, and back with the former. */
    | {
        readonly kind: 'putBack';
        readonly container: ManifestContainer;
        readonly id: string | undefined;
        readonly aside: string | undefined;
        readonly failure: Failure;
      }
    /** The successor has proven itself: forget the former. */
    | { readonly kind: 'discard'; readonly aside: string | undefined }
    | { readonly kind: 'remove'; readonly id: string }
    /** `id`: the container of an earlier run, or of this one if we were not there when it began. */
    | { readonly kind: 'runJob'; readonly job: ManifestJob; readonly id: string | undefined }
  );

export type ActionKind = Action['kind'];
export type ActionOf<Kind extends ActionKind> = Extract<Action, { readonly kind: Kind }>;

/** Something that is not as it should be and that no action of this plan mends: it keeps what comes later waiting. */
export interface Hold extends Place {
  readonly on: 'container' | 'job' | 'file' | 'image';
  readonly target: string;
  /** CamelCase, for the condition. */
  readonly reason: string;
  /** What follows the target's name. */
  readonly message: string;
  /** Only a person can mend it. */
  readonly stalled: boolean;
}

export interface Drift {
  readonly kind: 'Missing' | 'Stopped' | 'Changed' | 'Unhealthy' | 'Orphan' | 'File';
  readonly what: string;
}

export interface Unready {
  readonly name: string;
  readonly state: string;
  readonly exitCode: number;
  readonly message: string;
}

/** A container that runs but has yet to prove itself. */
export interface Unproven {
  readonly id: string;
  readonly container: ManifestContainer;
}

export interface JobState {
  readonly service: string;
  readonly name: string;
  readonly hash: string;
  readonly state: 'Succeeded' | 'Failed';
  readonly exitCode: number;
  readonly finishedAt: string;
  readonly message: string;
}

export interface Plan {
  /** In the order in which they are to be done. */
  readonly actions: readonly Action[];
  readonly holds: readonly Hold[];
  readonly unproven: readonly Unproven[];
  readonly drift: readonly Drift[];
  readonly unready: readonly Unready[];
  readonly containers: { readonly desired: number; readonly ready: number };
  readonly jobs: readonly JobState[];
  /** The highest step up to which everything is in place, 0..5; never above `step`. */
  readonly stepDone: number;
  /** What the ledger should say of files before anything is done. */
  readonly recorded: Readonly<Record<string, string>>;
}
