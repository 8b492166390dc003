// Runs a command in a container and waits for its end.
import type Docker from 'dockerode';
import type { Exec } from 'dockerode';
import { transient } from '../../kernel/errors.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Engine } from '../ports.ts';
import type { EngineCalls } from './engine-calls.ts';
import { createDemultiplexer, createTail } from './engine-output.ts';

const outputLimit = 4096;
const callMs = 60_000;
/** An engine may close the output shortly before it knows the exit code. */
const exitCodePollMs = 20;

/**
 * The engine's API cannot end a command: after `timeoutMs` it is left running, and transient ExecTimeout is
 * thrown.
 */
export function createEngineExec(
  name: string,
  calls: Docker,
  streams: Docker,
  run: EngineCalls['run'],
  clock: Clock,
): Engine['exec'] {
  return async (id, argv, options, signal) => {
    const what = `run ${argv[0] ?? ''} in container ${id.slice(0, 12)}`;
    const created = await run(what, signal, callMs, (abortSignal) =>
      calls.getContainer(id).exec({
        Cmd: [...argv],
        Env: Object.entries(options.environment).map(([variable, value]) => `${variable}=${value}`),
        ...(options.user !== '' && { User: options.user }),
        AttachStdout: true,
        AttachStderr: true,
        abortSignal,
      }),
    );
    const late = transient(
      'ExecTimeout',
      `${name}: cannot ${what}: it did not end in ${options.timeoutMs / 1000} s`,
    );
    const limit = new AbortController();
    const timer = clock.schedule(options.timeoutMs, () => limit.abort(late));
    const stop = AbortSignal.any([signal, limit.signal]);
    try {
      const output = await run(what, stop, Infinity, (abortSignal) =>
        outputOf(streams.getExec(created.id), abortSignal),
      );
      const exitCode = await run(what, stop, Infinity, (abortSignal) =>
        exitCodeOf(created, clock, abortSignal),
      );
      return { exitCode, output };
    } finally {
      timer.cancel();
    }
  };
}

async function outputOf(exec: Exec, abortSignal: AbortSignal): Promise<string> {
  const tail = createTail(outputLimit);
  const demultiplex = createDemultiplexer((content) => tail.add(content));
  const stream = await exec.start({ Detach: false, Tty: false, abortSignal });
  for await (const chunk of stream) demultiplex(chunk as Buffer);
  return tail.text();
}

async function exitCodeOf(exec: Exec, clock: Clock, abortSignal: AbortSignal): Promise<number> {
  for (;;) {
    const state = await exec.inspect({ abortSignal });
    if (!state.Running && state.ExitCode !== null) return state.ExitCode;
    await clock.sleep(exitCodePollMs, abortSignal);
  }
}
