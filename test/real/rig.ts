// A machine in qemu with its own network, the media server, a real API server and the operator: up, watched, and down again.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { keepTrackOf, killChild } from '../e2e/bare-metal/children.ts';
import type { File, Files } from '../e2e/bare-metal/files.ts';
import { namespace } from '../e2e/bare-metal/manifests.ts';
import { type Watched, watchSite } from '../e2e/bare-metal/watched.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { startOperator } from '../support/operator.ts';
import { eventually } from '../support/wait.ts';
import { startDiary } from './diary.ts';

const root = path.resolve(import.meta.dirname, '../..');
const hack = (name: string): string => path.join(root, 'hack', name);
const execute = promisify(execFile);
const controlPlaneName = 'real';
const machineName = 'real-machine';

/** What `hack/virtual-machine start` says of it, as far as it is needed here. */
export interface MachineFacts {
  readonly mac: string;
  readonly bmcAddress: string;
  readonly bmcUser: string;
  readonly bmcPasswordFile: string;
  readonly diskSerial: string;
  /** Path of the file that is its disk. */
  readonly disk: string;
  /** Path of what its serial console printed. */
  readonly console: string;
  /** This box, as the machine sees it. */
  readonly operatorAddress: string;
}

export interface Rig {
  readonly facts: MachineFacts;
  readonly images: Pick<Files, 'disk' | 'kernel' | 'ramdisk' | 'iso'>;
  readonly watched: Watched;
  /** Prints a line with the time since the rig was begun. */
  say(text: string): void;
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  apply(...objects: readonly object[]): Promise<void>;
  /** Copies console and log to where they stay, and returns that directory. */
  keepLogs(): Promise<string>;
}

const closing: (() => Promise<unknown>)[] = [];
const onEnd = (close: () => Promise<unknown>): void => void closing.unshift(close);

/** The machine is off, and the API server knows the kinds and nothing else. `network`: as of `hack/virtual-machine --network`. */
export async function startRig(network: number, nodeName: string): Promise<Rig> {
  const diary = startDiary();
  onEnd(() => {
    diary.close();
    return Promise.resolve();
  });
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-real-'));
  onEnd(() => rm(directory, { recursive: true, force: true }));
  const facts = await startMachine(network);
  diary.say('the machine is there, off');
  const images = await serveImages(directory, `${facts.operatorAddress}:8088`);
  diary.say('kernel, ramdisk and image are served');
  const controlPlane = await startControlPlane(controlPlaneName);
  onEnd(() => controlPlane.stop());
  const kubectl: Rig['kubectl'] = async (args, stdin) => {
    const { code, stdout, stderr } = await controlPlane.kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  await install(kubectl);
  const watched = watchSite(controlPlane.kubeconfig);
  onEnd(() => watched.close());
  diary.follow(() => watched.node(nodeName));
  const operator = await startOperatorAt(facts.operatorAddress);
  diary.say('the operator leads');
  return {
    ...{ facts, images, watched, kubectl, say: diary.say },
    apply: async (...objects) => {
      const list = { apiVersion: 'v1', kind: 'List', items: objects };
      await kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(list));
    },
    async keepLogs() {
      const kept = await mkdtemp(path.join(tmpdir(), 'undercloud-real-failed-'));
      await writeFile(path.join(kept, 'operator.log'), await operator.log());
      // A machine that was never on has no console.
      await copyFile(facts.console, path.join(kept, 'console.log')).catch(() => undefined);
      return kept;
    },
  };
}

/** All of it, as far as it came up; one part that cannot be taken down does not keep the others. */
export async function takeDown(): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closing.splice(0)) {
    await close().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the rig was not taken down as a whole');
}

async function startMachine(network: number): Promise<MachineFacts> {
  const purge = () => execute(hack('virtual-machine'), ['stop', machineName, '--purge']);
  await purge();
  onEnd(purge);
  const flags = ['--bmc', 'ipmi', '--network', String(network)];
  const { stdout } = await execute(hack('virtual-machine'), ['start', machineName, ...flags]);
  const lines = stdout.split('\n').map((line) => line.split(/ +/));
  const fact = (key: keyof MachineFacts): string => {
    const value = lines.find(([name]) => name === key)?.[1];
    if (value === undefined) throw new Error(`hack/virtual-machine start does not say ${key}:\n${stdout}`);
    return value;
  };
  return {
    mac: fact('mac'),
    bmcAddress: fact('bmcAddress'),
    bmcUser: fact('bmcUser'),
    bmcPasswordFile: fact('bmcPasswordFile'),
    diskSerial: fact('diskSerial'),
    disk: fact('disk'),
    console: fact('console'),
    operatorAddress: fact('operatorAddress'),
  };
}

/** The files of hack/agent-ramdisk and hack/os-image by the media server; built where they are not in the cache. */
async function serveImages(directory: string, listen: string): Promise<Rig['images']> {
  const maxBuffer = 64 * 1024 * 1024;
  for (const program of ['agent-ramdisk', 'os-image'])
    await execute(hack(program), ['build', '--output', directory], { maxBuffer });
  const flags = ['--directory', directory, '--listen', listen];
  const child = spawn(process.execPath, [path.join(root, 'dist/media/main.js'), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  keepTrackOf(child);
  onEnd(() => killChild(child));
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the media server does not listen on ${listen}`);
  });
  // Its first line says that it listens; the others are of no interest, and must not fill the pipe.
  await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => undefined);
  child.stdout.resume();
  const file = async (name: string): Promise<File> => {
    const sum = await readFile(path.join(directory, `${name}.sha256`), 'utf8');
    return { url: `http://${listen}/${name}`, checksum: `sha256:${sum.slice(0, 64)}` };
  };
  return {
    disk: await file('debian.raw'),
    kernel: await file('kernel'),
    ramdisk: await file('ramdisk'),
    iso: await file('agent.iso'),
  };
}

async function startOperatorAt(address: string) {
  const agent = `${address}:6385`;
  const operator = await startOperator(controlPlaneName, [
    ...['--agent-url', `https://${agent}`, '--agent-address', agent, '--boot-address', `${address}:8090`],
    ...['--agent-poll', '2', '--power-poll', '5'],
  ]);
  onEnd(() => operator.signal('SIGKILL'));
  await eventually(
    'machines can boot from the operator',
    60,
    async () => ((await operator.log()).includes('Machines can boot') ? true : undefined),
    () => operator.log(),
  );
  return operator;
}

/** As deploy/ has it installed. */
async function install(kubectl: Rig['kubectl']): Promise<void> {
  await kubectl(['apply', '--server-side', '-k', path.join(root, 'crds')]);
  const parts = ['crd', '-l', 'app.kubernetes.io/part-of=undercloud'];
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...parts]);
  await kubectl(['apply', '-k', path.join(root, 'deploy/access')]);
  await kubectl(['create', 'namespace', namespace]);
}
