// Runs one ipmitool command as a child process, which gets the password in an open file without a name.
import { spawn } from 'node:child_process';
import { mkdtemp, open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
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

/** Where the child finds what it inherits as its fourth file. */
const inherited = '/proc/self/fd/3';

export const runIpmitool: RunIpmitool = async (login, cipherSuite, command, signal) => {
  const password = await namelessFile(login.password);
  try {
    const where = ['-H', login.host, '-p', String(login.port), '-U', login.username, '-f', inherited];
    return await run([...fixed, '-C', String(cipherSuite), ...where, ...command], password, signal);
  } finally {
    await password.close();
  }
};

/** An open file that is in no directory any more: it goes with those who have it open, also when they are killed. */
async function namelessFile(content: string): Promise<FileHandle> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-ipmi-'));
  try {
    const file = path.join(directory, 'password');
    await writeFile(file, content, { mode: 0o600 });
    return await open(file, 'r');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function run(args: readonly string[], password: FileHandle, signal: AbortSignal): Promise<IpmiReply> {
  const env = { PATH: process.env.PATH, LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'pipe', 'pipe', password.fd] as const;
    const child = spawn('ipmitool', args, { env, signal, killSignal: 'SIGKILL', stdio: [...stdio] });
    const said = [child.stdout, child.stderr].map(textOf);
    child.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : explained(error)));
    child.on('close', (code) => resolve({ code: code ?? 1, output: said.map((text) => text()).join('\n') }));
  });
}

/** Keeps what comes out of `stream`, up to a bound, until it is asked for. */
function textOf(stream: Readable | null): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (piece: string) => {
    text = `${text}${piece}`.slice(0, mostOutput);
  });
  return () => text;
}

const explained = (error: Error): Error => ('code' in error && error.code === 'ENOENT' ? missing() : error);

const missing = () =>
  terminal(
    'BMCDriverMissing',
    'the program ipmitool is not installed where the operator runs: add it to its image',
  );
