// An OvercloudService's containers and jobs as the engine gets them: every default explicit, our labels on them. Pure.
import { containerLabels, managedBy } from '../../api/names.ts';
import type {
  OvercloudServiceSpecContainersItem,
  OvercloudServiceSpecJobsItem,
} from '../../api/overcloudservice.gen.ts';
import type { RevisionImage, RevisionPayload } from '../../api/revision.ts';
import { terminal } from '../../kernel/errors.ts';
import { configData, effectiveSpec, specHash, type Mask } from '../hashes.ts';
import type { ContainerSpec } from '../ports.ts';
import { cpuCount, memoryBytes } from './quantities.ts';
import type { SecretValues } from './scope.ts';
import type { ManifestContainer, ManifestImage } from './types.ts';

/** On a job's container: the run that it is, so that its outcome counts even if we were not there when it ended. */
export const jobHashLabel = 'dev.undercloud/job-hash';

export interface ContainerContext {
  readonly payload: RevisionPayload;
  readonly service: string;
  /** `namespace/overcloud/host` */
  readonly owner: string;
  readonly secrets: SecretValues;
  /** The mounts that kolla needs, for a container of this name. */
  readonly kollaVolumes: (container: string) => readonly string[];
}

type Item = OvercloudServiceSpecContainersItem | OvercloudServiceSpecJobsItem;

export interface Built {
  readonly spec: ContainerSpec;
  readonly image: ManifestImage;
  readonly specHash: string;
}

export function manifestContainer(
  context: ContainerContext,
  item: OvercloudServiceSpecContainersItem,
): ManifestContainer {
  const { name, step, startOrder, restart, healthcheck } = item;
  const built = build(context, item, { restart, healthcheck }, {});
  return { name, service: context.service, step, startOrder, ...built };
}

/** A job's own container: it ends, and stays as a record. `hash` is its run's. */
export const jobContainer = (
  context: ContainerContext,
  item: OvercloudServiceSpecJobsItem,
  hash: string,
): Built => build(context, item, { restart: 'No', healthcheck: undefined }, { [jobHashLabel]: hash });

/** The values of `environment` and `environmentFrom`, and for the secret ones the HMACs that the revision froze. */
export function environmentOf(
  context: Pick<ContainerContext, 'payload' | 'service' | 'secrets'>,
  item: Pick<Item, 'name' | 'environment' | 'environmentFrom'>,
): { readonly environment: Readonly<Record<string, string>>; readonly mask: Mask } {
  const references = (item.environmentFrom ?? []).flatMap(({ secret, keys }) =>
    Object.entries(keys).map(([name, key]) => [name, secret, key] as const),
  );
  const values = references.map(
    ([name, secret, key]) => [name, found(context, item.name, secret, key, context.secrets)] as const,
  );
  const digests = references.map(
    ([name, secret, key]) => [name, found(context, item.name, secret, key, context.payload.secrets)] as const,
  );
  return {
    environment: { ...item.environment, ...Object.fromEntries(values) },
    mask: Object.fromEntries(digests),
  };
}

function build(
  context: ContainerContext,
  item: Item,
  running: Pick<ContainerSpec, 'restart'> & { readonly healthcheck: ContainerSpec['healthcheck'] },
  labels: Readonly<Record<string, string>>,
): Built {
  const image = imageOf(context, item);
  const { environment, mask } = environmentOf(context, item);
  const bare: ContainerSpec = {
    name: item.name,
    image: `${image.repository}:${image.tag}`,
    command: item.command ?? [],
    entrypoint: item.entrypoint ?? [],
    environment,
    labels: {},
    volumes: [
      ...(item.volumes ?? []),
      ...withoutTargetsOf(item.volumes ?? [], context.kollaVolumes(item.name)),
    ],
    volumesFrom: item.volumesFrom ?? [],
    network: item.network,
    pid: item.pid ?? '',
    ipc: item.ipc ?? '',
    user: item.user ?? '',
    privileged: item.privileged,
    ...running,
    stopGraceSeconds: item.stopGraceSeconds,
    memoryBytes: memoryBytes(item.memory),
    cpus: cpuCount(item.cpus),
    capAdd: item.capAdd ?? [],
    capDrop: item.capDrop ?? [],
    ulimits: item.ulimits ?? [],
    hostname: item.hostname ?? '',
  };
  const effective = effectiveSpec(bare, image.digest, mask);
  const hash = specHash(effective);
  const ours = {
    [containerLabels.managedBy]: managedBy,
    [containerLabels.configId]: `tripleo_step${item.step}`,
    [containerLabels.containerName]: item.name,
    [containerLabels.configData]: configData(effective, bare.image),
    [containerLabels.specHash]: hash,
    [containerLabels.owner]: context.owner,
  };
  return { spec: { ...bare, labels: { ...ours, ...labels } }, image, specHash: hash };
}

function imageOf(context: ContainerContext, item: Item): RevisionImage {
  const found = item.image === undefined ? undefined : context.payload.images[item.image];
  if (found !== undefined) return found;
  throw terminal(
    'ImageNotResolved',
    `service ${context.service}: ${item.name} wants image ${item.image ?? 'without a name'}, which the revision does not have: correct the name or add it to the image set`,
  );
}

function found(
  { service }: Pick<ContainerContext, 'service'>,
  container: string,
  secret: string,
  key: string,
  values: Readonly<Record<string, string>>,
): string {
  const value = values[`${secret}/${key}`];
  if (value !== undefined) return value;
  throw terminal(
    'SecretKeyNotFound',
    `service ${service}: ${container} wants key ${key} of Secret ${secret}, which is not there: create it`,
  );
}

/** A mount that the user wrote wins over ours at the same place. */
const withoutTargetsOf = (written: readonly string[], ours: readonly string[]): readonly string[] => {
  const targets = new Set(written.map((volume) => volume.split(':')[1]));
  return ours.filter((volume) => !targets.has(volume.split(':')[1]));
};
