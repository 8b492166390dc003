// Which address a host has on which network: pure. What is said in the spec comes first, who has one keeps it, the rest is
// the lowest that is free in the network's pools.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host, HostSpecAddressesItem } from '../api/host.gen.ts';
import type { Overcloud, OvercloudSpecNetworksItem } from '../api/overcloud.gen.ts';
import type { Role } from '../api/role.gen.ts';
import type { Member } from './allocation.ts';
import { formatIp, isWithin, normalIp, parseIp } from './ip.ts';
import { problem, type Problem } from './problem.ts';

/** The provisioning network: a host's address there is where its node answers SSH. */
const ctlplane = 'ctlplane';

export interface AddressingInput {
  readonly overcloud: Overcloud;
  readonly roles: ReadonlyMap<string, Role>;
  readonly nodes: ReadonlyMap<string, BareMetalNode>;
  /** All Hosts of this cloud, those that leave too: they have their addresses until they are gone. */
  readonly hosts: readonly Host[];
  readonly members: readonly Member[];
}

export interface Addressing {
  /** By member, in order of network name. */
  readonly addresses: ReadonlyMap<string, readonly HostSpecAddressesItem[]>;
  /** Members that lack an address they should have. */
  readonly incomplete: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** Who has what on one network. */
interface NetworkState {
  readonly network: OvercloudSpecNetworksItem;
  /** Address → a host's name, or what else it is for. */
  readonly owners: Map<string, string>;
  readonly free: Iterator<string, undefined>;
}

export function assignAddresses(input: AddressingInput): Addressing {
  const networks = new Map(
    (input.overcloud.spec.networks ?? []).map((network) => [network.name, networkState(network, input)]),
  );
  const addresses = new Map<string, readonly HostSpecAddressesItem[]>();
  const incomplete = new Set<string>();
  const problems = new Map<string, Problem>();
  for (const member of input.members) {
    const given = new Map<string, string>();
    const onCtlplane = ctlplaneAddress(input, member);
    if (onCtlplane !== undefined) given.set(ctlplane, onCtlplane);
    const said = member.entry?.addresses?.[ctlplane];
    if (said !== undefined && normalIp(said) !== normalIp(onCtlplane ?? '')) {
      const other = notItsNodes(member, said);
      problems.set(other.message, other);
    }
    for (const name of networksOf(input, member)) {
      const chosen = chooseAddress(member, name, networks.get(name));
      if (typeof chosen === 'string') {
        given.set(name, chosen);
        continue;
      }
      problems.set(chosen.message, chosen);
      const present = presentAddress(member.host, name);
      if (present === undefined) incomplete.add(member.name);
      else given.set(name, present);
    }
    const items = [...given].map(([network, address]) => ({ network, address }));
    addresses.set(
      member.name,
      items.sort((a, b) => (a.network < b.network ? -1 : 1)),
    );
  }
  return { addresses, incomplete, problems: [...problems.values()] };
}

/** A role that is missing takes nothing away: its hosts stay on the networks they are on. */
function networksOf({ roles }: AddressingInput, member: Member): readonly string[] {
  const role = roles.get(member.role);
  const names =
    role?.spec.networks ??
    (role === undefined ? member.host?.spec.addresses?.map(({ network }) => network) : []);
  return (names ?? []).filter((name) => name !== ctlplane);
}

/** The node's before all else: what the spec says of a host must not lead us to another machine. */
function ctlplaneAddress({ nodes }: AddressingInput, member: Member): string | undefined {
  const node = nodes.get(member.nodeName);
  return node?.spec.address ?? member.entry?.addresses?.[ctlplane] ?? presentAddress(member.host, ctlplane);
}

function notItsNodes({ name, nodeName }: Member, said: string): Problem {
  const message = `host ${name} is to have ${said} on network ${ctlplane}, where its address is that of node ${nodeName}: leave it out in spec.roles[].hosts[].addresses, or correct spec.address of the node`;
  return problem('AddressInvalid', message);
}

const presentAddress = (host: Host | undefined, network: string): string | undefined =>
  host?.spec.addresses?.find((item) => item.network === network)?.address;

function networkState(network: OvercloudSpecNetworksItem, input: AddressingInput): NetworkState {
  const owners = new Map<string, string>();
  if (network.gateway !== undefined) owners.set(normalIp(network.gateway), 'the gateway');
  for (const vip of network.vips ?? []) owners.set(normalIp(vip.address), `VIP ${vip.name}`);
  for (const host of input.hosts) {
    const address = presentAddress(host, network.name);
    if (address !== undefined && !owners.has(normalIp(address)))
      owners.set(normalIp(address), host.metadata.name);
  }
  for (const entry of input.overcloud.spec.roles.flatMap(({ hosts = [] }) => hosts)) {
    const address = entry.addresses?.[network.name];
    if (address !== undefined && !owners.has(normalIp(address))) owners.set(normalIp(address), entry.name);
  }
  return { network, owners, free: freeAddresses(network, owners) };
}

/** What is in the pools and has no owner, lowest first. */
function* freeAddresses(
  network: OvercloudSpecNetworksItem,
  owners: ReadonlyMap<string, string>,
): Generator<string, undefined> {
  for (const pool of network.pools ?? []) {
    const start = parseIp(pool.start);
    const end = parseIp(pool.end);
    if (start === undefined || end?.bits !== start.bits) continue;
    for (let { value } = start; value <= end.value; value += 1n) {
      const address = formatIp({ bits: start.bits, value });
      if (!owners.has(address)) yield address;
    }
  }
  return undefined;
}

function chooseAddress(member: Member, name: string, state: NetworkState | undefined): string | Problem {
  if (state === undefined) {
    const message = `role ${member.role} is on network ${name}, which is not in spec.networks: add it there, or take it off the role`;
    return problem('NetworkNotFound', message);
  }
  const said = member.entry?.addresses?.[name];
  if (said !== undefined && !isWithin(said, state.network.cidr)) {
    const message = `host ${member.name} is to have ${said} on network ${name}, which is no address in ${state.network.cidr}: correct it in spec.roles[].hosts[].addresses`;
    return problem('AddressInvalid', message);
  }
  const wanted = said ?? presentAddress(member.host, name);
  if (wanted === undefined) return nextFree(member, state);
  const owner = state.owners.get(normalIp(wanted)) ?? member.name;
  state.owners.set(normalIp(wanted), owner);
  if (owner === member.name) return normalIp(wanted);
  const message = `host ${member.name} is to have ${wanted} on network ${name}, but that is ${owner}'s: give it another in spec.roles[].hosts[].addresses`;
  return problem('AddressInUse', message);
}

function nextFree(member: Member, state: NetworkState): string | Problem {
  const next = state.free.next();
  if (next.done !== true) {
    state.owners.set(next.value, member.name);
    return next.value;
  }
  const name = state.network.name;
  const message = `network ${name} has no free address for host ${member.name}: widen spec.networks[].pools, or give the host one in spec.roles[].hosts[].addresses`;
  return problem('NoFreeAddress', message);
}
