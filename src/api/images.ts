// The ConfigMap undercloud-images: which images machines are booted and deployed with. The CLI writes it, the operator reads it.
import { loadAll } from 'js-yaml';
import { messageOf, terminal } from '../kernel/errors.ts';
import { membersOf, type Raw, type Report } from './members.ts';

/** One in each namespace, with one data key. */
export const bootImagesConfigMap = 'undercloud-images';
export const bootImagesKey = 'images.yaml';

/** The section of the ramdisk has this name on the command line, so no image may have it. */
const reservedName = 'deploy';
const longestUrl = 2048;
/** The kernel takes 2,048 bytes on x86 (COMMAND_LINE_SIZE, arch/x86/include/asm/setup.h); the operator adds its own. */
const longestArguments = 1024;

/** A file that is served over HTTP. */
export interface ImageFile {
  /** http or https, without a user or password: ConfigMaps are no place for secrets. */
  readonly url: string;
  /** `sha256:<64 hex digits>` or `sha512:<128 hex digits>`, in lower case. */
  readonly checksum: string;
}

export const imageFormats = ['Raw', 'QCow2'] as const;

/** An operating system to write to a disk. */
export interface BootImage extends ImageFile {
  readonly format: (typeof imageFormats)[number];
  /** Only a partition image has these, and then both; without them the image is of a whole disk. */
  readonly partition?: { readonly kernel: ImageFile; readonly ramdisk: ImageFile };
}

/** The ramdisk that inspects, deploys and cleans. */
export interface DeployImages {
  readonly kernel: ImageFile;
  readonly ramdisk: ImageFile;
  /** The same as a bootable ISO, for redfish-virtualmedia. */
  readonly iso?: ImageFile;
  /** For the kernel's command line, beside what the operator puts there; one line, may be empty. */
  readonly kernelArguments: string;
  /** What the agent collects at inspection (its `ipa-inspection-collectors`); `default` where nothing is said. */
  readonly collectors: readonly string[];
}

export interface BootImages {
  /** The image for a host that names none; it is always in `images`. */
  readonly default?: string;
  /** By name. A Map, because a name may be `constructor`. */
  readonly images: ReadonlyMap<string, BootImage>;
  readonly deploy?: DeployImages;
}

/**
 * Reads the value of the key `images.yaml`; empty text means no images. Throws terminal InvalidBootImages, whose message
 * lists every problem with its path.
 */
export function parseBootImages(text: string): BootImages {
  const problems: string[] = [];
  const report: Report = (path, problem) => problems.push(`${path}: ${problem}`);
  const parsed = readDocument(text, report);
  if (problems.length > 0) {
    const where = `ConfigMap ${bootImagesConfigMap}, key ${bootImagesKey}`;
    throw terminal('InvalidBootImages', `${where} cannot be used, correct ${problems.join('; ')}`);
  }
  return parsed;
}

/** Undefined when `name` can be an image's name, else what is wrong with it. */
export function imageNameProblem(name: string): string | undefined {
  if (name === reservedName) return `'${name}' is the name of the ramdisk's section: choose another`;
  if (/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(name)) return undefined;
  return 'a name has up to 63 lower-case letters, digits, dots and hyphens, and begins and ends with a letter or digit';
}

/** Undefined when a machine can fetch `url`, else what is wrong with it. */
export function imageUrlProblem(url: string): string | undefined {
  const parsed = /^https?:\/\/[^/\s]\S*$/.test(url) ? URL.parse(url) : null;
  if (parsed === null) return 'must be a URL that begins with http:// or https://';
  if (url.length > longestUrl) return `must have at most ${longestUrl} characters`;
  if (`${parsed.username}${parsed.password}` === '') return undefined;
  return 'must not have a user or password: everyone who may read ConfigMaps would know it';
}

/** Undefined when `checksum` is one, else what is wrong with it. */
export function checksumProblem(checksum: string): string | undefined {
  if (/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(checksum)) return undefined;
  return 'must be "sha256:<64 hex digits>" or "sha512:<128 hex digits>", in lower case';
}

function readDocument(text: string, report: Report): BootImages {
  const document = readYaml(text, report);
  const known = ['default', 'images', 'deploy'];
  const members = document === null ? {} : membersOf(document, 'the document', known, report);
  const images = new Map<string, BootImage>();
  for (const [name, value] of Object.entries(membersOf(members.images ?? {}, 'images', undefined, report))) {
    const problem = imageNameProblem(name);
    if (problem !== undefined) report(`images.${name}`, problem);
    images.set(name, readImage(value, `images.${name}`, report));
  }
  const chosen = members.default;
  if (chosen !== undefined && (typeof chosen !== 'string' || !images.has(chosen))) {
    report('default', `must be one of the images (${[...images.keys()].join(', ') || 'there are none'})`);
  }
  return {
    ...(typeof chosen === 'string' ? { default: chosen } : {}),
    images,
    ...(members.deploy === undefined ? {} : { deploy: readDeploy(members.deploy, report) }),
  };
}

/** Null for a text of nothing but comments. */
function readYaml(text: string, report: Report): unknown {
  try {
    const [document, ...more] = loadAll(text);
    if (more.length > 0) report('the document', 'must be one, without --- in between');
    return document ?? null;
  } catch (error) {
    // The lines after the first quote the document.
    const [first = ''] = error instanceof Error ? error.message.split('\n') : [messageOf(error)];
    report('the document', `is not YAML: ${first}`);
    return null;
  }
}

function readImage(value: unknown, path: string, report: Report): BootImage {
  const known = ['url', 'checksum', 'format', 'kernel', 'ramdisk'];
  const members = membersOf(value, path, known, report);
  const format = imageFormats.find((candidate) => candidate === members.format);
  if (format === undefined) report(`${path}.format`, `must be one of ${imageFormats.join(', ')}`);
  const image = { ...readUrlAndChecksum(members, path, report), format: format ?? 'Raw' };
  if (members.kernel === undefined && members.ramdisk === undefined) return image;
  const kernel = readFile(members.kernel, `${path}.kernel`, report);
  return { ...image, partition: { kernel, ramdisk: readFile(members.ramdisk, `${path}.ramdisk`, report) } };
}

function readDeploy(value: unknown, report: Report): DeployImages {
  const known = ['kernel', 'ramdisk', 'iso', 'kernelArguments', 'collectors'];
  const { kernel, ramdisk, iso, kernelArguments, collectors } = membersOf(value, 'deploy', known, report);
  return {
    kernel: readFile(kernel, 'deploy.kernel', report),
    ramdisk: readFile(ramdisk, 'deploy.ramdisk', report),
    ...(iso === undefined ? {} : { iso: readFile(iso, 'deploy.iso', report) }),
    kernelArguments: readArguments(kernelArguments, report),
    collectors: readCollectors(collectors, report),
  };
}

/** It ends up on one line of an iPXE script: a line break in it would be another command. */
function readArguments(value: unknown, report: Report): string {
  if (value === undefined) return '';
  if (typeof value === 'string' && value.length <= longestArguments && /^\P{Cc}*$/u.test(value)) return value;
  report('deploy.kernelArguments', `must be one line of at most ${longestArguments} characters`);
  return '';
}

function readCollectors(value: unknown, report: Report): readonly string[] {
  if (value === undefined) return ['default'];
  const isName = (item: unknown): item is string =>
    typeof item === 'string' && /^[a-z0-9][a-z0-9_-]{0,62}$/.test(item);
  if (Array.isArray(value) && value.length > 0 && value.every(isName)) return value;
  report('deploy.collectors', 'must be a list of names of collectors, as [default, logs]');
  return [];
}

function readFile(value: unknown, path: string, report: Report): ImageFile {
  if (value !== undefined) {
    return readUrlAndChecksum(membersOf(value, path, ['url', 'checksum'], report), path, report);
  }
  report(path, 'is missing: kernel and ramdisk belong together');
  return { url: '', checksum: '' };
}

function readUrlAndChecksum({ url, checksum }: Raw, path: string, report: Report): ImageFile {
  return {
    url: readText(url, `${path}.url`, imageUrlProblem, report),
    checksum: readText(checksum, `${path}.checksum`, checksumProblem, report),
  };
}

function readText(
  value: unknown,
  path: string,
  problemOf: (text: string) => string | undefined,
  report: Report,
): string {
  const text = typeof value === 'string' ? value : '';
  const problem = value === undefined ? 'is missing' : problemOf(text);
  if (problem !== undefined) report(path, problem);
  return text;
}
