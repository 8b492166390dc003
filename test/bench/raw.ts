// The baseline: the engine's own API through OpenSSH's forwarding, without anything of ours in between.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Docker from 'dockerode';
import type { Lab } from '../support/lab.ts';
import { eventually } from '../support/wait.ts';

/** What both sides are asked to run. */
export interface RawContainer {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  /** argv; empty: none. */
  readonly check: readonly string[];
}

export interface RawEngine {
  readonly docker: Docker;
  /** Create, start and probe until the check succeeds. */
  run(container: RawContainer): Promise<void>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** The engine of one machine, as `ssh -L` and dockerode show it. */
export async function rawEngine(lab: Lab, machine: string): Promise<RawEngine> {
  const target = lab.machines.find(({ name }) => name === machine);
  if (target === undefined) throw new Error(`the lab has no machine ${machine}`);
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-bench-'));
  const socketPath = path.join(directory, 'engine.sock');
  const options = [
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'UserKnownHostsFile=/dev/null',
    '-o',
    'LogLevel=ERROR',
  ];
  const forward = ['-nNT', '-L', `${socketPath}:/run/podman/podman.sock`, `root@${target.address}`];
  const tunnel = spawn('ssh', ['-i', lab.sshKeyFile, ...options, ...forward], { stdio: 'inherit' });
  const docker = new Docker({ socketPath });
  await eventually('the engine answers through the tunnel', 20, async () => {
    await docker.ping();
    return true;
  });
  return {
    docker,
    run: (container) => runContainer(docker, container),
    remove: async (name) => {
      await docker.getContainer(name).remove({ force: true }).catch(ignoreMissing);
    },
    async close() {
      tunnel.kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function runContainer(docker: Docker, { name, image, command, check }: RawContainer): Promise<void> {
  const container = await docker.createContainer({
    name,
    Image: image,
    Cmd: [...command],
    HostConfig: { NetworkMode: 'host', RestartPolicy: { Name: 'always' } },
  });
  await container.start();
  while (check.length > 0) {
    const exec = await container.exec({ Cmd: [...check], AttachStdout: true, AttachStderr: true });
    const output = await exec.start({});
    output.resume();
    await new Promise((resolve) => output.once('end', resolve));
    const { ExitCode } = await exec.inspect();
    if (ExitCode === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as { readonly statusCode?: number }).statusCode !== 404) throw error;
}

/** Runs `work` over all items, at most `width` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = [...items];
  const lane = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
