// Reads what a BMC login takes: the Secret, the CA, the address. Keeps the Secret from going while a node uses it.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import { finalizers } from '../api/names.ts';
import { OperatorError, terminal } from '../kernel/errors.ts';
import { ensureFinalizer, removeFinalizer } from '../kernel/finalizers.ts';
import type { KubeClient } from '../kube/client.ts';
import { configMaps, secrets, type Secret } from '../kube/objects.ts';
import { parseBmcAddress } from './bmc/address.ts';
import type { BmcTarget, TlsTrust } from './bmc/port.ts';

export interface Login {
  readonly target: BmcTarget;
  /** The Secret's resourceVersion. */
  readonly secretVersion: string;
  /** Changes with anything that the login is made of; of no meaning beyond this process. */
  readonly version: string;
}

/** The key of a CA's ConfigMap. */
const caKey = 'ca.crt';

/**
 * Reads live. Throws terminal CredentialsMissing, CredentialsInvalid, CredentialsForbidden, CAMissing, BMCAddressInvalid: all of
 * them for a person to mend, and to be read again meanwhile; and what else the API server throws.
 */
export async function readLogin(
  client: KubeClient,
  node: BareMetalNode,
  signal: AbortSignal,
): Promise<Login> {
  try {
    return await loginOf(client, node, signal);
  } catch (error) {
    if (!(error instanceof OperatorError && error.reason === 'Forbidden')) throw error;
    throw terminal('CredentialsForbidden', error.message, error);
  }
}

async function loginOf(client: KubeClient, node: BareMetalNode, signal: AbortSignal): Promise<Login> {
  const { bmc } = node.spec;
  const address = parseBmcAddress(bmc.address);
  const secret = await heldSecret(client, node, signal);
  const { username, password } = {
    username: textOf(secret, 'username'),
    password: textOf(secret, 'password'),
  };
  const { trust, version } = await readTrust(client, node, signal);
  return {
    target: { address, username, password, trust },
    secretVersion: secret.metadata.resourceVersion,
    version: [bmc.address, secret.metadata.uid, secret.metadata.resourceVersion, version].join(' '),
  };
}

/** The Secret with our finalizer on it; one that is going already stays as it is, and serves as long as it is there. */
async function heldSecret(client: KubeClient, node: BareMetalNode, signal: AbortSignal): Promise<Secret> {
  const { namespace } = node.metadata;
  const name = node.spec.bmc.credentialsName;
  const secret = await client.get(secrets, { namespace, name }, signal);
  if (secret === undefined)
    throw terminal('CredentialsMissing', `Secret ${name} with the BMC's login does not exist`);
  return secret.metadata.deletionTimestamp === undefined
    ? ensureFinalizer(client, secrets, secret, finalizers.inUse)
    : secret;
}

/** Takes our finalizer off a Secret that no node in `others` uses any more. It may be gone. */
export async function releaseSecret(
  client: KubeClient,
  key: { readonly namespace: string; readonly name: string },
  others: readonly BareMetalNode[],
  signal: AbortSignal,
): Promise<void> {
  if (others.some((node) => isUser(node, key.name))) return;
  const secret = await client.get(secrets, key, signal);
  if (secret !== undefined) await removeFinalizer(client, secrets, secret, finalizers.inUse);
}

/** A node that is going does not count: of two that go at once, each would wait for the other. */
const isUser = ({ metadata, spec }: BareMetalNode, name: string): boolean =>
  metadata.deletionTimestamp === undefined && spec.bmc.credentialsName === name;

/** Line ends are dropped: `echo secret | base64` leaves one, and no BMC takes it. */
function textOf(secret: Secret, key: string): string {
  const text = Buffer.from(secret.data?.[key] ?? '', 'base64')
    .toString('utf8')
    .replace(/[\r\n]+$/, '');
  if (text !== '') return text;
  throw terminal('CredentialsInvalid', `Secret ${secret.metadata.name} has nothing under its key ${key}`);
}

async function readTrust(
  client: KubeClient,
  node: BareMetalNode,
  signal: AbortSignal,
): Promise<{ readonly trust: TlsTrust; readonly version: string }> {
  const { tls } = node.spec.bmc;
  if (tls?.insecureSkipVerify === true) return { trust: { kind: 'any' }, version: 'any' };
  if (tls?.fingerprint !== undefined) {
    return {
      trust: { kind: 'fingerprint', sha256: tls.fingerprint.replace('sha256:', '') },
      version: tls.fingerprint,
    };
  }
  if (tls?.caName === undefined) return { trust: { kind: 'system' }, version: 'system' };
  const key = { namespace: node.metadata.namespace, name: tls.caName };
  const configMap = await client.get(configMaps, key, signal);
  const pem = configMap?.data?.[caKey];
  if (configMap === undefined || pem === undefined) {
    throw terminal('CAMissing', `ConfigMap ${tls.caName} with the CA under its key ${caKey} does not exist`);
  }
  return { trust: { kind: 'ca', pem }, version: configMap.metadata.resourceVersion };
}
