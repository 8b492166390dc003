// What templates see of the cloud and of their host, and which Secrets a revision needs. Pure.
import type { Host } from '../../api/host.gen.ts';
import type { RevisionPayload } from '../../api/revision.ts';
import type { Topology, TopologyHost } from '../../api/topology.ts';
import type { TemplateScope } from './templates.ts';

/** By `<secret>/<key>`, decoded. */
export type SecretValues = Readonly<Record<string, string>>;

export function templateScope(
  payload: RevisionPayload,
  topology: Topology,
  host: Host,
  secrets: SecretValues,
): TemplateScope {
  const { hostname, index, role, addresses = [] } = host.spec;
  return {
    host: {
      name: hostname,
      index,
      role,
      addresses: Object.fromEntries(addresses.map(({ network, address }) => [network, address])),
    },
    cloud: {
      name: topology.overcloud,
      domain: topology.domain,
      hosts: topology.hosts,
      vips: Object.fromEntries(topology.vips.map((vip) => [vip.name, vip])),
      services: hostsByService(topology.hosts),
    },
    values: payload.values,
    secrets: bySecret(secrets),
  };
}

/** `<secret>/<key>` of everything that the revision's services and values are made from. */
export function secretsOf(payload: RevisionPayload): readonly string[] {
  const named = payload.services.flatMap(({ spec }) => [
    ...(spec.configFiles ?? []).flatMap(({ from }) =>
      from.secret === undefined ? [] : [`${from.secret}/${from.key ?? ''}`],
    ),
    ...[...(spec.containers ?? []), ...(spec.jobs ?? [])].flatMap(({ environmentFrom = [] }) =>
      environmentFrom.flatMap(({ secret, keys }) => Object.values(keys).map((key) => `${secret}/${key}`)),
    ),
  ]);
  return [...new Set([...Object.keys(payload.secrets), ...named])].sort();
}

function hostsByService(hosts: readonly TopologyHost[]): Readonly<Record<string, readonly TopologyHost[]>> {
  const services = new Set(hosts.flatMap((host) => host.services));
  return Object.fromEntries(
    [...services].map((service) => [service, hosts.filter((host) => host.services.includes(service))]),
  );
}

function bySecret(secrets: SecretValues): Record<string, Record<string, string>> {
  const grouped: Record<string, Record<string, string>> = {};
  for (const [reference, value] of Object.entries(secrets)) {
    const slash = reference.indexOf('/');
    (grouped[reference.slice(0, slash)] ??= {})[reference.slice(slash + 1)] = value;
  }
  return grouped;
}
