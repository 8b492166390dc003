// The config drive of one deployment: gathers the keys and addresses that boot/config-drive.ts writes down.
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import type { Host } from '../../api/host.gen.ts';
import { terminal } from '../../kernel/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { secrets } from '../../kube/objects.ts';
import { configDriveFor } from '../boot/config-drive.ts';
import { generateHostKey, publicKeyOf } from '../boot/ssh-keys.ts';
import { macsOf } from './machine.ts';
import type { Records } from './record.ts';

export interface DriveDeps {
  readonly client: KubeClient;
  readonly records: Records;
}

/** As cloud-init reads it, gzipped and in base64: a secret. Throws terminal SSHKeyMissing and SSHKeyUnusable. */
export async function configDriveOf(
  deps: DriveDeps,
  node: BareMetalNode,
  host: Host,
  signal: AbortSignal,
): Promise<string> {
  const { namespace, name, uid } = host.metadata;
  const { overcloudName, hostname, ssh } = host.spec;
  const hostKey = await hostKeyOf(deps, node, signal);
  return configDriveFor({
    uuid: uid,
    hostname,
    user: ssh.user,
    sshPublicKeys: [await loginKey(deps, namespace, ssh.keyName, signal)],
    hostKeys: [{ type: 'ed25519', ...hostKey }],
    network: { mac: macsOf(node)[0] ?? '', address: addressOf(host) },
    installedFor: {
      namespace,
      node: node.metadata.name,
      host: name,
      uid,
      owner: `${namespace}/${overcloudName}/${name}`,
    },
  });
}

/** The fixed address on the network that SSH answers on; undefined: DHCP gives it the one that it is known by. */
function addressOf({ spec }: Host) {
  const onCtlplane = spec.addresses?.find(({ network }) => network === 'ctlplane');
  if (onCtlplane?.prefixLength === undefined) return undefined;
  const { address, prefixLength, gateway } = onCtlplane;
  return { address, prefixLength, gateway, dnsServers: spec.dnsServers };
}

/** Made once for a machine, so that it is known again after it was installed anew. */
async function hostKeyOf({ records }: DriveDeps, node: BareMetalNode, signal: AbortSignal) {
  const { hostKey } = await records.read(node, signal);
  if (hostKey !== undefined) return hostKey;
  const { privateKey, publicKey } = generateHostKey(node.metadata.name);
  const made = { privateKey, publicKey };
  await records.change(node, { hostKey: made }, signal);
  return made;
}

async function loginKey(
  { client }: DriveDeps,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const secret = await client.get(secrets, { namespace, name }, signal);
  const encoded = secret?.data?.['ssh-privatekey'];
  if (encoded === undefined)
    throw terminal('SSHKeyMissing', `Secret ${name} with the key ssh-privatekey does not exist: create it`);
  return publicKeyOf(Buffer.from(encoded, 'base64').toString('utf8'), `Secret ${name}`);
}
