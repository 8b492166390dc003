// Opening a session on good and bad hosts, and how it ends.
import { expect } from 'chai';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import type { ServerChannel } from 'ssh2';
import { OperatorError } from '../../../../src/kernel/errors.ts';
import { systemClock } from '../../../../src/kernel/clock.ts';
import { silentLogger } from '../../../../src/kernel/log.ts';
import type { EngineEvent, HostSession, SessionTarget } from '../../../../src/host/ports.ts';
import { createSessionConnector } from '../../../../src/host/session/connector.ts';
import { FencedError } from '../../../../src/host/session/errors.ts';
import { helperFile } from './helper-process.ts';
import { answerWith, createSshHost, exit, facts, goodHelper, keyPair } from './ssh-host.ts';
import type { SshHost } from './ssh-host.ts';

const connector = createSessionConnector({ clock: systemClock, log: silentLogger });
const never = new AbortController().signal;
const nothingToTrust = () => Promise.reject(new Error('the key was pinned, nobody should be asked'));

describe('connecting', () => {
  let host: SshHost;
  beforeEach(async () => {
    host = await createSshHost();
  });
  afterEach(() => host.close());

  const connect = (change: Partial<SessionTarget> = {}): Promise<HostSession> =>
    connector.connect({ ...host.target, ...change }, nothingToTrust, never);
  const failure = async (change: Partial<SessionTarget> = {}): Promise<OperatorError> => {
    const thrown: unknown = await connect(change).catch((error: unknown) => error);
    expect(thrown).to.be.instanceOf(OperatorError);
    return thrown as OperatorError;
  };

  it('yields the facts of a good host', async () => {
    const session = await connect();
    expect(session.facts).to.deep.equal(facts);
    expect(session.closed.aborted).to.equal(false);
    session.close();
    expect(session.closed.aborted).to.equal(true);
  });

  it('installs the helper when it is missing, whole, and starts it again', async () => {
    host.onStart((channel) => {
      host.onStart(goodHelper);
      exit(66)(channel);
    });
    (await connect()).close();
    expect(host.seen.slice(0, 3)).to.deep.equal(['start', 'install', 'start']);
    expect(host.installed()).to.equal(await readFile(helperFile, 'utf8'));
  });

  it('reports a key that nobody pinned before it runs anything', async () => {
    const trusted: string[] = [];
    const onTrusted = (key: string) => {
      trusted.push(key, ...host.seen);
      return Promise.resolve();
    };
    (await connector.connect({ ...host.target, hostKeys: [] }, onTrusted, never)).close();
    expect(trusted).to.deep.equal([host.target.hostKeys[0]?.trim().split(' ').slice(0, 2).join(' ')]);
  });

  it('does nothing on a host whose key could not be recorded', async () => {
    const refuse = () => Promise.reject(new OperatorError('transient', 'Conflict', 'not recorded'));
    const thrown: unknown = await connector
      .connect({ ...host.target, hostKeys: [] }, refuse, never)
      .catch((error: unknown) => error);
    expect(thrown).to.include({ reason: 'Conflict' });
    expect(host.seen).to.deep.equal([]);
  });

  it('stops when it is called off', async () => {
    host.onStart(() => undefined);
    const stop = new AbortController();
    const connecting = connector.connect(host.target, nothingToTrust, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 50);
    expect(await connecting.catch(String)).to.equal('Error: enough');
  });

  const rsaKey = `ssh-rsa ${Buffer.from('\0\0\0\x07ssh-rsa').toString('base64')}`;
  const badTargets = [
    {
      name: 'another key of the host',
      change: { hostKeys: [keyPair().public] },
      kind: 'unsafe',
      reason: 'HostKeyChanged',
    },
    {
      name: 'only a pinned key of a kind that the host lacks',
      change: { hostKeys: [rsaKey] },
      kind: 'unsafe',
      reason: 'HostKeyChanged',
    },
    {
      name: 'a key of ours that the host does not know',
      change: { privateKey: keyPair().private },
      kind: 'terminal',
      reason: 'SSHAuthFailed',
    },
    {
      name: 'a key of ours that is none',
      change: { privateKey: 'garbage' },
      kind: 'terminal',
      reason: 'SSHAuthFailed',
    },
    {
      name: 'an address where nobody answers',
      change: { port: 1 },
      kind: 'transient',
      reason: 'HostUnreachable',
    },
  ];
  for (const { name, change, kind, reason } of badTargets) {
    it(`names ${name}, and runs nothing`, async () => {
      const error = await failure(change);
      expect(error).to.include({ kind, reason });
      expect(error.message).to.contain('ctrl01 (heat-admin@127.0.0.1:');
      expect(error.message).not.to.contain('garbage');
      expect(host.seen).to.deep.equal([]);
    });
  }

  const badStarts = [
    {
      name: 'a login shell that talks',
      command: (channel: ServerChannel) => void channel.write('Welcome to ctrl01!\n'),
      kind: 'transient',
      reason: 'SessionClosed',
      says: 'Welcome to ctrl01!',
    },
    {
      name: 'a helper that breaks',
      command: exit(1, 'Traceback: no module named json'),
      kind: 'transient',
      reason: 'SessionClosed',
      says: 'no module named json',
    },
    {
      name: 'no Python',
      command: exit(67),
      kind: 'terminal',
      reason: 'HostUnsuitable',
      says: 'install python3',
    },
    {
      name: 'a sudo that wants a password',
      command: exit(1, 'sudo: a password is required'),
      kind: 'terminal',
      reason: 'HostUnsuitable',
      says: 'sudo: a password is required',
    },
  ];
  for (const { name, command, kind, reason, says } of badStarts) {
    it(`says what is wrong on a host with ${name}`, async () => {
      host.onStart(command);
      const error = await failure();
      expect(error).to.include({ kind, reason });
      expect(error.message).to.contain(says);
    });
  }

  it('carries the epoch that is in charge', async () => {
    const error = {
      kind: 'unsafe',
      reason: 'Fenced',
      message: 'a leader with epoch 9 is in charge',
      epoch: 9,
    } as const;
    host.onStart((channel) => answerWith(channel, ({ id }) => ({ id, ok: false, error })));
    const thrown = await failure();
    expect(thrown).to.be.instanceOf(FencedError);
    expect(thrown).to.include({ kind: 'unsafe', epoch: 9 });
  });

  it('names the setting of an sshd that forwards no sockets', async () => {
    host.forbidForwarding();
    const error = await failure();
    expect(error).to.include({ kind: 'terminal', reason: 'HostUnsuitable' });
    expect(error.message).to.contain('AllowStreamLocalForwarding');
  });

  it('calls an engine that hangs up passing', async () => {
    host.onRequest((request) => request.socket.destroy());
    expect(await failure()).to.include({ kind: 'transient', reason: 'EngineUnavailable' });
  });

  it('calls a host that hangs up in the handshake passing', async () => {
    const rude = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await new Promise((resolve) => rude.once('listening', resolve));
    const error = await failure({ port: (rude.address() as AddressInfo).port });
    rude.close();
    expect(error).to.include({ kind: 'transient', reason: 'HostUnreachable' });
  });
});

describe('a session', () => {
  let host: SshHost;
  let session: HostSession;
  beforeEach(async () => {
    host = await createSshHost();
  });
  afterEach(() => host.close());
  const connect = async () => {
    session = await connector.connect(host.target, nothingToTrust, never);
  };
  const closed = () =>
    new Promise<OperatorError>((resolve) => {
      session.closed.addEventListener('abort', () => resolve(session.closed.reason as OperatorError));
    });

  it('is over when the connection is cut, and so is everything under way', async () => {
    await connect();
    host.onRequest(() => undefined);
    const listing = session.engine.list(never).catch((error: unknown) => error);
    setTimeout(() => host.cut(), 50);
    expect(await closed()).to.include({ kind: 'transient', reason: 'SessionClosed' });
    expect(await listing).to.include({ kind: 'transient', reason: 'EngineUnavailable' });
  });

  it('is over when the helper dies, as it does when another leader comes', async () => {
    let die = (): void => undefined;
    host.onStart((channel) => {
      goodHelper(channel);
      die = () => exit(137)(channel);
    });
    await connect();
    setTimeout(die, 20);
    expect((await closed()).message).to.contain('the helper ended (exit status 137)');
    expect(await session.files.stat([], never).catch((error: unknown) => error)).to.include({
      reason: 'SessionClosed',
    });
  });

  it('ends a call that is called off, and lives on', async () => {
    await connect();
    const stop = new AbortController();
    host.onRequest(() => undefined);
    const listing = session.engine.list(stop.signal).catch(String);
    setTimeout(() => stop.abort(new Error('enough')), 20);
    expect(await listing).to.equal('Error: enough');
    host.onRequest((_request, response) => response.end('[]'));
    expect(await session.engine.list(never)).to.deep.equal([]);
    session.close();
  });

  it('hears what the engine tells, and is told to look at everything after a gap', async () => {
    let streams = 0;
    const event = { Action: 'die', Actor: { ID: 'c1', Attributes: { name: 'nova_api', exitCode: '1' } } };
    host.onRequest((_request, response) => {
      streams += 1;
      response.writeHead(200).flushHeaders();
      if (streams === 1) setTimeout(() => response.end(`${JSON.stringify(event)}\n`), 100);
    });
    await connect();
    const heard: EngineEvent[] = [];
    await new Promise<void>((resolve) => {
      session.onEngineEvent((event) => {
        heard.push(event);
        if (heard.length === 2) resolve();
      });
    });
    expect(heard.map(({ action, containerName }) => [action, containerName])).to.deep.equal([
      ['die', 'nova_api'],
      ['resync', ''],
    ]);
    session.close();
  });
});
