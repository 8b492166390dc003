// The whole file: every node of it, and what must be unique among them. All problems are found before anything is done.
import { type BmcPlace, isSamePlace } from './bmc.ts';
import { readDocument } from './document.ts';
import { type Collected, collectFindings } from './findings.ts';
import { type Identity, type ImportedNode, readNode } from './node.ts';

export interface ImportedFile {
  readonly nodes: readonly ImportedNode[];
  /** To ask again after the nodes were compared with the cluster's. */
  readonly findings: Collected;
}

/** `file`: its name, for messages. Throws terminal ImportRefused with a line for each problem. */
export function readFile(text: string, file: string): ImportedFile {
  const findings = collectFindings(file);
  const read = readDocument(text, file).map((raw, index) => {
    const name = typeof raw.name === 'string' && raw.name !== '' ? ` (${raw.name})` : '';
    const label = `node ${index + 1}${name}`;
    return readNode(raw, label, findings.of(label));
  });
  const identities = read.map(({ identity }) => identity);
  checkNames(identities);
  checkMacs(identities);
  checkPlaces(identities);
  findings.refuseProblems();
  identities.forEach(remarkOnName);
  return { nodes: read.flatMap(({ node }) => node ?? []), findings };
}

function checkNames(nodes: readonly Identity[]): void {
  const seen = new Map<string, Identity>();
  for (const node of nodes) {
    if (node.name === undefined) continue;
    const first = seen.get(node.name);
    if (first === undefined) seen.set(node.name, node);
    else if (first.givenName === node.givenName)
      node.findings.problem('name', `is also that of ${first.label}`);
    else node.findings.problem('name', `becomes ${node.name}, as that of ${first.label} does: rename one`);
  }
}

function checkMacs(nodes: readonly Identity[]): void {
  const seen = new Map<string, Identity>();
  for (const node of nodes) {
    for (const mac of node.macs) {
      const first = seen.get(mac);
      if (first === undefined) seen.set(mac, node);
      else
        node.findings.problem(
          'ports',
          `have ${mac}${first === node ? ' twice' : `, as ${first.label} does`}`,
        );
    }
  }
}

function checkPlaces(nodes: readonly Identity[]): void {
  const seen = new Map<string, (readonly [BmcPlace, Identity])[]>();
  for (const node of nodes) {
    const { place } = node;
    if (place === undefined) continue;
    const there = seen.get(place.endpoint) ?? [];
    const first = there.find(([other]) => isSamePlace(other, place))?.[1];
    if (first !== undefined) {
      const remedy = place.endpoint.startsWith('redfish') ? ': give each its own pm_system_id' : '';
      node.findings.problem('pm_addr', `is the BMC of ${first.label} too${remedy}`);
    }
    there.push([place, node]);
    seen.set(place.endpoint, there);
  }
}

function remarkOnName({ givenName, name, findings }: Identity): void {
  if (givenName !== undefined && givenName !== name) {
    findings.remark('note', 'the name is made fit for Kubernetes: lower case, with - for . and _');
  }
}
