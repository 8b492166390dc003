// Keeps all requests to one registry back for as long as it asked for with a 429.
import type { Clock } from '../../kernel/clock.ts';
import { transient } from '../../kernel/errors.ts';

/** Longer than this we do not wait inside a request, but come back later. */
const longestWaitMs = 20_000;
/** After so long we ask again whatever the registry, its token server or a proxy said: a date may be years off by mistake. */
const longestBlockMs = 15 * 60_000;
const firstDelayMs = 1_000;
/** So that requests held back together do not come back together. */
const jitter = 0.25;

export interface Governor {
  /** Resolves when a request may be sent; throws transient RegistryThrottled when that is too far off. */
  turn(signal: AbortSignal): Promise<void>;
  /** The registry answered 429, `attempt` times in a row (from 0) to this request. */
  slowDown(retryAfter: string | undefined, attempt: number): void;
}

export function createGovernor(deps: {
  readonly host: string;
  readonly clock: Clock;
  readonly random: () => number;
}): Governor {
  const { host, clock, random } = deps;
  let notBefore = -Infinity;
  return {
    async turn(signal) {
      const ms = notBefore - clock.monotonic();
      if (ms > longestWaitMs) {
        throw transient(
          'RegistryThrottled',
          `registry ${host} answers 429 and wants no request for ${Math.ceil(ms / 1000)} s: wait, or give it credentials with a higher limit`,
        );
      }
      if (ms > 0) await clock.sleep(ms, signal);
    },
    slowDown(retryAfter, attempt) {
      const asked = retryAfterMs(retryAfter, clock.now()) ?? firstDelayMs * 2 ** attempt;
      const ms = Math.min(asked, longestBlockMs) * (1 + jitter * random());
      notBefore = Math.max(notBefore, clock.monotonic() + ms);
    },
  };
}

/** Retry-After in seconds or as an HTTP date (RFC 9110 10.2.3), in milliseconds; undefined when absent or unreadable. */
function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,6}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(date - now.getTime(), 0);
}
