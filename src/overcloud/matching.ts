// Nodes for the hosts that are to be made: those named or kept for a host first, then by name; and what is short, and why.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { OvercloudSpecRolesItemHostsItem } from '../api/overcloud.gen.ts';
import type { AllocationInput } from './allocation.ts';
import { arrives, profileOf, settledState, whyNot, type Claim } from './claimable.ts';
import { listed, problem, type Problem } from './problem.ts';

/** A host to make: it has a name, and no node yet. */
export interface Vacancy {
  readonly role: string;
  readonly index: number;
  readonly name: string;
  readonly entry: OvercloudSpecRolesItemHostsItem | undefined;
}

export interface Matching {
  /** Node by host. */
  readonly matched: ReadonlyMap<string, string>;
  /** How many more hosts will get a node that is on its way to be available. */
  readonly arriving: number;
  readonly shortages: readonly Problem[];
}

type Refusal = (node: BareMetalNode, vacancy: Vacancy) => string | undefined;

export function matchNodes(input: AllocationInput, vacancies: readonly Vacancy[]): Matching {
  if (vacancies.length === 0) return { matched: new Map(), arriving: 0, shortages: [] };
  const nodes = [...input.nodes.values()].sort((a, b) => byText(a.metadata.name, b.metadata.name));
  const askedFor = new Map(input.hosts.map((host) => [host.spec.nodeName, host.metadata.name]));
  const keptFor = namedNodes(input);
  const refusal: Refusal = (node, vacancy) => {
    const owner = keptFor.get(node.metadata.name);
    const kept = owner === undefined || owner === vacancy.name ? undefined : `is kept for host ${owner}`;
    return whyNot(node, claimOf(input, vacancy, askedFor)) ?? kept;
  };
  const matched = new Map<string, string>();
  const give = (vacancy: Vacancy, fits: (node: BareMetalNode) => boolean) => {
    const node = nodes.find((each) => fits(each) && refusal(each, vacancy) === undefined);
    if (node === undefined || matched.has(vacancy.name)) return;
    matched.set(vacancy.name, node.metadata.name);
    askedFor.set(node.metadata.name, vacancy.name);
  };

  for (const vacancy of vacancies) {
    const named = vacancy.entry?.node;
    give(vacancy, (node) =>
      named === undefined ? node.status?.retainedFrom?.host === vacancy.name : node.metadata.name === named,
    );
  }
  for (const vacancy of vacancies) {
    if (vacancy.entry?.node === undefined) give(vacancy, () => true);
  }
  const unmatched = vacancies.filter(({ name }) => !matched.has(name));
  const arriving = arrivingNodes(input, nodes, unmatched, askedFor);
  // A role whose nodes are still coming is given all of them at once: host 0 is then on the first node, not on the fastest.
  const early = vacancies.filter((vacancy) => arriving.has(vacancy.role) && isFree(input, vacancy, matched));
  for (const { name } of early) {
    askedFor.delete(matched.get(name) ?? '');
    matched.delete(name);
  }
  const open = unmatched.filter(({ role }) => !arriving.has(role));
  const ours = new Set([...matched.keys(), ...ownNames(input)]);
  const others = nodes.filter(({ metadata }) => !ours.has(askedFor.get(metadata.name) ?? ''));
  return {
    matched,
    arriving: [...arriving.values()].flat().length,
    shortages: [
      ...[...arriving].map(([role, coming]) => stillComing(role, coming)),
      ...namedShortages(input, open, refusal),
      ...roleShortages(input, others, open, refusal),
    ],
  };
}

/** Whether any other node of the profile would have done as well. */
function isFree(input: AllocationInput, vacancy: Vacancy, matched: ReadonlyMap<string, string>): boolean {
  const node = input.nodes.get(matched.get(vacancy.name) ?? '');
  return node !== undefined && vacancy.entry?.node === undefined && node.status?.retainedFrom === undefined;
}

function stillComing(role: string, nodes: readonly BareMetalNode[]): Problem {
  const names = nodes.map((node) => `${node.metadata.name} (${settledState(node)})`);
  const message = `role ${role} waits for ${listed(names)}: on the way to be available`;
  return { reason: 'NodesArriving', message, needsPerson: false };
}

const ownNames = ({ overcloud, hosts }: AllocationInput): readonly string[] =>
  hosts
    .filter(({ spec }) => spec.overcloudName === overcloud.metadata.name)
    .map(({ metadata }) => metadata.name);

/** Nodes that the Overcloud names for a host: nobody else gets them. */
const namedNodes = ({ overcloud }: AllocationInput): ReadonlyMap<string, string> =>
  new Map(
    overcloud.spec.roles
      .flatMap(({ hosts = [] }) => hosts)
      .flatMap(({ name, node }) => (node === undefined ? [] : [[node, name] as const])),
  );

const claimOf = (input: AllocationInput, vacancy: Vacancy, askedFor: ReadonlyMap<string, string>): Claim => ({
  overcloud: input.overcloud.metadata.name,
  host: vacancy.name,
  profile: input.roles.get(vacancy.role)?.spec.profile,
  askedFor,
});

/** By role: the nodes that can fill its open places as soon as they are available. */
function arrivingNodes(
  input: AllocationInput,
  nodes: readonly BareMetalNode[],
  open: readonly Vacancy[],
  askedFor: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly BareMetalNode[]> {
  const spoken = new Set<string>();
  const byRole = new Map<string, readonly BareMetalNode[]>();
  for (const vacancy of open) {
    const claim = claimOf(input, vacancy, askedFor);
    const { node: named = '' } = vacancy.entry ?? {};
    const node = nodes.find(
      (each) =>
        !spoken.has(each.metadata.name) &&
        ['', each.metadata.name].includes(named) &&
        arrives(each, claim, input.now),
    );
    if (node === undefined) continue;
    spoken.add(node.metadata.name);
    byRole.set(vacancy.role, [...(byRole.get(vacancy.role) ?? []), node]);
  }
  return byRole;
}

function namedShortages(
  input: AllocationInput,
  open: readonly Vacancy[],
  refusal: Refusal,
): readonly Problem[] {
  return open.flatMap((vacancy) => {
    const wanted = vacancy.entry?.node;
    if (wanted === undefined) return [];
    const node = input.nodes.get(wanted);
    const why =
      node === undefined ? 'does not exist' : (refusal(node, vacancy) ?? 'was given to another host');
    const message =
      `host ${vacancy.name} wants node ${wanted}, which ${why}: ` +
      `free it, or name another in spec.roles[].hosts[].node`;
    return [problem('InsufficientNodes', message)];
  });
}

/** One sentence for each role: how many are missing, and why the nodes that the cloud does not have do not fit. */
function roleShortages(
  input: AllocationInput,
  nodes: readonly BareMetalNode[],
  open: readonly Vacancy[],
  refusal: Refusal,
): readonly Problem[] {
  const byRole = Map.groupBy(
    open.filter(({ entry }) => entry?.node === undefined),
    ({ role }) => role,
  );
  return [...byRole].map(([name, vacancies]) => {
    const count = input.overcloud.spec.roles.find(({ role }) => role === name)?.count ?? 0;
    const profile = input.roles.get(name)?.spec.profile;
    const kind = profile === undefined ? '' : ` of profile ${profile}`;
    const ofKind = nodes.filter((node) => profile === undefined || profileOf(node) === profile);
    const why = (ofKind.length > 0 ? ofKind : nodes).flatMap((node) => {
      const [first] = vacancies;
      const reason = first === undefined ? undefined : refusal(node, first);
      return reason === undefined ? [] : [`${node.metadata.name} ${reason}`];
    });
    const message =
      `role ${name} wants ${String(count)} nodes${kind}, ${String(count - vacancies.length)} are available: ` +
      `add nodes${kind} or lower count (${why.length === 0 ? 'there are no others' : listed(why)})`;
    return problem('InsufficientNodes', message);
  });
}

export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
