// helper.py as a child process, in directories of its own: what the tests of its protocol talk to.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

export const helperFile = path.resolve(import.meta.dirname, '../../../../src/host/session/helper.py');

interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error?: {
    readonly kind: string;
    readonly reason: string;
    readonly message: string;
    readonly epoch?: number;
  };
}

export interface Host {
  readonly directory: string;
  readonly state: string;
  readonly engine: string;
  /** What the engine's socket does with a connection; echoes by default. */
  serve(handler: (socket: Socket) => void): void;
  start(): Helper;
  /** Starts a helper and says hello. */
  greet(epoch: number, owner?: string): Promise<{ readonly helper: Helper; readonly answer: Answer }>;
  /** The recorded fence. */
  fence(): Promise<unknown>;
  stop(): Promise<void>;
}

export interface Helper {
  readonly process: ChildProcess;
  readonly ended: Promise<number | string | null>;
  ask(op: string, args: object): Promise<Answer>;
  send(line: string): void;
}

/** A "host": a state directory, a run directory, and a socket that stands for the engine's. */
export async function createHost(): Promise<Host> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-helper-'));
  const state = path.join(directory, 'state');
  const engine = path.join(directory, 'engine.sock');
  let handler = (socket: Socket): void => void socket.pipe(socket);
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    handler(socket);
  });
  await once(server.listen(engine), 'listening');
  const helpers: Helper[] = [];
  const host: Host = {
    directory,
    state,
    engine,
    serve(next) {
      handler = next;
    },
    start() {
      const helper = startHelper([state, path.join(directory, 'run')]);
      helpers.push(helper);
      return helper;
    },
    async greet(epoch, owner = 'ns/cloud/host') {
      const helper = host.start();
      return { helper, answer: await helper.ask('hello', { epoch, owner, engine }) };
    },
    async fence() {
      return JSON.parse(await readFile(path.join(state, 'fence.json'), 'utf8')) as unknown;
    },
    async stop() {
      for (const helper of helpers) helper.process.kill('SIGKILL');
      await Promise.all(helpers.map(({ ended }) => ended));
      server.close();
    },
  };
  return host;
}

function startHelper(directories: readonly string[]): Helper {
  const child = spawn('python3', ['-IB', helperFile, ...directories], { stdio: ['pipe', 'pipe', 'ignore'] });
  const waiting = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  child.stdin.on('error', () => undefined);
  createInterface(child.stdout).on('line', (line) => {
    const answer = JSON.parse(line) as Answer;
    waiting.get(answer.id)?.(answer);
  });
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string | null);
  const send = (line: string) => void child.stdin.write(`${line}\n`);
  return {
    process: child,
    ended,
    send,
    ask(op, args) {
      lastId += 1;
      const id = lastId;
      send(JSON.stringify({ id, op, args }));
      return Promise.race([
        new Promise<Answer>((resolve) => waiting.set(id, resolve)),
        ended.then((how) => Promise.reject(new Error(`the helper ended: ${String(how)}`))),
      ]);
    },
  };
}
