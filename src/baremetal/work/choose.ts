// What a machine boots and gets, and why it cannot: from the namespace's boot images, its Host and its own spec.
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import type { Host } from '../../api/host.gen.ts';
import {
  bootImagesConfigMap,
  bootImagesKey,
  parseBootImages,
  type BootImage,
  type BootImages,
  type DeployImages,
} from '../../api/images.ts';
import { asOperatorError } from '../../kernel/errors.ts';
import type { Cache } from '../../kube/client.ts';
import { configMaps, type ConfigMap } from '../../kube/objects.ts';
import { deployImagesOf, deployIsoOf, osImageOf, type Chosen } from '../boot/images.ts';
import { macsOf } from './machine.ts';
import type { Blocker, WorkKind } from './model.ts';

export interface Choice {
  readonly deploy: DeployImages;
  /** For a deployment only. */
  readonly os: (BootImage & { readonly name?: string }) | undefined;
  /** URL of the ISO; undefined: it boots from the network. */
  readonly iso: string | undefined;
}

/** A blocker is for a person to mend; it is looked at again in each pass. */
export function chooseBoot(
  cache: Cache,
  node: BareMetalNode,
  kind: WorkKind,
  holder: Host | undefined,
): Choice | Blocker {
  const { namespace, name } = node.metadata;
  const configMap = cache.store(configMaps).get({ namespace, name: bootImagesConfigMap });
  const images = configMap === undefined ? undefined : imagesIn(configMap);
  if (typeof images === 'string') return { reason: 'BootImagesInvalid', message: `waits: ${images}` };
  if (macsOf(node).length === 0) {
    const message = `waits: by which MAC address it is known again is not known: set spec.bootMACAddress of ${name}`;
    return { reason: 'BootMACMissing', message };
  }
  const deploy = deployImagesOf(images);
  if ('problem' in deploy) return missing(deploy.problem);
  const iso = isVirtualMedia(node) ? deployIsoOf(deploy.image) : undefined;
  if (iso !== undefined && 'problem' in iso) return missing(iso.problem);
  const os = kind === 'Deploy' ? osOf(holder, images) : undefined;
  if (os !== undefined && 'problem' in os) return missing(os.problem);
  return { deploy: deploy.image, os: os?.image, iso: iso?.image.url };
}

export const isVirtualMedia = ({ spec }: BareMetalNode): boolean =>
  spec.bmc.address.startsWith('redfish-virtualmedia');

const missing = (problem: string): Blocker => ({ reason: 'BootImageMissing', message: `waits: ${problem}` });

function osOf(holder: Host | undefined, images: BootImages | undefined): Chosen<NonNullable<Choice['os']>> {
  const choice = holder?.spec.osImage;
  const chosen = osImageOf(choice, images);
  if ('problem' in chosen) return chosen;
  const name = choice?.name ?? (choice?.url === undefined ? images?.default : undefined);
  return { image: { ...chosen.image, ...(name !== undefined && { name }) } };
}

const parsed = new WeakMap<ConfigMap, BootImages | string>();

function imagesIn(configMap: ConfigMap): BootImages | string {
  const known = parsed.get(configMap);
  if (known !== undefined) return known;
  const images = read(configMap.data?.[bootImagesKey] ?? '');
  parsed.set(configMap, images);
  return images;
}

function read(text: string): BootImages | string {
  try {
    return parseBootImages(text);
  } catch (error) {
    return asOperatorError(error).message;
  }
}
