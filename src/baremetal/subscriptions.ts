// Has BMCs tell us when something happens (Redfish events, DSP0266), and their nodes looked at then. What an event says is not believed.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import { isTrue } from '../kernel/conditions.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { asOperatorError, messageOf, transient } from '../kernel/errors.ts';
import type { Fence } from '../kernel/fence.ts';
import type { Logger } from '../kernel/log.ts';
import { keyOf, keyText, type ObjectKey } from '../kube/objects.ts';
import { refused, unreachable } from './bmc/errors.ts';
import type { BmcEvents, PowerState } from './bmc/port.ts';
import type { Observer } from './observe.ts';
import { isDetached, powerBrake } from './power.ts';

/** Stands in each event; with the destination it tells our subscription from those of others. */
const context = 'undercloud';
const leaseLeftMs = 5_000;
const subscribeMs = 30_000;
const leaveMs = 10_000;
/** A BMC may drop a subscription, after failed deliveries for one (DSP0268, DeliveryRetryPolicy): it is looked for again after this. */
const keptMs = 6 * 3_600_000;
const againMs = 600_000;
/** Between two looks that events ask for. */
const restMs = 1_000;
/** A BMC that sends an event whenever it is asked something (logins are logged) must not be asked for ever: after so many, rests grow. */
const mostInVain = 10;
const longestRestMs = 30_000;

export interface Subscriptions {
  /**
   * Sees to it that the BMC posts its events to us, where it has events, the machine is at rest and nobody forbids writing to its
   * BMC. Throws nothing but the signal's reason: without events there are the polls.
   */
  keep(node: BareMetalNode, holder: Host | undefined, signal: AbortSignal): Promise<void>;
  /** An event came. Returns the milliseconds until the node is due for a pass. */
  heard(node: BareMetalNode): number;
  /** At the beginning of a pass: has the BMC asked if an event came. */
  heed(node: BareMetalNode): void;
  /** The node goes: takes the subscription back, if this process knows of it and the BMC answers. Throws as `keep` does. */
  leave(node: BareMetalNode, signal: AbortSignal): Promise<void>;
  forget(key: ObjectKey): void;
}

export interface SubscriptionsDeps {
  readonly clock: Clock;
  readonly fence: Pick<Fence, 'remainingMs'>;
  readonly log: Logger;
  readonly observer: Pick<Observer, 'command' | 'recall' | 'lookIn'>;
  /** Where the BMC of the node with this UID posts its events; undefined while we do not listen. */
  readonly eventUrl: (uid: string) => string | undefined;
}

/** Times are milliseconds of the monotonic clock. */
interface Kept {
  /** What it was made with: for another BMC or login it is made anew. */
  readonly identity: string;
  readonly dueAt: number;
  readonly link: string | undefined;
}

interface News {
  fresh: boolean;
  nextAt: number;
  /** As it was known at the last look that an event asked for, and for how many of them it has been the same. */
  power: PowerState | undefined;
  inVain: number;
}

export function createSubscriptions(deps: SubscriptionsDeps): Subscriptions {
  const { clock, log, observer, eventUrl } = deps;
  const subscribed = new Map<string, Kept>();
  const news = new Map<string, News>();

  return {
    async keep(node, holder, signal) {
      const url = eventUrl(node.metadata.uid);
      if (url === undefined || !mayKeep(deps, node, holder)) return;
      const key = keyText(keyOf(node));
      const identity = identityOf(deps, node);
      const former = subscribed.get(key);
      const known = former?.identity === identity ? former : undefined;
      if (known !== undefined && clock.monotonic() < known.dueAt) return;
      let link = known?.link;
      let waitMs = keptMs;
      try {
        await withEvents(deps, node, signal, async (events, bounded) => {
          link = await events.subscribe(url, context, permitOf(deps), bounded);
        });
      } catch (error) {
        signal.throwIfAborted();
        waitMs = asOperatorError(error).reason === 'BMCRefused' ? Infinity : againMs;
        log.debug('No events', { node: node.metadata.name, error: withoutToken(messageOf(error), url) });
      }
      subscribed.set(key, { identity, link, dueAt: clock.monotonic() + waitMs });
    },
    heard(node) {
      const key = keyText(keyOf(node));
      const known = news.get(key) ?? { fresh: true, nextAt: 0, power: undefined, inVain: 0 };
      known.fresh = true;
      news.set(key, known);
      return Math.max(known.nextAt - clock.monotonic(), 0);
    },
    heed(node) {
      const known = news.get(keyText(keyOf(node)));
      if (known?.fresh !== true) return;
      const { bmc } = observer.recall(node);
      // A BMC that fails keeps its own time: many lock an account after the third wrong password.
      if (bmc.kind !== 'answers') return;
      const waitMs = Math.max(known.nextAt - clock.monotonic(), 0);
      observer.lookIn(node, waitMs);
      if (waitMs === 0) noteLook(known, bmc.power, clock.monotonic());
    },
    async leave(node, signal) {
      const known = subscribed.get(keyText(keyOf(node)));
      const link = known?.identity === identityOf(deps, node) ? known.link : undefined;
      if (link === undefined || isDetached(node) || node.spec.paused || !answers(deps, node)) return;
      const late = () => unreachable(node.spec.bmc.address, `no answer within ${leaveMs / 1000} s`);
      try {
        await withDeadline({ clock, ms: leaveMs, signal, late }, (bounded) =>
          withEvents(deps, node, bounded, (events, inner) => events.unsubscribe(link, permitOf(deps), inner)),
        );
      } catch (error) {
        signal.throwIfAborted();
        const { name } = node.metadata;
        log.info('A BMC keeps our event subscription', { node: name, link, error: messageOf(error) });
      }
    },
    forget(key) {
      subscribed.delete(keyText(key));
      news.delete(keyText(key));
    },
  };
}

/** The last part of the path that a BMC posts to: of no other node, and the same as long as `key`, a private key in PEM, is. */
export const eventToken = (key: string, uid: string): string =>
  createHmac('sha256', key).update(`events of ${uid}`).digest('hex').slice(0, 32);

export function isEventToken(key: string, uid: string, token: string): boolean {
  const [right, given] = [Buffer.from(eventToken(key, uid)), Buffer.from(token)];
  return given.length === right.length && timingSafeEqual(given, right);
}

function noteLook(known: News, power: PowerState, now: number): void {
  const quiet = now - known.nextAt > longestRestMs;
  known.inVain = power === known.power && !quiet ? known.inVain + 1 : 0;
  const rest = restMs * 2 ** Math.max(known.inVain - mostInVain, 0);
  Object.assign(known, { fresh: false, power, nextAt: now + Math.min(rest, longestRestMs) });
}

/** A BMC that refuses a destination may repeat it. */
const withoutToken = (text: string, url: string): string =>
  text.replaceAll(url.slice(url.lastIndexOf('/') + 1), '[redacted]');

const answers = ({ observer }: SubscriptionsDeps, node: BareMetalNode): boolean =>
  observer.recall(node).bmc.kind === 'answers';

function mayKeep(deps: SubscriptionsDeps, node: BareMetalNode, holder: Host | undefined): boolean {
  const { state, conditions } = node.status ?? {};
  const atRest = state === 'available' || state === 'active';
  // Not Manageable is also a node whose machine is another node's, whatever its BMC answers.
  return (
    atRest &&
    isTrue(conditions, 'Manageable') &&
    powerBrake(node, holder) === undefined &&
    answers(deps, node)
  );
}

const identityOf = ({ observer }: SubscriptionsDeps, node: BareMetalNode): string =>
  [node.metadata.uid, node.spec.bmc.address, observer.recall(node).secretVersion].join(' ');

/** A BMC cannot tell an old leader from a new one. */
const permitOf =
  ({ fence }: SubscriptionsDeps) =>
  (): void => {
    if (fence.remainingMs() > leaseLeftMs) return;
    throw transient('LeaseEnding', 'too little of the leader lease remains to change a BMC’s subscriptions');
  };

const withEvents = (
  { observer }: SubscriptionsDeps,
  node: BareMetalNode,
  signal: AbortSignal,
  work: (events: BmcEvents, signal: AbortSignal) => Promise<void>,
): Promise<void> =>
  observer.command(
    node,
    signal,
    async ({ events }, bounded) => {
      if (events === undefined)
        throw refused(node.spec.bmc.address, 'its protocol has no event subscription');
      await work(events, bounded);
    },
    subscribeMs,
  );
