// A limit for each registry: one that is slow holds up nobody who asks another.
import { createLimiter, type Limiter } from '../kernel/limiter.ts';

/** Yields the limiter of a host, with `width` slots. */
export function createLimiterByHost(width: number): (host: string) => Limiter {
  const limiters = new Map<string, Limiter>();
  return (host) => {
    const limiter = limiters.get(host) ?? createLimiter(width);
    limiters.set(host, limiter);
    return limiter;
  };
}
