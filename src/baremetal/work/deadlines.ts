// How long a phase of the work may last, and what did not happen when it lasted longer. Pure.
import type { Phase, Work, WorkSeen } from './model.ts';

const minute = 60_000;
const hour = 60 * minute;

/** In ms. Firmware of large servers takes a quarter of an hour to its boot device; erasing disks takes as long as they are large. */
const limits: Readonly<Record<Phase, number>> = {
  Queued: Infinity,
  PoweringOff: 5 * minute,
  Booting: 10 * minute,
  AwaitingAgent: 30 * minute,
  Working: 24 * hour,
  Finishing: 10 * minute,
  Starting: 5 * minute,
};
/** A firmware that has not fetched its script by then has no DHCP or another boot device. */
const scriptMs = 20 * minute;
/** A deployment that writes no image by then does not come to an end. */
const deployMs = 2 * hour;
/** Heartbeats come every one to three minutes (ours say 300 s, of which the agent takes 0.3 to 0.6). */
const silenceMs = 6 * minute;

const firstRetryMs = 10_000;
const longestRetryMs = 10 * minute;

export interface Why {
  readonly reason: string;
  readonly message: string;
}

/** Why the phase is given up; undefined while it may go on. */
export function overdue(
  work: Work,
  seen: WorkSeen,
  { now, burnInMs }: { readonly now: Date; readonly burnInMs: number | undefined },
): Why | undefined {
  const age = now.getTime() - Date.parse(work.phaseSince);
  switch (work.phase) {
    case 'Queued':
      return undefined;
    case 'PoweringOff':
      return age > limits.PoweringOff ? stuck('off', age) : undefined;
    case 'Booting':
      if (age <= limits.Booting) return undefined;
      return seen.prepared ? stuck('on', age) : unset('its boot device or medium', seen, age);
    case 'Finishing':
    case 'Starting':
      return finished(work.phase, seen, age);
    case 'AwaitingAgent':
      return awaited(work, seen, age);
    case 'Working':
      return worked(work, seen, { age, burnInMs });
  }
}

const stuck = (power: string, age: number): Why => ({
  reason: 'PowerStuck',
  message: `was to be powered ${power}, and its BMC does not show it after ${minutes(age)}: look at the machine and its BMC`,
});

/** The work is done: it is not thrown away because the BMC is, which says so itself. */
function finished(phase: 'Finishing' | 'Starting', seen: WorkSeen, age: number): Why | undefined {
  if (age <= limits[phase] || seen.power === 'Unknown') return undefined;
  if (phase === 'Starting') return stuck('on', age);
  return seen.power === 'Off' ? unset('its disk back as boot device', seen, age) : stuck('off', age);
}

function unset(what: string, { blocker, trouble }: WorkSeen, age: number): Why {
  const cause = trouble ?? blocker?.message ?? 'its BMC does not say why';
  return { reason: 'BootDeviceNotSet', message: `did not get ${what} within ${minutes(age)}: ${cause}` };
}

function awaited(work: Work, { heard }: WorkSeen, age: number): Why | undefined {
  if (heard.scriptAt === undefined && heard.lookupAt === undefined && heard.inspection === undefined) {
    if (age <= scriptMs) return undefined;
    const message = `did not fetch its boot script, nor call from its boot medium, within ${minutes(age)}: no DHCP answer, a medium that the BMC does not boot, another boot device, or a wrong bootMACAddress`;
    return { reason: 'NoBoot', message };
  }
  if (age <= limits.AwaitingAgent) return undefined;
  if (heard.lookupAt !== undefined) {
    const message = `was looked up by its agent, whose heartbeat did not come within ${minutes(age)}: the agent is not let through, see its console`;
    return { reason: 'NoHeartbeat', message: withTrouble(message, heard.trouble) };
  }
  if (heard.inspection === undefined && work.kind === 'Inspect') {
    const message = `fetched its boot script, and its agent told no inventory within ${minutes(age)}: kernel or ramdisk do not come up, or cannot reach the operator`;
    return { reason: 'NoInspection', message: withTrouble(message, heard.trouble) };
  }
  const message = `fetched its boot script, and its agent did not look it up within ${minutes(age)}: kernel or ramdisk do not come up, or cannot reach the operator`;
  return { reason: 'NoLookup', message: withTrouble(message, heard.trouble) };
}

const withTrouble = (message: string, trouble: string | undefined): string =>
  trouble === undefined ? message : `${message} (${trouble})`;

function worked(
  { kind }: Work,
  { silentMs, move }: WorkSeen,
  { age, burnInMs = 0 }: { readonly age: number; readonly burnInMs: number | undefined },
): Why | undefined {
  if (move === undefined && (silentMs ?? age) > silenceMs) {
    const message = `heard nothing of its agent for ${minutes(silentMs ?? age)}: the ramdisk died or its network is gone, see its console`;
    return { reason: 'AgentLost', message };
  }
  // A burn-in lasts as long as its spec says, and its tests need a while to begin and end.
  const limit = { Deploy: deployMs, Inspect: burnInMs + hour, Clean: limits.Working }[kind];
  if (age <= limit) return undefined;
  const what = move?.kind === 'wait' ? ` (${move.what})` : '';
  return {
    reason: 'AgentSlow',
    message: `is worked on for ${minutes(age)} already${what}: look at its console`,
  };
}

/** The failure to record: retried from 10 s, doubling up to 10 min, with half of that as jitter. */
export function failureOf(
  { attempt }: Work,
  { reason, message }: Why,
  now: Date,
  jitter: number,
): NonNullable<Work['failure']> {
  const delay = Math.min(firstRetryMs * 2 ** Math.min(attempt - 1, 10), longestRetryMs);
  const retryAt = new Date(now.getTime() + delay * (0.75 + 0.5 * jitter));
  return { reason, message: message.slice(0, 1024), retryAt: `${retryAt.toISOString().slice(0, 19)}Z` };
}

const minutes = (ms: number): string => `${Math.round(ms / minute)} min`;
