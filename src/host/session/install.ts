// Starts helper.py on a host, after putting it there when it is missing, by the hash of its content.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { ClientChannel } from 'ssh2';
import { terminal } from '../../kernel/errors.ts';
import type { OperatorError } from '../../kernel/errors.ts';
import { hostPaths } from '../../api/names.ts';
import type { HelperEnded } from './errors.ts';
import type { SshConnection } from './ssh.ts';

/** How the command that starts the helper ends when there is nothing, or nothing whole, to start. */
const exitMissing = 66;
const exitNoPython = 67;

export interface HelperProgram {
  readonly source: Buffer;
  /** Shell commands of fixed text, for root and for a user with sudo: only our own hash varies in them. */
  readonly start: string;
  readonly install: string;
}

/** Reads helper.py, which lies beside this file in the sources and in the build. */
export async function loadHelper(): Promise<HelperProgram> {
  const source = await readFile(new URL('./helper.py', import.meta.url));
  const sha256 = createHash('sha256').update(source).digest('hex');
  const directory = `${hostPaths.state}/bin`;
  const file = `${directory}/helper-${sha256.slice(0, 16)}.py`;
  const matches = (path: string) => `echo "${sha256}  ${path}" | sha256sum -c --status 2>/dev/null`;
  const start = [
    // A power cut may have left it empty.
    `${matches(file)} || exit ${exitMissing}`,
    // RHEL 8 has a Python of its own where nobody installed one.
    `python=$(command -v python3 || command -v /usr/libexec/platform-python) || exit ${exitNoPython}`,
    `exec "$python" -IB ${file}`,
  ];
  const install = [
    'set -e; umask 022',
    `mkdir -p ${directory}`,
    `new=${directory}/.new-$$; trap "rm -f $new" EXIT`,
    'cat > "$new"',
    matches('$new'),
    `mv -f "$new" ${file}`,
    `find ${directory} -name "helper-*.py" ! -path ${file} -delete`,
  ];
  return { source, start: start.join('; '), install: install.join('; ') };
}

/** `script` as root; it must hold no single quote. */
function asRoot(script: string, user: string): string {
  return user === 'root' ? `exec sh -c '${script}'` : `exec sudo -n sh -c '${script}'`;
}

export function startHelper(
  ssh: SshConnection,
  program: HelperProgram,
  user: string,
): Promise<ClientChannel> {
  return ssh.exec(asRoot(program.start, user));
}

/** Puts the helper on the host. Throws terminal HostUnsuitable when the host does not let us. */
export async function installHelper(
  ssh: SshConnection,
  program: HelperProgram,
  user: string,
  name: string,
): Promise<void> {
  const channel = await ssh.exec(asRoot(program.install, user));
  const complaint = text(channel.stderr);
  const code = await new Promise<number | null>((resolve, reject) => {
    channel.on('close', resolve);
    channel.on('error', reject);
    channel.resume();
    channel.end(program.source);
  });
  if (code === 0) return;
  const said = (await complaint).trim().replaceAll(/\s+/g, ' ');
  const remedy = `give ${user} sudo without a password, and room in ${hostPaths.state}`;
  throw terminal('HostUnsuitable', `${name}: cannot install the helper: ${said}; ${remedy}`);
}

/** What the helper's end means when it came before the answer to `hello`. */
export function startFailure(
  ended: HelperEnded,
  name: string,
): { readonly missing: true } | { readonly missing: false; readonly error: OperatorError } {
  if (ended.code === exitMissing) return { missing: true };
  if (ended.code === exitNoPython) {
    const message = `${name}: the host has no Python 3.6 or newer: install python3`;
    return { missing: false, error: terminal('HostUnsuitable', message) };
  }
  if (ended.message.includes('sudo:')) {
    const message = `${ended.message}; allow the user sudo without a password (NOPASSWD) and without a terminal`;
    return { missing: false, error: terminal('HostUnsuitable', message) };
  }
  return { missing: false, error: ended };
}
