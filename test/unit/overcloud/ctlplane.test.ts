// Where SSH answers on machines that we install, and what they have to know to use their addresses.
import { expect } from 'chai';
import type { BareMetalNode } from '../../../src/api/baremetalnode.gen.ts';
import type { Host } from '../../../src/api/host.gen.ts';
import { annotations } from '../../../src/api/names.ts';
import type { OvercloudSpecNetworksItem } from '../../../src/api/overcloud.gen.ts';
import { assignAddresses, dnsServersOf, type Addressing } from '../../../src/overcloud/addressing.ts';
import type { Member } from '../../../src/overcloud/allocation.ts';
import { byName, host, node, overcloud, role } from './support/objects.ts';

const ctlplane: OvercloudSpecNetworksItem = {
  name: 'ctlplane',
  cidr: '172.16.0.0/22',
  gateway: '172.16.0.1',
  pools: [{ start: '172.16.0.20', end: '172.16.0.23' }],
};
const bare = (name: string, spec: Partial<BareMetalNode['spec']> = {}): BareMetalNode =>
  node(name, { externallyProvisioned: false, ...spec });
const onPlane = (address: string) => ({ addresses: [{ network: 'ctlplane', address }] });

/** A host on the node of its own name: what the spec says of it, and what it has already. */
interface Wanted {
  readonly name: string;
  readonly said?: string;
  readonly host?: Host;
}

function assign(
  wanted: readonly Wanted[],
  world: {
    readonly networks?: readonly OvercloudSpecNetworksItem[];
    readonly nodes?: readonly BareMetalNode[];
    readonly others?: readonly Host[];
  } = {},
): Addressing {
  const members = wanted.map(({ name, said, host: made }, index): Member => {
    const entry =
      said === undefined ? undefined : { name, hold: false, paused: false, addresses: { ctlplane: said } };
    return { name, role: 'controller', index, nodeName: name, entry, host: made };
  });
  const hosts = members.flatMap(({ entry }) => entry ?? []);
  return assignAddresses({
    overcloud: overcloud({
      networks: world.networks ?? [ctlplane],
      roles: [{ role: 'controller', count: members.length, hosts }],
    }),
    roles: byName(role('controller')),
    nodes: byName(...wanted.map(({ name }) => bare(name)), ...(world.nodes ?? [])),
    hosts: [...members.flatMap((member) => member.host ?? []), ...(world.others ?? [])],
    members,
  });
}

const given = ({ addresses }: Addressing): readonly string[] =>
  [...addresses].map(([name, items]) => `${name} ${items.map(({ address }) => address).join()}`);
const messages = ({ problems }: Addressing): readonly string[] => problems.map(({ message }) => message);
const installed = (name: string, address: string, on = name): Host =>
  host(
    name,
    { nodeName: name, ...onPlane(address) },
    { metadata: { annotations: { [annotations.installedOn]: on } } },
  );

describe('the address of a machine that we install', () => {
  const cases: readonly {
    readonly name: string;
    readonly wanted: readonly Wanted[];
    readonly world?: Parameters<typeof assign>[1];
    readonly given: readonly string[];
    readonly problems?: readonly RegExp[];
    readonly incomplete?: readonly string[];
  }[] = [
    {
      name: 'comes from the pools of ctlplane',
      wanted: [{ name: 'a' }, { name: 'b' }],
      given: ['a 172.16.0.20', 'b 172.16.0.21'],
    },
    {
      name: 'is the one that the spec says',
      wanted: [{ name: 'a', said: '172.16.1.5' }, { name: 'b' }],
      given: ['a 172.16.1.5', 'b 172.16.0.20'],
    },
    {
      name: "is the node's own before all else",
      wanted: [{ name: 'a' }],
      world: { nodes: [bare('a', { address: '172.16.3.9' })] },
      given: ['a 172.16.3.9'],
    },
    {
      name: 'is said without a network ctlplane: DHCP has to give it out',
      wanted: [{ name: 'a', said: '172.16.1.5' }],
      world: { networks: [] },
      given: ['a 172.16.1.5'],
    },
    {
      name: "is never another node's, nor what another node boots the agent with",
      wanted: [{ name: 'a' }],
      world: {
        nodes: [
          node('x', { address: '172.16.0.20' }),
          bare('y', { ramdiskNetwork: { address: '172.16.0.21', prefixLength: 22 } }),
        ],
      },
      given: ['a 172.16.0.22'],
    },
    {
      name: "is never that of another cloud's host in the namespace",
      wanted: [{ name: 'a' }],
      world: { others: [host('b', { overcloudName: 'other', ...onPlane('172.16.0.20') })] },
      given: ['a 172.16.0.21'],
    },
    {
      name: 'is never that of a DNS server, the gateway or a VIP',
      wanted: [{ name: 'a' }],
      world: {
        networks: [
          {
            ...ctlplane,
            gateway: '172.16.0.20',
            dnsServers: ['172.16.0.21'],
            vips: [{ name: 'public', address: '172.16.0.22' }],
          },
        ],
      },
      given: ['a 172.16.0.23'],
    },
    {
      name: 'stays, wherever the pools are by now',
      wanted: [{ name: 'a', host: host('a', { nodeName: 'a', ...onPlane('172.16.2.7') }) }],
      given: ['a 172.16.2.7'],
    },
    {
      name: 'stays without a network ctlplane',
      wanted: [{ name: 'a', host: host('a', { nodeName: 'a', ...onPlane('172.16.2.7') }) }],
      world: { networks: [] },
      given: ['a 172.16.2.7'],
    },
    {
      name: 'can be corrected as long as nothing was installed',
      wanted: [
        { name: 'a', said: '172.16.1.5', host: host('a', { nodeName: 'a', ...onPlane('172.16.2.7') }) },
      ],
      given: ['a 172.16.1.5'],
    },
    {
      name: 'cannot be changed once the machine was installed with it: SSH would go elsewhere',
      wanted: [{ name: 'a', said: '172.16.1.5', host: installed('a', '172.16.2.7') }],
      given: ['a 172.16.2.7'],
      problems: [
        /^host a is to have 172\.16\.1\.5 on network ctlplane, but its machine was installed with 172\.16\.2\.7: /,
      ],
    },
    {
      name: 'is asked for, where neither the cloud nor the host says anything',
      wanted: [{ name: 'a' }],
      world: { networks: [] },
      given: ['a '],
      problems: [
        /^host a has no address on network ctlplane to install node a with: write ctlplane with cidr and pools into spec\.networks, or ctlplane into spec\.roles\[\]\.hosts\[\]\.addresses of the host$/,
      ],
      incomplete: ['a'],
    },
    {
      name: 'is missing when the pools are used up, and only then',
      wanted: ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name })),
      given: ['a 172.16.0.20', 'b 172.16.0.21', 'c 172.16.0.22', 'd 172.16.0.23', 'e '],
      problems: [/^network ctlplane has no free address for host e: widen /],
      incomplete: ['e'],
    },
    {
      name: 'cannot lie outside ctlplane',
      wanted: [{ name: 'a', said: '10.0.0.1' }],
      given: ['a '],
      problems: [
        /^host a is to have 10\.0\.0\.1 on network ctlplane, which is no address in 172\.16\.0\.0\/22: /,
      ],
      incomplete: ['a'],
    },
    {
      name: 'cannot be what is no address, not even without a network ctlplane',
      wanted: [{ name: 'a', said: '10.0.0' }],
      world: { networks: [] },
      given: ['a '],
      problems: [/^host a is to have 10\.0\.0 on network ctlplane, which is no address: /],
      incomplete: ['a'],
    },
    {
      name: 'cannot be the same for two, not even without a network ctlplane',
      wanted: [
        { name: 'a', said: '10.0.0.1' },
        { name: 'b', said: '10.0.0.1' },
      ],
      world: { networks: [] },
      given: ['a 10.0.0.1', 'b '],
      problems: [/^host b is to have 10\.0\.0\.1 on network ctlplane, but that is a's: /],
      incomplete: ['b'],
    },
  ];
  for (const each of cases) {
    it(each.name, () => {
      const addressing = assign(each.wanted, each.world);
      expect(given(addressing)).to.deep.equal(each.given);
      const problems = each.problems ?? [];
      expect(messages(addressing)).to.have.length(problems.length);
      problems.forEach((pattern, index) => expect(messages(addressing)[index]).to.match(pattern));
      expect([...addressing.incomplete]).to.deep.equal(each.incomplete ?? []);
    });
  }

  it('comes with the length of its prefix and its gateway, where it lies in the network', () => {
    const nodes = [bare('b', { address: '192.168.7.7' })];
    const { addresses } = assign([{ name: 'a' }, { name: 'b' }], { nodes });
    expect(addresses.get('a')).to.deep.equal([
      { network: 'ctlplane', address: '172.16.0.20', prefixLength: 22, gateway: '172.16.0.1' },
    ]);
    expect(addresses.get('b')).to.deep.equal([{ network: 'ctlplane', address: '192.168.7.7' }]);
  });

  it('of a host whose node is gone is left as it is', () => {
    const orphan: Member = {
      ...{ name: 'a', role: 'controller', index: 0, nodeName: 'gone', entry: undefined },
      host: host('a', { nodeName: 'gone', ...onPlane('172.16.0.20') }),
    };
    const addressing = assignAddresses({
      overcloud: overcloud({ networks: [] }),
      roles: byName(role('controller')),
      nodes: new Map(),
      hosts: [],
      members: [orphan],
    });
    expect([given(addressing), messages(addressing)]).to.deep.equal([['a 172.16.0.20'], []]);
  });
});

describe('the DNS servers of a host', () => {
  it('are those of its networks, those of ctlplane first, each once', () => {
    const networks = [
      { name: 'external', cidr: '10.0.0.0/24', dnsServers: ['9.9.9.9', '172.16.0.53'] },
      { name: 'tenant', cidr: '10.0.1.0/24', dnsServers: ['1.1.1.1'] },
      { ...ctlplane, dnsServers: ['172.16.0.53'] },
    ];
    const on = ['external', 'ctlplane'].map((network) => ({ network, address: '' }));
    expect(dnsServersOf(overcloud({ networks }), on)).to.deep.equal(['172.16.0.53', '9.9.9.9']);
  });

  it('are none where no network has any', () => {
    expect(dnsServersOf(overcloud(), [{ network: 'ctlplane', address: '' }])).to.deep.equal([]);
  });
});
