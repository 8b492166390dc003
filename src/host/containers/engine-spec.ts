// A ContainerSpec as the body of the engine's create call, and back from what inspect tells. Pure.
import type { ContainerCreateOptions, ContainerInspectInfo, HealthConfig } from 'dockerode';
import type { ContainerSpec, Healthcheck } from '../ports.ts';

const nanoseconds = 1e9;

/** The engine's names of the restart policies. */
const restartPolicies = {
  Always: 'always',
  UnlessStopped: 'unless-stopped',
  OnFailure: 'on-failure',
  No: 'no',
} as const satisfies Record<ContainerSpec['restart'], string>;

/** What is empty in `spec` is left out: then the engine's or the image's default holds. */
export function createBody(spec: ContainerSpec): ContainerCreateOptions {
  return {
    Image: spec.image,
    ...(spec.command.length > 0 && { Cmd: [...spec.command] }),
    ...(spec.entrypoint.length > 0 && { Entrypoint: [...spec.entrypoint] }),
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...spec.labels },
    ...(spec.user !== '' && { User: spec.user }),
    ...(spec.hostname !== '' && { Hostname: spec.hostname }),
    ...(spec.healthcheck !== undefined && { Healthcheck: healthConfig(spec.healthcheck) }),
    StopTimeout: spec.stopGraceSeconds,
    HostConfig: hostConfig(spec),
  };
}

function hostConfig(spec: ContainerSpec): NonNullable<ContainerCreateOptions['HostConfig']> {
  return {
    Binds: [...spec.volumes],
    VolumesFrom: [...spec.volumesFrom],
    NetworkMode: spec.network,
    ...(spec.pid !== '' && { PidMode: spec.pid }),
    ...(spec.ipc !== '' && { IpcMode: spec.ipc }),
    Privileged: spec.privileged,
    RestartPolicy: { Name: restartPolicies[spec.restart] },
    Memory: spec.memoryBytes,
    NanoCpus: Math.round(spec.cpus * nanoseconds),
    CapAdd: [...spec.capAdd],
    CapDrop: [...spec.capDrop],
    Ulimits: spec.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
  };
}

function healthConfig(check: Healthcheck): HealthConfig {
  return {
    Test: ['CMD', ...check.test],
    Interval: check.intervalSeconds * nanoseconds,
    Timeout: check.timeoutSeconds * nanoseconds,
    StartPeriod: check.startPeriodSeconds * nanoseconds,
    Retries: check.retries,
  };
}

/**
 * What would make the container of `info` again from the same image. The image's own settings stand in it as
 * if we had asked for them.
 */
export function specOf(info: ContainerInspectInfo): ContainerSpec {
  const { Config: config, HostConfig: host } = info;
  return {
    name: plainName(info.Name),
    image: config.Image,
    command: argv(config.Cmd),
    entrypoint: argv(config.Entrypoint),
    environment: Object.fromEntries(list(config.Env).map(keyAndValue)),
    labels: config.Labels,
    volumes: list(host.Binds),
    volumesFrom: list(host.VolumesFrom as Words),
    network: host.NetworkMode ?? '',
    pid: host.PidMode ?? '',
    ipc: host.IpcMode ?? '',
    user: config.User,
    privileged: host.Privileged ?? false,
    restart: restartOf(host.RestartPolicy?.Name),
    healthcheck: healthcheckOf(config.Healthcheck),
    stopGraceSeconds: stopTimeout(config) ?? 10,
    memoryBytes: host.Memory ?? 0,
    cpus: cpusOf(host),
    capAdd: list(host.CapAdd as Words),
    capDrop: list(host.CapDrop as Words),
    ulimits: list(host.Ulimits).map(ulimitOf),
    hostname: config.Hostname,
  };
}

/** The engine writes names with a slash in front. */
export function plainName(name: string): string {
  return name.replace(/^\//, '');
}

/** What dockerode's types leave open. */
type Words = readonly string[] | null | undefined;

/** Docker says null, and Podman nothing, for a list without items. */
function list<T>(items: readonly T[] | null | undefined): readonly T[] {
  return items ?? [];
}

/** Docker writes `nofile`, Podman `RLIMIT_NOFILE`. */
function ulimitOf(limit: {
  readonly Name?: string | undefined;
  readonly Soft?: number | undefined;
  readonly Hard?: number | undefined;
}): ContainerSpec['ulimits'][number] {
  const name = (limit.Name ?? '').replace(/^RLIMIT_/, '').toLowerCase();
  return { name, soft: limit.Soft ?? -1, hard: limit.Hard ?? -1 };
}

function argv(words: string | readonly string[] | null | undefined): readonly string[] {
  return typeof words === 'string' ? [words] : list(words);
}

function keyAndValue(variable: string): [string, string] {
  const at = variable.indexOf('=');
  return at < 0 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)];
}

function restartOf(name: string | undefined): ContainerSpec['restart'] {
  switch (name) {
    case 'always':
      return 'Always';
    case 'unless-stopped':
      return 'UnlessStopped';
    case 'on-failure':
      return 'OnFailure';
    default:
      return 'No';
  }
}

function healthcheckOf(config: HealthConfig | undefined): Healthcheck | undefined {
  const [kind, ...words] = list(config?.Test);
  if (config === undefined || kind === undefined || kind === 'NONE') return undefined;
  return {
    test: kind === 'CMD-SHELL' ? ['/bin/sh', '-c', words.join(' ')] : words,
    intervalSeconds: (config.Interval ?? 0) / nanoseconds,
    timeoutSeconds: (config.Timeout ?? 0) / nanoseconds,
    startPeriodSeconds: (config.StartPeriod ?? 0) / nanoseconds,
    retries: config.Retries ?? 0,
  };
}

function stopTimeout(config: object): number | undefined {
  return 'StopTimeout' in config && typeof config.StopTimeout === 'number' ? config.StopTimeout : undefined;
}

function cpusOf(host: ContainerInspectInfo['HostConfig']): number {
  if (host.NanoCpus) return host.NanoCpus / nanoseconds;
  return host.CpuQuota && host.CpuPeriod ? host.CpuQuota / host.CpuPeriod : 0;
}
