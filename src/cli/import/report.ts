// The import in words: the table of nodes and the line below it, or manifests for GitOps.
import { dump } from 'js-yaml';
import type { Draft } from '../cluster.ts';
import { table } from '../table.ts';
import type { Change } from './change.ts';
import { draftsOf } from './manifests.ts';
import type { ImportedNode } from './node.ts';
import type { Tried } from './write.ts';

const none = '-';
const kinds = ['created', 'updated', 'unchanged'] as const satisfies readonly Change['kind'][];

/** `dryRun`: nothing was written, so that it says what would be. */
export function reportTable(tried: readonly Tried[], dryRun: boolean): string {
  const rows = tried.map(({ matched: { imported, name }, change }) => [
    name,
    imported.bmcAddress,
    imported.spec.bootMACAddress ?? none,
    imported.spec.profile ?? none,
    changeText(change, dryRun),
  ]);
  const nodes = tried.length === 1 ? '1 node' : `${tried.length} nodes`;
  const changes = tried.map(({ change }) => change);
  return `${table(['NAME', 'BMC', 'MAC', 'PROFILE', 'CHANGE'], rows)}\n${changesText(nodes, changes, dryRun)}`;
}

/** The last line: how many of `what`, as "2 nodes", were changed in which way. */
export function changesText(what: string, changes: readonly Change[], dryRun: boolean): string {
  const counts = kinds
    .map((kind) => ({ kind, count: changes.filter((change) => change.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${verb(kind, dryRun)}`);
  return `${what}: ${counts.join(', ')}${dryRun ? ' (dry run: nothing was written)' : ''}\n`;
}

export function changeText(change: Change, dryRun: boolean): string {
  const word = verb(change.kind, dryRun);
  return change.kind === 'updated' ? `${word} (${change.fields.join(', ')})` : word;
}

const verb = (kind: Change['kind'], dryRun: boolean): string =>
  dryRun && kind !== 'unchanged' ? `would be ${kind}` : kind;

/** Documents for a repository. `namespace`: put into each, where given. */
export function manifests(
  nodes: readonly ImportedNode[],
  namespace: string | undefined,
  withSecrets: boolean,
): string {
  const drafts = nodes.flatMap((imported) => {
    const { secret, node } = draftsOf(imported, imported.name, namespace ?? '');
    return withSecrets ? [secret, node] : [node];
  });
  return manifestText(drafts, namespace);
}

/** Documents in this order. `namespace`: put into each, where given. */
export function manifestText(drafts: readonly Draft[], namespace: string | undefined): string {
  return drafts
    .map(({ metadata, ...rest }) => {
      const { apiVersion, kind, ...body } = rest;
      const placed = namespace === undefined ? { name: metadata.name } : metadata;
      return dump({ apiVersion, kind, metadata: placed, ...body }, { lineWidth: -1 });
    })
    .join('---\n');
}
