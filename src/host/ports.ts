// What the host room needs from a machine: a session with file operations and a container engine. session/ and containers/
// implement it over one SSH connection; tests may drive the same interfaces against a local engine.

/** A container as the engine's list shows it: cheap, for all containers in one call. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state:
    'created' | 'running' | 'exited' | 'paused' | 'restarting' | 'removing' | 'dead' | 'unknown';
}

/** What only inspect tells. */
export interface ContainerDetail extends ContainerSummary {
  readonly exitCode: number;
  /** RFC 3339; `0001-…` when it never ran. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** Enough to make the same container again (for put-back); may hold secrets: never log it. */
  readonly recreate: ContainerSpec;
}

/** Everything explicit: what is not said here is the engine's or the image's default. */
export interface ContainerSpec {
  readonly name: string;
  /** `repository:tag` as people read it in `podman ps`; the engine must already have it. */
  readonly image: string;
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** `source:target[:options]` */
  readonly volumes: readonly string[];
  readonly volumesFrom: readonly string[];
  /** host | none | bridge | container:<name> */
  readonly network: string;
  readonly pid: string;
  readonly ipc: string;
  readonly user: string;
  readonly privileged: boolean;
  readonly restart: 'Always' | 'UnlessStopped' | 'OnFailure' | 'No';
  readonly healthcheck: Healthcheck | undefined;
  readonly stopGraceSeconds: number;
  /** Bytes; 0 is no limit. */
  readonly memoryBytes: number;
  /** CPUs; 0 is no limit. */
  readonly cpus: number;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly hostname: string;
}

export interface Healthcheck {
  /** argv, run without a shell. */
  readonly test: readonly string[];
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly startPeriodSeconds: number;
  readonly retries: number;
}

export interface ExecResult {
  readonly exitCode: number;
  /** stdout and stderr together, the last 4 KiB. */
  readonly output: string;
}

export interface EngineEvent {
  /** start | die | stop | remove | rename | health_status, as the engine's API names them. */
  readonly action: string;
  readonly containerId: string;
  readonly containerName: string;
  readonly labels: Readonly<Record<string, string>>;
  /** With health_status: what it is now. Podman tells after each check, Docker after each change. */
  readonly health?: 'starting' | 'healthy' | 'unhealthy';
}

export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
}

/**
 * The container engine of one host. Throws OperatorErrors: transient EngineUnavailable (the socket or the session is away),
 * EngineBusy; terminal EngineRefused (the engine said no, with its words). A container that is gone is no error for
 * stop, remove and inspect.
 */
export interface Engine {
  list(signal: AbortSignal): Promise<readonly ContainerSummary[]>;
  inspect(id: string, signal: AbortSignal): Promise<ContainerDetail | undefined>;
  create(spec: ContainerSpec, signal: AbortSignal): Promise<string>;
  start(id: string, signal: AbortSignal): Promise<void>;
  stop(id: string, graceSeconds: number, signal: AbortSignal): Promise<void>;
  rename(id: string, name: string, signal: AbortSignal): Promise<void>;
  remove(id: string, signal: AbortSignal): Promise<void>;
  /** Takes the restart policy away; false where this engine cannot. */
  disarm(id: string, signal: AbortSignal): Promise<boolean>;
  exec(
    id: string,
    argv: readonly string[],
    options: {
      readonly user: string;
      readonly environment: Readonly<Record<string, string>>;
      readonly timeoutMs: number;
    },
    signal: AbortSignal,
  ): Promise<ExecResult>;
  /** Resolves with the exit code when the container ends. */
  wait(id: string, signal: AbortSignal): Promise<number>;
  /** The last lines of its log, at most `maxBytes`. */
  logTail(id: string, lines: number, maxBytes: number, signal: AbortSignal): Promise<string>;
  /** The local ID of `reference` (by tag or digest), undefined when it is not here. */
  imageId(reference: string, signal: AbortSignal): Promise<string | undefined>;
  /** Pulls `repository@digest` and resolves when it is here and verified. */
  pull(
    repository: string,
    digest: string,
    auth: RegistryAuth | undefined,
    signal: AbortSignal,
  ): Promise<void>;
  tag(source: string, repository: string, tag: string, signal: AbortSignal): Promise<void>;
}

/** What a path is right now. */
export interface FileState {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other' | 'missing';
  /** SHA-256 of a file's content, hex; empty for what is no file. */
  readonly sha256: string;
  /** Four octal digits, as `0640`. */
  readonly mode: string;
  /** `user:group` by name, or by number where it has no name. */
  readonly owner: string;
}

export interface FileWrite {
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: string;
  readonly owner: string;
  /** Rewrite the same inode (for a file that is bind-mounted by itself); otherwise write aside, fsync, rename. */
  readonly inPlace: boolean;
}

export interface HostFacts {
  readonly hostname: string;
  readonly machineId: string;
  /** Changes with every boot. */
  readonly bootId: string;
  /** The content of /var/lib/undercloud/owner, empty when there is none. */
  readonly owner: string;
}

/** What is remembered on the host itself: survives the loss of every status. */
export interface Ledger {
  readonly version: 1;
  /** Path → SHA-256 of what we wrote there last. */
  readonly files: Readonly<Record<string, string>>;
  /** `service/job` → the hash that ran and how it ended. */
  readonly jobs: Readonly<
    Record<string, { readonly hash: string; readonly exitCode: number; readonly finishedAt: string }>
  >;
  /** Names of containers whose files changed and that have not been restarted for it yet. */
  readonly pendingRestarts: readonly string[];
  /**
   * By container name: what was removed to make room for a successor that has not proven itself yet (only where the engine
   * cannot keep it aside). May hold secrets.
   */
  readonly replaced: Readonly<Record<string, ContainerSpec>>;
}

export interface HostFiles {
  stat(paths: readonly string[], signal: AbortSignal): Promise<readonly FileState[]>;
  write(files: readonly FileWrite[], signal: AbortSignal): Promise<void>;
  /** Makes directories (with parents), or mends the mode and owner of those that are there. */
  ensureDirectories(
    directories: readonly { readonly path: string; readonly mode: string; readonly owner: string }[],
    signal: AbortSignal,
  ): Promise<void>;
  remove(paths: readonly string[], signal: AbortSignal): Promise<void>;
}

/**
 * One connection to one host, for one leader's epoch. It is over for good when `closed` aborts; the reason says why.
 */
export interface HostSession {
  readonly facts: HostFacts;
  readonly engine: Engine;
  readonly files: HostFiles;
  readonly closed: AbortSignal;
  /** An empty ledger where there is none yet. */
  readLedger(signal: AbortSignal): Promise<Ledger>;
  writeLedger(ledger: Ledger, signal: AbortSignal): Promise<void>;
  /** Writes /var/lib/undercloud/owner. */
  claim(owner: string, signal: AbortSignal): Promise<void>;
  /** Container events from now on. */
  onEngineEvent(listener: (event: EngineEvent) => void): void;
  close(): void;
}

export interface SessionTarget {
  /** `namespace/overcloud/host`, for messages and labels. */
  readonly owner: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** PEM or OpenSSH format. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…` lines; empty: trust the first key and report it through `onTrusted`. */
  readonly hostKeys: readonly string[];
  readonly engine: 'Podman' | 'Docker';
  /** This leader's fencing epoch. */
  readonly epoch: number;
}

export interface SessionConnector {
  /**
   * Throws transient HostUnreachable, terminal SSHAuthFailed, unsafe HostKeyChanged, unsafe Fenced (a higher epoch was here; its
   * number is in `FencedError.epoch`), terminal HostUnsuitable (no Python 3.6, no engine socket, no streamlocal forwarding).
   */
  connect(
    target: SessionTarget,
    onTrusted: (hostKey: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<HostSession>;
}
