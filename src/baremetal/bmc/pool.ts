// Keeps one BMC connection per node, one command in flight per BMC with a rest between two, and a bound on all of them that adapts.
import type { Clock } from '../../kernel/clock.ts';
import { withDeadline } from '../../kernel/deadline.ts';
import { OperatorError } from '../../kernel/errors.ts';
import { createAdaptiveLimiter, createKeyedMutex, createLimiter, type Load } from '../../kernel/limiter.ts';
import { unreachable } from './errors.ts';
import type { Bmc, BmcConnector, BmcTarget } from './port.ts';

/** How many BMCs are spoken to at once. A socket is cheap: what bounds it is what the management network takes. */
const usualWidth: Bounds = { least: 16, first: 32, most: 256 };
/** An ipmitool process takes about 15 MB while it lives: this bounds them all to half a gigabyte. */
const mostProcesses = 32;
/** An answer within this share of the time it may take is a quick one. */
const quickShare = 1 / 4;

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
  /**
   * Runs what may go on for hours beside the commands (`Bmc.console`) on the same connection: in no line, in no slot, with no
   * time-out. Throws transient BMCUnreachable as soon as the connection is closed or replaced.
   */
  stream<T>(
    key: string,
    target: BmcTarget,
    signal: AbortSignal,
    work: (bmc: Bmc, signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** Closes the connection of a node, if it has one. */
  drop(key: string): Promise<void>;
  close(): Promise<void>;
}

interface Bounds {
  readonly least: number;
  /** What it begins with. */
  readonly first: number;
  readonly most: number;
}

interface Connection {
  readonly identity: string;
  readonly address: string;
  readonly bmc: Bmc;
  readonly closed: AbortController;
  /** Whether the last command was answered. */
  answers: boolean;
}

export function createBmcPool(deps: {
  readonly clock: Clock;
  readonly connect: BmcConnector;
  /** How many BMCs are spoken to at once: a number for so many, bounds for as many as go well. */
  readonly width?: number | Bounds;
  /**
   * Between the end of a command and the next to the same BMC, in ms: some firmware drops what comes in quick succession, and 50
   * is enough for it. None where nothing is said.
   */
  readonly spacingMs?: number;
}): BmcPool {
  const { clock } = deps;
  const connections = createConnections(deps.connect);
  const lines = createKeyedMutex();
  const rests = createRests(clock, deps.spacingMs ?? 0);
  const processes = createLimiter(mostProcesses);
  const slots = createAdaptiveLimiter(boundsOf(deps.width ?? usualWidth));

  const inSlot = <T>(
    connection: Connection,
    timeoutMs: number,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> => {
    let startedAt = 0;
    const begin = (): Promise<T> => {
      startedAt = clock.monotonic();
      return work();
    };
    return slots.run(signal, begin, (thrown) => {
      if (thrown === undefined) {
        connection.answers = true;
        return clock.monotonic() - startedAt <= timeoutMs * quickShare ? 'quick' : 'slow';
      }
      const load = signal.aborted ? 'silent' : loadOf(thrown.error, connection.answers);
      if (load === 'lost') connection.answers = false;
      return load;
    });
  };

  return {
    run(key, target, timeoutMs, signal, work) {
      const { host, port, text, driver } = target.address;
      const line = `${host}:${port}`;
      const late = () => unreachable(text, `no answer within ${timeoutMs / 1000} s`);
      const command = async () => {
        const connection = await connections.of(key, target);
        return inSlot(connection, timeoutMs, signal, () =>
          withDeadline({ clock, ms: timeoutMs, signal, late }, (bounded) => work(connection.bmc, bounded)),
        );
      };
      // In line for its BMC first, so that those who wait for a slow one take no slot from others.
      return lines.run(line, signal, async () => {
        await rests.over(line, signal);
        try {
          return await (driver === 'ipmitool' ? processes.run(signal, command) : command());
        } finally {
          rests.begin(line);
        }
      });
    },
    async stream(key, target, signal, work) {
      signal.throwIfAborted();
      const { bmc, closed } = await connections.of(key, target);
      return untilEither(signal, closed.signal, (either) => work(bmc, either));
    },
    drop: connections.drop,
    close: connections.close,
  };
}

/** One for each node. */
function createConnections(connect: BmcConnector) {
  const open = new Map<string, Connection>();
  const end = async (connection: Connection | undefined): Promise<void> => {
    connection?.closed.abort(unreachable(connection.address, 'its connection was closed'));
    await connection?.bmc.close();
  };
  const drop = async (key: string): Promise<void> => {
    const known = open.get(key);
    open.delete(key);
    await end(known);
  };
  return {
    async of(key: string, target: BmcTarget): Promise<Connection> {
      const identity = JSON.stringify(target);
      const known = open.get(key);
      if (known?.identity === identity) return known;
      const { text: address } = target.address;
      const closed = new AbortController();
      // In its place before the former one is closed: whoever comes meanwhile shares it.
      const fresh: Connection = { identity, address, bmc: connect(target), closed, answers: false };
      open.set(key, fresh);
      await end(known);
      return fresh;
    },
    drop,
    async close(): Promise<void> {
      await Promise.all([...open.keys()].map(drop));
    },
  };
}

const boundsOf = (width: number | Bounds): Bounds =>
  typeof width === 'number' ? { least: width, first: width, most: width } : width;

/**
 * Only a BMC that answered before and now does not tells of too much load: one that was silent already says nothing about us, or a
 * rack without power would slow down all the others.
 */
function loadOf(error: unknown, answered: boolean): Load {
  return error instanceof OperatorError && error.reason === 'BMCUnreachable' && answered ? 'lost' : 'silent';
}

/** When each BMC may be spoken to again. */
function createRests(clock: Clock, ms: number) {
  /** The first to be over comes first; those that are over mean nothing. */
  const until = new Map<string, number>();
  return {
    async over(line: string, signal: AbortSignal): Promise<void> {
      const left = (until.get(line) ?? 0) - clock.monotonic();
      if (left > 0) await clock.sleep(left, signal);
    },
    begin(line: string): void {
      const now = clock.monotonic();
      until.delete(line);
      until.set(line, now + ms);
      for (const [known, at] of until) {
        if (at > now) break;
        until.delete(known);
      }
    },
  };
}

/** Runs `work` with a signal that aborts with the first of two, and throws its reason then. Leaves nothing behind on them. */
async function untilEither<T>(
  a: AbortSignal,
  b: AbortSignal,
  work: (either: AbortSignal) => Promise<T>,
): Promise<T> {
  const either = new AbortController();
  const stop = (): void => either.abort(a.aborted ? a.reason : b.reason);
  if (a.aborted || b.aborted) stop();
  a.addEventListener('abort', stop, { once: true });
  b.addEventListener('abort', stop, { once: true });
  try {
    either.signal.throwIfAborted();
    const result = await work(either.signal);
    // A console that is cut off ends as one that the BMC has ended.
    if (b.aborted) either.signal.throwIfAborted();
    return result;
  } catch (error) {
    either.signal.throwIfAborted();
    throw error;
  } finally {
    a.removeEventListener('abort', stop);
    b.removeEventListener('abort', stop);
  }
}
