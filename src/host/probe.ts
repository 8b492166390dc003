// One container's probe: its health check, run by us from 100 ms on, or 2 s of running where it has none.
import type { Clock } from '../kernel/clock.ts';
import { messageOf, OperatorError } from '../kernel/errors.ts';
import type { Failure } from './plan/types.ts';
import type { ContainerDetail, ContainerSpec, Engine, Healthcheck } from './ports.ts';

const firstProbeMs = 100;
const growth = 1.5;
/** After its deadline a container is looked at this often: one that mends itself is seen soon. */
const slowestMs = 30_000;
const stayUpMs = 2_000;
/** Of a log: enough to find the last line that says something. */
const logLines = 10;
const logBytes = 4_096;
const longestLine = 300;

export interface ProbeDeps {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Resolves with true when the container has proven itself, with false when it is gone. `onFailed` hears of a failure when the
 * container has exited, or when its deadline (startPeriod + retries × interval) has passed; the probe goes on, more calmly.
 */
export async function probe(
  deps: ProbeDeps,
  id: string,
  spec: Pick<ContainerSpec, 'healthcheck'>,
  onFailed: (failure: Failure) => void,
): Promise<boolean> {
  const { clock, signal } = deps;
  const check = spec.healthcheck;
  const attempt = check === undefined ? staysUp(deps, id) : succeeds(deps, id, check);
  const deadline = clock.monotonic() + deadlineMs(check);
  let wait = check === undefined ? stayUpMs : firstProbeMs;
  for (;;) {
    await clock.sleep(wait, signal);
    const result = await attempt();
    if (result === 'gone') return false;
    if (result === 'proven') return true;
    const over = result.state !== 'running' || clock.monotonic() >= deadline;
    if (over) onFailed(result);
    wait = Math.min(wait * growth, over || check === undefined ? slowestMs : check.intervalSeconds * 1000);
  }
}

/** The last line of a container's log that says something, cut to what a status can hold; empty when there is none. */
export async function lastLogLine(engine: Engine, id: string, signal: AbortSignal): Promise<string> {
  try {
    return lastLine(await engine.logTail(id, logLines, logBytes, signal));
  } catch (error) {
    signal.throwIfAborted();
    return `(its log cannot be read: ${messageOf(error)})`;
  }
}

export function lastLine(text: string): string {
  const line = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line.length > longestLine ? `${line.slice(0, longestLine - 1)}…` : line;
}

/** How a container ended, for people. */
async function exitFailure(engine: Engine, detail: ContainerDetail, signal: AbortSignal): Promise<Failure> {
  const line = await lastLogLine(engine, detail.id, signal);
  const message = `exits ${detail.exitCode}${line === '' ? '' : `: ${line}`}`;
  const state = detail.state === 'running' ? 'restarting' : detail.state;
  return { reason: 'ContainerExited', message, line, state, exitCode: detail.exitCode };
}

type Result = 'proven' | 'gone' | Failure;
type Attempt = () => Promise<Result>;

const deadlineMs = (check: Healthcheck | undefined): number =>
  check === undefined ? stayUpMs : (check.startPeriodSeconds + check.retries * check.intervalSeconds) * 1000;

/** Running, and not restarted by the engine since the last look. */
function staysUp({ engine, signal }: ProbeDeps, id: string): Attempt {
  let startedAt: string | undefined;
  const first = engine.inspect(id, signal);
  // Whoever awaits it below hears of its failure; nobody may hear of it before.
  first.catch(() => undefined);
  return async () => {
    startedAt ??= (await first)?.startedAt;
    const detail = await engine.inspect(id, signal);
    if (detail === undefined) return 'gone';
    if (detail.state === 'running' && detail.startedAt === startedAt) return 'proven';
    startedAt = detail.startedAt;
    return exitFailure(engine, detail, signal);
  };
}

function succeeds({ engine, signal }: ProbeDeps, id: string, check: Healthcheck): Attempt {
  let startedAt: string | undefined;
  return async () => {
    const complaint = await run(engine, id, check, signal);
    if (complaint === undefined) return 'proven';
    const detail = await engine.inspect(id, signal);
    if (detail === undefined) return 'gone';
    const restarted = startedAt !== undefined && detail.startedAt !== startedAt;
    startedAt = detail.startedAt;
    if (detail.state !== 'running' || restarted) return exitFailure(engine, detail, signal);
    return {
      reason: 'ContainerUnhealthy',
      message: `is unhealthy: ${complaint}`,
      state: 'running',
      exitCode: 0,
    };
  };
}

/** Undefined when the check succeeds, else what it says. */
async function run(
  engine: Engine,
  id: string,
  check: Healthcheck,
  signal: AbortSignal,
): Promise<string | undefined> {
  const options = { user: '', environment: {}, timeoutMs: check.timeoutSeconds * 1000 };
  try {
    const { exitCode, output } = await engine.exec(id, check.test, options, signal);
    if (exitCode === 0) return undefined;
    const line = lastLine(output);
    return `its health check ${check.test[0] ?? ''} exits ${exitCode}${line === '' ? '' : `: ${line}`}`;
  } catch (error) {
    // It is not running, or the check does not end: the container's fault. Without an engine there is nobody to ask.
    if (!(error instanceof OperatorError) || error.reason === 'EngineUnavailable') throw error;
    return messageOf(error);
  }
}
