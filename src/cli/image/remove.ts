// kubectl undercloud image remove: forgets an image that nothing needs.
import type { BootImages } from '../../api/images.ts';
import { roles, type Role } from '../../api/role.gen.ts';
import { terminal } from '../../kernel/errors.ts';
import { commonFlags, commonHelp, readFlags, wrongUsage } from '../command.ts';
import type { Outside } from '../outside/port.ts';
import { readImages, writeImages } from './store.ts';

const name = 'kubectl undercloud image remove';
const help = `usage: ${name} NAME [flags]

Takes the image out of the ConfigMap undercloud-images; what is at its URL stays. Refused while it is the default or a
Role's osImage, and for deploy, without which no machine can be inspected, deployed or cleaned.

      --force              remove it all the same
      --dry-run            show it, and write nothing
${commonHelp}
example:
  ${name} debian-11
`;

const flags = { ...commonFlags, force: { type: 'boolean', default: false } } as const;

export async function removeImage(args: readonly string[], outside: Outside): Promise<void> {
  const { values, positionals } = readFlags(name, args, flags);
  if (values.help) {
    outside.out(help);
    return;
  }
  const [image, surplus] = positionals;
  if (image === undefined) throw wrongUsage(name, 'NAME is missing');
  if (surplus !== undefined) throw wrongUsage(name, `takes one NAME, '${surplus}' is too much`);
  const cluster = outside.connect(values.kubeconfig);
  try {
    const namespace = values.namespace ?? cluster.namespace ?? 'default';
    const { images, resourceVersion } = await readImages(cluster, namespace);
    const changed = without(images, image, namespace);
    const users = usersOf(images, image, await cluster.list(roles, namespace));
    if (users.length > 0 && !values.force) {
      const remedy = 'change that first, or use --force';
      throw terminal('ImageInUse', `image ${image} is not removed, it is ${users.join(' and ')}: ${remedy}`);
    }
    await writeImages(cluster, namespace, { images: changed, resourceVersion }, values['dry-run']);
    outside.out(`${image}: ${values['dry-run'] ? 'would be ' : ''}removed\n`);
  } finally {
    await cluster.close();
  }
}

/** Throws terminal ImageNotFound. */
function without(
  { deploy, default: chosen, images }: BootImages,
  image: string,
  namespace: string,
): BootImages {
  const rest = new Map(images);
  const isThere = image === 'deploy' ? deploy !== undefined : rest.delete(image);
  if (!isThere) {
    const names = [...images.keys(), ...(deploy === undefined ? [] : ['deploy'])].join(', ');
    const known = `there is ${names || 'none'} in namespace ${namespace}`;
    throw terminal('ImageNotFound', `image ${image} is not there to be removed: ${known}`);
  }
  return {
    ...(chosen === undefined || chosen === image ? {} : { default: chosen }),
    images: rest,
    ...(deploy === undefined || image === 'deploy' ? {} : { deploy }),
  };
}

/** What needs the image, to be put after "it is". */
function usersOf(
  { default: chosen, images }: BootImages,
  image: string,
  all: readonly Role[],
): readonly string[] {
  if (image === 'deploy') return ['what inspects, deploys and cleans all machines'];
  const url = images.get(image)?.url;
  const users = all
    .filter(({ spec: { osImage } }) => osImage && (osImage.name === image || osImage.url === url))
    .map(({ metadata }) => metadata.name);
  return [
    ...(chosen === image ? ['the default'] : []),
    ...(users.length === 0
      ? []
      : [`the osImage of ${users.length === 1 ? 'Role' : 'Roles'} ${users.join(', ')}`]),
  ];
}
