// What seed 001 shows: the 75 parameters of overcloud_images.yaml, and the 45 repositories with their tags that these stand for.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';

const fixture = path.resolve(import.meta.dirname, '../../fixtures/images/seed-parameters.yaml');

interface Seed {
  readonly seed: string;
  readonly variants: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
}

const seeds = load(readFileSync(fixture, 'utf8')) as readonly Seed[];

/** `Docker…Image: rhosp13/openstack-…:tag`, without the registry's address. */
export const parameters: Seed['parameters'] = seeds.find(({ seed }) => seed === '001')?.parameters ?? {};

export interface SeedImage {
  /** `rhosp13/openstack-nova-api` */
  readonly repository: string;
  readonly version: string;
  readonly release: string;
}

export const tagOf = ({ version, release }: SeedImage): string => `${version}-${release}`;

export const seedImages: readonly SeedImage[] = [...new Set(Object.values(parameters))].map((text) => {
  const [, repository = '', version = '', release = ''] = /^(.+):(.+)-(.+)$/.exec(text) ?? [];
  return { repository, version, release };
});

/** The roles whose services need just these, by the names of examples/images/catalog.yaml. */
export const roles = [
  {
    name: 'controller',
    count: 3,
    services: [
      ...[
        'base',
        'haproxy',
        'mysql',
        'clustercheck',
        'rabbitmq',
        'redis',
        'memcached',
        'keystone',
        'horizon',
      ],
      ...['glance-api', 'cinder-api', 'cinder-scheduler', 'cinder-volume', 'iscsid'],
      ...['nova-api', 'nova-metadata', 'nova-conductor', 'nova-consoleauth', 'nova-scheduler'],
      ...['nova-vnc-proxy', 'nova-placement', 'neutron-api', 'ovn-dbs', 'ovn-controller'],
      ...['heat-api', 'heat-api-cfn', 'heat-engine', 'swift-proxy', 'swift-storage', 'swift-ring-builder'],
      ...['aodh-api', 'aodh-evaluator', 'aodh-listener', 'aodh-notifier', 'panko-api'],
      ...['ceilometer-agent-central', 'ceilometer-agent-notification'],
      ...['gnocchi-api', 'gnocchi-metricd', 'gnocchi-statsd'],
    ],
  },
  {
    name: 'compute',
    count: 2,
    services: [
      ...['base', 'nova-compute', 'nova-libvirt', 'nova-migration-target', 'iscsid'],
      ...['ovn-controller', 'ovn-metadata-agent', 'compute-ceilometer-agent'],
    ],
  },
  // Nobody has it: its image is not selected.
  { name: 'ceph-storage', count: 0, services: ['base', 'ceph-osd'] },
] as const;
