// The engine's container events, for as long as the session lives.
import type Docker from 'dockerode';
import type { Clock } from '../../kernel/clock.ts';
import { isAbort, messageOf } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/log.ts';
import type { EngineEvent } from '../ports.ts';
import { jsonLines } from './engine-output.ts';

const firstRetryMs = 250;
const longestRetryMs = 5_000;

/**
 * Sent after a gap, in which anything may have happened: look at the whole host. No engine uses this name.
 */
const resyncEvent: EngineEvent = { action: 'resync', containerId: '', containerName: '', labels: {} };

/**
 * Resolves when the stream is open, so that no event after that is lost, and goes on until `closed`. A stream
 * that ends is opened again (the engine was restarted), with a resync event. Throws what dockerode throws
 * when it cannot be opened at first.
 */
export async function watchEngineEvents(options: {
  readonly streams: Docker;
  readonly closed: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
  readonly emit: (event: EngineEvent) => void;
}): Promise<void> {
  const { streams, closed, clock, log, emit } = options;
  const open = () => streams.getEvents({ filters: { type: ['container'] }, abortSignal: closed });
  const reopen = async () => {
    for (let delay = firstRetryMs; ; delay = Math.min(2 * delay, longestRetryMs)) {
      await clock.sleep(delay, closed);
      try {
        return await open();
      } catch (error) {
        log.debug('engine events cannot be opened', { error: messageOf(error) });
      }
    }
  };
  const tell = (message: EventMessage) => {
    const event = eventOf(message);
    if (event !== undefined) emit(event);
  };
  const follow = async (first: NodeJS.ReadableStream): Promise<void> => {
    let stream = first;
    for (;;) {
      try {
        for await (const message of jsonLines(stream)) tell(message as EventMessage);
      } catch (error) {
        log.debug('engine events broke off', { error: messageOf(error) });
      }
      stream = await reopen();
      emit(resyncEvent);
    }
  };
  const first = await open();
  follow(first).catch((error: unknown) => {
    if (!closed.aborted && !isAbort(error)) log.error('engine events ended', { error: messageOf(error) });
  });
}

/** What we read of Docker's event; Podman's compatible API sends the same. */
export interface EventMessage {
  readonly Action: string;
  /** Podman's own, beside Docker's fields (libpod/events, 4.3 and newer). */
  readonly HealthStatus?: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** Health checks run by exec make most of the events, and tell nothing that we do not ask for. */
const told = new Set(['start', 'die', 'stop', 'remove', 'rename', 'health_status']);

const healths = ['starting', 'healthy', 'unhealthy'] as const;

/** The event in our words; undefined for what nobody waits for. */
export function eventOf({ Action, Actor, HealthStatus }: EventMessage): EngineEvent | undefined {
  const action = actionOf(Action);
  if (!told.has(action)) return undefined;
  // The container's labels stand among the attributes; nothing tells them apart.
  const { name = '', ...labels } = Actor.Attributes;
  const said = HealthStatus ?? Action.split(': ')[1];
  const health = action === 'health_status' ? healths.find((known) => known === said) : undefined;
  const event = { action, containerId: Actor.ID, containerName: name, labels };
  return health === undefined ? event : { ...event, health };
}

/** Docker says `destroy` where Podman says `remove`, and puts the state behind `health_status: `. */
function actionOf(action: string): string {
  const plain = action.split(':')[0] ?? '';
  return plain === 'destroy' ? 'remove' : plain;
}
