// Names, fixed addresses and addresses as numbers.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Host } from '../../../src/api/host.gen.ts';
import type { OvercloudSpecNetworksItem, OvercloudSpecRolesItem } from '../../../src/api/overcloud.gen.ts';
import { assignAddresses, type Addressing } from '../../../src/overcloud/addressing.ts';
import type { Member } from '../../../src/overcloud/allocation.ts';
import { formatIp, isWithin, normalIp, parseIp } from '../../../src/overcloud/ip.ts';
import { formatHostname } from '../../../src/overcloud/names.ts';
import { byName, host, node, overcloud, role } from './support/objects.ts';

describe('how hosts are called', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['%overcloud%-%role%-%index%', 'lab-controller-0'],
    ['%overcloud%-controller%index1:02%', 'lab-controller01'],
    ['ctrl%index1%', 'ctrl1'],
    ['n%index:03%', 'n000'],
  ];
  for (const [format, name] of cases) {
    it(`${format} is ${name}`, () => {
      expect(formatHostname(format, { overcloud: 'lab', role: 'controller', index: 0 })).to.equal(name);
    });
  }
});

describe('an IP address', () => {
  const same: readonly (readonly [string, string])[] = [
    ['172.17.1.20', '172.17.1.20'],
    ['FD00:0:0:0::0001', 'fd00::1'],
    ['::', '::'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ];
  for (const [written, normal] of same) {
    it(`${written} is ${normal}`, () => expect(normalIp(written)).to.equal(normal));
  }

  for (const wrong of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', ':::', '1:2:3:4:5:6:7', '1::2::3', 'g::']) {
    it(`"${wrong}" is none`, () => expect(parseIp(wrong)).to.equal(undefined));
  }

  const within: readonly (readonly [string, string, boolean])[] = [
    ['172.17.1.255', '172.17.1.0/24', true],
    ['172.17.2.0', '172.17.1.0/24', false],
    ['10.0.0.1', '0.0.0.0/0', true],
    ['fd00::1', 'fd00::/64', true],
    ['fd00:0:0:1::1', 'fd00::/64', false],
    ['172.17.1.1', 'fd00::/64', false],
    ['172.17.1', '172.17.1.0/24', false],
  ];
  for (const [text, cidr, is] of within) {
    it(`${text} is ${is ? '' : 'not '}in ${cidr}`, () => expect(isWithin(text, cidr)).to.equal(is));
  }

  it('is the same after printing and reading it', () => {
    const ip = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ bits: 32, value }) as const),
      fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ({ bits: 128, value }) as const),
    );
    fc.assert(
      fc.property(ip, (each) => {
        expect(parseIp(formatIp(each))).to.deep.equal(each);
      }),
    );
  });
});

const internalApi: OvercloudSpecNetworksItem = {
  name: 'internalApi',
  cidr: '172.17.1.0/24',
  gateway: '172.17.1.20',
  pools: [{ start: '172.17.1.20', end: '172.17.1.25' }],
  vips: [{ name: 'api', address: '172.17.1.21' }],
};
const roles = byName(role('controller', { networks: ['internalApi', 'ctlplane'] }));
const member = (name: string, more: Partial<Member> = {}): Member => ({
  name,
  role: 'controller',
  index: 0,
  nodeName: 'ctrl01',
  entry: undefined,
  host: undefined,
  ...more,
});
const said = (name: string, address: string): Pick<Member, 'entry'> => ({
  entry: { name, hold: false, paused: false, addresses: { internalApi: address } },
});
const present = (name: string, address: string): Host =>
  host(name, { nodeName: 'ctrl01', addresses: [{ network: 'internalApi', address }] });

const assign = (
  members: readonly Member[],
  networks: readonly OvercloudSpecNetworksItem[] = [internalApi],
): Addressing => {
  const entries = members.flatMap(({ entry }) => entry ?? []);
  const wanted: OvercloudSpecRolesItem = { role: 'controller', count: members.length, hosts: entries };
  return assignAddresses({
    overcloud: overcloud({ networks, roles: [wanted] }),
    roles,
    nodes: byName(node('ctrl01', { address: '172.16.0.21' })),
    hosts: members.flatMap((each) => each.host ?? []),
    members,
  });
};
const onInternalApi = ({ addresses }: Addressing) =>
  [...addresses].map(([, items]) => items.find(({ network }) => network === 'internalApi')?.address);

describe('which address a host has', () => {
  it('on ctlplane that of its node', () => {
    expect(assign([member('a')]).addresses.get('a')).to.deep.equal([
      { network: 'ctlplane', address: '172.16.0.21' },
      { network: 'internalApi', address: '172.17.1.22', prefixLength: 24, gateway: '172.17.1.20' },
    ]);
  });

  it('on ctlplane that of its node, whatever the spec says, which is said', () => {
    const entry = { name: 'a', hold: false, paused: false, addresses: { ctlplane: '172.16.0.99' } };
    const { addresses, problems } = assign([member('a', { entry })]);
    expect(addresses.get('a')?.[0]).to.deep.equal({ network: 'ctlplane', address: '172.16.0.21' });
    expect(problems.map(({ reason }) => reason)).to.deep.equal(['AddressInvalid']);
  });

  it('the lowest that is free: not the gateway, not a VIP', () => {
    expect(onInternalApi(assign([member('a'), member('b')]))).to.deep.equal(['172.17.1.22', '172.17.1.23']);
  });

  it('the one that it has, whoever comes before it', () => {
    const kept = member('b', { host: present('b', '172.17.1.22') });
    expect(onInternalApi(assign([member('a'), kept]))).to.deep.equal(['172.17.1.23', '172.17.1.22']);
  });

  it('the one that the spec says, even if it had another', () => {
    const moved = member('a', { host: present('a', '172.17.1.22'), ...said('a', '172.17.1.201') });
    expect(onInternalApi(assign([moved]))).to.deep.equal(['172.17.1.201']);
  });

  it('never one that the spec keeps for another', () => {
    expect(onInternalApi(assign([member('a'), member('b', said('b', '172.17.1.22'))]))).to.deep.equal([
      '172.17.1.23',
      '172.17.1.22',
    ]);
  });

  const refused: readonly {
    readonly name: string;
    readonly members: readonly Member[];
    readonly networks?: readonly OvercloudSpecNetworksItem[];
    readonly reason: string;
  }[] = [
    {
      name: 'is not known on a network that the cloud does not have',
      members: [member('a')],
      networks: [],
      reason: 'NetworkNotFound',
    },
    {
      name: 'cannot be given when the pools are empty',
      members: [member('a')],
      networks: [{ ...internalApi, pools: [] }],
      reason: 'NoFreeAddress',
    },
    {
      name: 'cannot be that of a VIP',
      members: [member('a', said('a', '172.17.1.21'))],
      reason: 'AddressInUse',
    },
    {
      name: 'cannot be of another network',
      members: [member('a', said('a', '172.17.2.30'))],
      reason: 'AddressInvalid',
    },
    {
      name: 'cannot be what is no address',
      members: [member('a', said('a', '172.17.1'))],
      reason: 'AddressInvalid',
    },
    {
      name: 'cannot be the same for two',
      members: [member('a', said('a', '172.17.1.30')), member('b', said('b', '172.17.1.30'))],
      reason: 'AddressInUse',
    },
  ];
  for (const { name, members, networks, reason } of refused) {
    it(name, () => {
      const { incomplete, problems } = assign(members, networks);
      expect(problems.map((problem) => problem.reason)).to.deep.equal([reason]);
      expect([...incomplete]).to.deep.equal([members.at(-1)?.name]);
    });
  }

  it('stays, when what the spec says now cannot be', () => {
    const wrong = member('a', { host: present('a', '172.17.1.22'), ...said('a', '172.17.1.21') });
    const addressing = assign([wrong]);
    expect(onInternalApi(addressing)).to.deep.equal(['172.17.1.22']);
    expect([...addressing.incomplete]).to.deep.equal([]);
  });

  it('stays when a VIP is given the same one later, and that is said', () => {
    const addressing = assign([member('a', { host: present('a', '172.17.1.21') })]);
    expect(onInternalApi(addressing)).to.deep.equal(['172.17.1.21']);
    expect(addressing.problems.map(({ message }) => message)).to.deep.equal([
      "host a is to have 172.17.1.21 on network internalApi, but that is VIP api's: give it another in spec.roles[].hosts[].addresses",
    ]);
  });

  it('is never the same twice, lies in a pool, and stays when all is made', () => {
    const last = fc.integer({ min: 20, max: 60 });
    fc.assert(
      fc.property(fc.nat(30), last, last, (count, kept, end) => {
        const network = { ...internalApi, pools: [{ start: '172.17.1.20', end: `172.17.1.${String(end)}` }] };
        const members = Array.from({ length: count }, (_, index) => member(`h${String(index)}`));
        const first = members[0];
        if (first !== undefined && kept > 21) {
          members[0] = { ...first, host: present(first.name, `172.17.1.${String(kept)}`) };
        }
        const addressing = assign(members, [network]);
        const given = onInternalApi(addressing).flatMap((address) => address ?? []);
        expect(new Set(given).size).to.equal(given.length);
        expect(given.length + addressing.incomplete.size).to.equal(count);
        const made = members.flatMap((each) => {
          const address = addressing.addresses
            .get(each.name)
            ?.find(({ network: on }) => on === 'internalApi')?.address;
          return address === undefined ? [] : [{ ...each, host: present(each.name, address) }];
        });
        expect(onInternalApi(assign(made.toReversed(), [network])).toReversed()).to.deep.equal(given);
      }),
    );
  });
});
