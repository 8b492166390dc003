// The names of TripleO's images, without prefix and suffix, and what our services call those that have another name here.
// Source: openstack/tripleo-common, container-images/{overcloud,tripleo}_containers.yaml.j2 and ceph.j2, Pike to the last release.

/** Whatever stands between name_prefix and name_suffix in any release. */
export const knownNames: readonly string[] = `
  aodh-api aodh-evaluator aodh-listener aodh-notifier barbican-api barbican-keystone-listener barbican-worker
  ceilometer-central ceilometer-compute ceilometer-ipmi ceilometer-notification cinder-api cinder-backup
  cinder-scheduler cinder-volume collectd congress-api cron designate-api designate-backend-bind9 designate-base
  designate-central designate-mdns designate-producer designate-sink designate-worker ec2-api etcd fluentd frr
  glance-api gnocchi-api gnocchi-metricd gnocchi-statsd haproxy heat-all heat-api heat-api-cfn heat-engine horizon
  ironic-api ironic-conductor ironic-inspector ironic-neutron-agent ironic-pxe iscsid keepalived keystone
  manila-api manila-base manila-scheduler manila-share mariadb memcached mistral-api mistral-engine
  mistral-event-engine mistral-executor mongodb multipathd neutron-dhcp-agent neutron-l3-agent
  neutron-metadata-agent neutron-metadata-agent-ovn neutron-mlnx-agent neutron-openvswitch-agent neutron-server
  neutron-server-opendaylight neutron-server-ovn neutron-sriov-agent nova-api nova-compute nova-compute-ironic
  nova-conductor nova-consoleauth nova-libvirt nova-novncproxy nova-placement-api nova-scheduler nova-serialproxy
  novajoin-notifier novajoin-server octavia-api octavia-base octavia-health-manager octavia-housekeeping
  octavia-worker opendaylight ovn-base ovn-bgp-agent ovn-controller ovn-nb-db-server ovn-northd ovn-sb-db-server
  panko-api placement-api qdrouterd rabbitmq redis rsyslog rsyslog-base sahara-api sahara-engine sensu-client
  skydive-agent skydive-analyzer swift-account swift-container swift-object swift-proxy-server tacker tempest
  tripleo-ui tripleoclient unbound zaqar zaqar-wsgi
`
  .trim()
  .split(/\s+/);

const known = new Set(knownNames);

export const isKnown = (name: string): boolean => known.has(name);

/** Repositories of which neutron_driver picks one, and the name that services use for all of them. */
export const variants: ReadonlyMap<string, string> = new Map([
  ['neutron-server-ovn', 'neutron-server'],
  ['neutron-server-opendaylight', 'neutron-server'],
]);

/** What services call the image of this name. */
export const serviceName = (name: string): string => variants.get(name) ?? name;

/** Images that `set` and parameters name by keys of their own. */
export interface SpecialImage {
  /** As services call it. */
  readonly image: string;
  /** `KEY_namespace`, `KEY_image` and `KEY_tag` in `set`. */
  readonly key: string;
  /** The parameter that names it, without `Docker` or `Container` before it. */
  readonly parameter: string;
}

/** Ceph's, and what came to watch it. */
export const specialImages: readonly SpecialImage[] = [
  { image: 'ceph-daemon', key: 'ceph', parameter: 'CephDaemonImage' },
  { image: 'ceph-prometheus', key: 'ceph_prometheus', parameter: 'PrometheusContainerImage' },
  { image: 'ceph-alertmanager', key: 'ceph_alertmanager', parameter: 'AlertManagerContainerImage' },
  { image: 'ceph-node-exporter', key: 'ceph_node_exporter', parameter: 'NodeExporterContainerImage' },
  { image: 'ceph-grafana', key: 'ceph_grafana', parameter: 'GrafanaContainerImage' },
  { image: 'ceph-haproxy', key: 'ceph_haproxy', parameter: 'HaproxyContainerImage' },
  { image: 'ceph-keepalived', key: 'ceph_keepalived', parameter: 'KeepalivedContainerImage' },
  { image: 'pushgateway', key: 'pushgateway', parameter: 'CeilometerPushgatewayImage' },
];

export const isOfCeph = (image: string): boolean => image.startsWith('ceph-');

/** Whether a repository is Ceph's own image: docker.io/ceph/daemon, rhceph/rhceph-4-rhel8, ceph/rhceph-2-rhel7. */
export const isCephRepository = (namespace: string, name: string): boolean =>
  /^rhceph-\d+-rhel\d+$/.test(name) || (name === 'daemon' && /(^|\/)ceph$/.test(namespace));

/** What services call the image that this parameter of an environment file names: DockerNovaApiImage, nova-api. */
export function imageOfParameter(parameter: string): string {
  const bare = parameter.replace(/^(Docker|Container)/, '');
  const special = specialImages.find((image) => image.parameter === bare);
  if (special !== undefined) return special.image;
  return bare
    .replace(/Image$/, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase();
}
