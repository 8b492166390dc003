// Applies imported sets and their Secret: all of it as a dry run first, so that one refusal leaves everything as it was.
import { containerImageSets } from '../../../api/containerimageset.gen.ts';
import { messageOf, OperatorError, terminal } from '../../../kernel/errors.ts';
import { type Secret, secrets } from '../../../kube/objects.ts';
import type { WriteOptions } from '../../cluster.ts';
import { type Change, changeOf } from '../change.ts';
import { importManager, type WriteDeps } from '../write.ts';
import type { ImportedImages } from './read.ts';
import { draftOfSecret, draftOfSet, type ImportedSet } from './set.ts';

/** A set with what applying does to it. */
export interface TriedSet {
  readonly set: ImportedSet;
  readonly change: Change;
}

/** What applying would change; writes nothing. Throws terminal ImportRefused with a line for each object that is refused. */
export async function trySets(deps: WriteDeps, imported: ImportedImages): Promise<readonly TriedSet[]> {
  const options = optionsOf(deps, true);
  const problems: string[] = [];
  const account = await attempt(problems, () => trySecret(deps, imported, options));
  const tried: TriedSet[] = [];
  for (const set of imported.sets) {
    const draft = draftOfSet(set, deps.namespace);
    const one = await attempt(problems, async () => {
      const before = await deps.cluster.get(containerImageSets, draft.metadata);
      if (before?.metadata.deletionTimestamp !== undefined) {
        const remedy = 'wait until it is gone, or give another --name';
        throw terminal('ImportRefused', `ContainerImageSet ${set.name} is being deleted: ${remedy}`);
      }
      const after = await deps.cluster.apply(containerImageSets, draft, options);
      return { set, change: changeOf({ before, after }, account) };
    });
    if (one !== undefined) tried.push(one);
  }
  if (problems.length === 0) return tried;
  throw terminal('ImportRefused', [...problems, 'nothing was written'].join('\n'));
}

/** Writes what has a change for good. Throws terminal ImportIncomplete with what was refused after all. */
export async function writeSets(
  deps: WriteDeps,
  imported: ImportedImages,
  tried: readonly TriedSet[],
): Promise<void> {
  const changed = tried.filter(({ change }) => change.kind !== 'unchanged');
  const options = optionsOf(deps, false);
  const problems: string[] = [];
  await attempt(problems, async () => {
    // First the login: the operator uses it as soon as it sees the set.
    if (changed.length > 0 && imported.logins.size > 0) {
      await deps.cluster.apply(
        secrets,
        draftOfSecret(imported.name, imported.logins, deps.namespace),
        options,
      );
    }
    for (const { set } of changed) {
      await deps.cluster.apply(containerImageSets, draftOfSet(set, deps.namespace), options);
    }
  });
  if (problems.length > 0)
    throw terminal('ImportIncomplete', [...problems, 'not all was written: run it again'].join('\n'));
}

/** How the Secret is before and after; undefined when there are no logins. */
async function trySecret(deps: WriteDeps, { name, logins }: ImportedImages, options: WriteOptions) {
  if (logins.size === 0) return undefined;
  const draft = draftOfSecret(name, logins, deps.namespace);
  const before = await deps.cluster.get(secrets, draft.metadata);
  return { before, after: await deps.cluster.apply<Secret>(secrets, draft, options) };
}

const optionsOf = ({ force }: WriteDeps, dryRun: boolean): WriteOptions => ({
  fieldManager: importManager,
  dryRun,
  force,
});

async function attempt<T>(problems: string[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    const isConflict = error.reason === 'Conflict';
    const remedy = isConflict ? '; let the file say the same, or take the fields over with --force' : '';
    problems.push(`${messageOf(error)}${remedy}`);
    return undefined;
  }
}
