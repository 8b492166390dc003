// Clouds with a mistake in them: what they say, that the rest goes on, and that they recover by themselves.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import { containerImageSets } from '../../../src/api/containerimageset.gen.ts';
import { overclouds } from '../../../src/api/overcloud.gen.ts';
import { roles } from '../../../src/api/role.gen.ts';
import { terminal } from '../../../src/kernel/errors.ts';
import { configMaps, controllerRevisions, secrets } from '../../../src/kube/objects.ts';
import { createCloud, ready, type Cloud } from './support/driver.ts';
import { configMap, imageSet, namespace, role, secret } from './support/objects.ts';

const at = (name: string) => ({ namespace, name });
const lab = at('lab');

describe('an overcloud with a mistake in it', () => {
  const computeRuns = async (cloud: Cloud) => {
    expect((await cloud.fleet())[0]).to.equal('lab-compute-0 on cmpt01: 12.0-1 5');
  };
  const cases: readonly {
    readonly name: string;
    readonly make: (cloud: Cloud) => Promise<unknown>;
    readonly says: string;
    readonly mend: (cloud: Cloud) => Promise<unknown>;
    /** The rest of the cloud goes on. */
    readonly others?: (cloud: Cloud) => Promise<void>;
  }[] = [
    {
      name: 'an unknown service in a role',
      make: ({ kube }) => kube.edit(roles, at('controller'), { spec: { services: ['keystonee'] } }),
      says: 'False UnknownService: role controller lists service keystonee, which does not exist',
      mend: ({ kube }) => kube.edit(roles, at('controller'), { spec: { services: ['keystone'] } }),
      others: computeRuns,
    },
    {
      name: 'too few nodes',
      make: ({ kube }) => kube.edit(bareMetalNodes, at('ctrl03'), { spec: { profile: 'storage' } }),
      says: 'False InsufficientNodes: role controller wants 3 nodes of profile control, 2 are available',
      mend: ({ kube }) => kube.edit(bareMetalNodes, at('ctrl03'), { spec: { profile: 'control' } }),
      others: computeRuns,
    },
    {
      name: 'a quota that leaves no room for its revisions',
      make: ({ kube }) => {
        kube.intercept(({ verb, resource }) => {
          if (verb === 'create' && resource.plural === controllerRevisions.plural)
            throw terminal('Forbidden', 'creating ControllerRevision: exceeded quota, raise it');
        });
        return Promise.resolve();
      },
      says: 'False WriteRefused: the API server refuses what the hosts of lab are made from: creating ControllerRevision: exceeded quota',
      mend: (cloud) => {
        cloud.kube.intercept(() => undefined);
        cloud.restart();
        return Promise.resolve();
      },
    },
    {
      name: 'an image set that is not there',
      make: ({ kube }) => kube.edit(overclouds, lab, { spec: { imageSetName: 'queens' } }),
      says: 'False ImageSetNotFound: image set queens does not exist',
      mend: ({ kube }) => kube.edit(overclouds, lab, { spec: { imageSetName: 'pike' } }),
    },
    {
      name: 'a missing Secret with the SSH key',
      make: ({ kube }) => kube.client.delete(secrets, at('lab-ssh')),
      says: 'False SecretNotFound: Secret lab-ssh, which spec.ssh.keyName names, does not exist',
      mend: (cloud) => {
        cloud.kube.seed(secrets, secret('lab-ssh'));
        cloud.restart();
        return Promise.resolve();
      },
      others: computeRuns,
    },
    {
      name: 'a missing Secret that a service uses',
      make: ({ kube }) => kube.client.delete(secrets, at('passwords')),
      says: 'False SecretNotFound: Secret passwords, which service keystone uses, does not exist',
      mend: (cloud) => {
        cloud.kube.seed(secrets, secret('passwords', { admin: 'c2VjcmV0' }));
        cloud.restart();
        return Promise.resolve();
      },
      others: computeRuns,
    },
    {
      name: 'an image set that cannot be resolved',
      make: async (cloud) => {
        const set = await cloud.get(containerImageSets, 'pike');
        const message = 'image set pike: keystone:12.0-1 is not in registry';
        const since = { lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'ImageNotFound', message };
        const conditions = [
          { ...since, type: 'Ready', status: 'False' },
          { ...since, type: 'Stalled', status: 'True' },
        ];
        await cloud.kube.client.replaceStatus(containerImageSets, set, { observedGeneration: 1, conditions });
      },
      says: 'False ImageNotResolved: image set pike: keystone:12.0-1 is not in registry',
      mend: async (cloud) => {
        const { status } = imageSet('pike', '12.0-1', ['keystone', 'nova-compute']);
        const set = await cloud.get(containerImageSets, 'pike');
        await cloud.kube.client.replaceStatus(containerImageSets, set, status);
      },
    },
    {
      name: 'an image set that is found unsigned',
      make: async (cloud) => {
        const set = await cloud.get(containerImageSets, 'pike');
        const message = 'keystone is signed by another key';
        const since = { lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'SignatureInvalid', message };
        const conditions = [{ ...since, type: 'Verified', status: 'False' as const }];
        await cloud.kube.client.replaceStatus(containerImageSets, set, { ...set.status, conditions });
      },
      says: 'False ImageNotVerified: image set pike: keystone is signed by another key',
      mend: async (cloud) => {
        const { status } = imageSet('pike', '12.0-1', ['keystone', 'nova-compute']);
        const set = await cloud.get(containerImageSets, 'pike');
        await cloud.kube.client.replaceStatus(containerImageSets, set, status);
      },
    },
    {
      name: 'a missing ConfigMap with values',
      make: ({ kube }) => kube.edit(overclouds, lab, { spec: { values: [{ configMap: 'lab-values' }] } }),
      says: 'False ConfigMapNotFound: ConfigMap lab-values, which spec.values uses, does not exist',
      mend: ({ kube }) => Promise.resolve(kube.seed(configMaps, configMap('lab-values'))),
    },
    {
      name: 'a role that does not exist',
      make: ({ kube }) => kube.client.delete(roles, at('controller')),
      says: 'False RoleNotFound: role controller does not exist',
      mend: ({ kube }) => Promise.resolve(kube.seed(roles, role('controller', { profile: 'control' }))),
      others: computeRuns,
    },
  ];
  for (const { name, make, says, mend, others } of cases) {
    it(`says so and recovers: ${name}`, async () => {
      const cloud = createCloud();
      await make(cloud);
      await cloud.settle();
      expect(await cloud.says()).to.contain(says);
      expect(await cloud.says('Stalled')).to.contain('True');
      await others?.(cloud);
      await mend(cloud);
      await cloud.settle();
      expect(await cloud.says()).to.equal(ready);
    });
  }
});
