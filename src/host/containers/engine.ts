// The Engine port on dockerode: Docker, or Podman through its Docker-compatible API (4.3 and newer).
import Docker from 'dockerode';
import type { ContainerInfo, ContainerInspectInfo } from 'dockerode';
import type { Agent } from 'node:http';
import type { Clock } from '../../kernel/clock.ts';
import type { ContainerDetail, ContainerSpec, ContainerSummary, Engine } from '../ports.ts';
import { createEngineCalls, statusOf, wordsOf } from './engine-calls.ts';
import type { EngineCalls } from './engine-calls.ts';
import { createEngineExec } from './engine-exec.ts';
import { createEngineImages, fullImageId } from './engine-images.ts';
import { createDemultiplexer, createTail } from './engine-output.ts';
import { createBody, plainName, specOf } from './engine-spec.ts';

/** Longer than any of these calls takes on a busy host; a stop has its grace on top. */
const callMs = 120_000;

/**
 * dockerode on connections that `agent` makes. What the environment says about Docker (DOCKER_HOST and so on)
 * is overruled.
 */
export function dockerOn(agent: Agent): Docker {
  const none = { ca: undefined, cert: undefined, key: undefined, timeout: undefined };
  const options: Docker.DockerOptions & { readonly agent: Agent } = {
    protocol: 'http',
    host: 'engine',
    port: 80,
    agent,
    ...none,
  };
  return new Docker(options);
}

/**
 * `name` begins every message; `calls` is for short answers, `streams` for those that stay open; `closed` is
 * the session's.
 */
export function createEngine(options: {
  readonly name: string;
  readonly calls: Docker;
  readonly streams: Docker;
  readonly closed: AbortSignal;
  readonly clock: Clock;
}): Engine {
  const { name, calls, streams, clock } = options;
  const { run } = createEngineCalls(name, options.closed, clock);
  return {
    list: (signal) =>
      run('list containers', signal, callMs, async (abortSignal) =>
        (await calls.listContainers({ all: true, abortSignal })).map(summaryOf),
      ),
    create: (spec, signal) =>
      run(`create container ${spec.name}`, signal, callMs, (abortSignal) =>
        createContainer(calls, spec, abortSignal),
      ),
    ...lifecycle(calls, run),
    exec: createEngineExec(name, calls, streams, run, clock),
    wait: (id, signal) =>
      run(`wait for container ${short(id)}`, signal, Infinity, async (abortSignal) => {
        const ended = (await streams.getContainer(id).wait({ abortSignal })) as unknown;
        return (ended as { readonly StatusCode: number }).StatusCode;
      }),
    logTail: (id, lines, maxBytes, signal) =>
      run(`read the log of container ${short(id)}`, signal, callMs, async (abortSignal) => {
        const tail = createTail(maxBytes);
        const which = { stdout: true, stderr: true, tail: lines, abortSignal };
        createDemultiplexer((content) => tail.add(content))(
          Buffer.from(await calls.getContainer(id).logs(which)),
        );
        return tail.text();
      }),
    ...createEngineImages(name, calls, streams, run),
  };
}

/**
 * The calls about a container that is there already; that it is gone is no error for inspect, stop and
 * remove.
 */
function lifecycle(
  calls: Docker,
  run: EngineCalls['run'],
): Pick<Engine, 'inspect' | 'start' | 'stop' | 'rename' | 'remove' | 'disarm'> {
  const call = <T>(
    verb: string,
    id: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ) => run(`${verb} container ${short(id)}`, signal, callMs, work);
  return {
    inspect: (id, signal) =>
      call('inspect', id, signal, (abortSignal) =>
        unlessGone(async () => detailOf(await calls.getContainer(id).inspect({ abortSignal }))),
      ),
    async start(id, signal) {
      await call('start', id, signal, (abortSignal) =>
        idempotent(calls.getContainer(id).start({ abortSignal })),
      );
    },
    async stop(id, graceSeconds, signal) {
      await run(`stop container ${short(id)}`, signal, callMs + graceSeconds * 1000, (abortSignal) =>
        unlessGone(() => idempotent(calls.getContainer(id).stop({ t: graceSeconds, abortSignal }))),
      );
    },
    async rename(id, name, signal) {
      await call('rename', id, signal, (abortSignal) => calls.getContainer(id).rename({ name, abortSignal }));
    },
    async remove(id, signal) {
      await call('remove', id, signal, (abortSignal) =>
        unlessGone(() => calls.getContainer(id).remove({ force: true, v: false, abortSignal })),
      );
    },
    disarm: (id, signal) =>
      call('disarm', id, signal, (abortSignal) => disarm(calls.getContainer(id), abortSignal)),
  };
}

/**
 * By name in the query and the rest in the body: left to itself, dockerode 5 puts the whole body, with every
 * secret of the environment, into the query too, where the engine's access log shows it.
 */
async function createContainer(
  calls: Docker,
  spec: ContainerSpec,
  abortSignal: AbortSignal,
): Promise<string> {
  const split = { _query: { name: spec.name }, _body: createBody(spec), abortSignal };
  const created = await calls.createContainer(split);
  return created.id;
}

/**
 * Podman before 5.1 cannot change a restart policy: it has no such call (404 in words that name no
 * container), or takes it and changes only limits. Hence the second look.
 */
async function disarm(container: Docker.Container, abortSignal: AbortSignal): Promise<boolean> {
  try {
    await container.update({ RestartPolicy: { Name: 'no' }, abortSignal });
  } catch (error) {
    const status = statusOf(error);
    if (status === 405 || (status === 404 && !/container/i.test(wordsOf(error)))) return false;
    throw error;
  }
  const info = await container.inspect({ abortSignal });
  return ['no', ''].includes(info.HostConfig.RestartPolicy?.Name ?? '');
}

async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** 304: it is started, or stopped, already. */
async function idempotent(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (statusOf(error) !== 304) throw error;
  }
}

function summaryOf(info: ContainerInfo): ContainerSummary {
  return {
    id: info.Id,
    name: plainName(info.Names[0] ?? ''),
    imageId: fullImageId(info.ImageID),
    labels: info.Labels,
    state: stateOf(info.State),
  };
}

function detailOf(info: ContainerInspectInfo): ContainerDetail {
  return {
    id: info.Id,
    name: plainName(info.Name),
    imageId: fullImageId(info.Image),
    labels: info.Config.Labels,
    state: stateOf(info.State.Status),
    exitCode: info.State.ExitCode,
    startedAt: info.State.StartedAt,
    finishedAt: info.State.FinishedAt,
    health: healthOf(info.State.Health?.Status),
    recreate: specOf(info),
  };
}

/** Docker's words, and Podman's own where its API does not translate them. */
function stateOf(state: string): ContainerSummary['state'] {
  switch (state) {
    case 'created':
    case 'configured':
    case 'initialized':
      return 'created';
    case 'exited':
    case 'stopped':
      return 'exited';
    case 'running':
    case 'stopping':
      return 'running';
    case 'paused':
    case 'restarting':
    case 'removing':
    case 'dead':
      return state;
    default:
      return 'unknown';
  }
}

function healthOf(status: string | undefined): ContainerDetail['health'] {
  return status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : 'none';
}

const short = (id: string): string => id.slice(0, 12);
