// What a person changes reaches exactly the containers that it concerns.
import { expect } from 'chai';
import type { Running } from '../support/cloud.ts';
import { eventually } from '../support/wait.ts';
import { type RunningCloud, theCloud } from './shared.ts';

const machines = [
  'overcloud-ctrl01',
  'overcloud-ctrl02',
  'overcloud-ctrl03',
  'overcloud-cmpt01',
  'overcloud-ceph01',
];

describe('a change', function () {
  this.timeout(600_000);
  let cloud: RunningCloud;

  before(async () => {
    cloud = await theCloud();
    await cloud.ready('ovc', 'lab', 'True', 400);
  });

  const everything = async (): Promise<Map<string, Running>> => {
    const all = new Map<string, Running>();
    for (const machine of machines) {
      for (const [name, container] of await cloud.containers(machine))
        all.set(`${machine}/${name}`, container);
    }
    return all;
  };

  /** Containers that are another one than before, or have been started again. */
  const touched = (before: Map<string, Running>, after: Map<string, Running>): string[] =>
    [...after]
      .filter(([key, { id, startedAt }]) => {
        const was = before.get(key);
        return was?.id !== id || was.startedAt !== startedAt;
      })
      .map(([key]) => key)
      .sort();

  /** Until every host runs its role's newest revision and the cloud is Ready. */
  const settled = async (): Promise<void> => {
    await eventually('the change has reached every host', 300, async () => {
      const { status } = await cloud.get('ovc', 'lab');
      const { desired, updated, ready } = status?.hosts as {
        desired: number;
        updated: number;
        ready: number;
      };
      return updated === desired && ready === desired ? true : undefined;
    });
    await cloud.ready('ovc', 'lab', 'True', 60);
  };

  it('of one container’s environment replaces that container on its hosts alone', async () => {
    const before = await everything();
    const service = await cloud.get('ocsvc', 'memcached');
    const [container] = service.spec.containers as Record<string, unknown>[];
    await cloud.patch('ocsvc', 'memcached', {
      spec: {
        containers: [
          { ...container, environment: { ...(container?.environment as object), CHANGED: 'yes' } },
        ],
      },
    });
    await eventually('memcached has its new environment on the last controller', 300, async () => {
      const environment = await cloud.ssh(
        'overcloud-ctrl03',
        'podman inspect memcached --format "{{.Config.Env}}"',
      );
      return environment.includes('CHANGED=yes') ? true : undefined;
    });
    await settled();
    expect(touched(before, await everything())).to.deep.equal(
      ['overcloud-ctrl01', 'overcloud-ctrl02', 'overcloud-ctrl03'].map((machine) => `${machine}/memcached`),
    );
  });

  it('of the tag can be pulled ahead: every host has the images, and nothing of it is touched', async () => {
    const before = await everything();
    const { spec } = await cloud.get('cis', 'pike');
    const next = {
      apiVersion: 'undercloud.dev/v1alpha1',
      kind: 'ContainerImageSet',
      metadata: { name: 'next' },
    };
    await cloud.apply(JSON.stringify({ ...next, spec: { ...spec, tag: '12.0-20180319.1' } }));
    await cloud.patch('ovc', 'lab', { spec: { prePull: { imageSetNames: ['next'] } } });
    await cloud.ready('cis', 'next', 'True', 60);
    await eventually('every host has pulled them', 120, async () => {
      const { status } = await cloud.get('ovc', 'lab');
      const pulled = status?.conditions?.find(({ type }) => type === 'PrePulled');
      return pulled?.status === 'True' ? true : undefined;
    });
    const { status } = await cloud.get('cis', 'next');
    const { images } = status?.resolved as { images: { name: string; digest: string }[] };
    const digest = images.find(({ name }) => name === 'nova-compute')?.digest ?? 'none';
    expect(await cloud.ssh('overcloud-cmpt01', 'podman images --digests')).to.include(digest);
    expect(touched(before, await everything())).to.deep.equal([]);
    await cloud.patch('ovc', 'lab', { spec: { prePull: null } });
    await cloud.kubectl(['delete', 'cis/next', '-n', 'lab', '--timeout=60s']);
  });

  it('of the tag replaces only the containers whose image changed', async () => {
    const before = await everything();
    await cloud.patch('cis', 'pike', { spec: { tag: '12.0-20180319.1' } });
    await eventually('every host runs the new tag', 400, async () => {
      const hosts = await cloud.list('hosts');
      return hosts.every(({ status }) => status?.images === '12.0-20180319.1') ? true : undefined;
    });
    await settled();
    const after = await everything();
    const kept = [...after]
      .filter(([key, { imageId }]) => before.get(key)?.imageId === imageId)
      .map(([key]) => key);
    const replaced = touched(before, after);
    expect(replaced).to.include('overcloud-ctrl01/nova_api').and.include('overcloud-cmpt01/nova_compute');
    expect(kept).to.include('overcloud-ctrl01/memcached').and.include('overcloud-ceph01/ceph_osd');
    expect(replaced.filter((key) => kept.includes(key))).to.deep.equal([]);
  });

  it('of a template restarts the containers that read the file, and no others', async () => {
    const before = await everything();
    const { data } = (await cloud.get('configmap', 'glance-config')) as unknown as {
      data: Record<string, string>;
    };
    const text = data['glance-api.conf'] ?? '';
    await cloud.patch('configmap', 'glance-config', {
      data: { 'glance-api.conf': text.replace('debug = false', 'debug = true') },
    });
    await eventually('the last controller has the new file', 300, async () => {
      const file = await cloud.ssh(
        'overcloud-ctrl03',
        'cat /var/lib/config-data/puppet-generated/glance/etc/glance-api/glance-api.conf',
      );
      return file.includes('debug = true') ? true : undefined;
    });
    await settled();
    const after = await everything();
    expect(touched(before, after)).to.deep.equal(
      ['overcloud-ctrl01', 'overcloud-ctrl02', 'overcloud-ctrl03'].map((machine) => `${machine}/glance_api`),
    );
    expect(after.get('overcloud-ctrl01/glance_api')?.id).to.equal(
      before.get('overcloud-ctrl01/glance_api')?.id,
    );
  });
});
