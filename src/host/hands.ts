// What one pass over a host holds in its hands, and how it reports what it has found so far.
import type { ConditionInput } from '../kernel/conditions.ts';
import type { ReconcileContext } from '../kernel/controller.ts';
import type { Brake } from './brakes.ts';
import type { HostMemory } from './memory.ts';
import type { HostSession } from './ports.ts';
import type { Findings, SessionFacts } from './report.ts';
import type { Reporter } from './reporter.ts';

export interface Hands {
  readonly brake: Brake;
  readonly memory: HostMemory;
  readonly reporter: Reporter;
  readonly context: ReconcileContext;
  /** Filled as the pass goes on; what is there is reported even if the rest fails. */
  live: HostSession | undefined;
  session: SessionFacts | undefined;
  connected: ConditionInput;
}

/** Milliseconds after which to report again; undefined when all is written. */
export const report = (
  { reporter, brake, connected, session }: Hands,
  findings: Pick<Findings, 'health'> & Partial<Findings>,
): Promise<number | undefined> =>
  reporter.write({
    brake: brake.text,
    session,
    ...findings,
    conditions: [connected, ...(findings.conditions ?? [])],
  });

export const connectedAs = (
  status: ConditionInput['status'],
  reason: string,
  message: string,
): ConditionInput => ({ type: 'Connected', status, reason, message });
