// Reaches a host: its session, the pinning of a key that is seen for the first time, and the proof that the host is ours.
import { hosts, type Host } from '../api/host.gen.ts';
import { annotations, hostPaths } from '../api/names.ts';
import { unsafe } from '../kernel/errors.ts';
import type { EventRecorder } from '../kernel/events.ts';
import type { KubeClient } from '../kube/client.ts';
import { keyOf } from '../kube/objects.ts';
import type { PoolTarget } from './gather.ts';
import type { HostSession } from './ports.ts';
import type { SessionPool } from './session/pool.ts';

export interface ConnectDeps {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly pool: Pick<SessionPool, 'session'>;
}

/**
 * The host's session, live. `onRenewed` gets the Host when its trusted key was recorded on it. Throws what the connector throws,
 * and unsafe OwnedByOther for a host that carries another owner's mark.
 */
export async function connect(
  deps: ConnectDeps,
  host: Host,
  target: PoolTarget,
  onRenewed: (host: Host) => void,
  signal: AbortSignal,
): Promise<HostSession> {
  const session = await deps.pool.session(
    target,
    async (hostKey) => {
      const metadata = { annotations: { [annotations.trustedHostKey]: hostKey } };
      onRenewed(await deps.client.patch(hosts, keyOf(host), { metadata }, signal));
      const remedy = "compare it, and write it into the node's spec.sshHostKeys";
      deps.events.warning(
        host,
        'HostKeyTrusted',
        'Connect',
        `${host.metadata.name}: its SSH host key was seen for the first time and trusted: ${hostKey}; ${remedy}`,
      );
    },
    signal,
  );
  const { owner } = session.facts;
  if (owner !== '' && owner !== target.owner) {
    throw unsafe(
      'OwnedByOther',
      `${host.metadata.name}: machine ${host.spec.nodeName} belongs to ${owner}: release it there, name it for that host in ` +
        `the Overcloud's spec.roles[].hosts[].node, or remove ${hostPaths.state}/owner on it`,
    );
  }
  return session;
}
