// Keeps one BMC connection per node, one command in flight per BMC, and a bound on how many BMCs are spoken to at once.
import type { Clock } from '../../kernel/clock.ts';
import { withDeadline } from '../../kernel/deadline.ts';
import { createKeyedMutex, createLimiter } from '../../kernel/limiter.ts';
import { unreachable } from './errors.ts';
import type { Bmc, BmcConnector, BmcTarget } from './port.ts';

/** An ipmitool process takes about 15 MB while it lives: this bounds them all to half a gigabyte. */
const defaultWidth = 32;

export interface BmcPool {
  /**
   * Runs one command on the BMC of node `key`. Another target for the same key closes the former connection. Throws what
   * the driver throws, and transient BMCUnreachable when it takes longer than `timeoutMs`, not counting the wait in line.
   */
  run<T>(
    key: string,
    target: BmcTarget,
    timeoutMs: number,
    signal: AbortSignal,
    work: (bmc: Bmc, signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** Closes the connection of a node, if it has one. */
  drop(key: string): Promise<void>;
  close(): Promise<void>;
}

export function createBmcPool(deps: {
  readonly clock: Clock;
  readonly connect: BmcConnector;
  readonly width?: number;
}): BmcPool {
  const { clock, connect } = deps;
  const open = new Map<string, { readonly identity: string; readonly bmc: Bmc }>();
  const lines = createKeyedMutex();
  const slots = createLimiter(deps.width ?? defaultWidth);

  const drop = async (key: string): Promise<void> => {
    const known = open.get(key);
    open.delete(key);
    await known?.bmc.close();
  };
  const bmcFor = async (key: string, target: BmcTarget): Promise<Bmc> => {
    const identity = JSON.stringify(target);
    const known = open.get(key);
    if (known?.identity === identity) return known.bmc;
    await drop(key);
    const bmc = connect(target);
    open.set(key, { identity, bmc });
    return bmc;
  };

  return {
    run: (key, target, timeoutMs, signal, work) =>
      // In line for its BMC first, so that those who wait for a slow one take no slot from others.
      lines.run(`${target.address.host}:${target.address.port}`, signal, () =>
        slots.run(signal, async () => {
          const bmc = await bmcFor(key, target);
          const late = () => unreachable(target.address.text, `no answer within ${timeoutMs / 1000} s`);
          return withDeadline({ clock, ms: timeoutMs, signal, late }, (bounded) => work(bmc, bounded));
        }),
      ),
    drop,
    async close() {
      await Promise.all([...open.keys()].map(drop));
    },
  };
}
