// kubectl undercloud import of TripleO's files about images: one ContainerImageSet, one more for Ceph, and a Secret.
import { wrongUsage } from '../../command.ts';
import type { Outside } from '../../outside/port.ts';
import type { WriteDeps } from '../write.ts';
import { type ImagesFile, type ImportedImages, readImages } from './read.ts';
import { isWrong, readPlace } from './reference.ts';
import { manifestsOfSets, reportSets } from './report.ts';
import { trySets, writeSets } from './write.ts';

/** Leaves room for what is put behind it: an object's name ends at 63. */
const longestName = 58;

export interface ImagesOptions {
  /** From the command line. */
  readonly name: string | undefined;
  readonly destination: string | undefined;
}

/** `command`: whose help says how it goes. Throws WrongUsage, and as readImages does. */
export function readAsked(
  command: string,
  files: readonly ImagesFile[],
  { name, destination }: ImagesOptions,
): ImportedImages {
  const place = destination === undefined ? undefined : readPlace(destination);
  if (place !== undefined && isWrong(place)) throw wrongUsage(command, `--destination ${place.wrong}`);
  return readImages(files, name === undefined ? nameFrom(command, files) : checked(command, name), place);
}

export function printSets(
  imported: ImportedImages,
  namespace: string | undefined,
  withSecrets: boolean,
  outside: Outside,
): void {
  printRemarks(imported, outside);
  if (withSecrets && imported.logins.size > 0)
    outside.err('warning: the Secret below holds registry passwords; --no-secrets leaves it out\n');
  outside.out(manifestsOfSets(imported, namespace, withSecrets));
}

/** Throws as trySets and writeSets do. */
export async function importSets(
  deps: WriteDeps,
  imported: ImportedImages,
  dryRun: boolean,
  outside: Outside,
): Promise<void> {
  printRemarks(imported, outside);
  const tried = await trySets(deps, imported);
  if (!dryRun) await writeSets(deps, imported, tried);
  outside.out(reportSets(tried, dryRun));
}

const printRemarks = ({ remarks }: ImportedImages, outside: Outside): void =>
  outside.err(remarks.map((remark) => `${remark}\n`).join(''));

/** overcloud_images.yaml: overcloud-images. */
function nameFrom(command: string, [first]: readonly ImagesFile[]): string {
  const file = first?.file ?? '';
  const name = file
    .replace(/\.(ya?ml|json)$/i, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  if (file !== standardInput && name !== '' && name.length <= longestName) return name;
  throw wrongUsage(command, `--name is missing, and ${file} makes none`);
}

/** What a file is called that is no file. */
export const standardInput = 'standard input';

function checked(command: string, name: string): string {
  if (name.length <= longestName && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)) return name;
  const rule = `must have up to ${longestName} small letters, digits and hyphens`;
  throw wrongUsage(command, `--name ${rule}, with a letter or digit at both ends`);
}
