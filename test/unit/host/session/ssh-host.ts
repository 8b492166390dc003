// A host in the test's own process: an SSH server with one key, a scripted helper, an engine over HTTP.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import ssh2 from 'ssh2';
import type { AuthContext, ServerChannel, Session } from 'ssh2';
import type { HelperAnswer } from '../../../../src/host/session/helper-protocol.ts';
import type { SessionTarget } from '../../../../src/host/ports.ts';

/**
 * In OpenSSH's format. ssh2 1.17 now and then makes a key that its own parser calls malformed: then another
 * one.
 */
export function keyPair(): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

/** What the host does with the command that starts the helper; replaced by tests of bad hosts. */
export type Command = (channel: ServerChannel) => void;

export interface SshHost {
  readonly target: SessionTarget;
  /** What happened, in order: `start`, `install`, `dial`. */
  readonly seen: string[];
  /** The source of the helper that was uploaded last. */
  installed(): string;
  /** Answers the command that starts the helper from now on. */
  onStart(command: Command): void;
  /** What the engine answers; by default its event stream opens and stays silent. */
  onRequest(handler: RequestListener): void;
  /** Refuses to forward Unix sockets from now on. */
  forbidForwarding(): void;
  /** Cuts every connection, as a machine that lost its power. */
  cut(): void;
  close(): Promise<void>;
}

export const facts = { hostname: 'ctrl01', machineId: 'm', bootId: 'b', owner: '' };

/** A helper that says yes to hello and to everything after it. */
export const goodHelper: Command = (channel) => {
  answerWith(channel, ({ id, op }) => ({
    id,
    ok: true,
    result: op === 'hello' ? { ...facts, door: '/door' } : null,
  }));
};

/** A helper that answers each request with what `answer` makes of it. */
export function answerWith(
  channel: ServerChannel,
  answer: (request: { readonly id: number; readonly op: string }) => HelperAnswer,
): void {
  createInterface(channel).on('line', (line) => {
    channel.write(`${JSON.stringify(answer(JSON.parse(line) as { id: number; op: string }))}\n`);
  });
}

/** A command that says `complaint` and ends with `code`. */
export function exit(code: number, complaint = ''): Command {
  return (channel) => {
    channel.stderr.write(complaint);
    channel.exit(code);
    channel.end();
  };
}

export async function createSshHost(hostKey = keyPair()): Promise<SshHost> {
  const client = keyPair();
  const seen: string[] = [];
  let start: Command = goodHelper;
  let installed = '';
  let forwarding = true;
  let respond: RequestListener = (_request, response) => response.writeHead(200).flushHeaders();

  const engine = createServer((request, response) => respond(request, response)).listen(0, '127.0.0.1');
  await once(engine, 'listening');
  const enginePort = (engine.address() as AddressInfo).port;
  const run = (command: string, channel: ServerChannel) => {
    seen.push(command.includes('cat >') ? 'install' : 'start');
    if (seen.at(-1) === 'start') {
      start(channel);
      return;
    }
    void text(channel).then((source) => {
      installed = source;
      exit(0)(channel);
    });
  };
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => checkKey(context, client.public));
    connection.on('session', (accept) => onCommand(accept(), run));
    connection.on('openssh.streamlocal' as 'tcpip', (accept, reject) => {
      seen.push('dial');
      if (!forwarding) return reject();
      const channel = accept();
      const socket = connect(enginePort, '127.0.0.1');
      channel.pipe(socket).pipe(channel);
      channel.on('close', () => socket.destroy());
      socket.on('error', () => undefined);
    });
  });
  const sockets = new Set<Socket>();
  listenerOf(server).on('connection', (socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    seen,
    target: {
      owner: 'ns/lab/ctrl01',
      host: 'ctrl01',
      address: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      user: 'heat-admin',
      privateKey: client.private,
      hostKeys: [hostKey.public],
      engine: 'Docker',
      epoch: 5,
    },
    installed: () => installed,
    onStart: (command) => void (start = command),
    onRequest: (handler) => void (respond = handler),
    forbidForwarding: () => void (forwarding = false),
    cut: () => sockets.forEach((socket) => socket.destroy()),
    async close() {
      sockets.forEach((socket) => socket.destroy());
      engine.closeAllConnections();
      engine.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The TCP server below ssh2's, which shows the connections that can be cut. */
function listenerOf(server: ssh2.Server): NetServer {
  return (server as unknown as { readonly _srv: NetServer })._srv;
}

function onCommand(session: Session, run: (command: string, channel: ServerChannel) => void): void {
  session.on('exec', (accept, _reject, { command }) => run(command, accept()));
}

function checkKey(context: AuthContext, authorized: string): void {
  const known = ssh2.utils.parseKey(authorized);
  if (known instanceof Error) throw known;
  const matches = context.method === 'publickey' && context.key.data.equals(known.getPublicSSH());
  if (!matches) context.reject(['publickey']);
  else if (context.signature === undefined) context.accept();
  else if (known.verify(context.blob ?? Buffer.alloc(0), context.signature, context.hashAlgo))
    context.accept();
  else context.reject();
}
