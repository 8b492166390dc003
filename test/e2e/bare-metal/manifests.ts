// The objects that people, and the Overcloud room, write for a machine that we install.
import type { BareMetalNodeSpec } from '../../../src/api/baremetalnode.gen.ts';
import type { HostSpec } from '../../../src/api/host.gen.ts';
import { finalizers } from '../../../src/api/names.ts';
import { generateHostKey, publicKeyOf } from '../../../src/baremetal/boot/ssh-keys.ts';
import type { Files } from './files.ts';

export const namespace = 'metal';
const apiVersion = 'undercloud.dev/v1alpha1';

const loginKey = generateHostKey('operator').privateKey;
/** What may log in to an installed machine. */
export const loginPublicKey = publicKeyOf(loginKey, 'the login key');

/** With which the operator logs in to every host. */
export const loginSecret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'metal-ssh' },
  stringData: { 'ssh-privatekey': loginKey },
};

export const bmcSecret = (node: string, username: string, password: string): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: `${node}-bmc` },
  stringData: { username, password },
});

/** ConfigMap undercloud-images of the namespace. */
export const bootImages = ({ disk, kernel, ramdisk, iso }: Files): object => {
  const file = ({ url, checksum }: Files['kernel']): string => JSON.stringify({ url, checksum });
  const lines = [
    'default: debian',
    'images:',
    `  debian: ${JSON.stringify({ ...disk, format: 'Raw' })}`,
    'deploy:',
    `  kernel: ${file(kernel)}`,
    `  ramdisk: ${file(ramdisk)}`,
    `  iso: ${file(iso)}`,
  ];
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'undercloud-images' },
    data: { 'images.yaml': lines.join('\n') },
  };
};

/** A machine that boots the agent, is inspected by it, and cleaned when it is given back. */
export const bareNode = (
  name: string,
  bmcAddress: string,
  mac: string,
  spec: Partial<BareMetalNodeSpec> = {},
): object => ({
  apiVersion,
  kind: 'BareMetalNode',
  metadata: { name },
  spec: {
    bmc: { address: bmcAddress, credentialsName: `${name}-bmc` },
    bootMACAddress: mac,
    inspectionMode: 'Agent',
    automatedCleaningMode: 'Metadata',
    ...spec,
  },
});

/** As the Overcloud room makes it; its cloud is let go with all that is on it. */
export const hostFor = (name: string, nodeName: string, spec: Partial<HostSpec> = {}): object => ({
  apiVersion,
  kind: 'Host',
  metadata: { name, finalizers: [finalizers.hostDrain, finalizers.hostRelease] },
  spec: {
    overcloudName: 'metal',
    role: 'compute',
    index: 0,
    hostname: name,
    nodeName,
    // Nothing answers there: the host room tries in vain.
    addresses: [{ network: 'ctlplane', address: '127.0.0.1', prefixLength: 24 }],
    ssh: { user: 'heat-admin', keyName: 'metal-ssh', port: 9 },
    mode: 'Apply',
    deletionPolicy: 'Delete',
    ...spec,
  },
});
