// Sends HTTP requests to one registry: its connections, TLS, and its 429s.
import { rootCertificates } from 'node:tls';
import { Agent } from 'undici';
import {
  exchange,
  headerOf,
  isStream,
  type ExchangeDeps,
  type RegistryRequest,
  type RegistryResponse,
} from './exchange.ts';
import type { Governor } from './governor.ts';

const mostThrottles = 5;

export interface Transport {
  /**
   * Throws transient RegistryUnreachable and RegistryThrottled, terminal RegistryCertificateInvalid, RegistryRefused and
   * AddressForbidden, or the signal's reason.
   */
  send(request: RegistryRequest, signal: AbortSignal): Promise<RegistryResponse>;
  close(): Promise<void>;
}

export type TransportDeps = Omit<ExchangeDeps, 'agent'> & { readonly governor: Governor };

export function createTransport(deps: TransportDeps): Transport {
  const { access, governor, guard, timeoutMs } = deps;
  const agent = new Agent({
    allowH2: false,
    // The watchdog knows better when a connection is silent: it does not count the time in which we are slow.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: timeoutMs,
      rejectUnauthorized: !access.insecure,
      lookup: guard.lookup,
      ...(access.ca === undefined ? {} : { ca: [...rootCertificates, access.ca] }),
    },
  });

  return {
    async send(sent, signal) {
      for (let attempt = 0; ; attempt += 1) {
        await governor.turn(signal);
        const response = await exchange({ ...deps, agent }, sent, signal);
        if (response.status !== 429) return response;
        governor.slowDown(headerOf(response.headers, 'retry-after'), attempt);
        if (attempt === mostThrottles || isStream(sent.body)) return response;
        await response.discard();
      }
    },
    close: () => agent.destroy(),
  };
}
