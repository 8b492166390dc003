// Drives plan and apply against the machine in memory, as the controller does, pass by pass.
import { createLimiter } from '../../../../src/kernel/limiter.ts';
import { silentLogger } from '../../../../src/kernel/log.ts';
import type { Note } from '../../../../src/host/apply/context.ts';
import { applyPlan } from '../../../../src/host/apply.ts';
import { createHostMemory, type HostMemory, type Link } from '../../../../src/host/memory.ts';
import type { Manifest } from '../../../../src/host/manifest/types.ts';
import { planHost } from '../../../../src/host/plan.ts';
import type { Plan } from '../../../../src/host/plan/types.ts';
import type { HostSession } from '../../../../src/host/ports.ts';
import type { ManualClock } from '../../../fakes/clock.ts';
import type { FakeMachine } from '../../../fakes/engine.ts';

export interface Operator {
  readonly notes: Note[];
  /** Looks, and says what is to be done. */
  plan(manifest: Manifest, how?: How): Promise<Plan>;
  /** Looks, acts, and says what is left to be done. The session may be lost on the way: then the next pass has a new one. */
  pass(manifest: Manifest, how?: How): Promise<Plan>;
  /** Passes, letting time go by in between, until nothing is left; at most `rounds` times. */
  settle(manifest: Manifest, how?: How, rounds?: number): Promise<Plan>;
}

export interface How {
  readonly step?: number;
  readonly reached?: number;
}

const target = {
  owner: '',
  host: 'host',
  address: '',
  port: 22,
  user: 'root',
  privateKey: '',
  hostKeys: [],
  engine: 'Podman',
} as const;

/** An operator that has just started: it remembers nothing. */
export function createOperator(machine: FakeMachine, clock: ManualClock): Operator {
  const notes: Note[] = [];
  const { signal } = new AbortController();
  const pulls = createLimiter(1);
  const deps = { clock, random: () => 0, log: silentLogger, pulls, onSettled: () => undefined };
  const memory: HostMemory = createHostMemory(deps);
  let session: HostSession | undefined;

  const link = (): Promise<Link> => {
    if (session === undefined || session.closed.aborted) {
      session = machine.connect();
      session.onEngineEvent(({ action, containerId, containerName }) => {
        memory.link?.observer.touch(containerId);
        if (action !== 'die') return;
        memory.link?.prober.suspect(containerId);
        memory.failures.suspect(containerName);
      });
    }
    return memory.linkTo(session, target, signal);
  };

  const look = async (
    manifest: Manifest,
    { step = 5, reached = 0 }: How,
    { observer, ledger, prober }: Link,
  ) => {
    memory.failures.begin(manifest.revision);
    const observed = await observer.observe(manifest, ledger.current(), prober.verdicts(), signal);
    const plan = planHost({
      manifest,
      observed,
      step,
      reached,
      verdicts: prober.verdicts(),
      failures: memory.failures.view(),
      suspects: memory.failures.suspects(),
    });
    for (const { id, container } of plan.unproven) prober.watch(id, container);
    prober.keep(new Set(observed.containers.map(({ id }) => id)));
    return plan;
  };

  const pass = async (manifest: Manifest, how: How = {}): Promise<Plan> => {
    const linked = await link();
    const plan = await look(manifest, how, linked);
    if (plan.actions.length === 0) return plan;
    try {
      await applyPlan(plan, {
        ...linked,
        manifest,
        failures: memory.failures,
        clock,
        log: silentLogger,
        signal,
        superseded: () => false,
        reached: how.reached ?? 0,
        authFor: () => Promise.resolve(undefined),
        pullHint: '',
        tell: (note) => void notes.push(note),
        onPhase: () => Promise.resolve(),
      });
    } catch (error) {
      if (!linked.session.closed.aborted) throw error;
      return pass(manifest, how);
    }
    return look(manifest, how, linked);
  };

  return {
    notes,
    plan: async (manifest, how = {}) => look(manifest, how, await link()),
    pass,
    async settle(manifest, how = {}, rounds = 30) {
      for (let round = 0; round < rounds; round += 1) {
        const plan = await pass(manifest, how);
        const settled = plan.actions.length === 0 && plan.unproven.length === 0 && plan.holds.length === 0;
        if (settled) return plan;
        await clock.advance(3_000);
      }
      return pass(manifest, how);
    },
  };
}
