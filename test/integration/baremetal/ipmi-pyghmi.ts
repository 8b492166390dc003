// A BMC made of pyghmi's server (PyPI), in a Python environment of its own that is made at first use and kept.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './ipmi-sim.ts';

export interface PyghmiBmc {
  /** As spec.bmc.address has it. */
  readonly address: string;
  readonly port: number;
  readonly password: string;
  /** Has the machine print a line on its serial console. */
  print(line: string): void;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const simulators = path.resolve(import.meta.dirname, '../../simulators');

/** Listens at `port`, or a free one. */
export async function startPyghmiBmc(suite: 3 | 17, at?: number): Promise<PyghmiBmc> {
  const python = await pythonWithPyghmi();
  const port = at ?? (await freePort());
  const password = 'secret-1';
  const args = [path.join(simulators, 'ipmi_pyghmi.py'), String(port), 'admin', password, String(suite)];
  const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => Promise.reject(new Error('pyghmi ended'))),
  ]);
  return {
    address: `ipmi://127.0.0.1:${port}`,
    port,
    password,
    print: (line) => void child.stdin.write(`${line}\n`),
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function pythonWithPyghmi(): Promise<string> {
  const requirements = path.join(simulators, 'ipmi-requirements.txt');
  const version = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const cache =
    process.env.UNDERCLOUD_CACHE ??
    path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'undercloud');
  const environment = path.join(cache, 'test', `pyghmi-${version}`);
  const python = path.join(environment, 'bin/python');
  if (existsSync(path.join(environment, 'complete'))) return python;
  await rm(environment, { recursive: true, force: true });
  await run('/usr/bin/python3', ['-m', 'venv', environment]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--requirement', requirements]);
  await writeFile(path.join(environment, 'complete'), '');
  return python;
}
