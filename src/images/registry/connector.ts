// Keeps one registry client per access, so that connections, tokens and a 429's delay are shared between image sets.
import { hashOf } from '../../api/canonical.ts';
import type { Clock } from '../../kernel/clock.ts';
import { createAddressGuard } from './address.ts';
import { createRegistryClient } from './client.ts';
import type { RegistryConnector } from './port.ts';

const defaultTimeoutMs = 15_000;
/** New credentials make a new client: the oldest are let go. */
const mostClients = 32;

export interface RegistryConnectorDeps {
  readonly clock: Clock;
  readonly random: () => number;
  /** For one request, from connecting to the last byte; for a blob's bytes, how long none may come or go. */
  readonly timeoutMs?: number;
  /** Loopback and link-local addresses may be spoken to: --allow-local-registries. */
  readonly allowLocal?: boolean;
}

export function createRegistryConnector(deps: RegistryConnectorDeps): RegistryConnector {
  const { clock, random, timeoutMs = defaultTimeoutMs, allowLocal = false } = deps;
  const guard = createAddressGuard({ allowLocal });
  const clients = new Map<string, ReturnType<typeof createRegistryClient>>();
  return {
    connect(access) {
      const key = hashOf(access);
      const client = clients.get(key) ?? createRegistryClient(access, { clock, random, timeoutMs, guard });
      clients.delete(key);
      clients.set(key, client);
      for (const oldest of clients.keys()) {
        if (clients.size <= mostClients) break;
        // Somebody may be using it still; its connections end by themselves when they are idle.
        clients.delete(oldest);
      }
      return client;
    },
    async close() {
      await Promise.all([...clients.values()].map((client) => client.close()));
      clients.clear();
    },
  };
}
