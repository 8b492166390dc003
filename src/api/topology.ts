// The facts of a cloud (who its hosts are, their addresses, its VIPs) as the Overcloud controller writes them into the
// ConfigMap `<overcloud>-topology`, and as templates see them. Nothing in here is part of a revision.

export interface TopologyHost {
  /** The host's name, as `hostname -s` prints it. */
  readonly name: string;
  readonly role: string;
  readonly index: number;
  /** By network; `ctlplane` is always there and is where SSH answers. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly services: readonly string[];
}

export interface TopologyVip {
  readonly network: string;
  readonly name: string;
  readonly address: string;
}

export interface Topology {
  readonly overcloud: string;
  readonly namespace: string;
  readonly domain: string;
  /** In order of role (as the Overcloud lists them) and index. */
  readonly hosts: readonly TopologyHost[];
  readonly vips: readonly TopologyVip[];
}

export const topologyName = (overcloud: string): string => `${overcloud}-topology`;
/** The key in the ConfigMap's data; its value is JSON. */
export const topologyKey = 'topology.json';
