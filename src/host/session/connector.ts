// Opens a session on a host: connects, pins the key, starts the helper, takes the fence, reaches the engine.
import type { Clock } from '../../kernel/clock.ts';
import { OperatorError, asOperatorError, messageOf, terminal, transient } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/log.ts';
import { hostPaths } from '../../api/names.ts';
import { createEngine, dockerOn } from '../containers/engine.ts';
import { watchEngineEvents } from '../containers/engine-events.ts';
import type { EngineEvent, HostFacts, HostSession, SessionConnector, SessionTarget } from '../ports.ts';
import { HelperEnded, sessionClosed } from './errors.ts';
import { createHostFiles, reloadRegistries } from './files.ts';
import { createHelperClient } from './helper-client.ts';
import type { HelperClient } from './helper-client.ts';
import { installHelper, loadHelper, startFailure, startHelper } from './install.ts';
import type { HelperProgram } from './install.ts';
import { ledgerFile, parseLedger } from './ledger.ts';
import { nameOf, openSsh } from './ssh.ts';
import type { SshConnection } from './ssh.ts';
import { createTunnel } from './tunnel.ts';

/** Where each engine listens on a host that nobody configured otherwise. */
const engineSockets = { Podman: '/run/podman/podman.sock', Docker: '/var/run/docker.sock' } as const;
/** How long the engine may take for its first answer: a socket-activated one is started by it. */
const engineStartMs = 30_000;

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
}

export function createSessionConnector(deps: Deps): SessionConnector {
  let program: Promise<HelperProgram> | undefined;
  return {
    async connect(target, onTrusted, signal) {
      program ??= loadHelper();
      const loaded = await program;
      const ssh = await openSsh(target, signal);
      const onAbort = () => ssh.end(sessionClosed(nameOf(target)));
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        if (target.hostKeys.length === 0) await onTrusted(ssh.hostKey);
        const { helper, facts } = await greet(ssh, target, loaded, deps, signal);
        // An operator that was killed between writing the registries' configuration and saying so left this
        // to us.
        await reloadRegistries(helper, target.engine, signal);
        return await openSession(ssh, target, helper, facts, deps);
      } catch (error) {
        ssh.end(asOperatorError(error));
        signal.throwIfAborted();
        throw error;
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}

type Greeting = HostFacts & { readonly door: string };

/** Starts the helper, installing it when it is missing, and takes the fence. */
async function greet(
  ssh: SshConnection,
  target: SessionTarget,
  program: HelperProgram,
  deps: Deps,
  signal: AbortSignal,
): Promise<{ readonly helper: HelperClient; readonly facts: Greeting }> {
  const name = nameOf(target);
  const start = async () => {
    const channel = await startHelper(ssh, program, target.user);
    let greeted = false;
    const onEnded = (reason: HelperEnded) => {
      if (greeted) ssh.end(reason);
    };
    const helper = createHelperClient({ channel, name, clock: deps.clock, onEnded });
    const engine = engineSockets[target.engine];
    const facts = await helper.request('hello', { epoch: target.epoch, owner: target.owner, engine }, signal);
    greeted = true;
    return { helper, facts };
  };
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof HelperEnded)) throw error;
    const failure = startFailure(error, name);
    if (!failure.missing) throw failure.error;
  }
  await installHelper(ssh, program, target.user, name);
  return start();
}

async function openSession(
  ssh: SshConnection,
  target: SessionTarget,
  helper: HelperClient,
  greeting: Greeting,
  deps: Deps,
): Promise<HostSession> {
  const name = nameOf(target);
  const { door, ...facts } = greeting;
  await probeForwarding(ssh, door, name);
  const tunnel = createTunnel(ssh, door);
  ssh.ended.addEventListener('abort', () => tunnel.close(), { once: true });
  const streams = dockerOn(tunnel.streams);
  const listeners = new Set<(event: EngineEvent) => void>();
  await openEvents(ssh, name, {
    ...deps,
    streams,
    emit: (event) => listeners.forEach((listener) => listener(event)),
  });
  const files = createHostFiles(helper, target.engine, name);
  return {
    facts,
    files,
    engine: createEngine({
      name,
      calls: dockerOn(tunnel.calls),
      streams,
      closed: ssh.ended,
      clock: deps.clock,
    }),
    closed: ssh.ended,
    readLedger: async (signal) =>
      parseLedger(await helper.request('read', { path: hostPaths.ledger }, signal), name),
    writeLedger: (ledger, signal) => files.write([ledgerFile(ledger)], signal),
    claim: (owner, signal) => files.write([ownerFile(owner)], signal),
    onEngineEvent: (listener) => void listeners.add(listener),
    close: () => ssh.end(sessionClosed(name)),
  };
}

function ownerFile(owner: string) {
  const content = new TextEncoder().encode(`${owner}\n`);
  return {
    path: `${hostPaths.state}/owner`,
    content,
    mode: '0644',
    owner: 'root:root',
    inPlace: false,
  };
}

/** The helper listens for sure: when sshd does not let us through, it is by its settings. */
async function probeForwarding(ssh: SshConnection, door: string, name: string): Promise<void> {
  try {
    (await ssh.dial(door)).destroy();
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const remedy = 'set AllowStreamLocalForwarding yes in sshd_config';
    throw terminal(
      'HostUnsuitable',
      `${name}: sshd forwards no Unix sockets (${messageOf(error)}): ${remedy}`,
    );
  }
}

/** The first answer proves that the engine lives; one that hangs ends the session, and so this call. */
async function openEvents(
  ssh: SshConnection,
  name: string,
  options: Omit<Parameters<typeof watchEngineEvents>[0], 'closed'>,
): Promise<void> {
  const unavailable = (why: string) =>
    transient(
      'EngineUnavailable',
      `${name}: the engine does not answer: ${why}; look at its service on the host`,
    );
  const limit = options.clock.schedule(engineStartMs, () =>
    ssh.end(unavailable('it accepts and says nothing')),
  );
  try {
    await watchEngineEvents({ ...options, closed: ssh.ended });
  } catch (error) {
    throw ssh.ended.aborted ? ssh.ended.reason : unavailable(messageOf(error));
  } finally {
    limit.cancel();
  }
}
