// kubectl undercloud image add: an operating system under a name, or the ramdisk that inspects, deploys and cleans.
import {
  type BootImage,
  type BootImages,
  type DeployImages,
  type ImageFile,
  imageFormats,
  imageNameProblem,
  parseBootImages,
} from '../../api/images.ts';
import { type Arguments, commonFlags, commonHelp, readFlags, wrongUsage } from '../command.ts';
import type { Outside } from '../outside/port.ts';
import { checksumOf, type Known } from './checksum.ts';
import { readImages, render, writeImages } from './store.ts';

const name = 'kubectl undercloud image add';
const help = `usage: ${name} NAME --url URL [flags]                      an operating system
       ${name} deploy --kernel URL --ramdisk URL [flags]   the ramdisk that inspects, deploys and cleans

Puts the image into the ConfigMap undercloud-images. What has neither a checksum nor a local copy is downloaded once, to
compute its SHA-256. An image that is there already is replaced; of deploy, only what is given.

      --url URL                 the image, http or https, as machines will fetch it
      --checksum SUM            sha256:… or sha512:… of it
      --file FILE               or a local copy of it
      --format raw|qcow2        its format (default: what its first bytes or its name say)
      --default                 for hosts that name no image
      --kernel URL              of a partition image, or of deploy; with --kernel-checksum or --kernel-file
      --ramdisk URL             likewise; with --ramdisk-checksum or --ramdisk-file
      --iso URL                 of deploy, for redfish-virtualmedia; with --iso-checksum or --iso-file
      --kernel-arguments TEXT   of deploy, beside what the operator puts there
      --collectors A,B          of deploy, what is collected at inspection
      --dry-run                 show it, and write nothing
${commonHelp}
examples:
  ${name} debian-12 --url http://10.0.0.1:8088/debian-12.raw --default
  ${name} overcloud-full --url http://10.0.0.1:8088/overcloud-full.qcow2 \\
    --kernel http://10.0.0.1:8088/overcloud-full.vmlinuz --ramdisk http://10.0.0.1:8088/overcloud-full.initrd
  ${name} deploy --kernel http://10.0.0.1:8088/kernel --ramdisk http://10.0.0.1:8088/ramdisk
`;

const text = { type: 'string' } as const;
const flags = {
  ...commonFlags,
  url: text,
  checksum: text,
  file: text,
  format: text,
  default: { type: 'boolean', default: false },
  kernel: text,
  'kernel-checksum': text,
  'kernel-file': text,
  ramdisk: text,
  'ramdisk-checksum': text,
  'ramdisk-file': text,
  iso: text,
  'iso-checksum': text,
  'iso-file': text,
  'kernel-arguments': text,
  collectors: text,
} as const;

type Values = Arguments<typeof flags>['values'];
type Part = 'url' | 'kernel' | 'ramdisk' | 'iso';

const ofDeployOnly = ['iso', 'iso-checksum', 'iso-file', 'kernel-arguments', 'collectors'] as const;
const ofImagesOnly = ['url', 'checksum', 'file', 'format', 'default'] as const;

export async function addImage(args: readonly string[], outside: Outside): Promise<void> {
  const { values, positionals } = readFlags(name, args, flags);
  if (values.help) {
    outside.out(help);
    return;
  }
  const [image, surplus] = positionals;
  if (image === undefined) throw wrongUsage(name, 'NAME is missing');
  if (surplus !== undefined) throw wrongUsage(name, `takes one NAME, '${surplus}' is too much`);
  checkFlags(image, values);
  const cluster = outside.connect(values.kubeconfig);
  try {
    const namespace = values.namespace ?? cluster.namespace ?? 'default';
    const { images, resourceVersion } = await readImages(cluster, namespace);
    const verb = verbOf(images, image);
    const changed =
      image === 'deploy'
        ? { ...images, deploy: await readDeploy(values, images.deploy, outside) }
        : withImage(images, image, await readImage(values, outside), values.default);
    // What we write, we must be able to read.
    parseBootImages(render(changed));
    await writeImages(cluster, namespace, { images: changed, resourceVersion }, values['dry-run']);
    const would = values['dry-run'] ? 'would be ' : '';
    outside.out(`${image}: ${would}${verb}${sumsOf(changed, image)}\n`);
  } finally {
    await cluster.close();
  }
}

function verbOf({ images, deploy }: BootImages, image: string): string {
  if (image === 'deploy') return deploy === undefined ? 'added' : 'changed';
  return images.has(image) ? 'replaced' : 'added';
}

function checkFlags(image: string, values: Values): void {
  const isDeploy = image === 'deploy';
  const problem = isDeploy ? undefined : imageNameProblem(image);
  if (problem !== undefined) throw wrongUsage(name, `'${image}' cannot be an image's name: ${problem}`);
  const foreign = (isDeploy ? ofImagesOnly : ofDeployOnly).find((flag) => Boolean(values[flag]));
  if (foreign !== undefined) {
    throw wrongUsage(name, `--${foreign} is ${isDeploy ? 'not for' : 'only for'} deploy`);
  }
  if (!isDeploy && values.url === undefined) throw wrongUsage(name, '--url is missing');
  if (!isDeploy && (values.kernel === undefined) !== (values.ramdisk === undefined)) {
    throw wrongUsage(
      name,
      'a partition image needs --kernel and --ramdisk, an image of a whole disk neither',
    );
  }
  const orphan = (['kernel', 'ramdisk', 'iso'] as const).find(
    (part) => values[part] === undefined && Boolean(values[`${part}-checksum`] ?? values[`${part}-file`]),
  );
  if (orphan !== undefined) throw wrongUsage(name, `--${orphan} is missing, its checksum or file is there`);
  if (values.format !== undefined && formatOf(values.format) === undefined) {
    throw wrongUsage(name, `--format is '${values.format}', must be raw or qcow2`);
  }
}

async function readImage(values: Values, outside: Outside): Promise<BootImage> {
  const whole = await readPart('url', values, outside);
  if (whole === undefined) throw wrongUsage(name, '--url is missing');
  const image = { ...fileOf(whole), format: readFormat(whole, values.format) };
  const kernel = await readPart('kernel', values, outside);
  const ramdisk = await readPart('ramdisk', values, outside);
  if (kernel === undefined || ramdisk === undefined) return image;
  return { ...image, partition: { kernel: fileOf(kernel), ramdisk: fileOf(ramdisk) } };
}

async function readDeploy(
  values: Values,
  former: DeployImages | undefined,
  outside: Outside,
): Promise<DeployImages> {
  const given = async (part: 'kernel' | 'ramdisk' | 'iso'): Promise<ImageFile | undefined> => {
    const known = await readPart(part, values, outside);
    return known === undefined ? former?.[part] : fileOf(known);
  };
  const missing = wrongUsage(name, 'deploy needs --kernel and --ramdisk');
  const isThere = (part: 'kernel' | 'ramdisk') => (values[part] ?? former?.[part]) !== undefined;
  // Said before anything is downloaded.
  if (!isThere('kernel') || !isThere('ramdisk')) throw missing;
  const kernel = await given('kernel');
  const ramdisk = await given('ramdisk');
  if (kernel === undefined || ramdisk === undefined) throw missing;
  const iso = await given('iso');
  return {
    kernel,
    ramdisk,
    ...(iso === undefined ? {} : { iso }),
    kernelArguments: values['kernel-arguments'] ?? former?.kernelArguments ?? '',
    collectors: values.collectors?.split(',') ?? former?.collectors ?? ['default'],
  };
}

/** Undefined where the command line does not name it. */
async function readPart(part: Part, values: Values, outside: Outside): Promise<Known | undefined> {
  const url = values[part];
  if (url === undefined) return undefined;
  const checksum = part === 'url' ? values.checksum : values[`${part}-checksum`];
  const file = part === 'url' ? values.file : values[`${part}-file`];
  return checksumOf({ flag: `--${part}`, url, checksum, file }, name, outside);
}

/** Raw written as qcow2, or qcow2 as raw, is a machine that does not boot. */
function readFormat({ content, url }: Known, given: string | undefined): BootImage['format'] {
  const named = formatOf(given ?? /\.([a-z0-9]+)$/i.exec(URL.parse(url)?.pathname ?? '')?.[1] ?? '');
  const seen = content === undefined ? undefined : content === 'QCow2' ? 'QCow2' : 'Raw';
  if (given !== undefined && seen !== undefined && named !== seen) {
    throw wrongUsage(name, `--format is '${given}', but the image begins like ${seen.toLowerCase()}`);
  }
  const format = seen ?? named;
  if (format !== undefined) return format;
  throw wrongUsage(name, `--format is missing: ${url} does not tell whether it is raw or qcow2`);
}

const formatOf = (word: string): BootImage['format'] | undefined =>
  imageFormats.find((format) => format.toLowerCase() === word.toLowerCase());

function withImage(images: BootImages, image: string, added: BootImage, isDefault: boolean): BootImages {
  const all = new Map(images.images).set(image, added);
  return { ...images, images: all, ...(isDefault ? { default: image } : {}) };
}

const fileOf = ({ url, checksum }: Known): ImageFile => ({ url, checksum });

/** The checksums, for whoever compares them with where the image came from. */
function sumsOf({ images, deploy }: BootImages, image: string): string {
  const found = images.get(image);
  const files =
    image === 'deploy'
      ? [deploy?.kernel, deploy?.ramdisk, deploy?.iso]
      : [found, found?.partition?.kernel, found?.partition?.ramdisk];
  return files.map((file) => (file === undefined ? '' : `\n  ${file.url}   ${file.checksum}`)).join('');
}
