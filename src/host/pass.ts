// One pass over one host: whether it may be touched at all, and what to say and when to come back if it cannot be reached.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import { createBackoff } from '../kernel/backoff.ts';
import type { Health } from '../kernel/conditions.ts';
import { requeueAfter, type Outcome, type ReconcileContext } from '../kernel/controller.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { StatusWriter } from '../kernel/status.ts';
import { brakeOf, type Brake } from './brakes.ts';
import { isStuck, waitsForNode } from './claim.ts';
import { createConverge, type ConvergeDeps } from './converge.ts';
import { connectedAs, report, type Hands } from './hands.ts';
import { troubleHealth } from './health.ts';
import { ownerOf } from './manifest.ts';
import type { HostMemory } from './memory.ts';
import { createReporter } from './reporter.ts';
import type { SessionPool } from './session/pool.ts';

export interface PassDeps extends ConvergeDeps {
  readonly pool: Pick<SessionPool, 'session' | 'drop'>;
  readonly status: StatusWriter;
}

/** A missing Secret, or a host that is away, is tried again at most 30 s later (a backoff adds up to a tenth). */
const trouble = { baseMs: 1_000, maxMs: 27_000 };

export type Pass = (host: Host, memory: HostMemory, context: ReconcileContext) => Promise<Outcome>;

export function createPass(deps: PassDeps): Pass {
  const backoff = createBackoff({ ...trouble, random: deps.random });
  const converge = createConverge(deps);

  const failed = async (host: Host, hands: Hands, error: OperatorError): Promise<Outcome> => {
    if (hands.connected.reason === 'Connecting' || hands.live?.closed.aborted === true) {
      hands.connected = connectedAs('False', error.reason, error.message);
    }
    const health = troubleHealth(host.metadata.name, error, hands.brake);
    const again = await report(hands, { health });
    return requeueAfter(Math.min(again ?? Infinity, backoff.next(ownerOf(host))), error.reason);
  };

  return async (host, memory, context) => {
    const node = deps.gatherer.nodeOf(host);
    const brake = brakeOf(host, node);
    const connected = connectedAs('Unknown', 'NotTried', 'nobody has tried to connect');
    const reporter = createReporter(host, deps);
    const hands: Hands = { brake, memory, context, reporter, live: undefined, session: undefined, connected };
    const left = leftAlone(host, node, brake);
    if (node === undefined || left !== undefined) {
      deps.pool.drop(ownerOf(host));
      // Others do not wait for ever for a host that is out of reach: here it counts as one.
      if (left !== undefined && isStuck(host, node)) {
        hands.connected = connectedAs('False', left.reason ?? 'WaitingForNode', left.message);
      }
      const again = left === undefined ? undefined : await report(hands, { health: left });
      return requeueAfter(again ?? deps.slowPassMs, 'the node says when to go on');
    }
    try {
      const outcome = await converge(host, node, hands);
      backoff.reset(ownerOf(host));
      return outcome;
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof OperatorError && error.reason !== 'Conflict') return failed(host, hands, error);
      throw error;
    }
  };
}

/** Why the host is not even connected to: its machine is not its own yet, or in maintenance and maybe off. */
function leftAlone(host: Host, node: BareMetalNode | undefined, brake: Brake): Health | undefined {
  const waits = waitsForNode(host, node);
  if (waits !== undefined || brake.kind !== 'Maintenance') return waits;
  return { kind: 'paused', reason: brake.kind, message: `${host.metadata.name}: left alone: ${brake.text}` };
}
