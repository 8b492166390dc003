// A machine in memory: its containers, images and files behind HostSession, with the faults that real ones have.
import { sha256 } from '../../src/api/canonical.ts';
import { terminal, transient } from '../../src/kernel/errors.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type {
  ContainerDetail,
  ContainerSpec,
  ContainerSummary,
  Engine,
  EngineEvent,
  FileState,
  HostSession,
  Ledger,
} from '../../src/host/ports.ts';
import { fakeFiles } from './engine-files.ts';

export interface FakeContainer {
  readonly id: string;
  spec: ContainerSpec;
  imageId: string;
  state: ContainerSummary['state'];
  exitCode: number;
  startedAt: string;
  restart: ContainerSpec['restart'];
  health: ContainerDetail['health'];
  /** How often it was started. */
  starts: number;
  log: string;
}

export interface Faults {
  /** Names of containers that the engine refuses to create. */
  readonly refuseCreate: Set<string>;
  /** Containers that exit at once, by name or by image: exit code and last log line. */
  readonly exits: Map<string, { readonly code: number; readonly line: string }>;
  /** Names of containers, or images, whose health check fails. */
  readonly sick: Set<string>;
  /** `repository@digest` that cannot be pulled. */
  readonly noPull: Set<string>;
  /** How long the pull of a `repository@digest` takes, in ms; others take no time. */
  readonly slowPull: Map<string, number>;
  /** No pull works: there is no room for an image. */
  diskFull: boolean;
  /** Paths that cannot be written. */
  readonly refuseWrite: Set<string>;
  /** False: as Podman 4.3, which cannot take a restart policy away. */
  canDisarm: boolean;
  /** The session is lost when this many more changes have begun; `done` tells whether the last one still happens. */
  crash: { after: number; done: boolean } | undefined;
}

export interface FakeMachine {
  readonly containers: Map<string, FakeContainer>;
  readonly files: Map<string, FakeFile>;
  readonly images: Map<string, string>;
  readonly faults: Faults;
  ledger: Ledger;
  owner: string;
  /** How many changes were made, by whoever is connected. */
  changes(): number;
  /** How many commands were run in containers. */
  execs: number;
  /** What pulls did, in order: `begins repository@digest`, then `ends` or `breaks off`. */
  readonly pulls: string[];
  /** Who logged in to pull, by `repository@digest`. */
  readonly logins: Map<string, string>;
  connect(): HostSession;
  /** A container that somebody made by hand. */
  byHand(spec: Pick<ContainerSpec, 'name'> & Partial<ContainerSpec>): FakeContainer;
  named(name: string): FakeContainer | undefined;
  /** The machine does this, not we: everybody who is connected hears of it. */
  happens(action: 'stop' | 'remove' | 'die' | 'sick' | 'reboot', name: string): void;
}

export interface FakeFile {
  readonly type: FileState['type'];
  readonly content: string;
  readonly mode: string;
  readonly owner: string;
}

const emptyLedger: Ledger = { version: 1, files: {}, jobs: {}, pendingRestarts: [], replaced: {} };

const bare: ContainerSpec = {
  name: '',
  image: 'docker.io/library/busybox:1',
  command: [],
  entrypoint: [],
  environment: {},
  labels: {},
  volumes: [],
  volumesFrom: [],
  network: 'host',
  pid: '',
  ipc: '',
  user: '',
  privileged: false,
  restart: 'No',
  healthcheck: undefined,
  stopGraceSeconds: 10,
  memoryBytes: 0,
  cpus: 0,
  capAdd: [],
  capDrop: [],
  ulimits: [],
  hostname: '',
};

export function createFakeMachine(clock: Clock): FakeMachine {
  const containers = new Map<string, FakeContainer>();
  const files = new Map<string, FakeFile>();
  const images = new Map<string, string>();
  const listeners = new Set<(event: EngineEvent) => void>();
  const faults: Faults = {
    refuseCreate: new Set(),
    exits: new Map(),
    sick: new Set(),
    noPull: new Set(),
    slowPull: new Map(),
    diskFull: false,
    refuseWrite: new Set(),
    canDisarm: true,
    crash: undefined,
  };
  let nextId = 1;
  let changes = 0;

  const named = (name: string) => [...containers.values()].find((container) => container.spec.name === name);
  const emit = (action: string, container: FakeContainer, more: Pick<EngineEvent, 'health'> = {}) => {
    const { name, labels } = container.spec;
    listeners.forEach((listener) =>
      listener({ action, containerId: container.id, containerName: name, labels, ...more }),
    );
  };
  const start = (container: FakeContainer) => {
    container.starts += 1;
    container.startedAt = `${clock.now().toISOString()}#${container.starts}`;
    const { name, image } = container.spec;
    const exit = faults.exits.get(name) ?? faults.exits.get(image);
    container.state = exit === undefined ? 'running' : 'exited';
    container.exitCode = exit?.code ?? 0;
    container.log = exit?.line ?? '';
    emit('start', container);
    if (exit !== undefined) emit('die', container);
  };
  const add = (spec: ContainerSpec): FakeContainer => {
    const id = `id${String(nextId).padStart(14, '0')}`;
    nextId += 1;
    const container: FakeContainer = {
      id,
      spec,
      imageId: images.get(spec.image) ?? `image of ${spec.image}`,
      state: 'created',
      exitCode: 0,
      startedAt: '0001-01-01T00:00:00Z',
      restart: spec.restart,
      health: spec.healthcheck === undefined ? 'none' : 'starting',
      starts: 0,
      log: '',
    };
    containers.set(id, container);
    return container;
  };

  const machine: FakeMachine = {
    containers,
    files,
    images,
    faults,
    ledger: emptyLedger,
    owner: '',
    execs: 0,
    pulls: [],
    logins: new Map(),
    changes: () => changes,
    named,
    byHand(spec) {
      const container = add({ ...bare, ...spec });
      start(container);
      return container;
    },
    happens(action, name) {
      for (const container of action === 'reboot' ? containers.values() : [named(name)]) {
        if (container !== undefined) happen(action, container);
      }
    },
    connect: () => connect(),
  };

  function happen(action: Parameters<FakeMachine['happens']>[0], container: FakeContainer): void {
    switch (action) {
      case 'stop':
        container.state = 'exited';
        container.exitCode = 0;
        emit('die', container);
        return emit('stop', container);
      case 'die':
        container.state = 'exited';
        container.exitCode = 137;
        container.log = 'killed';
        return emit('die', container);
      case 'remove':
        container.state = 'exited';
        emit('die', container);
        containers.delete(container.id);
        return emit('remove', container);
      case 'sick':
        container.health = 'unhealthy';
        return emit('health_status', container, { health: 'unhealthy' });
      case 'reboot':
        if (container.restart !== 'Always') container.state = 'exited';
        return;
    }
  }

  function connect(): HostSession {
    const over = new AbortController();
    const mine = new Set<(event: EngineEvent) => void>();
    const lost = () => transient('EngineUnavailable', 'host: the session is over');
    const alive = () => {
      if (over.signal.aborted) throw lost();
    };
    /** Every change passes here: the session may be lost before it, or after it without an answer. */
    const change = async <T>(work: () => T): Promise<T> => {
      await Promise.resolve();
      alive();
      const { crash } = faults;
      if (crash?.after === 0) {
        faults.crash = undefined;
        if (crash.done) work();
        close();
        throw lost();
      }
      if (crash !== undefined) crash.after -= 1;
      changes += 1;
      return work();
    };
    const ask = async <T>(work: () => T): Promise<T> => {
      await Promise.resolve();
      alive();
      return work();
    };
    const close = () => {
      for (const listener of mine) listeners.delete(listener);
      if (!over.signal.aborted) over.abort(lost());
    };
    return {
      facts: { hostname: 'host', machineId: 'machine', bootId: 'boot', owner: machine.owner },
      engine: fakeEngine(machine, { change, ask, add, start, emit, clock }),
      files: fakeFiles(machine, { change, ask }),
      closed: over.signal,
      readLedger: () => ask(() => machine.ledger),
      writeLedger: (ledger) => change(() => void (machine.ledger = ledger)),
      claim: (owner) => change(() => void (machine.owner = owner)),
      onEngineEvent(listener) {
        mine.add(listener);
        listeners.add(listener);
      },
      close,
    };
  }

  return machine;
}

/** Every question and every change to the machine passes here. */
export interface Hands {
  readonly change: <T>(work: () => T) => Promise<T>;
  readonly ask: <T>(work: () => T) => Promise<T>;
}

function fakeEngine(
  machine: FakeMachine,
  hands: Hands & {
    readonly add: (spec: ContainerSpec) => FakeContainer;
    readonly start: (container: FakeContainer) => void;
    readonly emit: (action: string, container: FakeContainer) => void;
    readonly clock: Clock;
  },
): Engine {
  const { containers, images, faults } = machine;
  const { change, ask, emit } = hands;
  const find = (id: string, what: string) => {
    const container = containers.get(id);
    if (container === undefined) throw transient('EngineBusy', `host: cannot ${what}: no such container`);
    return container;
  };
  return {
    list: () => ask(() => [...containers.values()].map(summaryOf)),
    inspect: (id) => ask(() => detailOf(containers.get(id))),
    create: (spec) =>
      change(() => {
        if (machine.named(spec.name) !== undefined)
          throw transient('EngineBusy', `host: cannot create container ${spec.name}: name already in use`);
        if (faults.refuseCreate.has(spec.name))
          throw terminal('EngineRefused', `host: cannot create container ${spec.name}: invalid mount`);
        const known = images.has(spec.image) || [...images.values()].includes(spec.image);
        if (!known)
          throw terminal(
            'EngineRefused',
            `host: cannot create container ${spec.name}: no such image ${spec.image}`,
          );
        return hands.add(spec).id;
      }),
    start: (id) =>
      change(() => {
        const container = find(id, 'start');
        if (container.state !== 'running') hands.start(container);
      }),
    stop: (id) =>
      change(() => {
        const container = containers.get(id);
        if (container?.state !== 'running') return;
        container.state = 'exited';
        container.exitCode = 0;
        emit('die', container);
        emit('stop', container);
      }),
    rename: (id, name) =>
      change(() => {
        const container = find(id, 'rename');
        if (machine.named(name) !== undefined)
          throw transient('EngineBusy', `host: cannot rename container ${id}: name ${name} already in use`);
        container.spec = { ...container.spec, name };
        emit('rename', container);
      }),
    remove: (id) =>
      change(() => {
        const container = containers.get(id);
        containers.delete(id);
        if (container !== undefined) emit('remove', container);
      }),
    disarm: (id) =>
      change(() => {
        if (faults.canDisarm) find(id, 'disarm').restart = 'No';
        return faults.canDisarm;
      }),
    exec: (id, argv) =>
      ask(() => {
        machine.execs += 1;
        const { state, spec } = find(id, 'exec');
        if (state !== 'running')
          throw transient('EngineBusy', `host: cannot run ${argv[0] ?? ''}: container is not running`);
        const sick = faults.sick.has(spec.name) || faults.sick.has(spec.image);
        return sick ? { exitCode: 1, output: 'connection refused\n' } : { exitCode: 0, output: '' };
      }),
    // A job runs as long as nobody waits for it.
    wait: (id) => ask(() => Object.assign(find(id, 'wait'), { state: 'exited' as const }).exitCode),
    logTail: (id) => ask(() => find(id, 'read the log of').log),
    imageId: (reference) => ask(() => images.get(reference)),
    async pull(repository, digest, auth, signal) {
      const reference = `${repository}@${digest}`;
      machine.pulls.push(`begins ${reference}`);
      if (auth !== undefined) machine.logins.set(reference, auth.username);
      try {
        const ms = faults.slowPull.get(reference);
        if (ms !== undefined) await hands.clock.sleep(ms, signal);
      } catch (error) {
        machine.pulls.push(`breaks off ${reference}`);
        throw error;
      }
      await change(() => {
        if (faults.diskFull)
          throw transient('ImagePullFailed', `host: cannot pull ${reference}: no space left on device`);
        if (faults.noPull.has(reference))
          throw transient('ImagePullFailed', `host: cannot pull ${reference}: connection refused`);
        images.set(reference, `sha256:${sha256(digest)}`);
      });
      machine.pulls.push(`ends ${reference}`);
    },
    tag: (source, repository, tag) =>
      change(() => {
        const id = images.get(source) ?? source;
        images.set(`${repository}:${tag}`, id);
      }),
  };
}

const summaryOf = ({ id, spec, imageId, state }: FakeContainer): ContainerSummary => ({
  id,
  name: spec.name,
  imageId,
  labels: spec.labels,
  state,
});

function detailOf(container: FakeContainer | undefined): ContainerDetail | undefined {
  if (container === undefined) return undefined;
  const { exitCode, startedAt, health, spec, restart } = container;
  return {
    ...summaryOf(container),
    exitCode,
    startedAt,
    finishedAt: '',
    health,
    recreate: { ...spec, restart },
  };
}
