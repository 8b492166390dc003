// How to reach the API server: kubeconfig or service account, through client-node, on one shared pool of connections.
import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import type { AgentOptions, RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, ProxyAgent, type buildConnector, type Dispatcher } from 'undici';
import type { Clock } from '../kernel/clock.ts';
import { messageOf, terminal } from '../kernel/errors.ts';

/** Files of credentials are read again after this long (tokens and certificates rotate; client-go uses a minute too). */
const rereadMs = 60_000;
/** A request waits rather than open one more; watches hold one each. */
const mostConnections = 64;

/** What a request needs beside its path. */
export interface Access {
  readonly dispatcher: Dispatcher;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ApiServerAccess {
  /** `https://host:port`, with a path where the kubeconfig has one, without a slash at the end. */
  readonly server: string;
  /** The namespace of the kubeconfig's context or of the service account. */
  readonly namespace: string | undefined;
  current(): Promise<Access>;
  /** To be called when the server answered 401: the next request reads the credentials again. */
  refused(): void;
  close(): Promise<void>;
}

/**
 * Loads `kubeconfig`, or else what kubectl would take ($KUBECONFIG, ~/.kube/config), or else the pod's service account.
 * Throws terminal InvalidKubeconfig.
 */
export function loadAccess(options: { readonly kubeconfig?: string }, clock: Clock): ApiServerAccess {
  const config = loadKubeConfig(options.kubeconfig);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw terminal(
      'InvalidKubeconfig',
      `the kubeconfig's current context '${config.currentContext}' names no cluster`,
    );
  }
  let access: (Access & { readonly fingerprint: string; readonly readAt: number }) | undefined;
  let expired = false;

  const read = async () => {
    const tls: RequestOptions & AgentOptions = {};
    await config.applyToHTTPSOptions(tls);
    const fingerprint = fingerprintOf([tls.ca, tls.cert, tls.key, tls.servername]);
    const former = access;
    const dispatcher = former?.fingerprint === fingerprint ? former.dispatcher : connect(config, tls);
    access = { dispatcher, headers: headersOf(tls), fingerprint, readAt: clock.monotonic() };
    expired = false;
    // Watches on the old connections end by themselves, at the latest with their timeout.
    if (former !== undefined && former.dispatcher !== dispatcher)
      former.dispatcher.close().catch(() => undefined);
    return access;
  };

  return {
    server: cluster.server.replace(/\/$/, ''),
    namespace: config.getContextObject(config.currentContext)?.namespace,
    async current() {
      const fresh = access !== undefined && !expired && clock.monotonic() - access.readAt < rereadMs;
      return fresh && access !== undefined ? access : read();
    },
    refused() {
      expired = true;
    },
    async close() {
      await access?.dispatcher.destroy();
    },
  };
}

function loadKubeConfig(path: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path);
  } catch (error) {
    throw terminal(
      'InvalidKubeconfig',
      `cannot load the kubeconfig${path ? ` ${path}` : ''}: ${messageOf(error)}`,
    );
  }
  return config;
}

/** HTTP/1.1 only: a stream per watch on one HTTP/2 connection dies with it, and pepr measured leaks (its ADR 0015). */
function connect(config: KubeConfig, tls: AgentOptions): Dispatcher {
  const options = config.createDispatcherOptions(config.getCurrentCluster(), tls);
  const pool = { allowH2: false, connections: mostConnections };
  switch (options.type) {
    case 'none':
      return new Agent(pool);
    case 'agent':
      return new Agent({ ...pool, connect: options.connect as buildConnector.BuildOptions });
    case 'proxy':
      return new ProxyAgent({
        ...pool,
        uri: options.uri,
        requestTls: options.requestTls as buildConnector.BuildOptions,
        connect: options.connect as buildConnector.BuildOptions,
      });
    case 'socks':
      throw terminal(
        'InvalidKubeconfig',
        'the kubeconfig asks for a SOCKS proxy: only HTTP proxies are supported',
      );
  }
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers = Object.entries((options.headers ?? {}) as OutgoingHttpHeaders).map(
    ([name, value]) => [name, String(value)] as const,
  );
  if (typeof options.auth === 'string') {
    headers.push(['Authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`]);
  }
  return { 'User-Agent': 'undercloud', ...Object.fromEntries(headers) };
}

function fingerprintOf(parts: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part instanceof Uint8Array ? part : String(part)).update('\0');
  return hash.digest('hex');
}
