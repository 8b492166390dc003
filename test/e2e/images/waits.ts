// What the tests wait for, as a person would who looks at an image set with kubectl.
import type { ContainerImageSet } from '../../../src/api/containerimageset.gen.ts';
import type { Site } from './site.ts';

type Condition = NonNullable<NonNullable<ContainerImageSet['status']>['conditions']>[number];

/** Of what the spec says by now. */
const readyOf = ({ status, metadata }: ContainerImageSet): Condition | undefined =>
  status?.conditions?.find(
    ({ type, observedGeneration }) => type === 'Ready' && observedGeneration === metadata.generation,
  );

/** All of its images can be used. */
export const isReady = (set: ContainerImageSet): boolean => readyOf(set)?.status === 'True';

export const becomesReady = (site: Site, set: string): Promise<ContainerImageSet> =>
  site.until(set, 'is Ready', 150, (seen) => (isReady(seen) ? seen : undefined));

/** Yields what it says. */
export const isNotReady = (site: Site, set: string, reason: string): Promise<string> =>
  site.until(set, `is not Ready: ${reason}`, 60, (seen) => {
    const ready = readyOf(seen);
    return ready?.status === 'False' && ready.reason === reason ? ready.message : undefined;
  });

/** This image has failed, for a reason that the set gives as well; yields what it says of the image. */
export const fails = (site: Site, set: string, image: string, reason: string): Promise<string> =>
  site.until(set, `says that ${image} failed: ${reason}`, 60, (seen) =>
    readyOf(seen)?.reason === reason
      ? seen.status?.unresolved?.find(({ name, state }) => name === image && state === 'Failed')?.message
      : undefined,
  );

/** All others are at the destination. */
export const lacksOnly = (site: Site, set: string, image: string): Promise<ContainerImageSet> =>
  site.until(set, `has all but ${image}`, 60, (seen) => {
    const { unresolved = [] } = seen.status ?? {};
    return unresolved.length === 1 && unresolved[0]?.name === image ? seen : undefined;
  });
