// Sends HTTP requests to one registry: its connections, TLS, and its 429s.
import { X509Certificate } from 'node:crypto';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { Agent } from 'undici';
import { terminal, type OperatorError } from '../../kernel/errors.ts';
import {
  exchange,
  headerOf,
  isStream,
  type ExchangeDeps,
  type RegistryRequest,
  type RegistryResponse,
} from './exchange.ts';
import type { Governor } from './governor.ts';
import type { RegistryAccess } from './port.ts';

const mostThrottles = 5;

export interface Transport {
  /**
   * Throws transient RegistryUnreachable and RegistryThrottled, terminal RegistryCertificateInvalid, CAInvalid, RegistryRefused and
   * AddressForbidden, or the signal's reason.
   */
  send(request: RegistryRequest, signal: AbortSignal): Promise<RegistryResponse>;
  close(): Promise<void>;
}

export type TransportDeps = Omit<ExchangeDeps, 'agent'> & { readonly governor: Governor };

export function createTransport(deps: TransportDeps): Transport {
  const { access, governor, guard, timeoutMs } = deps;
  const secureContext = access.ca === undefined ? undefined : trustIn(access.ca);
  const agent = new Agent({
    allowH2: false,
    // The watchdog knows better when a connection is silent: it does not count the time in which we are slow.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: timeoutMs,
      rejectUnauthorized: !access.insecure,
      lookup: guard.lookup,
      ...(secureContext === undefined ? {} : { secureContext }),
    },
  });

  return {
    async send(sent, signal) {
      if (access.ca !== undefined && secureContext === undefined) throw caInvalid(access);
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

/**
 * Made once: reading all root certificates takes about 10 ms, in which nothing else happens. Undefined for what is no certificate,
 * which OpenSSL would pass over in silence.
 */
function trustIn(ca: string): SecureContext | undefined {
  const certificates = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (certificates?.every(isCertificate) !== true) return undefined;
  return createSecureContext({ ca: [...rootCertificates, ca] });
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    // Whoever asked says so.
    return false;
  }
}

const caInvalid = ({ host }: RegistryAccess): OperatorError =>
  terminal(
    'CAInvalid',
    `what is given as CA of registry ${host} holds no certificate, or one that is damaged: put PEM into the ConfigMap that caName names`,
  );
