// Every name that we put on an object or a host: finalizers, annotations, labels, paths. Users and other tools rely on them.

export const group = 'undercloud.dev';

/** On objects whose deletion needs work from a room; a room removes only its own. */
export const finalizers = {
  node: 'undercloud.dev/node',
  hostDrain: 'undercloud.dev/host-drain',
  hostRelease: 'undercloud.dev/host-release',
  overcloud: 'undercloud.dev/overcloud',
  /** On Secrets, Roles, OvercloudServices and ContainerImageSets that somebody alive still needs. */
  inUse: 'undercloud.dev/in-use',
} as const;

export const annotations = {
  /** Any new value asks for a reconcile at once. */
  reconcileRequestedAt: 'undercloud.dev/reconcile-requested-at',
  /** Any new value forgets what failed and tries again. */
  retry: 'undercloud.dev/retry',
  /** On a ContainerImageSet: takes what status.proposed has under this id. */
  accept: 'undercloud.dev/accept',
  /** On a Host: the SSH host key that was trusted once, as `ssh-ed25519 AAAA…`. */
  trustedHostKey: 'undercloud.dev/trusted-host-key',
  /** On a BareMetalNode that a deleted cloud left running: frees it when the value is the node's name. */
  release: 'undercloud.dev/release',
  /** On a BareMetalNode: `soft` or `hard` restarts the machine once; taken away when it is taken up. */
  reboot: 'undercloud.dev/reboot',
  /** On a BareMetalNode: `on` or `off` switches the locator light once; taken away when it was done. */
  locate: 'undercloud.dev/locate',
  /** On a BareMetalNode that nobody has: takes the inventory anew; taken away when it is taken up. */
  inspect: 'undercloud.dev/inspect',
  /** On a BareMetalNode: we let go of the machine as it is, also at deletion, when the value is the node's name. */
  detach: 'undercloud.dev/detach',
  /** On a Host, by the operator: the BareMetalNode that carries its system since it was written there. */
  installedOn: 'undercloud.dev/installed-on',
} as const;

/** On the Kubernetes objects that we create. */
export const objectLabels = {
  overcloud: 'undercloud.dev/overcloud',
  role: 'undercloud.dev/role',
  node: 'undercloud.dev/node',
  /** On the operator's own pod, while it leads: the Service that machines reach selects it. */
  leader: 'undercloud.dev/leader',
} as const;

/** On the containers that we create; the first four are what paunch's users know. */
export const containerLabels = {
  managedBy: 'managed_by',
  configId: 'config_id',
  containerName: 'container_name',
  configData: 'config_data',
  specHash: 'dev.undercloud/spec-hash',
  /** `namespace/overcloud/host`: what carries another owner, or none, is never touched. */
  owner: 'dev.undercloud/owner',
} as const;

export const managedBy = 'undercloud';

/** Where things are on a managed host. */
export const hostPaths = {
  state: '/var/lib/undercloud',
  ledger: '/var/lib/undercloud/ledger.json',
  configData: '/var/lib/config-data/puppet-generated',
  kollaConfig: '/var/lib/kolla/config_files',
} as const;
