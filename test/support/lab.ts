// The lab's machines for integration tests: starts the lab when it is down, and tells its addresses and keys.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = path.resolve(import.meta.dirname, '../../hack/lab');
/** What hack/lab keeps for tests, with its number; one named by UNDERCLOUD_TEST_LAB must be up already. */
const ownLab = { name: 'test', number: '78' };

export interface LabMachine {
  readonly name: string;
  readonly address: string;
  /** The Docker container that is this machine. */
  readonly container: string;
  readonly bmc: { readonly type: 'ipmi' | 'redfish'; readonly address: string; readonly systemId: string };
  readonly sshHostKey: string;
}

/** lab.json as hack/lab writes it. */
export interface Lab {
  readonly name: string;
  readonly number: number;
  /** `host:port`, without TLS. */
  readonly registry: string;
  readonly images: {
    readonly namespace: string;
    readonly prefix: string;
    readonly tags: readonly string[];
    readonly names: readonly string[];
    /** Those that differ between the tags. */
    readonly changed: readonly string[];
  };
  readonly sshUser: string;
  readonly sshKeyFile: string;
  readonly knownHostsFile: string;
  readonly bmcUser: string;
  readonly bmcPasswordFile: string;
  readonly caFile: string;
  readonly machines: readonly LabMachine[];
}

let used: Promise<Lab> | undefined;

/**
 * Starts the lab once per process (a minute or more where images must be built), or mends it, and reads its
 * facts.
 */
export function useLab(): Promise<Lab> {
  used ??= startLab();
  return used;
}

async function startLab(): Promise<Lab> {
  const name = process.env.UNDERCLOUD_TEST_LAB ?? ownLab.name;
  if (name === ownLab.name) await run(program, ['up', '--name', name, '--number', ownLab.number]);
  const state = process.env.XDG_STATE_HOME ?? path.join(homedir(), '.local/state');
  const root = process.env.UNDERCLOUD_STATE ?? path.join(state, 'undercloud');
  return JSON.parse(await readFile(path.join(root, name, 'lab/lab.json'), 'utf8')) as Lab;
}

/** The password of every BMC of the lab. */
export const bmcPassword = async (lab: Lab): Promise<string> =>
  (await readFile(lab.bmcPasswordFile, 'utf8')).trim();

/** Pulls a machine's plug, or puts it back, behind the operator's back. */
export async function setPower(lab: Lab, machine: string, power: 'on' | 'off'): Promise<void> {
  await run(program, ['power', '--name', lab.name, machine, power]);
}

export async function isOn(lab: Lab, machine: string): Promise<boolean> {
  const { stdout } = await run(program, ['power', '--name', lab.name, machine, 'status']);
  return /\bon\b/i.test(stdout);
}

/** Runs a shell command as root on a machine, behind the operator's back; resolves with what it printed. */
export async function onMachine(lab: Lab, machine: LabMachine, command: string): Promise<string> {
  const options = [
    '-i',
    lab.sshKeyFile,
    '-o',
    `UserKnownHostsFile=${lab.knownHostsFile}`,
    '-o',
    'BatchMode=yes',
  ];
  const { stdout } = await run('ssh', [...options, `root@${machine.address}`, command]);
  return stdout;
}
