// Which address a host has on which network: pure. What is said in the spec comes first, who has one keeps it, the rest is
// the lowest that is free in the network's pools.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host, HostSpecAddressesItem } from '../api/host.gen.ts';
import { annotations } from '../api/names.ts';
import type { Overcloud, OvercloudSpecNetworksItem } from '../api/overcloud.gen.ts';
import type { Role } from '../api/role.gen.ts';
import type { Member } from './allocation.ts';
import { formatIp, isWithin, normalIp, parseIp } from './ip.ts';
import { problem, type Problem } from './problem.ts';

/** The provisioning network: a host's address there is where SSH answers. */
const ctlplane = 'ctlplane';

export interface AddressingInput {
  readonly overcloud: Overcloud;
  readonly roles: ReadonlyMap<string, Role>;
  readonly nodes: ReadonlyMap<string, BareMetalNode>;
  /** All Hosts of the namespace; those that leave have their addresses until they are gone. */
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
  readonly name: string;
  /** Undefined for a ctlplane that the cloud says nothing of. */
  readonly network: OvercloudSpecNetworksItem | undefined;
  /** Address → a host's name, or what else it is for. */
  readonly owners: Map<string, string>;
  readonly free: Iterator<string, undefined>;
}

/** Without an address the member lacks one exactly if there is a problem. */
interface Choice {
  readonly address?: string | undefined;
  readonly problem?: Problem | undefined;
}

export function assignAddresses(input: AddressingInput): Addressing {
  const defined = new Map((input.overcloud.spec.networks ?? []).map((network) => [network.name, network]));
  const names = new Set([ctlplane, ...defined.keys()]);
  const states = new Map([...names].map((name) => [name, networkState(name, defined.get(name), input)]));
  const addresses = new Map<string, readonly HostSpecAddressesItem[]>();
  const incomplete = new Set<string>();
  const problems = new Map<string, Problem>();
  for (const member of input.members) {
    const items: HostSpecAddressesItem[] = [];
    for (const name of [ctlplane, ...networksOf(input, member)]) {
      const state = states.get(name);
      const choice =
        name === ctlplane ? onCtlplane(input, member, state) : chooseAddress(member, name, state);
      if (choice.problem !== undefined) problems.set(choice.problem.message, choice.problem);
      if (choice.address !== undefined) items.push(described(name, choice.address, defined.get(name)));
      else if (choice.problem !== undefined) incomplete.add(member.name);
    }
    addresses.set(
      member.name,
      items.sort((a, b) => (a.network < b.network ? -1 : 1)),
    );
  }
  return { addresses, incomplete, problems: [...problems.values()] };
}

/** The DNS servers of the networks that `addresses` are on, those of ctlplane first, each once. */
export function dnsServersOf(
  { spec }: Overcloud,
  addresses: readonly HostSpecAddressesItem[],
): readonly string[] {
  const on = new Set([ctlplane, ...addresses.map(({ network }) => network)]);
  const servers = [...on].flatMap(
    (name) => spec.networks?.find((network) => network.name === name)?.dnsServers ?? [],
  );
  return [...new Set(servers.map(normalIp))];
}

/** A role that is missing takes nothing away: its hosts stay on the networks they are on. */
function networksOf({ roles }: AddressingInput, member: Member): readonly string[] {
  const role = roles.get(member.role);
  const names =
    role?.spec.networks ??
    (role === undefined ? member.host?.spec.addresses?.map(({ network }) => network) : []);
  return (names ?? []).filter((name) => name !== ctlplane);
}

/**
 * The node's before all else: what the spec says of a host must not lead us to another machine. A machine that we install is
 * given one, which it keeps once it was installed with it.
 */
function onCtlplane({ nodes }: AddressingInput, member: Member, state: NetworkState | undefined): Choice {
  const node = nodes.get(member.nodeName);
  const said = member.entry?.addresses?.[ctlplane];
  const present = presentAddress(member.host, ctlplane);
  const differs = (address: string) => said !== undefined && normalIp(said) !== normalIp(address);
  if (node?.spec.address !== undefined) {
    const { address } = node.spec;
    return { address, problem: differs(address) ? notItsNodes(member, said) : undefined };
  }
  if (node === undefined || node.spec.externallyProvisioned) return { address: said ?? present };
  if (present !== undefined && isInstalled(member) && differs(present)) {
    return { address: present, problem: installedWith(member, present, said) };
  }
  return chooseAddress(member, ctlplane, state);
}

const isInstalled = ({ host, nodeName }: Member): boolean =>
  host?.metadata.annotations?.[annotations.installedOn] === nodeName;

function notItsNodes({ name, nodeName }: Member, said = ''): Problem {
  const message = `host ${name} is to have ${said} on network ${ctlplane}, where its address is that of node ${nodeName}: leave it out in spec.roles[].hosts[].addresses, or correct spec.address of the node`;
  return problem('AddressInvalid', message);
}

function installedWith({ name }: Member, present: string, said = ''): Problem {
  const message = `host ${name} is to have ${said} on network ${ctlplane}, but its machine was installed with ${present}: correct it in spec.roles[].hosts[].addresses, or remove the host and let a new one be installed`;
  return problem('AddressInvalid', message);
}

const presentAddress = (host: Host | undefined, network: string): string | undefined =>
  host?.spec.addresses?.find((item) => item.network === network)?.address;

/** With what else a machine has to know to use the address. */
function described(
  name: string,
  address: string,
  network: OvercloudSpecNetworksItem | undefined,
): HostSpecAddressesItem {
  if (network === undefined || !isWithin(address, network.cidr)) return { network: name, address };
  const prefixLength = Number(network.cidr.split('/')[1]);
  const { gateway } = network;
  return { network: name, address, prefixLength, ...(gateway === undefined ? {} : { gateway }) };
}

function networkState(
  name: string,
  network: OvercloudSpecNetworksItem | undefined,
  input: AddressingInput,
): NetworkState {
  const owners = new Map<string, string>();
  const take = (address: string | undefined, owner: string) => {
    if (address !== undefined && !owners.has(normalIp(address))) owners.set(normalIp(address), owner);
  };
  take(network?.gateway, 'the gateway');
  for (const vip of network?.vips ?? []) take(vip.address, `VIP ${vip.name}`);
  const { metadata, spec } = input.overcloud;
  const own = input.hosts.filter((host) => host.spec.overcloudName === metadata.name);
  for (const host of own) take(presentAddress(host, name), host.metadata.name);
  for (const entry of spec.roles.flatMap(({ hosts = [] }) => hosts)) {
    take(entry.addresses?.[name], entry.name);
  }
  // One of the hosts may be the DNS server: these are only not given to others.
  for (const server of network?.dnsServers ?? []) take(server, 'a DNS server');
  if (name === ctlplane) {
    // Clouds of one namespace, and what boots the agent there, share the provisioning network.
    for (const host of input.hosts) take(presentAddress(host, name), host.metadata.name);
    for (const node of input.nodes.values()) {
      take(node.spec.address, `node ${node.metadata.name}`);
      take(node.spec.ramdiskNetwork?.address, `node ${node.metadata.name}`);
    }
  }
  return { name, network, owners, free: freeAddresses(network, owners) };
}

/** What is in the pools and has no owner, lowest first. */
function* freeAddresses(
  network: OvercloudSpecNetworksItem | undefined,
  owners: ReadonlyMap<string, string>,
): Generator<string, undefined> {
  for (const pool of network?.pools ?? []) {
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

/** What cannot be fulfilled takes nothing from the host that it has. */
function chooseAddress(member: Member, name: string, state: NetworkState | undefined): Choice {
  const present = presentAddress(member.host, name);
  if (state === undefined) {
    const message = `role ${member.role} is on network ${name}, which is not in spec.networks: add it there, or take it off the role`;
    return { address: present, problem: problem('NetworkNotFound', message) };
  }
  const said = member.entry?.addresses?.[name];
  if (said !== undefined && !isPossible(said, state)) {
    return { address: present, problem: invalid(member, said, state) };
  }
  const wanted = said ?? present;
  if (wanted === undefined) return nextFree(member, state);
  const owner = state.owners.get(normalIp(wanted)) ?? member.name;
  state.owners.set(normalIp(wanted), owner);
  if (owner === member.name) return { address: normalIp(wanted) };
  const message = `host ${member.name} is to have ${wanted} on network ${name}, but that is ${owner}'s: give it another in spec.roles[].hosts[].addresses`;
  return { address: present, problem: problem('AddressInUse', message) };
}

const isPossible = (said: string, { network }: NetworkState): boolean =>
  network === undefined ? parseIp(said) !== undefined : isWithin(said, network.cidr);

function invalid({ name }: Member, said: string, state: NetworkState): Problem {
  const where = state.network === undefined ? '' : ` in ${state.network.cidr}`;
  const message = `host ${name} is to have ${said} on network ${state.name}, which is no address${where}: correct it in spec.roles[].hosts[].addresses`;
  return problem('AddressInvalid', message);
}

function nextFree(member: Member, state: NetworkState): Choice {
  const next = state.free.next();
  if (next.done !== true) {
    state.owners.set(next.value, member.name);
    return { address: next.value };
  }
  const none = (state.network?.pools ?? []).length === 0;
  if (state.name === ctlplane && none) return { problem: noPool(member) };
  const message = `network ${state.name} has no free address for host ${member.name}: widen spec.networks[].pools, or give the host one in spec.roles[].hosts[].addresses`;
  return { problem: problem('NoFreeAddress', message) };
}

function noPool({ name, nodeName }: Member): Problem {
  const message =
    `host ${name} has no address on network ${ctlplane} to install node ${nodeName} with: ` +
    `write ${ctlplane} with cidr and pools into spec.networks, or ${ctlplane} into spec.roles[].hosts[].addresses of the host`;
  return problem('NoFreeAddress', message);
}
