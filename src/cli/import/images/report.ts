// The import of images in words: the table of sets and the line below it, or manifests for GitOps.
import { table } from '../../table.ts';
import { changesText, changeText, manifestText } from '../report.ts';
import { placeText } from './reference.ts';
import type { ImportedImages } from './read.ts';
import { draftOfSecret, draftOfSet, type ImportedSpec } from './set.ts';
import type { TriedSet } from './write.ts';

const none = '-';

/** `dryRun`: nothing was written, so that it says what would be. */
export function reportSets(tried: readonly TriedSet[], dryRun: boolean): string {
  const rows = tried.map(({ set: { name, spec }, change }) => [
    name,
    placeText(spec.source),
    spec.destination?.registry ?? none,
    tagText(spec),
    String(spec.overrides?.length ?? 0),
    changeText(change, dryRun),
  ]);
  const sets = tried.length === 1 ? '1 set' : `${tried.length} sets`;
  const changes = tried.map(({ change }) => change);
  const header = ['NAME', 'SOURCE', 'DESTINATION', 'TAG', 'OVERRIDES', 'CHANGE'];
  return `${table(header, rows)}\n${changesText(sets, changes, dryRun)}`;
}

const tagText = ({ tag, tagFromLabel }: ImportedSpec): string => tag ?? tagFromLabel?.format ?? none;

/** Documents for a repository. `namespace`: put into each, where given. */
export function manifestsOfSets(
  { name, logins, sets }: ImportedImages,
  namespace: string | undefined,
  withSecrets: boolean,
): string {
  const secret = withSecrets && logins.size > 0 ? [draftOfSecret(name, logins, namespace ?? '')] : [];
  return manifestText([...secret, ...sets.map((set) => draftOfSet(set, namespace ?? ''))], namespace);
}
