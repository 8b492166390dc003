// Reads and writes the ConfigMap undercloud-images.
import {
  type BootImage,
  type BootImages,
  bootImagesConfigMap,
  bootImagesKey,
  type DeployImages,
  parseBootImages,
} from '../../api/images.ts';
import { dump } from 'js-yaml';
import { configMaps } from '../../kube/objects.ts';
import type { Cluster } from '../cluster.ts';

const fieldManager = 'undercloud-image';

export interface StoredImages {
  readonly images: BootImages;
  /** Of the ConfigMap; undefined when there is none. */
  readonly resourceVersion: string | undefined;
}

/** Throws terminal InvalidBootImages when somebody wrote what cannot be read, and as Cluster does. */
export async function readImages(cluster: Cluster, namespace: string): Promise<StoredImages> {
  const configMap = await cluster.get(configMaps, { namespace, name: bootImagesConfigMap });
  return {
    images: parseBootImages(configMap?.data?.[bootImagesKey] ?? ''),
    resourceVersion: configMap?.metadata.resourceVersion,
  };
}

/**
 * Writes `images` in place of what was read, other keys of the ConfigMap stay. Throws transient Conflict when somebody wrote
 * since then.
 */
export async function writeImages(
  cluster: Cluster,
  namespace: string,
  { images, resourceVersion }: StoredImages,
  dryRun: boolean,
): Promise<void> {
  const draft = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: bootImagesConfigMap },
    data: { [bootImagesKey]: render(images) },
  };
  // Nobody's words are lost by force: the value holds all that was there, and the version says that it still is.
  await cluster.apply(configMaps, draft, { fieldManager, dryRun, force: true }, resourceVersion);
}

/** As parseBootImages reads it. */
export function render({ default: chosen, images, deploy }: BootImages): string {
  const document = {
    ...(chosen === undefined ? {} : { default: chosen }),
    images: Object.fromEntries([...images].map(([name, image]) => [name, plainImage(image)])),
    ...(deploy === undefined ? {} : { deploy: plainDeploy(deploy) }),
  };
  return dump(document, { lineWidth: -1 });
}

const plainImage = ({ url, checksum, format, partition }: BootImage) => ({
  url,
  checksum,
  format,
  ...partition,
});

function plainDeploy({ kernel, ramdisk, iso, kernelArguments, collectors }: DeployImages) {
  return {
    kernel,
    ramdisk,
    ...(iso === undefined ? {} : { iso }),
    ...(kernelArguments === '' ? {} : { kernelArguments }),
    collectors,
  };
}
