// Which node of the cluster a node of a file is: by name, MAC or BMC, and what stops an import.
import { expect } from 'chai';
import type { BareMetalNode } from '../../../src/api/baremetalnode.gen.ts';
import { matchNodes } from '../../../src/cli/import/match.ts';
import { readFile } from '../../../src/cli/import/read.ts';
import { messageOf } from '../../../src/kernel/errors.ts';

const mac = (last: number): string => `2c:c2:60:01:02:0${last}`;

function existing(name: string, address: string, bootMACAddress?: string, gone = false): BareMetalNode {
  const deleted = gone ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {};
  const spec = { bmc: { address, credentialsName: 'x' }, bootMACAddress };
  return { metadata: { name, ...deleted }, spec } as unknown as BareMetalNode;
}

const given = (members: object): object => ({
  ...{ pm_type: 'ipmi', pm_addr: '10.0.0.9', pm_user: 'root', pm_password: 'Zecret' },
  ...members,
});

/** Names of what the nodes of a file are, with a + where they are to be created; the problems where there are some. */
function matched(nodes: readonly object[], cluster: readonly BareMetalNode[]): string {
  const file = readFile(JSON.stringify(nodes), 'env.json');
  const found = matchNodes(file.nodes, cluster);
  try {
    file.findings.refuseProblems();
  } catch (error) {
    return messageOf(error);
  }
  return found.map(({ name, existing: object }) => `${object === undefined ? '+' : ''}${name}`).join(' ');
}

const cluster = [
  existing('a', 'ipmi://10.0.0.1', mac(1)),
  existing('b', 'redfish-virtualmedia://10.0.0.2/redfish/v1/Systems/2', mac(2).toUpperCase()),
  existing('c', 'redfish://10.0.0.3'),
  existing('going', 'ipmi://10.0.0.4', mac(4), true),
];
const redfish2 = { pm_type: 'redfish', pm_addr: '10.0.0.2' };

const cases: readonly (readonly [what: string, nodes: readonly object[], is: string])[] = [
  ['a name that is there', [{ name: 'a' }], 'a'],
  ['a name that is there in capitals', [{ name: 'A' }], 'a'],
  ['a name that is new', [{ name: 'new' }], '+new'],
  ['a MAC that is there', [{ name: 'new', mac: [mac(1)] }], 'a'],
  ['a second MAC that is there, in capitals', [{ name: 'new', mac: [mac(9), mac(2)] }], 'b'],
  ['a BMC that is there', [{ name: 'new', pm_addr: '10.0.0.1', pm_port: 623 }], 'a'],
  ['a BMC at another port', [{ name: 'new', pm_addr: '10.0.0.1', pm_port: 624 }], '+new'],
  ['a system that is there', [{ name: 'new', ...redfish2, pm_system_id: '/redfish/v1/Systems/2' }], 'b'],
  [
    'another system of that BMC',
    [{ name: 'new', ...redfish2, pm_system_id: '/redfish/v1/Systems/3' }],
    '+new',
  ],
  ['the only system of a BMC', [{ name: 'new', pm_type: 'redfish', pm_addr: '10.0.0.3' }], 'c'],
  ['no name, and a MAC that is there', [{ mac: [mac(1)] }], 'a'],
  ['name, MAC and BMC of one', [{ name: 'a', mac: [mac(1)], pm_addr: '10.0.0.1' }], 'a'],
  ['a name that is there with a new MAC and BMC', [{ name: 'a', mac: [mac(9)] }], 'a'],
  [
    'the name of one and the MAC of another',
    [{ name: 'a', mac: [mac(2)] }],
    'env.json: node 1 (a) matches more than one BareMetalNode: a by its name, b by its MAC',
  ],
  [
    'the MAC of one and the BMC of another',
    [{ mac: [mac(2)], pm_addr: '10.0.0.1' }],
    'env.json: node 1 matches more than one BareMetalNode: b by its MAC, a by its BMC address',
  ],
  [
    'what another node of the file is',
    [{ name: 'a' }, { name: 'new', pm_addr: '10.0.0.1' }],
    'env.json: node 2 (new) is BareMetalNode a, as node 1 (a) is',
  ],
  [
    'one that is being deleted',
    [{ name: 'going' }],
    'env.json: node 1 (going) is BareMetalNode going, which is being deleted: wait until it is gone',
  ],
];

describe('a node of a file, compared with the cluster', () => {
  for (const [what, nodes, is] of cases) {
    it(`with ${what}: ${is}`, () => {
      expect(matched(nodes.map(given), cluster)).to.equal(is);
    });
  }

  it('is what another one’s changed name would be', () => {
    // The first is found by its MAC, the second has the name that the first would have got.
    const nodes = [given({ name: 'a', mac: [mac(9)] }), given({ name: 'b', pm_addr: '10.0.0.8' })];
    expect(matched(nodes, [existing('b', 'ipmi://10.0.0.7', mac(9))])).to.include(
      'node 2 (b) is BareMetalNode b',
    );
  });
});
