// The agent's work on a node: what is seen of it in each pass, what is done for it after, and what is forgotten when it is over.
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import type { Host } from '../../api/host.gen.ts';
import { isTrue } from '../../kernel/conditions.ts';
import { isIdle, workOf, type Decision } from '../decide.ts';
import { writeNodeConfigMap } from '../inventory.ts';
import type { Seen } from '../observe.ts';
import { powerBrake } from '../power.ts';
import { isAboutMachine, noteFailure, perform, type ActDeps } from './act.ts';
import { choiceFor, lineKey, lookAtWork, type LookDeps, type WorkLook } from './look.ts';
import { readPast, type Past } from './past.ts';
import { createTries } from './tries.ts';

export interface Worker {
  past(node: BareMetalNode, askers: readonly Host[], signal: AbortSignal): Promise<Past>;
  /** Undefined where there is nothing for the agent to do. */
  look(
    node: BareMetalNode,
    holder: Host | undefined,
    seen: Seen,
    signal: AbortSignal,
  ): Promise<WorkLook | undefined>;
  /** Does what the decided step asks for, once it is recorded in `node`. True when something came of it. */
  act(
    node: BareMetalNode,
    holder: Host | undefined,
    decision: Decision,
    signal: AbortSignal,
  ): Promise<boolean>;
  /** Milliseconds until the work has to be looked at again. */
  againInMs(node: BareMetalNode, decision: Decision): number | undefined;
  /** The node is gone, and nobody let it go: its turn and its try are over. */
  forget(node: BareMetalNode): Promise<void>;
  /** The node goes, and its record with it. */
  leave(node: BareMetalNode, signal: AbortSignal): Promise<void>;
}

export type WorkerDeps = ActDeps &
  LookDeps & {
    /** How often an agent at work is asked how far it is, in ms; its heartbeat tells when it is through. */
    readonly agentPollMs: number;
  };

const slowPollMs = 30_000;
const effectPollMs = 1_000;

export function createWorker(deps: WorkerDeps): Worker {
  const { records, provisioning, clock, agentPollMs, consoles } = deps;
  const tries = createTries(deps);

  /** Work that is over, or failed, holds nothing; what is only left alone for a while keeps its place. */
  const settle = async (
    node: BareMetalNode,
    { step, status }: Decision,
    signal: AbortSignal,
  ): Promise<void> => {
    if (status.work !== undefined && step?.outcome !== 'failed') return;
    const text = consoles.log(node.metadata.uid);
    if (step?.outcome === 'failed' && text !== '') await keepConsole(deps, node, text, signal);
    provisioning?.slots.free(lineKey(node));
    await tries.end(node.metadata.uid);
  };

  const forget = async (node: BareMetalNode): Promise<void> => {
    provisioning?.slots.free(lineKey(node));
    records.forget(node.metadata.uid);
    await tries.end(node.metadata.uid);
  };

  return {
    past: (node, askers, signal) => readPast(records, node, askers, signal),
    async look(node, holder, seen, signal) {
      const braked = isIdle(node) || powerBrake(node, holder) !== undefined;
      if (braked || workOf(node) === undefined) return undefined;
      return lookAtWork(deps, tries, { node, holder, seen }, signal);
    },
    async act(node, holder, decision, signal) {
      await settle(node, decision, signal);
      const { step } = decision;
      if (step === undefined) tries.rest(node.metadata.uid);
      const current = step?.todo === undefined ? undefined : await tries.of(node);
      if (step?.todo === undefined || current === undefined) return false;
      const chosen = choiceFor(deps, node, holder);
      const choice = 'reason' in chosen ? undefined : chosen;
      // A BMC that does not let us in is left to the looks at it, which know how often it may be tried.
      if (step.todo.kind !== 'command' && !isManageable(decision)) return false;
      if ((current.trouble?.retryAt ?? 0) > clock.monotonic()) return false;
      try {
        await perform(deps, tries, { node, work: step.work, choice, current }, step.todo, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isAboutMachine(error)) throw error;
        noteFailure(current, error, clock.monotonic());
        return current.failure !== undefined;
      }
      current.trouble = undefined;
      return true;
    },
    againInMs(node, { step }) {
      if (step === undefined || isIdle(node)) return undefined;
      const { failure, phase } = step.work;
      if (failure !== undefined) return Math.max(Date.parse(failure.retryAt) - clock.now().getTime(), 0);
      if (step.todo !== undefined) return effectPollMs;
      return phase === 'Working' ? agentPollMs : slowPollMs;
    },
    forget,
    async leave(node, signal) {
      await forget(node);
      if (!node.spec.externallyProvisioned) await records.leave(node, signal);
    },
  };
}

/** For whoever wants to know why it failed: all that there is of the console, in a ConfigMap. */
async function keepConsole(
  { client }: WorkerDeps,
  node: BareMetalNode,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const boot = node.status?.work?.boot ?? '';
  await writeNodeConfigMap(client, node, { suffix: 'console', data: { 'console.log': text, boot } }, signal);
}

const isManageable = ({ status }: Decision): boolean => isTrue(status.conditions, 'Manageable');
