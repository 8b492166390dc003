// One SSH connection: opens it with the host's key checked, runs commands, dials Unix sockets through it.
import type { Duplex } from 'node:stream';
import { Client } from 'ssh2';
import type { ClientChannel, ConnectConfig } from 'ssh2';
import { OperatorError, messageOf, terminal, transient, unsafe } from '../../kernel/errors.ts';
import type { SessionTarget } from '../ports.ts';
import { channelSocket } from './channel-socket.ts';
import { createHostKeyCheck } from './host-keys.ts';
import type { HostKeyCheck } from './host-keys.ts';

/** A host that says nothing for this long is gone: three unanswered probes, 5 s apart. */
const keepalive = { keepaliveInterval: 5_000, keepaliveCountMax: 3 };
const readyTimeout = 10_000;

export interface SshConnection {
  /** The key that the host proved to have, as `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Aborts once, when the connection is over; the reason is an OperatorError. */
  readonly ended: AbortSignal;
  /** Starts a command. Nothing but fixed text may stand in it: data goes to its standard input. */
  exec(command: string): Promise<ClientChannel>;
  /**
   * Connects to a Unix socket on the host. Such channels do not count for sshd's MaxSessions (10): that
   * limits shells, commands and subsystems (OpenSSH 9.2: session.c, session_new), and a direct-streamlocal
   * channel is none. What sshd refuses is thrown as ssh2's error, no OperatorError: only the caller knows
   * why.
   */
  dial(socketPath: string): Promise<Duplex>;
  end(reason: OperatorError): void;
}

/** Throws transient HostUnreachable, terminal SSHAuthFailed or HostUnsuitable, unsafe HostKeyChanged. */
export function openSsh(target: SessionTarget, signal: AbortSignal): Promise<SshConnection> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const client = new Client();
    const keys = createHostKeyCheck(target.hostKeys);
    const over = new AbortController();
    const end = (reason: OperatorError) => {
      signal.removeEventListener('abort', onAbort);
      if (over.signal.aborted) return;
      over.abort(reason);
      client.destroy();
      reject(reason);
    };
    const onAbort = () => {
      reject(signal.reason as Error);
      end(transient('SessionClosed', `${nameOf(target)}: connecting was called off`));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    // For the client's whole life: a second error after the first would otherwise end the process (ssh2 issue
    // 969).
    client.on('error', (error: unknown) => end(connectionError(target, error, keys)));
    client.on('close', () =>
      end(transient('SessionClosed', `${nameOf(target)}: the SSH connection was closed`)),
    );
    client.once('ready', () => {
      signal.removeEventListener('abort', onAbort);
      client.setNoDelay(true);
      resolve(connectionOn(nameOf(target), client, keys.shown(), over.signal, end));
    });
    try {
      client.connect(configOf(target, keys));
    } catch (error) {
      end(keyError(target, error));
    }
  });
}

function configOf(target: SessionTarget, keys: HostKeyCheck): ConnectConfig {
  return {
    host: target.address,
    port: target.port,
    username: target.user,
    privateKey: target.privateKey,
    readyTimeout,
    ...keepalive,
    hostVerifier: (key: Buffer) => keys.accept(key),
    algorithms: keys.algorithms === undefined ? {} : { serverHostKey: keys.algorithms },
  };
}

function connectionOn(
  name: string,
  client: Client,
  hostKey: string,
  ended: AbortSignal,
  end: (reason: OperatorError) => void,
): SshConnection {
  const open = <T>(start: (done: (error: Error | undefined, opened: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      const onEnd = () => {
        reject(ended.reason as OperatorError);
      };
      if (ended.aborted) {
        onEnd();
        return;
      }
      ended.addEventListener('abort', onEnd, { once: true });
      const fail = (error: unknown) => reject(isRefusal(error) ? error : channelError(name, error));
      try {
        start((error, opened) => {
          ended.removeEventListener('abort', onEnd);
          if (error) fail(error);
          else resolve(opened);
        });
      } catch (error) {
        fail(error); // ssh2 throws when the connection is just going down
      }
    });
  return {
    hostKey,
    ended,
    end,
    async exec(command) {
      try {
        return await open((done) => client.exec(command, done));
      } catch (error) {
        if (error instanceof OperatorError) throw error;
        throw terminal(
          'HostUnsuitable',
          `${name}: sshd refuses to run commands (${messageOf(error)})`,
          error,
        );
      }
    },
    dial: async (socketPath) =>
      channelSocket(await open((done) => client.openssh_forwardOutStreamLocal(socketPath, done))),
  };
}

/** ssh2 gives the server's reason for what the server refused; where the connection ended there is none. */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && 'reason' in error && typeof error.reason === 'number';
}

const channelError = (name: string, error: unknown): OperatorError =>
  transient('SessionClosed', `${name}: cannot open a channel: ${messageOf(error)}`, error);

/** `lab-controller01 (heat-admin@172.30.77.11:22)`, as every message about a connection begins. */
export function nameOf(target: SessionTarget): string {
  return `${target.host} (${target.user}@${target.address}:${target.port})`;
}

function keyError(target: SessionTarget, error: unknown): OperatorError {
  const remedy = 'put an OpenSSH or PEM private key without a passphrase into the Secret';
  return terminal('SSHAuthFailed', `${nameOf(target)}: ${messageOf(error)}; ${remedy}`);
}

function connectionError(target: SessionTarget, error: unknown, keys: HostKeyCheck): OperatorError {
  const name = nameOf(target);
  const message = messageOf(error);
  const noPinnedKind = target.hostKeys.length > 0 && message.includes('no matching host key format');
  if (message.includes('Host denied') || noPinnedKind) return keyChanged(name, keys.shown());
  if (levelOf(error) === 'client-authentication') {
    const remedy = `add the public key of the Secret's ssh-privatekey to authorized_keys of ${target.user}`;
    return terminal('SSHAuthFailed', `${name}: the host refuses our key; ${remedy}`);
  }
  if (message.includes('no matching')) {
    return terminal(
      'HostUnsuitable',
      `${name}: ${message}; update the host's sshd or its algorithm settings`,
    );
  }
  const remedy = 'check the address, the network and that sshd runs';
  return transient('HostUnreachable', `${name}: ${message}; ${remedy}`, error);
}

function keyChanged(name: string, shown: string): OperatorError {
  const what = shown === '' ? 'it has no key of a pinned type' : `it shows ${shown}`;
  const remedy =
    "if the machine was reinstalled, put its new key into the node's sshHostKeys; if not, somebody may be in between";
  return unsafe('HostKeyChanged', `${name}: the SSH host key is not the pinned one: ${what}; ${remedy}`);
}

/** Where in ssh2 an error comes from. */
function levelOf(error: unknown): string {
  return error instanceof Error && 'level' in error ? String(error.level) : '';
}
