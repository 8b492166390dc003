// Which image a node gets on its disk, and which ramdisk it boots: from the namespace's boot images and what its Host asks for. Pure.
import {
  type BootImage,
  type BootImages,
  type DeployImages,
  type ImageFile,
  bootImagesConfigMap,
} from '../../api/images.ts';

/** `Host.spec.osImage`: the name of one of the boot images, or an image of its own. */
export interface OsImageChoice {
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  readonly checksum?: string | undefined;
  readonly format?: BootImage['format'] | undefined;
  readonly kernel?: ImageFile | undefined;
  readonly ramdisk?: ImageFile | undefined;
}

/** Either what was chosen or, for people, what is missing and how to mend it. */
export type Chosen<T> = { readonly image: T } | { readonly problem: string };

/** `images` is undefined where the namespace has no boot images. */
export function osImageOf(
  choice: OsImageChoice | undefined,
  images: BootImages | undefined,
): Chosen<BootImage> {
  if (choice?.url !== undefined) return ownImage(choice, choice.url);
  const name = choice?.name ?? images?.default;
  if (name === undefined) {
    const remedy = 'kubectl undercloud image add NAME --url URL --default, or set osImage in the Role';
    return {
      problem: `the host names no osImage and ConfigMap ${bootImagesConfigMap} has no default: ${remedy}`,
    };
  }
  const image = images?.images.get(name);
  if (image !== undefined) return { image };
  const known = [...(images?.images.keys() ?? [])].join(', ') || 'none';
  const remedy = `kubectl undercloud image add ${name} --url URL`;
  return { problem: `ConfigMap ${bootImagesConfigMap} has no image ${name} (it has ${known}): ${remedy}` };
}

function ownImage(choice: OsImageChoice, url: string): Chosen<BootImage> {
  const { checksum, kernel, ramdisk } = choice;
  if (checksum === undefined)
    return { problem: `the host's osImage ${url} has no checksum: add osImage.checksum to the Role` };
  const image = { url, checksum, format: choice.format ?? formatOf(url) };
  if (kernel === undefined && ramdisk === undefined) return { image };
  if (kernel !== undefined && ramdisk !== undefined)
    return { image: { ...image, partition: { kernel, ramdisk } } };
  return {
    problem: `the host's osImage ${url} has only one of kernel and ramdisk: give both or none in the Role`,
  };
}

const formatOf = (url: string): BootImage['format'] =>
  /\.qcow2?$/i.test(new URL(url).pathname) ? 'QCow2' : 'Raw';

const addDeploy = 'kubectl undercloud image add deploy --kernel URL --ramdisk URL';

/** The ramdisk of a machine that boots from the network, and the kernel arguments and collectors of every machine. */
export function deployImagesOf(images: BootImages | undefined): Chosen<DeployImages> {
  if (images?.deploy !== undefined) return { image: images.deploy };
  return { problem: `ConfigMap ${bootImagesConfigMap} names no ramdisk to boot machines with: ${addDeploy}` };
}

/** The ISO of a machine that boots from virtual media. */
export function deployIsoOf({ iso }: DeployImages): Chosen<ImageFile> {
  if (iso !== undefined) return { image: iso };
  const remedy = `${addDeploy} --iso URL`;
  return {
    problem: `the node boots from virtual media and ConfigMap ${bootImagesConfigMap} names no ISO: ${remedy}`,
  };
}
