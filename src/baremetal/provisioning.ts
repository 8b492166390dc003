// What machines that boot speak to: the listener for their boot scripts, the one for their agents, its certificate, the turns.
import { X509Certificate } from 'node:crypto';
import { bareMetalNodes } from '../api/baremetalnode.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { Logger } from '../kernel/log.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { findBy } from '../kube/index.ts';
import type { LeaderLabel } from '../kube/leader-label.ts';
import { createAgentClient } from './agent/client.ts';
import { createDesk } from './agent/desk.ts';
import { startAgentServer } from './agent/server.ts';
import { startBootServer } from './boot/listener.ts';
import type { BootPlan } from './boot/script.ts';
import { readCertificate } from './certificate.ts';
import type { ProvisioningServices } from './controller.ts';
import { nodesByMac } from './indexes.ts';
import { createSlots } from './slots.ts';
import { eventToken, isEventToken } from './subscriptions.ts';
import type { AgentApi } from './work/tries.ts';

export interface Listen {
  readonly host: string;
  readonly port: number;
}

export interface ProvisioningOptions {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where agents find us: `https://HOST:PORT`. */
  readonly agentUrl: string;
  readonly agentListen: Listen;
  readonly bootListen: Listen;
  /** Points the machines' Service at this process. */
  readonly label: LeaderLabel;
  /** How many machines boot the agent at once. */
  readonly slots: number;
  /** The Secret with the agents' certificate is in this namespace. */
  readonly namespace: string;
}

interface Listener {
  close(): Promise<void>;
}

const againMs = 10_000;

const fingerprintOf = (pem: string): string =>
  new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();

export function createProvisioning(options: ProvisioningOptions): ProvisioningServices {
  const { cache, clock, log, agentUrl } = options;
  let news: (uid: string) => void = () => undefined;
  let event: (uid: string) => boolean = () => false;
  let eventKey: string | undefined;
  const desk = createDesk({ clock, onNews: (uid) => news(uid) });
  const plans = new Map<string, BootPlan>();
  const open: Listener[] = [];
  let starting: Promise<void> = Promise.resolve();
  let api: AgentApi | undefined;

  /** An awaited machine boots the agent, a known one its disk. */
  const bootFor = (mac: string): BootPlan | undefined => {
    const awaited = desk.byMac(mac);
    const plan = awaited && plans.get(awaited.uid);
    if (plan !== undefined) return plan;
    const [known] = findBy(cache.store(bareMetalNodes), nodesByMac, mac);
    return known && { kind: 'Disk', node: known.metadata.name };
  };

  const listen = async (signal: AbortSignal): Promise<void> => {
    const tls = await readCertificate(options, new URL(agentUrl).hostname, signal);
    const onEvent = (uid: string, token: string): boolean => isEventToken(tls.key, uid, token) && event(uid);
    open.push(await startAgentServer({ ...options.agentListen, tls, desk, onEvent, log }));
    open.push(await startBootServer({ ...options.bootListen, desk, bootFor, log }));
    await options.label.show(signal);
    eventKey = tls.key;
    api = { url: agentUrl, sha256: fingerprintOf(tls.cert) };
    log.info('Machines can boot', { agentUrl });
  };
  const closeAll = async (): Promise<void> => {
    await Promise.all(open.splice(0).map((listener) => listener.close()));
  };
  const keepTrying = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      try {
        await listen(signal);
        return;
      } catch (error) {
        await closeAll();
        if (signal.aborted) return;
        log.error('Machines cannot boot: it is tried again', { error: messageOf(error) });
      }
      await clock.sleep(againMs, signal);
    }
  };

  return {
    desk,
    plans,
    slots: createSlots(options.slots),
    connectAgent: (address, token) => createAgentClient({ address, token }),
    api: () => api,
    eventUrl: (uid) => eventKey && `${agentUrl}/v1/events/${uid}/${eventToken(eventKey, uid)}`,
    start(onNews, onEvent, signal) {
      news = onNews;
      event = onEvent;
      starting = keepTrying(signal).catch((error: unknown) => {
        if (!signal.aborted) log.error('Machines cannot boot', { error: messageOf(error) });
      });
    },
    async finish() {
      await starting;
      await closeAll();
    },
  };
}
