// Looks at a node through its BMC when that is due, and remembers in between: the login, the power, the inventory.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import { asOperatorError } from '../kernel/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { keyOf, keyText, type ObjectKey } from '../kube/objects.ts';
import { unreachable } from './bmc/errors.ts';
import type { Bmc, BmcTarget, Inventory } from './bmc/port.ts';
import type { BmcPool } from './bmc/pool.ts';
import { readLogin } from './credentials.ts';
import type { BmcView, Look } from './lifecycle.ts';
import {
  failed,
  firstMemory,
  heed,
  loginAwaited,
  loginRead,
  loginStillDue,
  nextLookAt,
  type Memory,
} from './memory.ts';

export interface Seen {
  readonly bmc: BmcView;
  /** Taken in this look, or in a former one and not kept yet. */
  readonly inventory: Inventory | undefined;
  /** resourceVersion of the Secret that the BMC was tried with. */
  readonly secretVersion: string | undefined;
  /** Milliseconds until it is time to look again. */
  readonly dueInMs: number;
  /** A person edited the node, or asked for a look or another try, since the last one. */
  readonly askedAnew: boolean;
}

export interface Observer {
  /** Asks the BMC if that is due, else tells what is remembered. Throws only what is not about this BMC. */
  look(node: BareMetalNode, what: Look, signal: AbortSignal): Promise<Seen>;
  /** What is remembered, without asking anybody. */
  recall(node: BareMetalNode): Seen;
  /** Runs commands on the BMC with the login that was read last. Throws what the driver throws, and BMCUnreachable without a login. */
  command(
    node: BareMetalNode,
    signal: AbortSignal,
    work: (bmc: Bmc, signal: AbortSignal) => Promise<void>,
    timeoutMs?: number,
  ): Promise<void>;
  /** Runs what goes on for long beside the commands, until `signal` aborts. Throws what the driver throws. */
  stream(
    node: BareMetalNode,
    signal: AbortSignal,
    work: (bmc: Bmc, signal: AbortSignal) => Promise<void>,
  ): Promise<void>;
  /** Has the BMC asked in `ms`, if not sooner. */
  lookIn(node: BareMetalNode, ms: number): void;
  /** The inventory is safely kept: it need not be remembered. */
  inventoryKept(node: BareMetalNode): void;
  forget(key: ObjectKey): Promise<void>;
}

export interface ObserverDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly bmcs: BmcPool;
  /** How often a BMC that answers is asked for its power, in ms. */
  readonly powerPollMs: number;
}

const powerTimeoutMs = 20_000;
/** Some BMCs take a command only at the third try, half a minute apart (bmc/redfish/quirks.ts). */
const commandTimeoutMs = 90_000;
const inventoryTimeoutMs = 60_000;
/** What a look may find wrong; any other error is not this BMC's. */
const aboutBmc = /^(BMC|Credentials|CA)/;

export function createObserver(deps: ObserverDeps): Observer {
  const { client, clock, random, bmcs } = deps;
  const memories = new Map<string, Memory>();
  const after = (ms: number): number => clock.monotonic() + ms * (0.9 + 0.2 * random());

  const memoryOf = (node: BareMetalNode): Memory => {
    const key = keyText(keyOf(node));
    const known = memories.get(key);
    if (known?.uid === node.metadata.uid) return known;
    const memory = firstMemory(node, after);
    memories.set(key, memory);
    return memory;
  };
  const seen = (memory: Memory, askedAnew = false): Seen => ({
    askedAnew,
    bmc: memory.view,
    inventory: memory.inventory,
    secretVersion: memory.login?.secretVersion,
    dueInMs: Math.max(nextLookAt(memory) - clock.monotonic(), 0),
  });

  return {
    async look(node, what, signal) {
      const memory = memoryOf(node);
      const askedAnew = heed(memory, node, clock.monotonic());
      try {
        if (clock.monotonic() >= memory.loginDueAt) {
          loginAwaited(memory, after);
          loginRead(memory, await readLogin(client, node, signal), after, clock.monotonic());
        }
        if (what !== 'Credentials') await askBmc(deps, node, memory, what, signal);
      } catch (error) {
        signal.throwIfAborted();
        const failure = asOperatorError(error);
        if (!aboutBmc.test(failure.reason)) {
          loginStillDue(memory, clock.monotonic());
          throw error;
        }
        failed(memory, failure, after);
      }
      return seen(memory, askedAnew);
    },
    recall: (node) => seen(memoryOf(node)),
    async command(node, signal, work, timeoutMs = commandTimeoutMs) {
      try {
        await bmcs.run(keyText(keyOf(node)), targetOf(memoryOf(node), node), timeoutMs, signal, work);
      } catch (error) {
        // Every wrong login counts towards the few that a BMC takes, whoever made it.
        const failure = asOperatorError(error);
        if (!signal.aborted && failure.reason === 'BMCAuthFailed') failed(memoryOf(node), failure, after);
        throw error;
      }
    },
    async stream(node, signal, work) {
      await bmcs.stream(keyText(keyOf(node)), targetOf(memoryOf(node), node), signal, work);
    },
    lookIn(node, ms) {
      const memory = memoryOf(node);
      memory.dueAt = Math.min(memory.dueAt, clock.monotonic() + ms);
    },
    inventoryKept: (node) => {
      memoryOf(node).inventory = undefined;
    },
    async forget(key) {
      memories.delete(keyText(key));
      await bmcs.drop(keyText(key));
    },
  };
}

function targetOf({ login }: Memory, { spec }: BareMetalNode): BmcTarget {
  if (login !== undefined) return login.target;
  throw unreachable(spec.bmc.address, 'its login is not known yet');
}

async function askBmc(
  { clock, random, bmcs, powerPollMs }: ObserverDeps,
  node: BareMetalNode,
  memory: Memory,
  what: Look,
  signal: AbortSignal,
): Promise<void> {
  const { login } = memory;
  const inventoryDue = what === 'Inventory' && memory.inventory === undefined;
  const due = clock.monotonic() >= memory.dueAt || (inventoryDue && memory.view.kind === 'answers');
  if (login === undefined || !due) return;
  const ask = <T>(ms: number, work: (bmc: Bmc, bounded: AbortSignal) => Promise<T>): Promise<T> =>
    bmcs.run(keyText(keyOf(node)), login.target, ms, signal, work);
  const power = await ask(powerTimeoutMs, (bmc, bounded) => bmc.power(bounded));
  if (inventoryDue)
    memory.inventory = await ask(inventoryTimeoutMs, (bmc, bounded) => bmc.inventory(bounded));
  const dueAt = clock.monotonic() + powerPollMs * (0.9 + 0.2 * random());
  Object.assign(memory, { view: { kind: 'answers', power }, failures: 0, dueAt });
}
