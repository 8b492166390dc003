// A real API server of its own for the tests of one file: hack/control-plane, and the kubectl that comes with it.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = path.resolve(import.meta.dirname, '../../hack/control-plane');
const largestOutput = 64 * 1024 * 1024;

interface KubectlResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface ControlPlane {
  /** Path of its administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** Runs its kubectl as administrator, with `stdin` where given. Does not throw when kubectl fails. */
  kubectl(args: readonly string[], stdin?: string): Promise<KubectlResult>;
  /** Ends it and deletes all that belongs to it. */
  stop(): Promise<void>;
}

/** Starts an empty control plane; what a former run left under this name is deleted. The first one on a machine builds for minutes. */
export async function startControlPlane(name: string): Promise<ControlPlane> {
  await run(program, ['stop', '--purge', '--name', name]);
  await run(program, ['start', '--name', name], { maxBuffer: largestOutput });
  const [kubeconfig, kubectl] = await locate(name);
  // By default kubectl shares what it knows of the kinds with every server that ever had this port.
  const cache = await mkdtemp(path.join(tmpdir(), 'undercloud-kubectl-'));
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: cache };
  return {
    kubeconfig,
    kubectl: (args, stdin = '') => execute(kubectl, args, env, stdin),
    async stop() {
      await run(program, ['stop', '--purge', '--name', name]);
      await rm(cache, { recursive: true });
    },
  };
}

/** The paths of the kubeconfig and of kubectl, as the control plane's own `env` sets them. */
async function locate(name: string): Promise<readonly [kubeconfig: string, kubectl: string]> {
  const script = 'eval "$("$0" env --name "$1")" && printf "%s\\n" "$KUBECONFIG" "$(type -P kubectl)"';
  const { stdout } = await run('bash', ['-c', script, program, name]);
  const [kubeconfig = '', kubectl = ''] = stdout.trim().split('\n');
  return [kubeconfig, kubectl];
}

async function execute(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdin: string,
): Promise<KubectlResult> {
  const running = run(file, args, { env, maxBuffer: largestOutput });
  // One that fails early does not read its input to the end; its exit code and stderr tell why.
  running.child.stdin?.on('error', () => undefined).end(stdin);
  try {
    return { ...(await running), code: 0 };
  } catch (thrown) {
    if (isExit(thrown)) return { stdout: thrown.stdout, stderr: thrown.stderr, code: thrown.code };
    throw thrown;
  }
}

/** True for a program that ran and exited with another code than 0; one that could not run has a word for a code. */
function isExit(thrown: unknown): thrown is KubectlResult {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number';
}
