// kubectl undercloud image list: what machines are booted and deployed with, one line for each file.
import type { BootImages, ImageFile } from '../../api/images.ts';
import { commonFlags, commonHelp, readFlags, wrongUsage } from '../command.ts';
import type { Outside } from '../outside/port.ts';
import { table } from '../table.ts';
import { readImages } from './store.ts';

const name = 'kubectl undercloud image list';
const help = `usage: ${name} [flags]

Shows the images of the ConfigMap undercloud-images. SIZE is what each URL's server says, where this machine reaches it.

${commonHelp}
example:
  ${name} -n lab
`;

const { 'dry-run': _, ...flags } = commonFlags;
const none = '-';
/** Digits of a checksum that are enough to tell two apart. */
const shortChecksum = 12;

interface Row {
  readonly name: string;
  readonly format: string;
  readonly isDefault: boolean;
  readonly file: ImageFile;
}

export async function listImages(args: readonly string[], outside: Outside): Promise<void> {
  const { values, positionals } = readFlags(name, args, flags);
  if (values.help) {
    outside.out(help);
    return;
  }
  if (positionals.length > 0)
    throw wrongUsage(name, `takes no argument, '${positionals.join(' ')}' is too much`);
  const cluster = outside.connect(values.kubeconfig);
  try {
    const namespace = values.namespace ?? cluster.namespace ?? 'default';
    const rows = rowsOf((await readImages(cluster, namespace)).images);
    if (rows.length === 0) {
      outside.err(`no images in namespace ${namespace}: see kubectl undercloud image add --help\n`);
      return;
    }
    const lines = rows.map(async (row) => lineOf(row, await outside.sizeOfUrl(row.file.url)));
    const header = ['NAME', 'FORMAT', 'SIZE', 'DEFAULT', 'URL', 'CHECKSUM'];
    outside.out(table(header, await Promise.all(lines)));
  } finally {
    await cluster.close();
  }
}

/** Images first, each followed by its kernel and ramdisk, then deploy's files. */
function rowsOf({ default: chosen, images, deploy }: BootImages): readonly Row[] {
  const beside = (owner: string, files: Readonly<Record<string, ImageFile | undefined>>): readonly Row[] =>
    Object.entries(files).flatMap(([part, file]) =>
      file === undefined ? [] : { name: `${owner}/${part}`, format: none, isDefault: false, file },
    );
  const ofImages = [...images].flatMap(([image, file]) => [
    { name: image, format: file.format, isDefault: image === chosen, file },
    ...beside(image, { ...file.partition }),
  ]);
  const { kernel, ramdisk, iso } = deploy ?? {};
  return [...ofImages, ...beside('deploy', { kernel, ramdisk, iso })];
}

function lineOf({ name: image, format, isDefault, file }: Row, size: number | undefined): readonly string[] {
  const [algorithm = '', digits = ''] = file.checksum.split(':');
  const checksum = `${algorithm}:${digits.slice(0, shortChecksum)}`;
  return [
    image,
    format,
    size === undefined ? none : sizeText(size),
    isDefault ? 'yes' : none,
    file.url,
    checksum,
  ];
}

/** 734.0 MiB, 1.4 GiB. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power] ?? ''}`;
}
