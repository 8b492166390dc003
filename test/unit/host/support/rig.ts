// A Host controller with an API server, a machine and a clock in memory, and a loop that runs it like the real one.
import {
  bareMetalNodes,
  type BareMetalNode,
  type BareMetalNodeSpec,
} from '../../../../src/api/baremetalnode.gen.ts';
import { hosts, type Host, type HostSpec, type HostStatus } from '../../../../src/api/host.gen.ts';
import { finalizers } from '../../../../src/api/names.ts';
import { encodeRevision, type RevisionPayload } from '../../../../src/api/revision.ts';
import { topologyKey, topologyName } from '../../../../src/api/topology.ts';
import { createHostController } from '../../../../src/host/controller.ts';
import type { PoolTarget, SessionPool } from '../../../../src/host/session/pool.ts';
import type { HostSession } from '../../../../src/host/ports.ts';
import type { Controller } from '../../../../src/kernel/controller.ts';
import { asOperatorError } from '../../../../src/kernel/errors.ts';
import type { EventRecorder } from '../../../../src/kernel/events.ts';
import { silentLogger, type Logger } from '../../../../src/kernel/log.ts';
import { createStatusWriter } from '../../../../src/kernel/status.ts';
import {
  configMaps,
  controllerRevisions,
  keyOf,
  secrets,
  type ObjectKey,
} from '../../../../src/kube/objects.ts';
import { createManualClock, type ManualClock } from '../../../fakes/clock.ts';
import { createFakeMachine, type FakeMachine } from '../../../fakes/engine.ts';
import { createFakeKube, type FakeKube } from '../../../fakes/kube.ts';
import { host as hostObject, topology } from './objects.ts';

export interface Rig {
  readonly kube: FakeKube;
  readonly clock: ManualClock;
  readonly machine: FakeMachine;
  /** `reason: note` of each event. */
  readonly events: string[];
  /** Lines of level info and above. */
  readonly lines: string[];
  /** What connecting to the host throws; undefined: it works. */
  unreachable: Error | undefined;
  readonly connections: PoolTarget[];
  host(): Host | undefined;
  status(): HostStatus;
  ready(): string;
  /** Freezes another revision and points the Host at it. */
  revise(name: string, payload: RevisionPayload): Promise<void>;
  spec(patch: Partial<HostSpec>): Promise<void>;
  node(patch: { readonly spec?: Partial<BareMetalNodeSpec>; readonly status?: object }): Promise<void>;
  /** Lets time go by; the controller runs whenever it is asked to. */
  run(ms: number): Promise<void>;
  /** The operator dies and starts again. */
  restart(): void;
}

export const key: ObjectKey = { namespace: 'clouds', name: 'lab-controller-0' };
const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Longer than anything takes that goes well. */
export const settleMs = 10_000;

/** A rig whose host has come to its revision; what was told on the way is forgotten. */
export async function createRigInPlace(payload: RevisionPayload, spec: Partial<HostSpec> = {}): Promise<Rig> {
  const rig = createRig(payload, spec);
  await rig.run(settleMs);
  rig.events.length = 0;
  rig.lines.length = 0;
  return rig;
}

export function createRig(payload: RevisionPayload, spec: Partial<HostSpec> = {}): Rig {
  const clock = createManualClock();
  const kube = createFakeKube(clock);
  const machine = createFakeMachine(clock);
  const events: string[] = [];
  const lines: string[] = [];
  const connections: PoolTarget[] = [];
  let loop = createLoop();

  const rig: Rig = {
    kube,
    clock,
    machine,
    events,
    lines,
    connections,
    unreachable: undefined,
    host: () => kube.cache.store(hosts).get(key),
    status: () => rig.host()?.status ?? { observedGeneration: -1 },
    ready() {
      const found = rig.status().conditions?.find(({ type }) => type === 'Ready');
      return `${found?.status ?? 'none'} ${found?.reason ?? ''}: ${found?.message ?? ''}`;
    },
    async revise(name, changed) {
      seedRevision(kube, name, changed);
      await rig.spec({ revision: name });
    },
    async spec(patch) {
      await kube.edit(hosts, key, { spec: patch });
    },
    async node({ spec: change, status: seen }) {
      const node = kube.cache.store(bareMetalNodes).get({ namespace: 'clouds', name: 'overcloud-ctrl01' });
      if (node === undefined) return;
      if (change !== undefined) await kube.edit(bareMetalNodes, keyOf(node), { spec: change });
      const status = { ...node.status, ...seen };
      const newest = await kube.client.get(bareMetalNodes, keyOf(node));
      if (newest !== undefined) await kube.client.replaceStatus(bareMetalNodes, newest, status);
    },
    async run(ms) {
      const end = clock.monotonic() + ms;
      while (clock.monotonic() < end) {
        await loop.turn();
        await clock.advance(Math.min(50, end - clock.monotonic()));
      }
      await loop.turn();
    },
    restart() {
      loop.stop();
      loop = createLoop();
      loop.add(0);
    },
  };

  function createLoop() {
    const { pool, stop } = createPool(machine, connections, () => rig.unreachable);
    const recorder = { normal: record, warning: record } as EventRecorder;
    function record(_object: unknown, reason: string, _action: string, note: string) {
      events.push(`${reason}: ${note}`);
    }
    const controller = createHostController({
      client: kube.client,
      cache: kube.cache,
      status: createStatusWriter({ client: kube.client, clock }),
      events: recorder,
      clock,
      random: () => 0.5,
      log: listening(lines),
      fence: { epoch: 7, remainingMs: () => 10_000, raiseAbove: () => Promise.resolve() },
      pool,
    });
    const due = runnable(controller, clock, lines);
    kube.onChange((resource, before, after) => {
      for (const watch of controller.watches) {
        if (watch.resource.kind === resource.kind) watch.keys(before, after).forEach(() => due.add(0));
      }
    });
    return { ...due, stop };
  }

  seed(kube, payload, spec);
  loop.add(0);
  return rig;
}

/** One key, one worker: runs when its time has come. */
function runnable(controller: Controller, clock: ManualClock, lines: string[]) {
  const { signal } = new AbortController();
  let dueAt: number | undefined;
  const add = (ms: number) => {
    dueAt = Math.min(dueAt ?? Infinity, clock.monotonic() + ms);
  };
  controller.start?.((_key, afterMs = 0) => add(afterMs), signal);
  const turn = async () => {
    for (let turns = 0; turns < 20 && dueAt !== undefined && dueAt <= clock.monotonic(); turns += 1) {
      dueAt = undefined;
      try {
        const outcome = await controller.reconcile(
          { signal, log: listening(lines), reconcileId: 'test' },
          key,
        );
        if (outcome.kind === 'requeueAfter') add(outcome.ms);
      } catch (error) {
        if (asOperatorError(error).reason !== 'Conflict') throw error;
        add(1);
      }
    }
  };
  return { add, turn };
}

function createPool(
  machine: FakeMachine,
  connections: PoolTarget[],
  failure: () => Error | undefined,
): { readonly pool: SessionPool; readonly stop: () => void } {
  let session: HostSession | undefined;
  let listener: Parameters<SessionPool['listen']>[0] | undefined;
  const stop = () => {
    session?.close();
    session = undefined;
  };
  const pool: SessionPool = {
    async session(target, onTrusted) {
      const error = failure();
      if (error !== undefined) {
        stop();
        throw error;
      }
      if (session !== undefined && !session.closed.aborted) return session;
      if (target.hostKeys.length === 0) await onTrusted('ssh-ed25519 AAAA');
      connections.push(target);
      session = machine.connect();
      session.onEngineEvent((event) => listener?.engineEvent(target.owner, event));
      return session;
    },
    drop: stop,
    listen: (listening) => {
      listener = listening;
    },
    close: stop,
  };
  return { pool, stop };
}

function seed(kube: FakeKube, payload: RevisionPayload, spec: Partial<HostSpec>): void {
  const host = hostObject(spec, { finalizers: [finalizers.hostDrain] });
  const { name, namespace, finalizers: kept } = host.metadata;
  const seeded = kube.seed(hosts, { ...host, metadata: { name, namespace, finalizers: kept ?? [] } });
  seedRevision(kube, host.spec.revision, payload);
  const node: Omit<BareMetalNode, 'metadata'> = {
    apiVersion: 'undercloud.dev/v1alpha1',
    kind: 'BareMetalNode',
    spec: {
      bmc: { address: 'ipmi://172.16.0.1', credentialsName: 'bmc' },
      bootMode: 'UEFI',
      externallyProvisioned: true,
      address: '172.30.77.11',
      sshPort: 22,
      automatedCleaningMode: 'Disabled',
      inspectionMode: 'OutOfBand',
      maintenance: false,
      paused: false,
    },
    status: { observedGeneration: 1, state: 'active', hostRef: { name, uid: seeded.metadata.uid } },
  };
  kube.seed(bareMetalNodes, { ...node, metadata: { namespace, name: host.spec.nodeName } });
  kube.seed(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: topologyName('lab') },
    data: { [topologyKey]: JSON.stringify(topology) },
  });
  kube.seed(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'lab-ssh' },
    data: { 'ssh-privatekey': base64('KEY') },
  });
}

function seedRevision(kube: FakeKube, name: string, payload: RevisionPayload): void {
  kube.seed(controllerRevisions, {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { namespace: 'clouds', name },
    data: encodeRevision(payload),
    revision: 1,
  });
}

const listening = (lines: string[]): Logger => ({
  ...silentLogger,
  info: (message) => void lines.push(message),
  warn: (message) => void lines.push(message),
  error: (message) => void lines.push(message),
  child: () => listening(lines),
});
