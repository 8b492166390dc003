// Records Kubernetes events (events.k8s.io/v1): fire and forget, bounded, repeats of one event counted in its series.
import { sha256 } from '../api/canonical.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject, Manifest, Resource } from '../kube/objects.ts';
import { microTime } from '../kube/time.ts';
import type { Clock } from './clock.ts';
import { asOperatorError } from './errors.ts';
import type { Logger } from './log.ts';

/** A repeat is written at once the first time, and then no more often than this. */
const seriesIntervalMs = 5 * 60_000;
/** The API server keeps an event for an hour by default: after that a repeat is a new event. */
const seriesEndMs = 60 * 60_000;
const longestQueue = 1_000;
const mostSeries = 4_096;
const attempts = 3;
const retryMs = 2_000;
const longestNote = 1_024;
const longestName = 253;

export interface EventRecorder {
  /** `reason`: what happened, CamelCase, past tense; `action`: what we did or tried; `note`: a sentence for people. Never throws. */
  normal(object: KubeObject, reason: string, action: string, note: string): void;
  warning(object: KubeObject, reason: string, action: string, note: string): void;
}

export interface KubeEvent extends KubeObject {
  readonly eventTime: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly regarding: Readonly<Record<string, string>>;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

export const events: Resource<KubeEvent> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
};

interface Series {
  readonly event: Manifest<KubeEvent>;
  count: number;
  seenAt: number;
  writtenAt: number;
}

export interface EventRecorderDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Qualified name of the program, `undercloud.dev/operator`. */
  readonly controller: string;
  /** This process among its replicas: the pod's name. */
  readonly instance: string;
}

/** `drain` resolves when all that was recorded has been sent or given up. */
export function createEventRecorder(deps: EventRecorderDeps): EventRecorder & { drain(): Promise<void> } {
  const { client, clock, log } = deps;
  const outbox = createOutbox(log, clock);
  /** Least recently seen first. */
  const known = new Map<string, Series>();

  const record = (
    type: KubeEvent['type'],
    object: KubeObject,
    reason: string,
    action: string,
    note: string,
  ) => {
    const id = [object.metadata.uid, type, reason, action, note].join('\n');
    const now = clock.monotonic();
    const former = known.get(id);
    known.delete(id);
    if (former === undefined || now - former.seenAt >= seriesEndMs) {
      const event = newEvent(deps, id, { type, object, reason, action, note });
      known.set(id, { event, count: 1, seenAt: now, writtenAt: -Infinity });
      if (known.size > mostSeries) dropOldest(known);
      outbox.add(() => client.create(events, event));
      return;
    }
    known.set(id, former);
    former.count += 1;
    former.seenAt = now;
    if (now - former.writtenAt < seriesIntervalMs) return;
    former.writtenAt = now;
    const series = { count: former.count, lastObservedTime: microTime(clock.now()) };
    outbox.add(() => client.patch(events, former.event.metadata, { series }));
  };

  return {
    normal: (object, reason, action, note) => record('Normal', object, reason, action, note),
    warning: (object, reason, action, note) => record('Warning', object, reason, action, note),
    drain: () => outbox.drain(),
  };
}

interface Happening {
  readonly type: KubeEvent['type'];
  readonly object: KubeObject;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

function newEvent(deps: EventRecorderDeps, id: string, happening: Happening): Manifest<KubeEvent> {
  const { object, type, reason, action, note } = happening;
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const eventTime = microTime(deps.clock.now());
  const suffix = sha256(`${id}\n${eventTime}\n${deps.instance}`).slice(0, 16);
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${cut(name, longestName - suffix.length - 1)}.${suffix}`, namespace },
    eventTime,
    type,
    reason,
    action,
    note: note.length > longestNote ? `${note.slice(0, longestNote - 1).toWellFormed()}…` : note,
    reportingController: deps.controller,
    reportingInstance: deps.instance,
    regarding: { apiVersion: object.apiVersion, kind: object.kind, namespace, name, uid, resourceVersion },
  };
}

/** A part of a name ends in a letter or a digit. */
const cut = (name: string, length: number): string => name.slice(0, length).replace(/[-.]+$/, '');

interface Outbox {
  add(send: () => Promise<unknown>): void;
  drain(): Promise<void>;
}

/** Sends one after the other and never rejects. What does not fit, or cannot be sent, is dropped with a log line. */
function createOutbox(log: Logger, clock: Clock): Outbox {
  const waiting: (() => Promise<unknown>)[] = [];
  let sending: Promise<void> | undefined;

  const deliver = async (send: () => Promise<unknown>): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await send();
        return;
      } catch (thrown) {
        const error = asOperatorError(thrown);
        // An answer that got lost: the event is there.
        if (error.reason === 'AlreadyExists') return;
        const mayHelp = error.reason === 'Unavailable' || error.reason === 'Throttled';
        if (!mayHelp || attempt === attempts) {
          log.warn('Event could not be recorded', { reason: error.reason, error: error.message });
          return;
        }
        await clock.sleep(retryMs);
      }
    }
  };
  const sendAll = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await deliver(next);
    sending = undefined;
  };

  return {
    add(send) {
      if (waiting.length >= longestQueue) {
        log.warn('Event dropped: too many wait to be sent', { waiting: waiting.length });
        return;
      }
      waiting.push(send);
      sending ??= sendAll();
    },
    async drain() {
      await sending;
    },
  };
}

function dropOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
