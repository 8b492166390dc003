// The room as a whole, without a process around it: its controller on an API server and BMCs in memory, with time moved by hand.
import { bareMetalNodes, type BareMetalNode } from '../../../src/api/baremetalnode.gen.ts';
import { hosts, type Host } from '../../../src/api/host.gen.ts';
import {
  createBareMetalNodeController,
  type BareMetalNodeDeps,
  type ProvisioningServices,
} from '../../../src/baremetal/controller.ts';
import { createBmcPool } from '../../../src/baremetal/bmc/pool.ts';
import type { BmcConnector } from '../../../src/baremetal/bmc/port.ts';
import type { Clock } from '../../../src/kernel/clock.ts';
import type { Controller } from '../../../src/kernel/controller.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { createStatusWriter } from '../../../src/kernel/status.ts';
import { keyText, secrets, type ObjectKey } from '../../../src/kube/objects.ts';
import { createManualClock, type ManualClock } from '../../fakes/clock.ts';
import { createFakeKube, type FakeKube } from '../../fakes/kube.ts';
import { createFakeBmcs, type FakeBmcs } from './fake-bmc.ts';
import { namespace, secretOf } from './objects.ts';

export interface Room {
  readonly clock: ManualClock;
  readonly kube: FakeKube;
  readonly bmcs: FakeBmcs;
  /** `Type Reason` of every event, in order. */
  readonly events: string[];
  /** Milliseconds of the lease that remain. */
  lease: number;
  /** Machines that were let go uncleaned. */
  notCleaned: number;
  node(name?: string): BareMetalNode | undefined;
  host(name: string): Host | undefined;
  /** Works off everything that is due now and in the next `ms` milliseconds. */
  pass(ms?: number): Promise<void>;
  /** Another process takes over: what the former one remembered is lost. */
  restart(): void;
}

const secondsOfPoll = 30;

export interface RoomOptions {
  /** A cache that is not what the API server has. */
  readonly cache?: (kube: FakeKube) => BareMetalNodeDeps['cache'];
  /** What machines boot with; made anew for each process. */
  readonly provisioning?: (clock: Clock) => ProvisioningServices;
  /** Real drivers instead of BMCs in memory. */
  readonly connector?: (clock: Clock) => BmcConnector;
}

export function createRoom({ cache, connector, provisioning }: RoomOptions = {}): Room {
  const clock = createManualClock();
  const kube = createFakeKube(clock);
  const bmcs = createFakeBmcs();
  const events: string[] = [];
  let counter = 0;
  const note = (type: string) => (_object: unknown, reason: string) => void events.push(`${type} ${reason}`);
  const build = (): Controller => {
    const deps: BareMetalNodeDeps = {
      client: kube.client,
      cache: cache?.(kube) ?? kube.cache,
      status: createStatusWriter({ client: kube.client, clock }),
      events: { normal: note('Normal'), warning: note('Warning') },
      clock,
      random: () => 0.5,
      fence: { epoch: 1, remainingMs: () => room.lease, raiseAbove: () => Promise.resolve() },
      bmcs: createBmcPool({ clock, connect: connector?.(clock) ?? bmcs.connect }),
      powerPollMs: secondsOfPoll * 1000,
      agentPollMs: 5_000,
      log: silentLogger,
      randomBytes: (size) => Buffer.from(Array.from({ length: size }, () => (counter += 1) % 251)),
      provisioning: provisioning?.(clock),
      notCleaned: () => void (room.notCleaned += 1),
    };
    return createBareMetalNodeController(deps);
  };
  let loop = createLoop(build(), clock);
  kube.onChange((resource, before, after) => loop.changed(resource.plural, before, after));
  const room: Room = {
    clock,
    kube,
    bmcs,
    events,
    lease: 15_000,
    notCleaned: 0,
    node: (name = 'node1') => kube.cache.store(bareMetalNodes).get({ namespace, name }),
    host: (name) => kube.cache.store(hosts).get({ namespace, name }),
    pass: (ms = 0) => loop.pass(ms),
    restart() {
      loop = createLoop(build(), clock);
      for (const node of kube.cache.store(bareMetalNodes).list())
        loop.changed('baremetalnodes', undefined, node);
      for (const host of kube.cache.store(hosts).list()) loop.changed('hosts', undefined, host);
    },
  };
  kube.seed(secrets, secretOf('node1-bmc', { username: 'admin', password: 'secret' }));
  return room;
}

/** What the kernel's loop does, in miniature: keys from changes, requeues by the clock, transient errors tried again. */
function createLoop(controller: Controller, clock: ManualClock) {
  const due = new Map<string, { readonly key: ObjectKey; readonly at: number }>();
  const add = (key: ObjectKey, ms: number) => {
    const at = Math.min(clock.monotonic() + ms, due.get(keyText(key))?.at ?? Infinity);
    due.set(keyText(key), { key, at });
  };
  const run = async (key: ObjectKey): Promise<void> => {
    const { signal } = new AbortController();
    try {
      const outcome = await controller.reconcile({ signal, log: silentLogger, reconcileId: 'test' }, key);
      if (outcome.kind === 'requeueAfter') add(key, outcome.ms);
    } catch (error) {
      if (!(error instanceof OperatorError) || error.kind !== 'transient') throw error;
      add(key, 750);
    }
  };
  controller.start?.((key, ms = 0) => add(key, ms), new AbortController().signal);
  return {
    changed(plural: string, before: object | undefined, after: object | undefined) {
      for (const watch of controller.watches.filter(({ resource }) => resource.plural === plural)) {
        for (const key of watch.keys(before as never, after as never)) add(key, 0);
      }
    },
    async pass(ms: number): Promise<void> {
      const end = clock.monotonic() + ms;
      for (;;) {
        const [next] = [...due.values()].sort((a, b) => a.at - b.at);
        if (next === undefined || next.at > end) break;
        due.delete(keyText(next.key));
        await clock.advance(Math.max(next.at - clock.monotonic(), 0));
        await run(next.key);
      }
      await clock.advance(end - clock.monotonic());
    },
  };
}
