// The agent's HTTPS API: one command at a time, with a token (ironic_python_agent/api/app.py and extensions/base.py).
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificate } from '../../src/baremetal/agent/certificate.ts';
import { type AgentFailure, failureOf } from './machine-failures.ts';
import type { Ramdisk } from './machine-model.ts';
import { agentCommands, type Params } from './machine-commands.ts';

export interface AgentApi {
  /** `https://IP:PORT` */
  readonly url: string;
  /** PEM, of a certificate that the agent made itself. */
  readonly certificate: string;
  close(): Promise<void>;
}

/** As the agent lists it; without its extension, unless it failed before it began. */
interface Command {
  readonly id: string;
  readonly command_name: string;
  command_status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CLEAN_VERSION_MISMATCH';
  command_error: Omit<AgentFailure, 'status'> | null;
  command_result: unknown;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** WSME's format of an error (app.py, format_exception). */
const refusal = (status: number, text: string): Reply => ({
  status,
  body: { faultcode: status >= 500 ? 'Server' : 'Client', faultstring: text },
});

/** `onDone` is called when an asynchronous command ended. */
export async function serveAgent(
  ramdisk: Ramdisk,
  token: string | undefined,
  onDone: () => void,
): Promise<AgentApi> {
  const { address, signal } = ramdisk;
  const made = makeCertificate([address], new Date());
  const run = createRunner(ramdisk, onDone);
  const server = createServer({ key: made.key, cert: made.cert }, (request, response) => {
    answer(request, run, token).then(
      (reply) => send(response, reply),
      () => response.destroy(),
    );
  });
  // closeAllConnections leaves out those that are still in their TLS handshake.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const listening = Promise.withResolvers<AddressInfo>();
  server.once('error', listening.reject);
  // The real one has port 9999; here each machine takes what is free.
  server.listen(0, address, () => listening.resolve(server.address() as AddressInfo));
  const { port } = await listening.promise;
  const stop = (): void => sockets.forEach((socket) => void socket.destroy());
  signal.addEventListener('abort', stop);
  return {
    url: `https://${isIPv6(address) ? `[${address}]` : address}:${port}`,
    certificate: made.cert,
    close() {
      signal.removeEventListener('abort', stop);
      const closed: PromiseWithResolvers<void> = Promise.withResolvers();
      server.close(() => closed.resolve());
      stop();
      return closed.promise;
    },
  };
}

interface Runner {
  readonly list: readonly Command[];
  start(name: string, params: Params): Reply;
}

function createRunner(ramdisk: Ramdisk, onDone: () => void): Runner {
  const { signal, speed, faults } = ramdisk;
  const list: Command[] = [];
  const commands = agentCommands(ramdisk);

  const add = (name: string): Command => {
    const command: Command = {
      id: randomUUID(),
      command_name: name,
      command_status: 'RUNNING',
      command_error: null,
      command_result: null,
    };
    list.push(command);
    return command;
  };
  const perform = async (command: Command, work: () => unknown, endless: boolean): Promise<void> => {
    try {
      if (endless) await once(signal, 'abort');
      signal.throwIfAborted();
      const result = await work();
      // A text gets its command's name before it (base.py, AsyncCommandResult).
      command.command_result =
        typeof result === 'string' ? { result: `${command.command_name}: ${result}` } : (result ?? null);
      command.command_status = 'SUCCEEDED';
    } catch (error) {
      const { status, ...failure } = failureOf(error);
      command.command_error = failure;
      command.command_status = status;
    }
  };

  return {
    list,
    start(name, params) {
      const [extension = '', short = ''] = name.split('.', 2);
      const last = list.at(-1);
      if (last?.command_status === 'RUNNING')
        return refusal(409, `Agent is busy: executing command ${last.command_name}`);
      const found = commands.get(name);
      if (found === undefined) {
        const known = [...commands.keys()].some((key) => key.startsWith(`${extension}.`));
        if (known) return refusal(400, `Invalid command: Unknown command: ${short}`);
        return refusal(404, `Not found: Extension with id ${extension} not found.`);
      }
      const step = stepIn(params);
      ramdisk.told(step === undefined ? name : `${name} ${step}`);
      const command = add(short);
      if (found.kind === 'sync') {
        command.command_result = found.run(params) ?? null;
        command.command_status = 'SUCCEEDED';
        return { status: 200, body: command };
      }
      const endless = faults.endless !== undefined && [short, step].includes(faults.endless);
      const work = async (): Promise<unknown> => {
        await sleep(speed.step, undefined, { signal });
        return found.run(params);
      };
      void perform(command, work, endless).then(onDone);
      return { status: 200, body: { ...command } };
    },
  };
}

async function answer(request: IncomingMessage, run: Runner, token: string | undefined): Promise<Reply> {
  const url = new URL(request.url ?? '/', 'https://agent');
  if (url.pathname === '/v1/status') return { status: 200, body: { started_at: 0, version: '10.2.0' } };
  if (!url.pathname.startsWith('/v1/commands/'))
    return refusal(404, '404 Not Found: The requested URL was not found on the server.');
  // An agent that was given no token takes none either (agent.py, validate_agent_token).
  if (token === undefined || url.searchParams.get('agent_token') !== token)
    return refusal(401, '401 Unauthorized: Token invalid.');
  const id = url.pathname.slice('/v1/commands/'.length);
  if (id !== '') {
    const found = run.list.find((command) => command.id === id);
    return found === undefined
      ? refusal(404, `Not found: Command Result with id ${id} not found.`)
      : { status: 200, body: found };
  }
  if (request.method === 'GET') return { status: 200, body: { commands: run.list } };
  const body = await bodyOf(request);
  if (typeof body.name !== 'string' || !isRecord(body.params))
    return refusal(400, '400 Bad Request: Missing or invalid name or params');
  return run.start(body.name, body.params);
}

async function bodyOf(request: IncomingMessage): Promise<Params> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  return isRecord(value) ? value : {};
}

function stepIn({ step }: Params): string | undefined {
  const name = isRecord(step) ? step.step : undefined;
  return typeof name === 'string' ? name : undefined;
}

const isRecord = (value: unknown): value is Params =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function send(response: ServerResponse, { status, body }: Reply): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}
