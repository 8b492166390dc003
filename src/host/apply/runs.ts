// Jobs that run on a host right now. A pass that ends before its job does leaves it here, and the next one goes on waiting.
import { untilAborted } from '../session/abort.ts';

/** How a job ended. */
export interface Ended {
  readonly exitCode: number;
  /** The last line that it said. */
  readonly line: string;
}

export interface JobRuns {
  /**
   * Waits for the run of job `key` under `hash`; `begin` starts it where there is none yet. Its signal is the session's. Rejects as
   * the run does, or with the reason of `signal`.
   */
  follow(
    key: string,
    hash: string,
    begin: (signal: AbortSignal) => Promise<Ended>,
    signal: AbortSignal,
  ): Promise<Ended>;
}

/** `closed` is the session's. */
export function createJobRuns(closed: AbortSignal): JobRuns {
  const runs = new Map<string, { readonly hash: string; readonly ended: Promise<Ended> }>();
  return {
    async follow(key, hash, begin, signal) {
      const known = runs.get(key);
      const run = known?.hash === hash ? known : { hash, ended: begin(closed) };
      runs.set(key, run);
      const ended = await untilAborted(run.ended, signal).finally(() => {
        if (!signal.aborted && runs.get(key) === run) runs.delete(key);
      });
      return ended;
    },
  };
}
