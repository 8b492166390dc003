// Finds out what is to be copied: asks the destination for each image's tag, and reads from the source what is not there.
import { asOperatorError } from '../../kernel/errors.ts';
import type { Registry } from '../registry/port.ts';
import type { MirrorImage, MirrorOutcome } from './image.ts';
import { every, unlessFailed, type Lanes } from './lanes.ts';
import { collisions, type ReadImage } from './plan.ts';
import { readAttached, readTree } from './read.ts';
import { createShelf, type Take } from './shelf.ts';

export interface Survey {
  readonly from: Registry;
  readonly to: Registry;
  readonly lanes: Lanes;
  /** Called for each image of which nothing is to be copied, or which cannot be. */
  readonly done: (outcome: MirrorOutcome) => void;
}

/**
 * What is to be copied, and the images that the destination has. An image that is there costs one request, and two more for
 * each attachment, one of them at the source. Throws only the signal's reason.
 */
export async function survey(
  images: readonly MirrorImage[],
  context: Survey,
): Promise<{ readonly reads: readonly ReadImage[]; readonly complete: readonly MirrorImage[] }> {
  const { from, to, lanes, done } = context;
  const complete = new Set<MirrorImage>();
  const wanted: MirrorImage[] = [];
  const reads: ReadImage[] = [];
  const refused = collisions(images);
  const shelf = createShelf();
  /** Undefined: the destination has all of it. */
  const read = async (image: MirrorImage, take: Take): Promise<ReadImage | undefined> => {
    const attachments = await readAttachments(image, context, take);
    if (!complete.has(image)) {
      return { image, tree: await readTree(from, image.source, lanes, take), attachments };
    }
    return attachments.length > 0 ? { image, attachments } : undefined;
  };
  await each(await reachable(to, images, context), context, async (image) => {
    const error = refused.get(image);
    if (error !== undefined) throw error;
    const { path, tag } = image.destination;
    if (await isThere(to, path, tag, image.source.digest, lanes)) complete.add(image);
    if (complete.has(image) && (image.attachments ?? []).length === 0) done(there(image));
    else wanted.push(image);
  });
  await each(await reachable(from, wanted, context), context, async (image) => {
    const found = await shelf.use(image.name, (take) => read(image, take));
    if (found === undefined) done(there(image));
    else reads.push(found);
  });
  return { reads, complete: [...complete] };
}

/** `work`, whose failure is the image's outcome. Throws only the signal's reason. */
export async function orFailed(
  image: MirrorImage,
  { lanes, done }: Pick<Survey, 'lanes' | 'done'>,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    lanes.signal.throwIfAborted();
    done({ image, error: asOperatorError(thrown) });
  }
}

const each = (
  images: readonly MirrorImage[],
  context: Survey,
  work: (image: MirrorImage) => Promise<void>,
): Promise<unknown> =>
  every(context.lanes.signal, images, (image) => orFailed(image, context, () => work(image)));

const there = (image: MirrorImage): MirrorOutcome => ({ image, digest: image.source.digest });

/** All of `images`, or none of them, which fail, when the registry cannot be used. Asks it nothing for no images. */
async function reachable(
  registry: Registry,
  images: readonly MirrorImage[],
  { lanes, done }: Survey,
): Promise<readonly MirrorImage[]> {
  if (images.length === 0) return images;
  try {
    await lanes.ask(() => registry.check(lanes.signal));
    return images;
  } catch (thrown) {
    lanes.signal.throwIfAborted();
    for (const image of images) done({ image, error: asOperatorError(thrown) });
    return [];
  }
}

/** Those that the source has by now and the destination does not. */
async function readAttachments(
  { source, destination, attachments = [] }: MirrorImage,
  { from, to, lanes }: Survey,
  take: Take,
): Promise<ReadImage['attachments']> {
  const read = await every(lanes.signal, attachments, async (tag) => {
    const digest = await lanes.ask(() => from.digest(source.path, tag, lanes.signal));
    if (digest === undefined || (await isThere(to, destination.path, tag, digest, lanes))) return [];
    return [{ tag, tree: await readAttached(from, { path: source.path, digest }, lanes, take) }];
  });
  return read.flat();
}

const isThere = async (
  to: Registry,
  path: string,
  tag: string,
  digest: string,
  lanes: Lanes,
): Promise<boolean> => {
  const asked = lanes.ask(() => to.digest(path, tag, lanes.signal));
  return (await unlessFailed(asked, undefined)) === digest;
};
