// What a set's status lists beside what clouds run: the images that are not ready, and what is proposed. Pure.
import type {
  ContainerImageSetStatus,
  ContainerImageSetStatusProposedImagesItem,
  ContainerImageSetStatusUnresolvedItem,
} from '../api/containerimageset.gen.ts';
import type { Proposal } from './pins.ts';
import type { ImageState } from './picture.ts';

const mostListed = 50;
/** Of both lists together, in bytes of JSON: with 45 images resolved a status has room for no more (docs/adr/0010). */
const budget = 7 * 1024;
/** The whole of the first stands in Ready; a status has room for so much of each. */
const longestMessage = 300;

/** Each of the two may have half, and what the other leaves. */
export function listsOf(
  images: readonly ImageState[],
  proposal: Proposal | undefined,
): Pick<ContainerImageSetStatus, 'unresolved' | 'truncated' | 'proposed'> {
  const unready = unreadyOf(images);
  const changes = changesOf(images, proposal);
  const unresolved = fitting(unready, budget - Math.min(bytesOf(changes.slice(0, mostListed)), budget / 2));
  const listed = fitting(changes, budget - bytesOf(unresolved));
  return {
    ...(unready.length === 0 ? {} : { unresolved, ...truncation(unready, unresolved) }),
    ...(proposal === undefined
      ? {}
      : {
          proposed: {
            id: proposal.id,
            foundAt: proposal.foundAt,
            images: listed,
            ...truncation(changes, listed),
          },
        }),
  };
}

/** First what failed: what is on its way needs nobody. */
function unreadyOf(images: readonly ImageState[]): readonly ContainerImageSetStatusUnresolvedItem[] {
  const items = images.flatMap(({ name, reference, problem }) =>
    problem === undefined
      ? []
      : [
          {
            name,
            reference,
            state: problem.state,
            message: problem.message.slice(0, longestMessage).toWellFormed(),
          },
        ],
  );
  const isFailed = ({ state }: { readonly state: string }) => state === 'Failed';
  return [...items.filter(isFailed), ...items.filter((item) => !isFailed(item))];
}

function changesOf(
  images: readonly ImageState[],
  proposal: Proposal | undefined,
): readonly ContainerImageSetStatusProposedImagesItem[] {
  const tags = new Map(images.map(({ name, found }) => [name, found?.tag ?? '']));
  return (proposal?.images ?? []).map(({ name, tag, digest }) => ({
    name,
    tag,
    digest,
    from: tags.get(name) ?? '',
  }));
}

function fitting<T>(items: readonly T[], room: number): readonly T[] {
  let left = room;
  const over = items.findIndex((item) => (left -= bytesOf([item])) < 0);
  return items.slice(0, Math.min(over < 0 ? items.length : over, mostListed));
}

/** As a member of a list: with a comma. */
const bytesOf = (items: readonly unknown[]): number =>
  items.reduce<number>((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)) + 1, 0);

const truncation = (all: readonly unknown[], listed: readonly unknown[]): { readonly truncated?: number } =>
  all.length === listed.length ? {} : { truncated: all.length - listed.length };
