// Follows a request that was answered 202 to its end (DSP0266, asynchronous operations; DSP0268, Task).
import { busy, refused } from '../errors.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { errorTextIn, linkAt, listAt, textAt } from './document.ts';
import type { RedfishAddress, Reply } from './http.ts';
import { problem, suffix } from './problem.ts';
import type { RedfishSession } from './session.ts';

/**
 * How far to follow: to the `end`; until it is `scheduled`, that is ended or waiting for a restart of the machine (quirk
 * `jobAtRestart`); or only to see that it was `taken` and has not failed at once.
 */
export type Patience = 'end' | 'scheduled' | 'taken';

export interface TaskDeps {
  readonly address: RedfishAddress;
  readonly session: RedfishSession;
  readonly clock: Clock;
}

const usualPauseMs = 1_000;
const longestPauseMs = 30_000;
/** TaskState values (DSP0268 Task) in which nothing happens until something else does. */
const waiting = ['New', 'Pending', 'Starting', 'Suspended'];
const underWay = [...waiting, 'Running', 'Stopping', 'Service', 'Cancelling', 'Interrupted'];

/** Throws terminal BMCRefused with what the task says when it failed, and what the session throws. */
export async function followTask(
  deps: TaskDeps,
  what: string,
  accepted: Reply,
  patience: Patience,
  signal: AbortSignal,
): Promise<void> {
  const { address, session, clock } = deps;
  const monitor = monitorOf(address, accepted);
  // Nothing to follow: that it was taken is all it says.
  if (monitor === undefined) return;
  for (let last = accepted; ;) {
    if (patience !== 'taken') await clock.sleep(pauseMs(last, clock), signal);
    last = await session.look(monitor, signal);
    // A monitor that is gone was kept for some time after the end (DSP0266, asynchronous operations).
    if (last.status === 404 || last.status === 410) return;
    const state = textAt(last.body, 'TaskState');
    if (last.status >= 400) throw problem(address, what, last);
    if (state !== undefined && !underWay.includes(state)) {
      assess(address, what, state, last.body);
      return;
    }
    if (last.status !== 202 && state === undefined) return;
    if (patience === 'taken') return;
    if (patience === 'scheduled' && state !== undefined && waiting.includes(state)) return;
  }
}

function assess(address: RedfishAddress, what: string, state: string, task: unknown): void {
  if (state === 'Completed' && textAt(task, 'TaskStatus') !== 'Critical') return;
  const said = listAt(task, 'Messages').flatMap(
    (item) => textAt(item, 'Message') ?? textAt(item, 'MessageId') ?? [],
  );
  const detail = said.at(-1) ?? errorTextIn(task);
  const text = `${what}: its task ended as ${state}${suffix(detail?.slice(0, 300))}`;
  throw state === 'Cancelled' || state === 'Killed' ? busy(address.text, text) : refused(address.text, text);
}

function monitorOf(address: RedfishAddress, accepted: Reply): string | undefined {
  const location = accepted.header('location');
  // Some put another of their names into the Location: only its path counts.
  const path = location === undefined ? undefined : URL.parse(location, address.origin)?.pathname;
  return path ?? textAt(accepted.body, 'TaskMonitor') ?? linkAt(accepted.body);
}

/** Retry-After is seconds or a date (RFC 9110 10.2.3). */
function pauseMs(reply: Reply, clock: Clock): number {
  const said = reply.header('retry-after');
  if (said === undefined) return usualPauseMs;
  const ms = /^\d+$/.test(said) ? Number(said) * 1_000 : Date.parse(said) - clock.now().getTime();
  return Number.isNaN(ms) ? usualPauseMs : Math.min(Math.max(ms, usualPauseMs), longestPauseMs);
}
