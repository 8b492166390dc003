// Decides what an engine's event means: whose container it is, what is to be forgotten, and when the host is to be looked at.
import { containerLabels } from '../api/names.ts';
import type { Clock } from '../kernel/clock.ts';
import { jobHashLabel } from './manifest/containers.ts';
import type { HostMemory } from './memory.ts';
import type { EngineEvent } from './ports.ts';

/** A restart by hand wins when it takes less than this (docs/adr/0005-healing-after-one-second.md). */
const healAfterMs = 1_000;
/** What is removed cannot be restarted by hand: only somebody who makes it anew is waited for. */
const removedAfterMs = 400;
/** Several events of one change come together. */
const gatherMs = 50;
/** More deaths than this within the window are a crash loop: the engine is at it, and we look ever more rarely. */
const calmDeaths = 5;
const windowMs = 60_000;
const longestMs = 5 * 60_000;

/** Of one host: milliseconds after which it is to be looked at; undefined for what is none of our business. */
export type Alarm = (event: EngineEvent, memory: HostMemory) => number | undefined;

export function createAlarm(owner: string, clock: Clock): Alarm {
  const deaths = new Map<string, { readonly count: number; readonly at: number }>();
  /** By container ID, as told last: Podman tells after each check, and most of the time the same. */
  const healths = new Map<string, EngineEvent['health']>();

  /** What was healthy for all we know, and is, wakes nobody. */
  const isNews = ({ containerId, health }: EngineEvent, { link }: HostMemory): boolean => {
    const proven = link?.prober.verdicts().get(containerId)?.kind === 'proven';
    const before = healths.get(containerId) ?? (proven ? 'healthy' : undefined);
    healths.set(containerId, health);
    if (health !== undefined && health === before) return false;
    link?.observer.touch(containerId);
    return true;
  };

  const afterDeath = (name: string): number => {
    const now = clock.monotonic();
    for (const [other, { at }] of deaths) if (now - at > windowMs) deaths.delete(other);
    const count = (deaths.get(name)?.count ?? 0) + 1;
    deaths.set(name, { count, at: now });
    return Math.min(healAfterMs * 2 ** Math.max(0, count - calmDeaths), longestMs);
  };

  return (event, memory) => {
    if (event.action === 'resync') {
      memory.link?.observer.touchAll();
      return gatherMs;
    }
    const ours = event.labels[containerLabels.owner] === owner;
    // A foreign container may hold a name that we wait for.
    const concernsUs = ours || memory.names.has(event.containerName);
    return concernsUs && event.labels[jobHashLabel] === undefined ? heed(event, ours, memory) : undefined;
  };

  function heed(event: EngineEvent, ours: boolean, memory: HostMemory): number | undefined {
    const { action, containerId, containerName } = event;
    const { link, failures } = memory;
    if (action === 'health_status') return isNews(event, memory) ? gatherMs : undefined;
    link?.observer.touch(containerId);
    switch (action) {
      case 'die':
        link?.prober.suspect(containerId);
        if (ours) failures.suspect(containerName);
        return afterDeath(containerName);
      case 'remove':
        healths.delete(containerId);
        return removedAfterMs;
      case 'stop':
      case 'rename':
        return healAfterMs;
      default:
        return undefined;
    }
  }
}
