// Sets and their images as tables for people. Pure.
import type {
  ContainerImageSet,
  ContainerImageSetStatusProgress,
  ContainerImageSetStatusResolvedImagesItem,
} from '../../api/containerimageset.gen.ts';
import { annotations } from '../../api/names.ts';
import type { Condition } from '../../kube/objects.ts';
import { sizeText } from '../image/list.ts';
import { table } from '../table.ts';

type Image = ContainerImageSetStatusResolvedImagesItem;

const none = '-';
/** Digits of a digest that are enough to tell two apart. */
const shortDigest = 12;

/** One line for each set. */
export function setTable(sets: readonly ContainerImageSet[]): string {
  const rows = sets.map(({ metadata, status }) => [
    metadata.name,
    status?.tag ?? none,
    status?.images ?? none,
    status?.pushed ?? none,
    status?.progress === undefined ? none : progressText(status.progress),
    status?.proposed?.id ?? none,
    readyOf(status)?.status ?? none,
  ]);
  return table(['NAME', 'TAG', 'IMAGES', 'PUSHED', 'PROGRESS', 'PROPOSED', 'READY'], rows);
}

/** 12/36, 310.0 MiB of 2.1 GiB, 40.1 MiB/s, 45 s left. */
function progressText(progress: ContainerImageSetStatusProgress): string {
  const { images, bytes, totalBytes, bytesPerSecond, secondsLeft } = progress;
  if (secondsLeft === undefined) return `${images}, ${sizeText(bytes)} sent`;
  const rate = bytesPerSecond === undefined ? [] : [`${sizeText(bytesPerSecond)}/s`];
  return [images, `${sizeText(bytes)} of ${sizeText(totalBytes)}`, ...rate, `${secondsLeft} s left`].join(
    ', ',
  );
}

/** Every image, then those that are not ready and why, then what is proposed and how it is accepted. */
export function imageTables(set: ContainerImageSet): string {
  return [resolvedTable(set), unresolvedTable(set), proposedTable(set)]
    .filter((text) => text !== '')
    .join('\n');
}

function resolvedTable({ spec, status }: ContainerImageSet): string {
  const images = status?.resolved?.images ?? [];
  if (images.length === 0) return '';
  const rows = images.map((image) => [
    image.name,
    image.tag,
    digestText(image.digest),
    image.size === undefined ? none : sizeText(image.size),
    image.state ?? none,
    image.source ?? image.reference,
    spec.destination === undefined ? none : image.reference,
  ]);
  return table(['NAME', 'TAG', 'DIGEST', 'SIZE', 'STATE', 'SOURCE', 'DESTINATION'], rows);
}

function unresolvedTable({ status }: ContainerImageSet): string {
  const images = status?.unresolved ?? [];
  if (images.length === 0) return '';
  const rows = images.map(({ name, state, reference, message }) => [
    name,
    state ?? none,
    reference,
    oneLine(message),
  ]);
  const more = status?.truncated === undefined ? '' : `and ${status.truncated} more\n`;
  return `not ready:\n${table(['NAME', 'STATE', 'REFERENCE', 'WHY'], rows)}${more}`;
}

/** '' when nothing is proposed. */
export function proposedTable({ metadata, status }: ContainerImageSet): string {
  const proposed = status?.proposed;
  if (proposed === undefined) return '';
  const rows = proposed.images.map(({ name, from, tag, digest }) => [name, from, tag, digestText(digest)]);
  const more = proposed.truncated === undefined ? '' : `and ${proposed.truncated} more\n`;
  const { name, namespace } = metadata;
  const accept = `kubectl annotate --overwrite -n ${namespace} cis ${name} ${annotations.accept}=${proposed.id}`;
  return [
    `proposed ${proposed.id}, found ${proposed.foundAt}:\n`,
    `${table(['NAME', 'FROM', 'TO', 'DIGEST'], rows)}${more}`,
    `to accept it: ${accept}\n`,
  ].join('');
}

export const readyOf = (status: ContainerImageSet['status']): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === 'Ready');

/** sha256:0123456789ab. */
function digestText(digest: Image['digest']): string {
  const [algorithm = '', digits = ''] = digest.split(':');
  return `${algorithm}:${digits.slice(0, shortDigest)}`;
}

/** What registries answered may stand in it. */
export const oneLine = (text: string): string => text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
