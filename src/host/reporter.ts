// Writes one Host's status during a pass, always onto the newest object that this pass knows.
import { hosts, type Host } from '../api/host.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import type { StatusWriter } from '../kernel/status.ts';
import { isAwaited, statusOf, type Findings } from './report.ts';

export interface Reporter {
  /** The newest object. */
  host(): Host;
  /** Somebody (we ourselves) changed it meanwhile. */
  readonly renew: (host: Host) => void;
  /** Milliseconds after which to write again; undefined when all is written. Throws transient Conflict. */
  write(findings: Omit<Findings, 'host'>): Promise<number | undefined>;
}

export function createReporter(
  first: Host,
  deps: { readonly status: StatusWriter; readonly clock: Clock },
): Reporter {
  let host = first;
  return {
    host: () => host,
    renew(newer) {
      host = newer;
    },
    async write(findings) {
      const status = statusOf({ ...findings, host }, deps.clock.now());
      const written = await deps.status.write(
        hosts,
        host,
        { ...status },
        { urgent: isAwaited(host.status, status) },
      );
      switch (written.kind) {
        case 'written':
          host = written.object;
          return undefined;
        case 'unchanged':
          return undefined;
        case 'deferred':
          return written.ms;
      }
    },
  };
}
