// Which containers are ours: those that carry our owner label. All others are never touched. Pure.
import { containerLabels } from '../../api/names.ts';

interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
}

export const isOurs = (container: Labelled, owner: string): boolean =>
  container.labels[containerLabels.owner] === owner;

export const specHashOf = (container: Labelled): string | undefined =>
  container.labels[containerLabels.specHash];

/** Where a container waits that may have to come back if its successor fails. */
export const previousName = (name: string): string => `${name}.prev`;
