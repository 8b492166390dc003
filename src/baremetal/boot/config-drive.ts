// What cloud-init finds on the config drive of a machine that we install: who may log in, its host key, name and network. Pure.
import { gzipSync } from 'node:zlib';
import { dump } from 'js-yaml';
import { hostPaths } from '../../api/names.ts';
import { terminal } from '../../kernel/errors.ts';
import { isoImage } from './iso9660.ts';
import { networkData, type NodeNetwork } from './network-data.ts';
import type { HostKey } from './ssh-keys.ts';

/** Whose system it is, for people and for the operator that looks at the disk later. */
export interface InstalledFor {
  readonly namespace: string;
  readonly node: string;
  readonly host: string;
  /** The Host's UID. */
  readonly uid: string;
  /** As the host's room writes it into its owner file: `namespace/overcloud/host`. */
  readonly owner: string;
}

export interface ConfigDriveInput {
  /** The instance's: cloud-init sets a machine up anew for another one. */
  readonly uuid: string;
  readonly hostname: string;
  /** Logs in with the keys only, and is root by sudo without a password. */
  readonly user: string;
  /** Lines of authorized_keys. */
  readonly sshPublicKeys: readonly string[];
  readonly hostKeys: readonly HostKey[];
  readonly network: NodeNetwork;
  readonly installedFor: InstalledFor;
  /** The user's own user data, beside ours: `#cloud-config` or a script. Ours wins where both set the same. */
  readonly extraUserData?: string | undefined;
}

/** What cloud-init looks for (cloudinit/sources/DataSourceConfigDrive.py), and what the agent makes the partition for. */
const label = 'config-2';
/** Goes to the agent within one JSON document, beside everything else of a deploy step. */
const longestUserData = 1024 * 1024;

/**
 * The image as ironic-python-agent takes it: gzip, then base64 (ironic_python_agent/partition_utils.py, get_configdrive). A secret: the
 * host's private keys are in it. Throws terminal ConfigDriveUnwritable.
 */
export function configDriveFor(input: ConfigDriveInput): string {
  return gzipSync(configDriveImage(input), { level: 9 }).toString('base64');
}

/** The ISO 9660 image itself; the same bytes for the same input. */
export function configDriveImage(input: ConfigDriveInput): Uint8Array {
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 1)}\n`;
  // Readers take the newest version that they know, else `latest`: there is no need for one of a date.
  return isoImage(label, [
    { path: 'openstack/latest/meta_data.json', content: json(metaData(input)) },
    { path: 'openstack/latest/network_data.json', content: json(networkData(input.network)) },
    { path: 'openstack/latest/user_data', content: userData(input) },
  ]);
}

/** nova's (doc/source/user/metadata.rst). cloud-init takes the keys from user_data; others, as Glean, know only these. */
const metaData = ({ uuid, hostname, sshPublicKeys, installedFor }: ConfigDriveInput) => ({
  uuid,
  name: hostname,
  hostname,
  public_keys: Object.fromEntries(sshPublicKeys.map((key, index) => [`undercloud-${index}`, key])),
  meta: installedFor,
});

function userData(input: ConfigDriveInput): string {
  const ours = `#cloud-config\n${dump(cloudConfig(input), { lineWidth: -1, noRefs: true })}`;
  const { extraUserData = '' } = input;
  if (extraUserData.trim() === '') return ours;
  if (Buffer.byteLength(extraUserData) > longestUserData) throw unusable('is longer than 1 MiB');
  return multipart([
    { type: 'cloud-config', body: ours },
    { type: typeOf(extraUserData), body: extraUserData },
  ]);
}

const unusable = (why: string) =>
  terminal('UserDataUnusable', `the user data of the machine ${why}: correct it`);

function typeOf(text: string): string {
  if (/^#cloud-config\s/.test(text)) return 'cloud-config';
  if (text.startsWith('#!')) return 'x-shellscript';
  throw unusable('begins neither with #cloud-config nor with #!');
}

/**
 * cloud-init's "MIME multi-part archive". A later part adds to lists, and leaves alone what an earlier one has set: cloud-init's default
 * would replace our users and files by the user's (cloudinit/handlers/cloud_config.py).
 */
function multipart(parts: readonly { readonly type: string; readonly body: string }[]): string {
  const boundary = '==undercloud==';
  const made = parts.map(({ type, body }) =>
    [
      `--${boundary}`,
      `Content-Type: text/${type}; charset="utf-8"`,
      'MIME-Version: 1.0',
      'Content-Transfer-Encoding: base64',
      'Merge-Type: dict(no_replace,recurse_list)+list(append)',
      '',
      ...(Buffer.from(body)
        .toString('base64')
        .match(/.{1,76}/g) ?? []),
    ].join('\n'),
  );
  const head = `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n\n`;
  return `${head}${made.join('\n')}\n--${boundary}--\n`;
}

/** The root file system grows to its disk by cloud-init's own defaults (growpart, resizefs). */
function cloudConfig(input: ConfigDriveInput): unknown {
  const { hostname, user, sshPublicKeys, hostKeys, installedFor } = input;
  const root = user === 'root';
  return {
    hostname,
    preserve_hostname: false,
    ssh_pwauth: false,
    // cloud-init lets nobody in as root unless told to.
    disable_root: !root,
    users: [
      {
        name: user,
        lock_passwd: true,
        ssh_authorized_keys: sshPublicKeys,
        ...(root ? {} : { shell: '/bin/bash', sudo: 'ALL=(ALL) NOPASSWD:ALL' }),
      },
    ],
    // With these, cloud-init makes no others: the machine shows just the key that we know.
    ssh_keys: Object.fromEntries(
      hostKeys.flatMap(({ type, privateKey, publicKey }) => [
        [`${type}_private`, `${privateKey.trimEnd()}\n`],
        [`${type}_public`, publicKey.trim()],
      ]),
    ),
    write_files: [
      ownFile(`${hostPaths.state}/owner`, `${installedFor.owner}\n`),
      ownFile('/etc/undercloud/node.json', `${JSON.stringify(installedFor)}\n`),
    ],
  };
}

const ownFile = (path: string, content: string) => ({
  path,
  content,
  owner: 'root:root',
  permissions: '0644',
});
