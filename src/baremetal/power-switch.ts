// Presses a node's power button: only as leader with time to spare, on a node and a Host read live; remembers what came of it.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { hosts } from '../api/host.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import { asOperatorError, transient, type OperatorError } from '../kernel/errors.ts';
import type { Fence } from '../kernel/fence.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { keyOf, keyText, type ObjectKey } from '../kube/objects.ts';
import type { PowerAction } from './bmc/port.ts';
import { retryDelay } from './lifecycle.ts';
import type { Observer } from './observe.ts';
import { powerBrake, refuseIfBraked } from './power.ts';

/** A BMC cannot tell an old leader from a new one: a command is sent only while this much of our lease remains. */
const leaseLeftMs = 5_000;

export interface PressState {
  /** Milliseconds since the last command that the BMC took; undefined: there was none. */
  readonly sentMsAgo: number | undefined;
  /** The BMC has said that it cannot ask the operating system. */
  readonly softRefused: boolean;
  /** Why the last command failed. */
  readonly failure: OperatorError | undefined;
}

export interface PowerSwitch {
  stateOf(key: ObjectKey): PressState;
  /**
   * Sends `action` for `node`, whose status carries the recorded request. Resolves with the milliseconds before which there is
   * no use in another try. Throws transient Conflict when the node was changed meanwhile, and what the API server throws.
   */
  press(node: BareMetalNode, action: PowerAction, signal: AbortSignal): Promise<number>;
  forget(key: ObjectKey): void;
}

export interface PowerSwitchDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly fence: Fence;
  readonly observer: Observer;
}

interface Pressed {
  sentAt: number | undefined;
  softRefused: boolean;
  failures: number;
  failure: OperatorError | undefined;
  retryAt: number;
}

export function createPowerSwitch(deps: PowerSwitchDeps): PowerSwitch {
  const { clock } = deps;
  const pressed = new Map<string, Pressed>();
  return {
    stateOf(key) {
      const state = pressed.get(keyText(key));
      const sentMsAgo = state?.sentAt === undefined ? undefined : clock.monotonic() - state.sentAt;
      return { sentMsAgo, softRefused: state?.softRefused ?? false, failure: state?.failure };
    },
    async press(node, action, signal) {
      const key = keyText(keyOf(node));
      const state = pressed.get(key) ?? untouched();
      pressed.set(key, state);
      const waitMs = state.retryAt - clock.monotonic();
      if (waitMs > 0) return waitMs;
      return (await mayPress(deps, node, signal)) ? send(deps, node, action, state, signal) : 0;
    },
    forget: (key) => void pressed.delete(keyText(key)),
  };
}

const untouched = (): Pressed => ({
  sentAt: undefined,
  softRefused: false,
  failures: 0,
  failure: undefined,
  retryAt: 0,
});

/** On the word of live reads: the node is as we decided on, and nobody forbids it. */
async function mayPress(
  { client }: PowerSwitchDeps,
  node: BareMetalNode,
  signal: AbortSignal,
): Promise<boolean> {
  const { name, namespace, resourceVersion } = node.metadata;
  const newest = await client.get(bareMetalNodes, keyOf(node), signal);
  if (newest?.metadata.resourceVersion !== resourceVersion) {
    throw transient('Conflict', `BareMetalNode ${name} was changed meanwhile`);
  }
  const holder = newest.status?.hostRef?.name;
  const host =
    holder === undefined ? undefined : await client.get(hosts, { namespace, name: holder }, signal);
  return powerBrake(newest, host) === undefined;
}

async function send(
  { cache, clock, fence, observer }: PowerSwitchDeps,
  node: BareMetalNode,
  action: PowerAction,
  state: Pressed,
  signal: AbortSignal,
): Promise<number> {
  const permit = (): void => {
    if (fence.remainingMs() <= leaseLeftMs)
      throw transient('LeaseEnding', 'too little of the leader lease remains to send a power command');
    refuseIfBraked(cache, node);
  };
  try {
    await observer.command(node, signal, (bmc, bounded) => bmc.setPower(action, permit, bounded));
  } catch (error) {
    signal.throwIfAborted();
    const failure = asOperatorError(error);
    if (action === 'SoftOff' && failure.reason === 'BMCRefused') {
      state.softRefused = true;
      return 0;
    }
    const failures = state.failures + 1;
    const delay = retryDelay({ reason: failure.reason, count: failures });
    Object.assign(state, { failures, failure, retryAt: clock.monotonic() + delay });
    return delay;
  }
  Object.assign(state, { sentAt: clock.monotonic(), failures: 0, failure: undefined });
  return 0;
}
