// What is said of a Role or an OvercloudService that refers to nothing, or asks for what this release does not do.
import { expect } from 'chai';
import type {
  OvercloudServiceSpec,
  OvercloudServiceSpecConfigFilesItem,
  OvercloudServiceSpecUnitsItem,
} from '../../../src/api/overcloudservice.gen.ts';
import type { RoleSpec } from '../../../src/api/role.gen.ts';
import type { ConditionInput } from '../../../src/kernel/conditions.ts';
import type { ConfigMap } from '../../../src/kube/objects.ts';
import { conditionsOfRole, conditionsOfService } from '../../../src/overcloud/definitions.ts';
import { meta, role, service } from './support/objects.ts';

interface Case<Spec> {
  readonly name: string;
  readonly spec: Spec;
  /** `type=status reason: message`; nothing else is said. */
  readonly says: readonly string[];
}

/** Stalled says what Ready says, as long as Ready is False. */
const said = (conditions: readonly ConditionInput[]): readonly string[] =>
  conditions
    .filter(({ type }) => type !== 'Stalled')
    .map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);

const isStalled = (conditions: readonly ConditionInput[]): boolean =>
  conditions.some(({ type, status }) => type === 'Stalled' && status === 'True');

describe('a Role', () => {
  const sound = 'every service that it lists exists';
  const cases: readonly Case<Partial<RoleSpec>>[] = [
    {
      name: 'is ready when every service that it lists exists',
      spec: { services: ['keystone', 'nova'] },
      says: [`Ready=True Ready: ${sound}`],
    },
    {
      name: 'names the service that does not exist',
      spec: { services: ['keystone', 'nonesuch'] },
      says: [
        'Ready=False UnknownService: role compute lists service nonesuch, which does not exist: create OvercloudService nonesuch, or take it out of spec.services',
      ],
    },
    {
      name: 'names every service that does not exist in one sentence',
      spec: { services: ['a', 'keystone', 'b'] },
      says: [
        'Ready=False UnknownService: role compute lists services a, b, which do not exist: create OvercloudServices a, b, or take them out of spec.services',
      ],
    },
    {
      name: 'is ready, and says so, when it asks for what this release does not do',
      spec: {
        services: ['keystone'],
        networkConfig: { from: { configMap: 'nics', key: 'config.yaml' }, apply: 'OnCreate' },
      },
      says: [
        `Ready=True Ready: ${sound}; without effect in this release: spec.networkConfig`,
        "Supported=False NotInThisRelease: spec.networkConfig has no effect in this release: set up its hosts' networks by other means",
      ],
    },
    {
      name: 'is ready when it says what its machines are installed with',
      spec: { services: ['keystone'], osImage: { name: 'debian-12' } },
      says: [`Ready=True Ready: ${sound}`],
    },
  ];
  for (const { name, spec, says } of cases) {
    it(name, () => {
      const conditions = conditionsOfRole(role('compute', spec), (service) =>
        ['keystone', 'nova'].includes(service),
      );
      expect(said(conditions)).to.deep.equal(says);
      expect(isStalled(conditions)).to.equal(says[0]?.startsWith('Ready=False'));
    });
  }
});

describe('an OvercloudService', () => {
  const sound = 'every ConfigMap key that it uses exists';
  const file = (
    path: string,
    from: OvercloudServiceSpecConfigFilesItem['from'],
    action: OvercloudServiceSpecConfigFilesItem['onChange']['action'] = 'Restart',
  ): OvercloudServiceSpecConfigFilesItem => ({
    path,
    from,
    owner: 'root:root',
    mode: '0640',
    onChange: { action },
  });
  const unit = (name: string, more: Partial<OvercloudServiceSpecUnitsItem> = {}) => ({
    name,
    enabled: true,
    step: 2,
    startOrder: 0,
    ...more,
  });
  const hook = { name: 'leave', exec: { container: 'nova' }, command: ['true'], timeoutSeconds: 300 };
  const constraint = { resource: 'galera', score: 'INFINITY', kind: 'Mandatory' } as const;

  const nova: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: meta('nova'),
    data: { 'nova.conf': '[DEFAULT]' },
  };

  const cases: readonly Case<OvercloudServiceSpec>[] = [
    {
      name: 'is ready when the keys that its files are made from exist; Secrets are for the clouds to find',
      spec: {
        configFiles: [
          file('etc/nova/nova.conf', { configMap: 'nova', key: 'nova.conf' }),
          file('etc/nova/key', { secret: 'nonesuch', key: 'key' }),
          file('etc/nova/policy.json', { inline: '{}' }),
        ],
      },
      says: [`Ready=True Ready: ${sound}`],
    },
    {
      name: 'names the file, the key and the ConfigMap that does not exist',
      spec: { configFiles: [file('etc/nova/nova.conf', { configMap: 'nonesuch', key: 'nova.conf' })] },
      says: [
        'Ready=False ConfigMapNotFound: service nova: file etc/nova/nova.conf is made from key nova.conf of ConfigMap nonesuch, which does not exist: create it, or correct spec.configFiles',
      ],
    },
    {
      name: 'names the key that a ConfigMap does not have',
      spec: { configFiles: [file('etc/nova/nova.conf', { configMap: 'nova', key: 'other.conf' })] },
      says: [
        'Ready=False ConfigMapKeyNotFound: service nova: file etc/nova/nova.conf is made from key other.conf of ConfigMap nova, which has no such key: add it, or correct spec.configFiles',
      ],
    },
    {
      name: 'says how much more is missing, units as well: no revision is cut without their files',
      spec: {
        configFiles: [file('a', { configMap: 'nonesuch', key: 'a' })],
        units: [unit('ceph-mon@.service', { from: { configMap: 'ceph', key: 'unit' } })],
      },
      says: [
        'Ready=False ConfigMapNotFound: service nova: file a is made from key a of ConfigMap nonesuch, which does not exist: create it, or correct spec.configFiles (and 1 more)',
        'Supported=False NotInThisRelease: spec.units has no effect in this release: set them up by other means',
      ],
    },
    {
      name: 'is ready, and says so, when it asks for what this release does not do',
      spec: {
        configFiles: [
          file('etc/nova/nova.conf', { inline: '' }, 'Signal'),
          file('etc/nova/policy.json', { inline: '' }, 'Exec'),
        ],
        units: [unit('chronyd.service')],
        bundles: [{ name: 'galera', image: 'mariadb', step: 2, startOrder: 0, network: { mode: 'host' } }],
        pacemakerResources: [
          { name: 'cinder', agent: 'systemd:openstack-cinder-volume', step: 5, startOrder: 0 },
        ],
        constraints: [{ ...constraint, name: 'place', type: 'Location', rule: 'galera-role eq true' }],
        hooks: { drain: [hook] },
      },
      says: [
        `Ready=True Ready: ${sound}; without effect in this release: spec.units, spec.bundles, spec.pacemakerResources, spec.constraints, spec.hooks, onChange Signal in spec.configFiles, onChange Exec in spec.configFiles`,
        `Supported=False NotInThisRelease: ${[
          'spec.units has no effect in this release: set them up by other means',
          'spec.bundles has no effect in this release: create them with pcs',
          'spec.pacemakerResources has no effect in this release: create them with pcs',
          'spec.constraints has no effect in this release: create them with pcs',
          'spec.hooks has no effect in this release: run them by hand',
          'onChange Signal in spec.configFiles has no effect in this release: use Restart',
          'onChange Exec in spec.configFiles has no effect in this release: use Restart',
        ].join('; ')}`,
      ],
    },
    {
      name: 'asks for nothing with empty lists',
      spec: { units: [], bundles: [], pacemakerResources: [], constraints: [], hooks: { drain: [] } },
      says: [`Ready=True Ready: ${sound}`],
    },
  ];
  for (const { name, spec, says } of cases) {
    it(name, () => {
      const conditions = conditionsOfService(service('nova', spec), (map) =>
        map === 'nova' ? nova : undefined,
      );
      expect(said(conditions)).to.deep.equal(says);
      expect(isStalled(conditions)).to.equal(says[0]?.startsWith('Ready=False'));
    });
  }
});
