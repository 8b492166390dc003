// A lab machine as the tests of this folder use it: sessions on it, and no trace of them afterwards.
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import type { HostSession, SessionTarget } from '../../../src/host/ports.ts';
import { createSessionConnector } from '../../../src/host/session/connector.ts';
import { onMachine, useLab } from '../../support/lab.ts';
import type { Lab } from '../../support/lab.ts';

export const never = new AbortController().signal;

export interface Machine {
  readonly lab: Lab;
  readonly target: SessionTarget;
  /** Opens a session, which `clean` closes; the host's key is pinned unless `change` says otherwise. */
  connect(
    change?: Partial<SessionTarget>,
    onTrusted?: (hostKey: string) => Promise<void>,
  ): Promise<HostSession>;
  /** Runs a shell command there as root, past the operator. */
  shell(command: string): Promise<string>;
  /** Closes all sessions and removes what they left. */
  clean(): Promise<void>;
}

/** The last machine of the lab, of which no other test makes a controller. */
export async function useMachine(): Promise<Machine> {
  const lab = await useLab();
  const machine = lab.machines.at(-1);
  if (machine === undefined) throw new Error('the lab has no machine');
  const connector = createSessionConnector({ clock: systemClock, log: silentLogger });
  const sessions: HostSession[] = [];
  const target: SessionTarget = {
    owner: 'test/cloud/host',
    host: machine.name,
    address: machine.address,
    port: 22,
    user: lab.sshUser,
    privateKey: await readFile(lab.sshKeyFile, 'utf8'),
    hostKeys: [machine.sshHostKey],
    engine: 'Podman',
    epoch: 1,
  };
  const shell = (command: string) => onMachine(lab, machine, command);
  const clean = async () => {
    for (const session of sessions.splice(0)) session.close();
    await shell(
      'podman rm -fa -t 0 >/dev/null; rm -rf /var/lib/undercloud /etc/containers/registries.conf.d/test.conf',
    );
  };
  await clean();
  return {
    lab,
    target,
    shell,
    clean,
    async connect(change = {}, onTrusted = () => Promise.reject(new Error('the key was pinned'))) {
      const session = await connector.connect({ ...target, ...change }, onTrusted, never);
      sessions.push(session);
      return session;
    },
  };
}

/** Resolves when `probe` holds; looks every 50 ms. */
export async function until(probe: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await probe())) await systemClock.sleep(50);
}
