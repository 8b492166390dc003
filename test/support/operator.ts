// The operator as a user runs it, as a child process of a test: `node dist/main.js` against a test control plane.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

export interface Operator {
  readonly pid: number;
  /** Everything it has printed so far. */
  log(): Promise<string>;
  /** Sends a signal and, for one that ends it, waits until it is gone. */
  signal(signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
}

/** A kubeconfig for the service account of deploy/, minted by the control plane `name`. */
async function mintKubeconfig(name: string): Promise<string> {
  const user = 'system:serviceaccount:undercloud-system:undercloud';
  const { stdout } = await run(path.join(root, 'hack/control-plane'), [
    'kubeconfig',
    '--name',
    name,
    '--user',
    user,
  ]);
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-operator-'));
  const file = path.join(directory, 'kubeconfig');
  await writeFile(file, stdout, { mode: 0o600 });
  return file;
}

/** Starts a replica with the rights that deploy/ gives it, and nothing more. */
export async function startOperator(controlPlane: string, args: readonly string[] = []): Promise<Operator> {
  const kubeconfig = await mintKubeconfig(controlPlane);
  const logFile = path.join(path.dirname(kubeconfig), 'log');
  const output = await open(logFile, 'w');
  const flags = [
    '--http-address',
    '127.0.0.1:0',
    '--lease-namespace',
    'undercloud-system',
    '--log-format',
    'text',
    ...args,
  ];
  const child = spawn(process.execPath, [path.join(root, 'dist/main.js'), ...flags], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', output.fd, output.fd],
  });
  await output.close();
  // An interrupted run leaves no replica behind.
  process.once('exit', () => child.kill('SIGKILL'));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    pid: pidOf(child),
    log: () => readFile(logFile, 'utf8'),
    exited,
    async signal(signal) {
      child.kill(signal);
      if (signal !== 'SIGTERM' && signal !== 'SIGKILL') return;
      await exited;
      await rm(kubeconfig, { force: true });
    },
  };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the operator did not start: is dist/main.js built?');
  return child.pid;
}
