// Which BareMetalNode of the cluster a node of the file is: by name, else by MAC, else by its BMC.
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import { type BmcPlace, isSamePlace, placeOf } from './bmc.ts';
import type { ImportedNode } from './node.ts';

export interface Matched {
  readonly imported: ImportedNode;
  /** The object's name. */
  readonly name: string;
  /** As it is now; undefined: to be created. */
  readonly existing: BareMetalNode | undefined;
}

/** In the file's order. More than one candidate, or one that is being deleted, is reported as a problem. */
export function matchNodes(
  nodes: readonly ImportedNode[],
  existing: readonly BareMetalNode[],
): readonly Matched[] {
  const find = indexOf(existing);
  const taken = new Map<string, ImportedNode>();
  return nodes.map((imported) => {
    const candidates = find(imported);
    const [found] = candidates.keys();
    const name = found?.metadata.name ?? imported.name;
    const { findings } = imported;
    if (candidates.size > 1)
      findings.problem('', `matches more than one BareMetalNode: ${listed(candidates)}`);
    if (found?.metadata.deletionTimestamp !== undefined) {
      findings.problem('', `is BareMetalNode ${name}, which is being deleted: wait until it is gone`);
    }
    const other = taken.get(name);
    if (other !== undefined) findings.problem('', `is BareMetalNode ${name}, as ${other.label} is`);
    taken.set(name, imported);
    if (name !== imported.name && imported.givenName !== undefined) {
      const why = found === undefined ? '' : ` (found by its ${candidates.get(found) ?? ''})`;
      findings.remark('note', `BareMetalNode ${name}${why} keeps its name: objects cannot be renamed`);
    }
    return { imported, name, existing: found };
  });
}

type Why = 'name' | 'MAC' | 'BMC address';

const listed = (candidates: ReadonlyMap<BareMetalNode, Why>): string =>
  [...candidates].map(([node, why]) => `${node.metadata.name} by its ${why}`).join(', ');

/** Candidates in the order of how much they count. */
function indexOf(
  existing: readonly BareMetalNode[],
): (imported: ImportedNode) => ReadonlyMap<BareMetalNode, Why> {
  const byName = new Map(existing.map((node) => [node.metadata.name, node]));
  const byMac = Map.groupBy(existing, (node) => node.spec.bootMACAddress?.toLowerCase());
  const places = existing.map((node) => ({ node, place: placeOf(node.spec.bmc.address) }));
  const byEndpoint = Map.groupBy(places, ({ place }) => place?.endpoint);
  const at = (wanted: BmcPlace): readonly BareMetalNode[] =>
    (byEndpoint.get(wanted.endpoint) ?? [])
      .filter(({ place }) => place !== undefined && isSamePlace(place, wanted))
      .map(({ node }) => node);
  return ({ name, givenName, macs, place }) => {
    const candidates = new Map<BareMetalNode, Why>();
    const add = (nodes: readonly BareMetalNode[], why: Why): void => {
      for (const node of nodes) if (!candidates.has(node)) candidates.set(node, why);
    };
    const named = byName.get(name);
    // A name that we made says no more than what we made it of.
    if (named !== undefined && givenName !== undefined) add([named], 'name');
    add(
      macs.flatMap((mac) => byMac.get(mac) ?? []),
      'MAC',
    );
    add(at(place), 'BMC address');
    return candidates;
  };
}
