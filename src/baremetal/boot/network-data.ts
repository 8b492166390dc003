// network_data.json of the config drive: the network of the NIC that the machine boots from, in OpenStack's format. Pure.
import type { StaticAddress } from './arguments.ts';

/** The network ctlplane of an installed machine: an address of its own, or DHCP. */
export interface NodeNetwork {
  /** Of the NIC, which is found by it. */
  readonly mac: string;
  /** Undefined: DHCP. */
  readonly address?: StaticAddress | undefined;
  /** Bytes. */
  readonly mtu?: number | undefined;
  /** Tagged on that NIC; undefined: untagged. */
  readonly vlan?: number | undefined;
}

/** The format is nova's (doc/source/user/metadata.rst and doc/api_schemas/network_data.json); its readers are cloud-init and Glean. */
export function networkData({ mac, address, mtu, vlan }: NodeNetwork): unknown {
  const nic = {
    id: 'nic0',
    type: 'phy',
    ethernet_mac_address: mac.toLowerCase(),
    ...(mtu === undefined ? {} : { mtu }),
  };
  const tagged = vlan === undefined ? [] : [vlanLink(nic.ethernet_mac_address, vlan, mtu)];
  const link = tagged[0]?.id ?? nic.id;
  return {
    links: [nic, ...tagged],
    networks: [
      address === undefined
        ? { id: 'ctlplane', type: 'ipv4_dhcp', link }
        : { id: 'ctlplane', link, ...addressed(address) },
    ],
    services: (address?.dnsServers ?? []).map((server) => ({ type: 'dns', address: server })),
  };
}

const vlanLink = (mac: string, vlan: number, mtu: number | undefined) => ({
  id: 'vlan0',
  type: 'vlan',
  vlan_link: 'nic0',
  vlan_id: vlan,
  vlan_mac_address: mac,
  ...(mtu === undefined ? {} : { mtu }),
});

function addressed({ address, prefixLength, gateway }: StaticAddress) {
  const v6 = address.includes(':');
  const route = v6 ? { network: '::', netmask: '::' } : { network: '0.0.0.0', netmask: '0.0.0.0' };
  return {
    type: v6 ? 'ipv6' : 'ipv4',
    ip_address: address,
    netmask: v6 ? netmask6(prefixLength) : netmask4(prefixLength),
    routes: gateway === undefined ? [] : [{ ...route, gateway }],
  };
}

/** 24 is 255.255.255.0. */
const netmask4 = (prefix: number): string =>
  Array.from({ length: 4 }, (_, index) => 256 - 2 ** (8 - bitsOf(prefix, index, 8))).join('.');

/** 64 is ffff:ffff:ffff:ffff:0:0:0:0. */
const netmask6 = (prefix: number): string =>
  Array.from({ length: 8 }, (_, index) => (65536 - 2 ** (16 - bitsOf(prefix, index, 16))).toString(16)).join(
    ':',
  );

/** How many bits of part number `index` are ones. */
const bitsOf = (prefix: number, index: number, width: number): number =>
  Math.min(Math.max(prefix - index * width, 0), width);
