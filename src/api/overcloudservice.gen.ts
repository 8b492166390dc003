// Generated from crds/overcloudservice.yaml by hack/generate-types.ts: edit that file, then run `npm run generate`.
import type { Condition, KubeObject, Resource } from '../kube/objects.ts';

/**
 * One composable service: the files, containers, jobs, Pacemaker bundles and systemd units that a host
 * of a role which lists it carries.
 */
export interface OvercloudService extends KubeObject {
  /** What a host needs for this service. */
  readonly spec: OvercloudServiceSpec;

  /** What was seen last. It can be lost and is then found again. */
  readonly status?: OvercloudServiceStatus;
}

export const overcloudServices: Resource<OvercloudService> = {
  group: 'undercloud.dev',
  version: 'v1alpha1',
  plural: 'overcloudservices',
  kind: 'OvercloudService',
};

/** What a host needs for this service. */
export interface OvercloudServiceSpec {
  /**
   * Name of the directory below /var/lib/config-data/puppet-generated that holds the service's
   * configuration. Services that name the same one share it. Unset: the service's own name. Example: nova.
   */
  readonly configVolume?: string;

  /** Files that are written on the host. */
  readonly configFiles?: readonly OvercloudServiceSpecConfigFilesItem[];

  /** Directories that are made on the host. They are never removed. */
  readonly directories?: readonly OvercloudServiceSpecDirectoriesItem[];

  /**
   * Kolla's config.json of containers that start by kolla_start. It and the config volume are mounted into
   * them without being asked for.
   */
  readonly kolla?: readonly OvercloudServiceSpecKollaItem[];

  /** Containers that run for as long as the host carries the service. */
  readonly containers?: readonly OvercloudServiceSpecContainersItem[];

  /**
   * What is run to its end, once or when something changed. It has every field of a container that makes
   * sense for it.
   */
  readonly jobs?: readonly OvercloudServiceSpecJobsItem[];

  /** Units of systemd on the host. */
  readonly units?: readonly OvercloudServiceSpecUnitsItem[];

  /** Pacemaker bundles, containers that the cluster runs. */
  readonly bundles?: readonly OvercloudServiceSpecBundlesItem[];

  /** Resources that the cluster runs on the hosts themselves. */
  readonly pacemakerResources?: readonly OvercloudServiceSpecPacemakerResourcesItem[];

  /** What the cluster must keep in mind of resources' order and place. */
  readonly constraints?: readonly OvercloudServiceSpecConstraintsItem[];

  /** Commands at the turns of a host's life. */
  readonly hooks?: OvercloudServiceSpecHooks;
}

/** One file. */
export interface OvercloudServiceSpecConfigFilesItem {
  /**
   * Where it is: in the config volume, or on the host if it begins with a slash. Example:
   * etc/nova/nova.conf.
   */
  readonly path: string;

  /** Its content, a Liquid template; exactly one of configMap, secret and inline. */
  readonly from: OvercloudServiceSpecConfigFilesItemFrom;

  /** User and group, by name or number as the host knows them. Default root:root. */
  readonly owner: string;

  /** Its permissions in four octal digits, quoted. Default "0640". */
  readonly mode: string;

  /** What is done when its content has changed. */
  readonly onChange: OvercloudServiceSpecConfigFilesItemOnChange;
}

/** Its content, a Liquid template; exactly one of configMap, secret and inline. */
export interface OvercloudServiceSpecConfigFilesItemFrom {
  /** Name of a ConfigMap. */
  readonly configMap?: string;

  /** Name of a Secret. */
  readonly secret?: string;

  /** Key in that ConfigMap or Secret. */
  readonly key?: string;

  /** The template itself, at most 256 Ki characters. */
  readonly inline?: string;
}

/** What is done when its content has changed. */
export interface OvercloudServiceSpecConfigFilesItemOnChange {
  /**
   * Restart the running containers, send them a signal, run a command in them, or do nothing. Default
   * Restart.
   */
  readonly action: 'Restart' | 'Signal' | 'Exec' | 'None';

  /** The signal for action Signal. Example: SIGHUP. */
  readonly signal?: string;

  /** The command for action Exec, run without a shell. */
  readonly command?: readonly string[];

  /** Names of the containers that are meant. Unset: those that mount the file. */
  readonly containers?: readonly string[];
}

/** One directory. */
export interface OvercloudServiceSpecDirectoriesItem {
  /** Where it is, from the root. Example: /var/log/containers/nova. */
  readonly path: string;

  /** User and group, by name or number as the host knows them. Default root:root. */
  readonly owner: string;

  /** Its permissions in four octal digits, quoted. Default "0755". */
  readonly mode: string;
}

/** The config.json of one container, /var/lib/kolla/config_files/<container>.json. */
export interface OvercloudServiceSpecKollaItem {
  /** Name of a container. */
  readonly container: string;

  /** What the container runs in the end. Example: /usr/bin/nova-scheduler. */
  readonly command: string;

  /** What is copied within the container when it starts. */
  readonly configFiles?: readonly OvercloudServiceSpecKollaItemConfigFilesItem[];

  /** Owners and permissions that are set within the container when it starts. */
  readonly permissions?: readonly OvercloudServiceSpecKollaItemPermissionsItem[];
}

/** One copy. */
export interface OvercloudServiceSpecKollaItemConfigFilesItem {
  /** From where, a path or pattern. Example: /var/lib/kolla/config_files/src/*. */
  readonly source: string;

  /** To where. One that ends in a slash is a directory. */
  readonly dest: string;

  /** User and group in the container. */
  readonly owner?: string;

  /** Permissions in octal, quoted. Example: "0600". */
  readonly perm?: string;

  /** Copy into what is there, rather than put it in its place. Default false. */
  readonly merge: boolean;

  /** Keep owner and permissions of the source. Default false. */
  readonly preserveProperties: boolean;

  /** A source that is missing is no error. Default false. */
  readonly optional: boolean;
}

/** One path. */
export interface OvercloudServiceSpecKollaItemPermissionsItem {
  /** Which, a path or pattern. Example: /var/log/nova. */
  readonly path: string;

  /** User and group in the container. Example: nova:nova. */
  readonly owner: string;

  /** Permissions in octal, quoted. Unset: as they are. */
  readonly perm?: string;

  /** All below it too. Default false. */
  readonly recurse: boolean;
}

/** One container. */
export interface OvercloudServiceSpecContainersItem {
  /** Name of a container. */
  readonly name: string;

  /** Its image by the name in the image set, never a reference. Example: nova-scheduler. */
  readonly image: string;

  /**
   * The step that it starts in: 1 load balancing and bootstrap, 2 databases and messages, 3 first setup of
   * the services, 4 services, 5 activation. All hosts finish a step before any begins the next.
   */
  readonly step: number;

  /** Its turn within the step; those of the same number start together. Default 0. */
  readonly startOrder: number;

  /** The command and its arguments, run without a shell. Unset: the image's own. */
  readonly command?: readonly string[];

  /** What the command is passed to. Unset: the image's own. */
  readonly entrypoint?: readonly string[];

  /** Environment variables; templates. Example: {KOLLA_CONFIG_STRATEGY: COPY_ALWAYS}. */
  readonly environment?: Readonly<Record<string, string>>;

  /** Environment variables whose values are in Secrets. */
  readonly environmentFrom?: readonly OvercloudServiceSpecContainersItemEnvironmentFromItem[];

  /** User, and group, by name or number as the image knows them. Unset: the image's own. */
  readonly user?: string;

  /** All rights on the host. Default false. */
  readonly privileged: boolean;

  /** Its network: host, none, bridge, or container:<name> for that of another. Default host. */
  readonly network: string;

  /** Its process numbers: host, or container:<name> for those of another. Unset or empty: its own. */
  readonly pid?: string;

  /** Its shared memory: host, or container:<name> for that of another. Unset or empty: its own. */
  readonly ipc?: string;

  /** Its own host name. Unset: the host's with network host, otherwise its ID. */
  readonly hostname?: string;

  /** What it sees of the host, as the engine takes it. Example: ["/etc/hosts:/etc/hosts:ro"]. */
  readonly volumes?: readonly string[];

  /** Containers whose volumes it sees too. */
  readonly volumesFrom?: readonly string[];

  /** The most memory that it may use, as a Kubernetes quantity. Unset: no limit. Example: 1Gi. */
  readonly memory?: string;

  /** The most CPUs that it may use, as a Kubernetes quantity. Unset: no limit. Example: "1.5". */
  readonly cpus?: string;

  /** Linux capabilities beside the engine's default. */
  readonly capAdd?: readonly string[];

  /** Linux capabilities of the engine's default that it does not get. */
  readonly capDrop?: readonly string[];

  /** Limits of its processes; others are the engine's default. */
  readonly ulimits?: readonly OvercloudServiceSpecContainersItemUlimitsItem[];

  /** How long it may take to stop before it is killed, in seconds. Default 10. */
  readonly stopGraceSeconds: number;

  /**
   * When the engine starts it again by itself. With Always and UnlessStopped it is also started by us when
   * it is not running. Default Always.
   */
  readonly restart: 'Always' | 'UnlessStopped' | 'OnFailure' | 'No';

  /** How it is seen to be well. Unset: the image's own check, if it has one. */
  readonly healthcheck?: OvercloudServiceSpecContainersItemHealthcheck;
}

/** One Secret. */
export interface OvercloudServiceSpecContainersItemEnvironmentFromItem {
  /** Name of the Secret. */
  readonly secret: string;

  /** Keys of the Secret by the variable that gets their value. Example: {ADMIN: keystone-admin}. */
  readonly keys: Readonly<Record<string, string>>;
}

/** One limit. */
export interface OvercloudServiceSpecContainersItemUlimitsItem {
  /** Which one. Example: nofile. */
  readonly name: string;

  /** What holds at first; -1 for no limit. */
  readonly soft: number;

  /** What the process may raise it to; -1 for no limit. */
  readonly hard: number;
}

/** How it is seen to be well. Unset: the image's own check, if it has one. */
export interface OvercloudServiceSpecContainersItemHealthcheck {
  /** A command that exits 0 in a healthy container, run without a shell. Example: [/openstack/healthcheck]. */
  readonly test: readonly string[];

  /** Time between two checks in seconds. Default 30. */
  readonly intervalSeconds: number;

  /** How long one check may take in seconds. Default 30. */
  readonly timeoutSeconds: number;

  /** How long failures do not count after a start, in seconds. Default 0. */
  readonly startPeriodSeconds: number;

  /** How many failures in a row make it unhealthy. Default 3. */
  readonly retries: number;
}

/** One job. */
export interface OvercloudServiceSpecJobsItem {
  /** Name of a container. */
  readonly name: string;

  /** Its image by the name in the image set, never a reference. Example: nova-scheduler. */
  readonly image?: string;

  /**
   * The step that it starts in: 1 load balancing and bootstrap, 2 databases and messages, 3 first setup of
   * the services, 4 services, 5 activation. All hosts finish a step before any begins the next.
   */
  readonly step: number;

  /** Its turn within the step; those of the same number start together. Default 0. */
  readonly startOrder: number;

  /** The command and its arguments, run without a shell. Unset: the image's own. */
  readonly command?: readonly string[];

  /** What the command is passed to. Unset: the image's own. */
  readonly entrypoint?: readonly string[];

  /** Environment variables; templates. Example: {KOLLA_CONFIG_STRATEGY: COPY_ALWAYS}. */
  readonly environment?: Readonly<Record<string, string>>;

  /** Environment variables whose values are in Secrets. */
  readonly environmentFrom?: readonly OvercloudServiceSpecJobsItemEnvironmentFromItem[];

  /** User, and group, by name or number as the image knows them. Unset: the image's own. */
  readonly user?: string;

  /** All rights on the host. Default false. */
  readonly privileged: boolean;

  /** Its network: host, none, bridge, or container:<name> for that of another. Default host. */
  readonly network: string;

  /** Its process numbers: host, or container:<name> for those of another. Unset or empty: its own. */
  readonly pid?: string;

  /** Its shared memory: host, or container:<name> for that of another. Unset or empty: its own. */
  readonly ipc?: string;

  /** Its own host name. Unset: the host's with network host, otherwise its ID. */
  readonly hostname?: string;

  /** What it sees of the host, as the engine takes it. Example: ["/etc/hosts:/etc/hosts:ro"]. */
  readonly volumes?: readonly string[];

  /** Containers whose volumes it sees too. */
  readonly volumesFrom?: readonly string[];

  /** The most memory that it may use, as a Kubernetes quantity. Unset: no limit. Example: 1Gi. */
  readonly memory?: string;

  /** The most CPUs that it may use, as a Kubernetes quantity. Unset: no limit. Example: "1.5". */
  readonly cpus?: string;

  /** Linux capabilities beside the engine's default. */
  readonly capAdd?: readonly string[];

  /** Linux capabilities of the engine's default that it does not get. */
  readonly capDrop?: readonly string[];

  /** Limits of its processes; others are the engine's default. */
  readonly ulimits?: readonly OvercloudServiceSpecJobsItemUlimitsItem[];

  /** How long it may take to stop before it is killed, in seconds. Default 10. */
  readonly stopGraceSeconds: number;

  /** Run the command in a container that is running. Unset: in a container of its own, made of image. */
  readonly exec?: OvercloudServiceSpecJobsItemExec;

  /**
   * Whether it is run once per cloud, on the first host of the first role that lists the service, while
   * the others wait; or on each host. Unset: Cloud with schemaChange, otherwise Host.
   */
  readonly scope?: 'Cloud' | 'Host';

  /** When it is run again: never; when it or its image changed; or with every revision. Default OnChange. */
  readonly runPolicy: 'Once' | 'OnChange' | 'Always';

  /**
   * It changes data in a way that older revisions may not read, as a database migration does. It is never
   * run when moving to an older revision. Default false.
   */
  readonly schemaChange: boolean;

  /** How long it may take before it counts as failed, in seconds. Default 1800. */
  readonly timeoutSeconds: number;
}

/** One Secret. */
export interface OvercloudServiceSpecJobsItemEnvironmentFromItem {
  /** Name of the Secret. */
  readonly secret: string;

  /** Keys of the Secret by the variable that gets their value. Example: {ADMIN: keystone-admin}. */
  readonly keys: Readonly<Record<string, string>>;
}

/** One limit. */
export interface OvercloudServiceSpecJobsItemUlimitsItem {
  /** Which one. Example: nofile. */
  readonly name: string;

  /** What holds at first; -1 for no limit. */
  readonly soft: number;

  /** What the process may raise it to; -1 for no limit. */
  readonly hard: number;
}

/** Run the command in a container that is running. Unset: in a container of its own, made of image. */
export interface OvercloudServiceSpecJobsItemExec {
  /** Name of a container. */
  readonly container: string;
}

/** One unit. */
export interface OvercloudServiceSpecUnitsItem {
  /** Its name; one with @ has instances. Example: ceph-mon@.service. */
  readonly name: string;

  /** Its file, a Liquid template. Unset: the operating system brings it. */
  readonly from?: OvercloudServiceSpecUnitsItemFrom;

  /**
   * Instances of a unit with @; templates that may yield several, one a line. Example: ["{{ host.name
   * }}"].
   */
  readonly instances?: readonly string[];

  /** Started now and with every boot; false stops and disables it. Default true. */
  readonly enabled: boolean;

  /**
   * The step that it starts in: 1 load balancing and bootstrap, 2 databases and messages, 3 first setup of
   * the services, 4 services, 5 activation. All hosts finish a step before any begins the next.
   */
  readonly step: number;

  /** Its turn within the step; those of the same number start together. Default 0. */
  readonly startOrder: number;
}

/** Its file, a Liquid template. Unset: the operating system brings it. */
export interface OvercloudServiceSpecUnitsItemFrom {
  /** Name of a ConfigMap. */
  readonly configMap?: string;

  /** Name of a Secret. */
  readonly secret?: string;

  /** Key in that ConfigMap or Secret. */
  readonly key?: string;

  /** The template itself, at most 256 Ki characters. */
  readonly inline?: string;
}

/** One bundle. */
export interface OvercloudServiceSpecBundlesItem {
  /** Its name in the cluster. */
  readonly name: string;

  /** Its image by the name in the image set. Example: mariadb. */
  readonly image: string;

  /**
   * The step that it starts in: 1 load balancing and bootstrap, 2 databases and messages, 3 first setup of
   * the services, 4 services, 5 activation. All hosts finish a step before any begins the next.
   */
  readonly step: number;

  /** Its turn within the step; those of the same number start together. Default 0. */
  readonly startOrder: number;

  /** How many there are in the cluster. Unset: one on each member that carries the service. */
  readonly replicas?: number;

  /** How many of them may be promoted. Unset: none is. */
  readonly promotedMax?: number;

  /** Its network. */
  readonly network: OvercloudServiceSpecBundlesItemNetwork;

  /** Further options for the engine, as its command line takes them. Example: "--user=root". */
  readonly options?: string;

  /** What the container runs. Unset: pacemaker_remoted. Example: /bin/bash /usr/local/bin/kolla_start. */
  readonly runCommand?: string;

  /** What it sees of the host. */
  readonly storage?: readonly OvercloudServiceSpecBundlesItemStorageItem[];

  /** The resource that the cluster runs in the containers. */
  readonly primitive?: OvercloudServiceSpecBundlesItemPrimitive;
}

/** Its network. */
export interface OvercloudServiceSpecBundlesItemNetwork {
  /** Whose network it is in. Default host. */
  readonly mode: 'host';

  /** TCP port of its pacemaker_remoted. Unset: the cluster's default, 3121. */
  readonly controlPort?: number;
}

/** One mount. */
export interface OvercloudServiceSpecBundlesItemStorageItem {
  /** Its name in the cluster. */
  readonly id: string;

  /** Path on the host. */
  readonly source: string;

  /** Path in the container. */
  readonly target: string;

  /** How it is mounted. Unset: the engine's default. Example: ro. */
  readonly options?: string;
}

/** The resource that the cluster runs in the containers. */
export interface OvercloudServiceSpecBundlesItemPrimitive {
  /** Its name in the cluster. */
  readonly name: string;

  /** Its agent. Example: ocf:heartbeat:galera, systemd:openstack-cinder-volume. */
  readonly agent: string;

  /** Its parameters; templates. Example: {enable_creation: "true"}. */
  readonly parameters?: Readonly<Record<string, string>>;

  /** Its meta attributes. Example: {ordered: "true"}. */
  readonly meta?: Readonly<Record<string, string>>;

  /** How its operations differ from what the agent advises. */
  readonly operations?: readonly OvercloudServiceSpecBundlesItemPrimitiveOperationsItem[];
}

/** One operation. */
export interface OvercloudServiceSpecBundlesItemPrimitiveOperationsItem {
  /** Which one. Example: promote. */
  readonly name: string;

  /** A time with its unit, seconds without. Example: 300s. */
  readonly timeout?: string;

  /** A time with its unit, seconds without. Example: 300s. */
  readonly interval?: string;

  /** What the cluster does when it fails, in Pacemaker's words. Unset: its default. */
  readonly onFail?: 'ignore' | 'block' | 'stop' | 'restart' | 'standby' | 'fence' | 'demote';
}

/** One resource. */
export interface OvercloudServiceSpecPacemakerResourcesItem {
  /** Its name in the cluster. */
  readonly name: string;

  /** Its agent. Example: ocf:heartbeat:galera, systemd:openstack-cinder-volume. */
  readonly agent: string;

  /**
   * The step that it starts in: 1 load balancing and bootstrap, 2 databases and messages, 3 first setup of
   * the services, 4 services, 5 activation. All hosts finish a step before any begins the next.
   */
  readonly step: number;

  /** Its turn within the step; those of the same number start together. Default 0. */
  readonly startOrder: number;

  /** Its parameters; templates. Example: {enable_creation: "true"}. */
  readonly parameters?: Readonly<Record<string, string>>;

  /** Its meta attributes. Example: {ordered: "true"}. */
  readonly meta?: Readonly<Record<string, string>>;

  /** How its operations differ from what the agent advises. */
  readonly operations?: readonly OvercloudServiceSpecPacemakerResourcesItemOperationsItem[];
}

/** One operation. */
export interface OvercloudServiceSpecPacemakerResourcesItemOperationsItem {
  /** Which one. Example: promote. */
  readonly name: string;

  /** A time with its unit, seconds without. Example: 300s. */
  readonly timeout?: string;

  /** A time with its unit, seconds without. Example: 300s. */
  readonly interval?: string;

  /** What the cluster does when it fails, in Pacemaker's words. Unset: its default. */
  readonly onFail?: 'ignore' | 'block' | 'stop' | 'restart' | 'standby' | 'fence' | 'demote';
}

/** One constraint. */
export interface OvercloudServiceSpecConstraintsItem {
  /** Its name in the cluster. */
  readonly name: string;

  /**
   * Order starts resource before other; Colocation keeps resource where other is; Location keeps it to the
   * hosts that rule says.
   */
  readonly type: 'Order' | 'Colocation' | 'Location';

  /** Name of the resource or bundle, a template. */
  readonly resource: string;

  /** Name of the resource or bundle, a template. */
  readonly other?: string;

  /** A Pacemaker rule, a template. Example: galera-role eq true. */
  readonly rule?: string;

  /** How much it weighs, for Colocation and Location. Default INFINITY, always. */
  readonly score: string;

  /** How strict it is, for Order. Default Mandatory. */
  readonly kind: 'Mandatory' | 'Optional' | 'Serialize';
}

/** Commands at the turns of a host's life. */
export interface OvercloudServiceSpecHooks {
  /** One after the other; the first that fails stops the host. */
  readonly beforeUpdate?: readonly OvercloudServiceSpecHooksBeforeUpdateItem[];

  /** One after the other; the first that fails stops the host. */
  readonly afterUpdate?: readonly OvercloudServiceSpecHooksAfterUpdateItem[];

  /** One after the other; the first that fails stops the host. */
  readonly drain?: readonly OvercloudServiceSpecHooksDrainItem[];
}

/** One command. */
export interface OvercloudServiceSpecHooksBeforeUpdateItem {
  /** What it is called in status and log. */
  readonly name: string;

  /** Where it is run. */
  readonly exec: OvercloudServiceSpecHooksBeforeUpdateItemExec;

  /** The command and its arguments, run without a shell; templates. */
  readonly command: readonly string[];

  /** User, and group, by name or number as the image knows them. Unset: the image's own. */
  readonly user?: string;

  /** Environment variables whose values are in Secrets. */
  readonly environmentFrom?: readonly OvercloudServiceSpecHooksBeforeUpdateItemEnvironmentFromItem[];

  /** How long it may take before it counts as failed, in seconds. Default 300. */
  readonly timeoutSeconds: number;
}

/** Where it is run. */
export interface OvercloudServiceSpecHooksBeforeUpdateItemExec {
  /** Name of a container. */
  readonly container: string;
}

/** One Secret. */
export interface OvercloudServiceSpecHooksBeforeUpdateItemEnvironmentFromItem {
  /** Name of the Secret. */
  readonly secret: string;

  /** Keys of the Secret by the variable that gets their value. Example: {ADMIN: keystone-admin}. */
  readonly keys: Readonly<Record<string, string>>;
}

/** One command. */
export interface OvercloudServiceSpecHooksAfterUpdateItem {
  /** What it is called in status and log. */
  readonly name: string;

  /** Where it is run. */
  readonly exec: OvercloudServiceSpecHooksAfterUpdateItemExec;

  /** The command and its arguments, run without a shell; templates. */
  readonly command: readonly string[];

  /** User, and group, by name or number as the image knows them. Unset: the image's own. */
  readonly user?: string;

  /** Environment variables whose values are in Secrets. */
  readonly environmentFrom?: readonly OvercloudServiceSpecHooksAfterUpdateItemEnvironmentFromItem[];

  /** How long it may take before it counts as failed, in seconds. Default 300. */
  readonly timeoutSeconds: number;
}

/** Where it is run. */
export interface OvercloudServiceSpecHooksAfterUpdateItemExec {
  /** Name of a container. */
  readonly container: string;
}

/** One Secret. */
export interface OvercloudServiceSpecHooksAfterUpdateItemEnvironmentFromItem {
  /** Name of the Secret. */
  readonly secret: string;

  /** Keys of the Secret by the variable that gets their value. Example: {ADMIN: keystone-admin}. */
  readonly keys: Readonly<Record<string, string>>;
}

/** One command. */
export interface OvercloudServiceSpecHooksDrainItem {
  /** What it is called in status and log. */
  readonly name: string;

  /** Where it is run. */
  readonly exec: OvercloudServiceSpecHooksDrainItemExec;

  /** The command and its arguments, run without a shell; templates. */
  readonly command: readonly string[];

  /** User, and group, by name or number as the image knows them. Unset: the image's own. */
  readonly user?: string;

  /** Environment variables whose values are in Secrets. */
  readonly environmentFrom?: readonly OvercloudServiceSpecHooksDrainItemEnvironmentFromItem[];

  /** How long it may take before it counts as failed, in seconds. Default 300. */
  readonly timeoutSeconds: number;
}

/** Where it is run. */
export interface OvercloudServiceSpecHooksDrainItemExec {
  /** Name of a container. */
  readonly container: string;
}

/** One Secret. */
export interface OvercloudServiceSpecHooksDrainItemEnvironmentFromItem {
  /** Name of the Secret. */
  readonly secret: string;

  /** Keys of the Secret by the variable that gets their value. Example: {ADMIN: keystone-admin}. */
  readonly keys: Readonly<Record<string, string>>;
}

/** What was seen last. It can be lost and is then found again. */
export interface OvercloudServiceStatus {
  /** The metadata.generation that this status speaks of; -1 before anything was seen. */
  readonly observedGeneration: number;

  /**
   * How it is: Ready, Stalled (something that it refers to does not exist), and Supported, which is False
   * while it asks for what this release does not do.
   */
  readonly conditions?: readonly Condition[];
}
