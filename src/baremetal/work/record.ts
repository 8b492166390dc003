// What of a machine must outlive both its status and this process: the agent's token and address, the host key, who was installed.
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import { objectLabels } from '../../api/names.ts';
import { terminal } from '../../kernel/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { keyOf, secrets, type Secret } from '../../kube/objects.ts';
import type { AgentAddress } from '../agent/port.ts';

export interface MachineRecord {
  /** The last boot into the agent. */
  readonly boot?: { readonly id: string; readonly token: string; readonly address?: AgentAddress };
  /** The SSH host key that the machine gets at every installation, in OpenSSH's formats. */
  readonly hostKey?: { readonly privateKey: string; readonly publicKey: string };
  /** Whose system we wrote on it; there from the moment on when it was there whole, until the machine is given back. */
  readonly owner?: { readonly overcloud: string; readonly host: string; readonly uid: string };
}

export interface Records {
  /** Live at the first time, then as this process wrote it: nobody else writes it. */
  read(node: BareMetalNode, signal: AbortSignal): Promise<MachineRecord>;
  /** Keeps what is there but for the members of `change`; null takes one away. Throws transient Conflict. */
  change(node: BareMetalNode, change: RecordChange, signal: AbortSignal): Promise<MachineRecord>;
  /** Has the record go with its node, unless it says that a system is on the machine: called when the node is about to go. */
  leave(node: BareMetalNode, signal: AbortSignal): Promise<void>;
  /** The node is gone. */
  forget(uid: string): void;
}

export type RecordChange = { readonly [K in keyof MachineRecord]?: MachineRecord[K] | null };

/** One data key for each member, so that a person can take one away. */
const members = ['boot', 'hostKey', 'owner'] as const;

const recordName = (name: string): string => `${name}-agent`;

export function createRecords(client: KubeClient): Records {
  const known = new Map<string, Secret | undefined>();

  const secretOf = async (node: BareMetalNode, signal: AbortSignal): Promise<Secret | undefined> => {
    const { uid, namespace, name } = node.metadata;
    if (known.has(uid)) return known.get(uid);
    const secret = await client.get(secrets, { namespace, name: recordName(name) }, signal);
    if (secret !== undefined && !isOurs(secret, node)) throw taken(node);
    known.set(uid, secret);
    return secret;
  };

  return {
    read: async (node, signal) => parsed(await secretOf(node, signal)),
    async change(node, change, signal) {
      const secret = await secretOf(node, signal);
      const data = Object.fromEntries(Object.entries(change).map(([name, value]) => [name, encoded(value)]));
      // Read back, not taken from the answer: what is read is kept out of the logs.
      known.delete(node.metadata.uid);
      if (secret === undefined) await create(client, node, data, signal);
      else {
        const { resourceVersion } = secret.metadata;
        await client.patch(secrets, keyOf(secret), { metadata: { resourceVersion }, data }, signal);
      }
      return parsed(await secretOf(node, signal));
    },
    forget: (uid) => void known.delete(uid),
    async leave(node, signal) {
      const { namespace } = node.metadata;
      const secret = await client.get(secrets, { namespace, name: recordName(node.metadata.name) }, signal);
      known.delete(node.metadata.uid);
      // A machine that still carries a system stays known as that: whoever registers it again must not erase it.
      if (secret === undefined || !isOurs(secret, node) || parsed(secret).owner !== undefined) return;
      const { resourceVersion } = secret.metadata;
      // Not sooner: the garbage collector takes what belongs to a UID that is no more, and after a restore all are others.
      const { apiVersion, kind } = node;
      const { name, uid } = node.metadata;
      const metadata = { resourceVersion, ownerReferences: [{ apiVersion, kind, name, uid }] };
      await client.patch(secrets, keyOf(secret), { metadata }, signal);
    },
  };
}

async function create(
  client: KubeClient,
  node: BareMetalNode,
  data: Readonly<Record<string, string | null>>,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = node.metadata;
  const given = Object.entries(data).filter((entry): entry is [string, string] => entry[1] !== null);
  const metadata = { namespace, name: recordName(name), labels: { [objectLabels.node]: name } };
  const manifest = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    type: 'Opaque',
    data: Object.fromEntries(given),
  };
  await client.create(secrets, manifest, signal);
}

const isOurs = ({ metadata }: Secret, node: BareMetalNode): boolean =>
  metadata.labels?.[objectLabels.node] === node.metadata.name;

const taken = ({ metadata }: BareMetalNode) =>
  terminal(
    'AgentSecretTaken',
    `Secret ${recordName(metadata.name)} is not of BareMetalNode ${metadata.name}, which needs that name: rename it`,
  );

const encoded = (value: unknown): string | null =>
  value === null ? null : Buffer.from(JSON.stringify(value)).toString('base64');

/** What cannot be read is as good as not there: the agent is booted anew. */
function parsed(secret: Secret | undefined): MachineRecord {
  const entries = members.map((name) => [name, decoded(secret?.data?.[name])] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function decoded(base64: string | undefined): unknown {
  if (base64 === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
