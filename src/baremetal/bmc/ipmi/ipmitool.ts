// Runs one ipmitool command as a child process. The password is in a file of its own for as long as the command lasts.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { terminal } from '../../../kernel/errors.ts';

export interface IpmiLogin {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

export interface IpmiReply {
  /** 0 is success. */
  readonly code: number;
  /** Standard output and standard error, in this order. */
  readonly output: string;
}

/** Throws terminal BMCDriverMissing, and the signal's reason when it aborts; what ipmitool thinks of it is in the reply. */
export type RunIpmitool = (
  login: IpmiLogin,
  cipherSuite: number,
  command: readonly string[],
  signal: AbortSignal,
) => Promise<IpmiReply>;

/**
 * lanplus is IPMI 2.0. `-C` saves ipmitool asking for the suites, which takes 5 s with a BMC that does not know the question;
 * `-v` makes it tell a wrong password from silence. `-N 2 -R 2` gives up on silence after 10 s.
 */
const fixed = ['-v', '-I', 'lanplus', '-L', 'ADMINISTRATOR', '-N', '2', '-R', '2'];
const mostOutput = 256 * 1024;

export const runIpmitool: RunIpmitool = async (login, cipherSuite, command, signal) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-ipmi-'));
  try {
    const file = path.join(directory, 'password');
    await writeFile(file, login.password, { mode: 0o600 });
    const where = ['-H', login.host, '-p', String(login.port), '-U', login.username, '-f', file];
    return await run([...fixed, '-C', String(cipherSuite), ...where, ...command], signal);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

function run(args: readonly string[], signal: AbortSignal): Promise<IpmiReply> {
  const env = { PATH: process.env.PATH, LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    const options = { env, signal, killSignal: 'SIGKILL', maxBuffer: mostOutput } as const;
    execFile('ipmitool', args, options, (error, stdout, stderr) => {
      const output = `${stdout}\n${stderr}`;
      if (error === null) resolve({ code: 0, output });
      else if (signal.aborted) reject(signal.reason as Error);
      else if (error.code === 'ENOENT') reject(missing());
      else resolve({ code: typeof error.code === 'number' ? error.code : 1, output });
    });
  });
}

const missing = () =>
  terminal(
    'BMCDriverMissing',
    'the program ipmitool is not installed where the operator runs: add it to its image',
  );
