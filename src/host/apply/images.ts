// Makes sure that the images of a plan are on the host before any container is touched: by digest, then tagged for people.
import { createLimiter } from '../../kernel/limiter.ts';
import type { ManifestImage } from '../manifest/types.ts';
import type { Action, Failure } from '../plan/types.ts';
import { failureOf, throwIfLost, type ApplyContext } from './context.ts';

/** More at once only makes each of them slower. */
const parallelPulls = 3;

const referenceOf = ({ repository, digest }: ManifestImage): string => `${repository}@${digest}`;

/** The image that an action needs, if any. */
function imageOf(action: Action): ManifestImage | undefined {
  switch (action.kind) {
    case 'create':
    case 'replace':
      return action.container.image;
    case 'runJob':
      return action.job.work.kind === 'container' ? action.job.work.image : undefined;
    default:
      return undefined;
  }
}

/** The actions whose image could not be had, each with the reason. */
export async function pullImages(
  actions: readonly Action[],
  context: ApplyContext,
): Promise<ReadonlyMap<Action, Failure>> {
  const needed = actions.flatMap((action) => imageOf(action) ?? []);
  const images = [...new Map(needed.map((image) => [`${referenceOf(image)} ${image.tag}`, image])).values()];
  const absent = await onlyAbsent(images, context);
  if (absent.length === 0) return new Map();
  await context.onPhase(`pulls ${absent.length} image${absent.length === 1 ? '' : 's'}`);
  const missing = new Map<string, Failure>();
  const limiter = createLimiter(parallelPulls);
  await Promise.all(
    absent.map((image) =>
      limiter.run(context.signal, async () => {
        const failure = await pull(image, context);
        if (failure !== undefined) missing.set(referenceOf(image), failure);
      }),
    ),
  );
  return new Map(
    actions.flatMap((action) => {
      const image = imageOf(action);
      const failure = image === undefined ? undefined : missing.get(referenceOf(image));
      return failure === undefined ? [] : [[action, failure] as const];
    }),
  );
}

/** What is here may still lack the tag by which people know it. */
async function onlyAbsent(
  images: readonly ManifestImage[],
  { session, signal }: ApplyContext,
): Promise<readonly ManifestImage[]> {
  const checked = await Promise.all(
    images.map(async (image) => {
      const id = await session.engine.imageId(referenceOf(image), signal);
      if (id === undefined) return [image];
      await tag(image, id, session.engine, signal);
      return [];
    }),
  );
  return checked.flat();
}

async function pull(image: ManifestImage, context: ApplyContext): Promise<Failure | undefined> {
  const { session, signal, log, pullHint } = context;
  const reference = referenceOf(image);
  try {
    await session.engine.pull(image.repository, image.digest, await context.authFor(image), signal);
    const id = await session.engine.imageId(reference, signal);
    if (id !== undefined) await tag(image, id, session.engine, signal);
    log.info('image pulled', { image: reference, tag: image.tag });
    return undefined;
  } catch (error) {
    throwIfLost(error, context);
    const failure = failureOf(error, 'ImagePullFailed');
    const message = `has no image ${image.repository}:${image.tag}: ${failure.message}`;
    return { ...failure, message: pullHint === '' ? message : `${message}; ${pullHint}` };
  }
}

async function tag(
  image: ManifestImage,
  id: string,
  engine: ApplyContext['session']['engine'],
  signal: AbortSignal,
): Promise<void> {
  const named = await engine.imageId(`${image.repository}:${image.tag}`, signal);
  if (named !== id) await engine.tag(id, image.repository, image.tag, signal);
}
