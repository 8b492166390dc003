// Calls an agent: lists its commands and starts new ones, over HTTPS with the agent's own certificate pinned.
import { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { Agent, buildConnector, request } from 'undici';
import { isAbort, messageOf, OperatorError, terminal, transient } from '../../kernel/errors.ts';
import type { AgentAddress, AgentClient, AgentCommand } from './port.ts';

/** As Ironic (ironic/conf/agent.py, command_timeout). */
const silenceMs = 60_000;
const connectMs = 10_000;
const mostBytes = 16 * 1024 * 1024;
/** The route has the slash; without it the agent answers with a redirect (ironic_python_agent/api/app.py). */
const route = '/v1/commands/';

/** No I/O before the first call. Throws terminal AgentRefused for a certificate that is none. */
export function createAgentClient({
  address,
  token,
}: {
  readonly address: AgentAddress;
  readonly token: string;
}): AgentClient {
  const dispatcher = new Agent({
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
    maxResponseSize: mostBytes,
    connect: pinned(address),
  });

  const send = async (
    method: 'GET' | 'POST',
    query: Readonly<Record<string, string>>,
    body: unknown,
    signal: AbortSignal,
  ): Promise<unknown> => {
    const url = new URL(route, address.url);
    for (const [name, value] of Object.entries({ ...query, agent_token: token })) {
      url.searchParams.set(name, value);
    }
    try {
      const reply = await request(url, {
        method,
        dispatcher,
        signal,
        headers: { accept: 'application/json', 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await reply.body.text();
      if (reply.statusCode < 300) return JSON.parse(text) as unknown;
      throw refusal(address, reply.statusCode, text);
    } catch (error) {
      if (signal.aborted && isAbort(error)) throw signal.reason;
      if (error instanceof OperatorError) throw error;
      // The URL, which has the token, is in none of undici's messages.
      throw transient(
        'AgentUnreachable',
        `the agent at ${address.url} does not answer (${messageOf(error)})`,
        error,
      );
    }
  };

  return {
    async commands(signal) {
      return listed(address, await send('GET', {}, undefined, signal));
    },
    async run(name, params, permit, signal) {
      permit();
      await send('POST', { wait: 'false' }, { name, params }, signal);
    },
    close: () => dispatcher.destroy(),
  };
}

/** That very certificate, whatever names and dates it carries: a ramdisk has no clock to rely on. */
function pinned(address: AgentAddress): buildConnector.connector {
  const expected = fingerprintOf(address);
  // A resumed TLS session shows no certificate to compare.
  const connect = buildConnector({ timeout: connectMs, rejectUnauthorized: false, maxCachedSessions: 0 });
  return (options, callback) => {
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null);
      const shown = socket instanceof TLSSocket ? socket.getPeerCertificate().fingerprint256 : undefined;
      if (shown === expected) return callback(null, socket);
      socket.destroy();
      callback(terminal('AgentRefused', `the agent at ${address.url} shows another certificate`), null);
    });
  };
}

function fingerprintOf({ url, certificate }: AgentAddress): string {
  try {
    return new X509Certificate(certificate).fingerprint256;
  } catch (error) {
    throw terminal('AgentRefused', `the certificate of the agent at ${url} cannot be read`, error);
  }
}

/** 409 while another command runs; 401 for a token of another boot. */
function refusal({ url }: AgentAddress, status: number, text: string): OperatorError {
  const told = `the agent at ${url} answers HTTP ${status} (${detailIn(text)})`;
  if (status === 409 || status >= 500) return transient('AgentBusy', told);
  return terminal('AgentRefused', told);
}

/** The agent's own words (errors.py, RESTError). */
function detailIn(text: string): string {
  try {
    const body = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return [body.faultstring, body.message, body.details]
      .filter((part) => typeof part === 'string')
      .join(': ')
      .slice(0, 300);
  } catch {
    return 'no reason given';
  }
}

function listed({ url }: AgentAddress, body: unknown): readonly AgentCommand[] {
  const commands = isRecord(body) ? body.commands : undefined;
  if (!Array.isArray(commands)) throw transient('AgentUnreachable', `the agent at ${url} lists no commands`);
  return commands.map((raw: unknown) => commandIn(isRecord(raw) ? raw : {}));
}

const statuses: readonly AgentCommand['status'][] = [
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'CLEAN_VERSION_MISMATCH',
];

function commandIn(raw: Readonly<Record<string, unknown>>): AgentCommand {
  const {
    id,
    command_name: name,
    command_status: status,
    command_error: error,
    command_result: result,
  } = raw;
  return {
    id: typeof id === 'string' ? id : '',
    name: typeof name === 'string' ? name : '',
    status: statuses.find((known) => known === status) ?? 'FAILED',
    error: errorText(error),
    // The result of a step repeats its arguments: the config drive, with its keys, need not go any further.
    result: name === 'execute_deploy_step' || name === 'execute_clean_step' ? undefined : result,
  };
}

/** An object of type, code, message and details; whatever else it may be becomes text. */
function errorText(error: unknown): string | undefined {
  if (error === null || error === undefined) return undefined;
  if (typeof error === 'string') return error;
  if (!isRecord(error)) return JSON.stringify(error);
  const { type, message, details } = error;
  return [type, message, details].filter((part) => typeof part === 'string').join(': ');
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
