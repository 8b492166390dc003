// Roles and OvercloudServices against an API server in memory: judged by events alone, mended, and silent at rest.
import { expect } from 'chai';
import { overcloudServices } from '../../../src/api/overcloudservice.gen.ts';
import { roles, type RoleStatus } from '../../../src/api/role.gen.ts';
import { checkStatus } from '../../../src/kernel/conditions-check.ts';
import type { Controller } from '../../../src/kernel/controller.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { createStatusWriter } from '../../../src/kernel/status.ts';
import {
  configMaps,
  keyText,
  type KubeObject,
  type ObjectKey,
  type Resource,
} from '../../../src/kube/objects.ts';
import {
  createOvercloudServiceController,
  createRoleController,
} from '../../../src/overcloud/definition-controllers.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { createFakeKube } from '../../fakes/kube.ts';
import { meta, namespace, role, service } from './support/objects.ts';

type Judged = KubeObject & { readonly status?: RoleStatus };

const named = (name: string): ObjectKey => ({ namespace, name });

const configMap = (name: string, data: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: meta(name),
  data,
});

const fromConfigMap = (name: string, key: string) =>
  service('nova', {
    configFiles: [
      {
        path: 'nova.conf',
        from: { configMap: name, key },
        owner: 'root:root',
        mode: '0640',
        onChange: { action: 'Restart' },
      },
    ],
  });

/** Both controllers; nothing is reconciled but what an event asks for. */
function setUp() {
  const clock = createManualClock();
  const kube = createFakeKube(clock);
  const deps = { cache: kube.cache, clock, status: createStatusWriter({ client: kube.client, clock }) };
  const controllers = [createRoleController(deps), createOvercloudServiceController(deps)];
  const queue = new Map<string, readonly [Controller, ObjectKey]>();
  const add = (controller: Controller, key: ObjectKey) =>
    void queue.set(`${controller.name} ${keyText(key)}`, [controller, key]);
  kube.onChange((resource, before, after) => {
    for (const controller of controllers) {
      const watches = controller.watches.filter((watch) => watch.resource === resource);
      for (const key of watches.flatMap((watch) => watch.keys(before, after))) add(controller, key);
    }
  });

  /** Until no event and no outcome asks for more. Returns what was reconciled, by controller and key. */
  const run = async (): Promise<readonly string[]> => {
    const done: string[] = [];
    for (const [id, [controller, key]] of queue) {
      queue.delete(id);
      done.push(id);
      const context = { signal: new AbortController().signal, log: silentLogger, reconcileId: '' };
      const outcome = await controller.reconcile(context, key);
      if (outcome.kind === 'settled') continue;
      await clock.advance(outcome.ms);
      add(controller, key);
    }
    return done;
  };
  /** `True Ready` or `False <reason>`, once the status has been found to be well formed. */
  const ready = (resource: Resource<Judged>, name: string): string => {
    const object = kube.cache.store(resource).get(named(name));
    if (object === undefined) return 'gone';
    expect(checkStatus(object)).to.deep.equal([]);
    expect(object.status?.observedGeneration).to.equal(object.metadata.generation);
    const condition = object.status?.conditions?.find(({ type }) => type === 'Ready');
    return condition === undefined ? 'nothing' : `${condition.status} ${condition.reason}`;
  };
  return { clock, kube, run, ready };
}

describe('the controllers of Roles and OvercloudServices', () => {
  it('make both ready when all is there, and write nothing at rest', async () => {
    const { kube, run, ready, clock } = setUp();
    kube.seed(configMaps, configMap('nova', { 'nova.conf': '' }));
    kube.seed(overcloudServices, fromConfigMap('nova', 'nova.conf'));
    kube.seed(roles, role('compute', { services: ['nova'] }));
    await run();
    expect([ready(roles, 'compute'), ready(overcloudServices, 'nova')]).to.deep.equal([
      'True Ready',
      'True Ready',
    ]);

    const writes = kube.writes();
    await clock.advance(3_600_000);
    await kube.edit(configMaps, named('nova'), { metadata: { labels: { seen: 'again' } } });
    expect(await run()).to.deep.equal(['overcloudservice clouds/nova']);
    expect(kube.writes()).to.equal(writes + 1);
  });

  it('see a service come, and go', async () => {
    const { kube, run, ready } = setUp();
    kube.seed(roles, role('compute', { services: ['nova'] }));
    kube.seed(roles, role('storage', { services: ['ceph'] }));
    await run();
    expect(ready(roles, 'compute')).to.equal('False UnknownService');

    kube.seed(overcloudServices, service('nova'));
    await run();
    expect(ready(roles, 'compute')).to.equal('True Ready');
    expect(ready(roles, 'storage')).to.equal('False UnknownService');

    await kube.client.delete(overcloudServices, named('nova'));
    await run();
    expect(ready(roles, 'compute')).to.equal('False UnknownService');
  });

  it('do not look at a role again when a service of it changes', async () => {
    const { kube, run } = setUp();
    kube.seed(overcloudServices, service('nova'));
    kube.seed(roles, role('compute', { services: ['nova'] }));
    await run();
    await kube.edit(overcloudServices, named('nova'), { spec: { configVolume: 'other' } });
    expect(new Set(await run())).to.deep.equal(new Set(['overcloudservice clouds/nova']));
  });

  it('see a ConfigMap come, its key come, and the whole go', async () => {
    const { kube, run, ready } = setUp();
    kube.seed(overcloudServices, fromConfigMap('nova', 'nova.conf'));
    await run();
    expect(ready(overcloudServices, 'nova')).to.equal('False ConfigMapNotFound');

    kube.seed(configMaps, configMap('nova', { other: '' }));
    await run();
    expect(ready(overcloudServices, 'nova')).to.equal('False ConfigMapKeyNotFound');

    await kube.edit(configMaps, named('nova'), { data: { 'nova.conf': '' } });
    await run();
    expect(ready(overcloudServices, 'nova')).to.equal('True Ready');

    await kube.client.delete(configMaps, named('nova'));
    await run();
    expect(ready(overcloudServices, 'nova')).to.equal('False ConfigMapNotFound');
  });

  it('see that the spec was corrected', async () => {
    const { kube, run, ready } = setUp();
    kube.seed(overcloudServices, service('nova'));
    kube.seed(roles, role('compute', { services: ['nova', 'nonesuch'] }));
    await run();
    await kube.edit(roles, named('compute'), { spec: { services: ['nova'] } });
    await run();
    expect(ready(roles, 'compute')).to.equal('True Ready');
  });

  it('find a status again that was lost', async () => {
    const { kube, run, ready } = setUp();
    kube.seed(overcloudServices, service('nova'));
    await run();
    const lost = kube.cache.store(overcloudServices).get(named('nova'));
    if (lost === undefined) throw new Error('no service');
    await kube.client.replaceStatus(overcloudServices, lost, { observedGeneration: -1 });
    await run();
    expect(ready(overcloudServices, 'nova')).to.equal('True Ready');
  });

  it('say what is missing still, though they write no more than once in 5 s', async () => {
    const { kube, run } = setUp();
    kube.seed(roles, role('compute', { services: ['ceph', 'nova'] }));
    await run();
    kube.seed(overcloudServices, service('nova'));
    await run();
    const status = kube.cache.store(roles).get(named('compute'))?.status;
    expect(status?.conditions?.[0]?.message).to.match(/^role compute lists service ceph, /);
  });

  it('do not mix namespaces', async () => {
    const { kube, run, ready } = setUp();
    kube.seed(roles, role('compute', { services: ['nova'] }));
    kube.seed(overcloudServices, { ...service('nova'), metadata: meta('nova', { namespace: 'elsewhere' }) });
    await run();
    expect(ready(roles, 'compute')).to.equal('False UnknownService');
  });

  it('leave alone what is being deleted', async () => {
    const { kube, run } = setUp();
    kube.seed(roles, {
      ...role('compute'),
      metadata: meta('compute', { finalizers: ['undercloud.dev/in-use'] }),
    });
    await run();
    await kube.client.delete(roles, named('compute'));
    const writes = kube.writes();
    await run();
    expect(kube.writes()).to.equal(writes);
  });
});
