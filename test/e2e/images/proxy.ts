// A reverse proxy before a registry: counts what is uploaded through it, and slows uploads down or turns all away when told to.
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { pause } from '../../support/wait.ts';
import { portOf } from '../bare-metal/ports.ts';

/** Since the last reset. */
export interface Traffic {
  /** Bytes of layers and configurations on their way to the registry. */
  readonly bytes: number;
  /** By digest: how often its upload was completed. */
  readonly uploads: ReadonlyMap<string, number>;
  /** Blobs that the registry took over from another of its repositories. */
  readonly mounts: number;
  /** `repository:tag`, each time a manifest was put there. */
  readonly manifests: readonly string[];
  /** `repository:tag` of the manifests that somebody asked for by HEAD. */
  readonly looks: ReadonlySet<string>;
  readonly refused: number;
}

export type Temper =
  | { readonly kind: 'willing' }
  /** Of each upload by itself. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  | { readonly kind: 'overrun'; readonly retryAfterSeconds: number };

export interface Proxy {
  /** `127.0.0.1:port` */
  readonly host: string;
  temper: Temper;
  traffic(): Traffic;
  reset(): void;
  stop(): Promise<void>;
}

type Counts = { -readonly [Name in keyof Traffic]: Traffic[Name] } & {
  readonly uploads: Map<string, number>;
  readonly manifests: string[];
  readonly looks: Set<string>;
};

const nothing = (): Counts => ({
  bytes: 0,
  uploads: new Map(),
  mounts: 0,
  manifests: [],
  looks: new Set(),
  refused: 0,
});

/** `target`: the registry's `host:port`, plain HTTP. */
export async function startProxy(target: string): Promise<Proxy> {
  const agent = new Agent({ keepAlive: true });
  let counts = nothing();
  const server = createServer((asked, answer) => {
    if (proxy.temper.kind === 'overrun') {
      counts.refused += 1;
      asked.resume();
      answer.writeHead(429, { 'retry-after': String(proxy.temper.retryAfterSeconds) }).end();
      return;
    }
    const now = counts;
    // Whoever asked may be killed in the middle: that is no error of ours.
    relay(asked, answer, { target, agent, counts: now, proxy }).catch(() => answer.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: Proxy = {
    host: `127.0.0.1:${portOf(server)}`,
    temper: { kind: 'willing' },
    traffic: () => counts,
    reset: () => void (counts = nothing()),
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

interface Relay {
  readonly target: string;
  readonly agent: Agent;
  readonly counts: Counts;
  readonly proxy: Pick<Proxy, 'temper'>;
}

/** The Host header stays ours: the registry names its uploads by it. */
async function relay(
  asked: IncomingMessage,
  answer: ServerResponse,
  { target, agent, counts, proxy }: Relay,
): Promise<void> {
  const { method = '', url = '', headers } = asked;
  const onward = request(`http://${target}${url}`, { method, headers, agent });
  onward.on('error', () => undefined);
  answer.once('close', () => onward.destroy());
  const isUpload = url.includes('/blobs/uploads/') && (method === 'PATCH' || method === 'PUT');
  const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
  // A body that breaks off ends the request, and with it the wait for its answer.
  pipeline(asked, isUpload ? counted(counts, proxy) : same, onward).catch(() => undefined);
  const [reply] = await answered;
  note(counts, `${method} ${url}`, reply.statusCode ?? 0);
  answer.writeHead(reply.statusCode ?? 502, reply.headers);
  await pipeline(reply, answer);
}

async function* same(body: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  yield* body;
}

const counted = (counts: Counts, proxy: Pick<Proxy, 'temper'>) =>
  async function* (body: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of body) {
      counts.bytes += chunk.length;
      if (proxy.temper.kind === 'slow') await pause((1000 * chunk.length) / proxy.temper.bytesPerSecond);
      yield chunk;
    }
  };

/** distribution-spec, "Endpoints". */
function note(counts: Counts, line: string, status: number): void {
  const [, digest] = /^PUT \/v2\/.+\/blobs\/uploads\/.*[?&]digest=([^&]+)/.exec(line) ?? [];
  const [, how, repository, tag] = /^(PUT|HEAD) \/v2\/(.+)\/manifests\/([^/]+)$/.exec(line) ?? [];
  if (digest !== undefined && status === 201) {
    const name = decodeURIComponent(digest);
    counts.uploads.set(name, (counts.uploads.get(name) ?? 0) + 1);
  }
  if (/^POST .+[?&]mount=/.test(line) && status === 201) counts.mounts += 1;
  if (how === 'PUT' && status === 201) counts.manifests.push(`${repository ?? ''}:${tag ?? ''}`);
  if (how === 'HEAD') counts.looks.add(`${repository ?? ''}:${tag ?? ''}`);
}
