// A cloud from apply to Ready, and through updates.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import { containerImageSets } from '../../../src/api/containerimageset.gen.ts';
import { hosts, type Host } from '../../../src/api/host.gen.ts';
import { overclouds } from '../../../src/api/overcloud.gen.ts';
import { overcloudServices } from '../../../src/api/overcloudservice.gen.ts';
import { topologyKey, type Topology } from '../../../src/api/topology.ts';
import { configMaps, controllerRevisions, secrets, type Resource } from '../../../src/kube/objects.ts';
import { createCloud, deployed, ready, whole, type Cloud } from './support/driver.ts';
import { imageSet, meta, namespace, node, overcloud } from './support/objects.ts';

const at = (name: string) => ({ namespace, name });
const lab = at('lab');

/** The set resolves another tag; `names` are the images whose digest it changes. */
async function retag(cloud: Cloud, tag: string): Promise<void> {
  const set = await cloud.get(containerImageSets, 'pike');
  const edited = await cloud.kube.edit(containerImageSets, at('pike'), { spec: { tag } });
  const { resolved } = imageSet('pike', tag, ['keystone', 'nova-compute']).status ?? {};
  const status = { ...set.status, resolved: { ...resolved, generation: edited.metadata.generation } };
  await cloud.kube.client.replaceStatus(containerImageSets, edited, status);
}

describe('an overcloud', () => {
  it('comes up: hosts get nodes, a revision each, and go through the steps', async () => {
    const cloud = await deployed();
    expect(await cloud.fleet()).to.deep.equal(whole);
    const { status } = await cloud.overcloud();
    expect(status?.hosts).to.deep.equal({ desired: 4, ready: 4, updated: 4, summary: '4/4' });
    expect([status?.step, status?.images]).to.deep.equal(['5', '12.0-1']);
    expect(await cloud.says('Converged')).to.contain('True Converged');
    expect(await cloud.says('NodesAllocated')).to.contain('True');
    expect(await cloud.says('ImagesResolved')).to.contain('True');
    expect(await cloud.says('Reconciling')).to.equal('nothing');
  });

  it('waits for a node that is being registered, until that fails', async () => {
    const cloud = createCloud();
    const verifying = async (errorCount: number) => {
      const late = await cloud.get(bareMetalNodes, 'ctrl03');
      const status = { observedGeneration: 1, state: 'verifying', errorCount };
      await cloud.kube.client.replaceStatus(bareMetalNodes, late, status);
    };
    await verifying(0);
    await cloud.settle();
    expect(await cloud.says()).to.contain('False NodesArriving');
    await cloud.clock.advance(60_000);
    await verifying(1);
    await cloud.settle();
    expect(await cloud.says()).to.contain('False InsufficientNodes');
  });

  it('says who its hosts are, and keeps what jobs are done', async () => {
    const cloud = await deployed();
    const topology = JSON.parse(
      (await cloud.get(configMaps, 'lab-topology')).data?.[topologyKey] ?? '',
    ) as Topology;
    expect(topology.hosts.map(({ name, services }) => `${name}: ${services.join()}`)).to.deep.equal([
      'lab-controller-0: keystone',
      'lab-controller-1: keystone',
      'lab-controller-2: keystone',
      'lab-compute-0: nova-compute',
    ]);
    const ledger = (await cloud.get(configMaps, 'lab-jobs')).data ?? {};
    expect(JSON.parse(ledger['keystone.db_sync'] ?? '')).to.include({
      host: 'lab-controller-0',
      exitCode: 0,
    });
  });

  it('writes nothing at rest, not even after a restart', async () => {
    const cloud = await deployed();
    const before = cloud.kube.writes();
    cloud.restart();
    await cloud.settle();
    await cloud.clock.advance(600_000);
    cloud.restart();
    await cloud.settle();
    expect(cloud.kube.writes()).to.equal(before);
  });

  it('comes to the same end, whichever write of the operator is its last', async () => {
    const total = (await deployed()).operatorWrites();
    for (let diesAfter = 1; diesAfter <= total; diesAfter += 1) {
      const cloud = createCloud({ diesAfter });
      await cloud.settle();
      expect(await cloud.fleet()).to.deep.equal(whole);
      expect(await cloud.says()).to.equal(ready);
    }
  });

  it('is updated one host at a time, controllers first', async () => {
    const cloud = await deployed();
    await retag(cloud, '12.0-2');
    await cloud.reconcile();
    const moved = (await cloud.fleet()).filter((line) => line.includes('12.0-2'));
    expect(moved).to.deep.equal(['lab-controller-0 on ctrl01: 12.0-2 5 Run']);
    expect(await cloud.says()).to.contain('False Updating');
    await cloud.settle();
    expect(await cloud.says()).to.equal(ready);
    expect(await cloud.fleet()).to.deep.equal(whole.map((line) => line.replace('12.0-1', '12.0-2')));
    const order = cloud.events.filter((event) => event.startsWith('HostMoved') && event.includes('from'));
    expect(order.map((event) => /lab-\w+-\d/.exec(event)?.[0])).to.deep.equal([
      'lab-controller-0',
      'lab-controller-1',
      'lab-controller-2',
      'lab-compute-0',
    ]);
  });

  it('changes only the role whose service changed', async () => {
    const cloud = await deployed();
    const before = new Map(
      (await cloud.kube.client.list(hosts)).map(({ metadata, spec }) => [metadata.name, spec.revision]),
    );
    const container = (await cloud.get(overcloudServices, 'nova-compute')).spec.containers?.[0];
    const containers = [{ ...container, environment: { DEBUG: '1' } }];
    await cloud.kube.edit(overcloudServices, at('nova-compute'), { spec: { containers } });
    await cloud.settle();
    const changed = (await cloud.kube.client.list(hosts)).filter(
      ({ metadata, spec }) => spec.revision !== before.get(metadata.name),
    );
    expect(changed.map(({ metadata }) => metadata.name)).to.deep.equal(['lab-compute-0']);
  });

  it('makes a new revision when a Secret that a service uses has another value', async () => {
    const cloud = await deployed();
    await cloud.kube.edit(secrets, at('passwords'), { data: { admin: 'bmV3' } });
    await cloud.clock.advance(60_000);
    cloud.restart();
    await cloud.settle();
    const moved = cloud.events.filter((event) => event.startsWith('HostMoved') && event.includes('from'));
    expect(moved.length).to.equal(3);
    expect(await cloud.says()).to.equal(ready);
  });

  it('stays as it is when every status is lost', async () => {
    const cloud = await deployed();
    const specs = async () => (await cloud.kube.client.list(hosts)).map(({ spec }) => spec);
    const before = await specs();
    const lost: readonly Resource[] = [hosts, overclouds];
    for (const resource of lost) {
      for (const object of await cloud.kube.client.list(resource)) {
        await cloud.kube.client.replaceStatus(resource, object, { observedGeneration: -1 });
      }
    }
    await cloud.reconcile();
    expect(await specs()).to.deep.equal(before);
    await cloud.settle();
    expect(await specs()).to.deep.equal(before);
    expect(await cloud.says()).to.equal(ready);
  });

  it('starts no second host because of what the cache has not seen yet', async () => {
    const cloud = await deployed();
    const before = await cloud.kube.client.list(hosts);
    await retag(cloud, '12.0-2');
    await cloud.reconcile();
    // The cache knows that another host is not well, and not yet that the first one moves.
    const unwell = before.map((each) =>
      each.metadata.name === 'lab-controller-1' ? { ...each, status: { observedGeneration: 1 } } : each,
    );
    cloud.showInCache(unwell);
    cloud.restart();
    await cloud.reconcile();
    const moved = (await cloud.fleet()).filter((line) => line.includes('12.0-2'));
    expect(moved.length).to.equal(1);
  });

  it('takes a host back on which a revision fails, and does not try it again until told to', async () => {
    const cloud = await deployed();
    const bad = {
      fails: ({ spec, metadata }: { spec: { revision: string }; metadata: { name: string } }) =>
        metadata.name === 'lab-controller-1' && !before.has(spec.revision)
          ? 'container keystone exits 1'
          : undefined,
    };
    const before = new Set(
      (await cloud.kube.client.list(controllerRevisions)).map(({ metadata }) => metadata.name),
    );
    await retag(cloud, '12.0-2');
    await cloud.settle(bad);
    expect(await cloud.fleet()).to.deep.equal([
      'lab-compute-0 on cmpt01: 12.0-1 5',
      'lab-controller-0 on ctrl01: 12.0-2 5 Done',
      'lab-controller-1 on ctrl02: 12.0-1 5 Done',
      'lab-controller-2 on ctrl03: 12.0-1 5 Done',
    ]);
    expect(await cloud.says()).to.contain('False RevisionRejected');
    expect(await cloud.says()).to.contain('lab-controller-1: container keystone exits 1');
    const { status } = await cloud.overcloud();
    expect(status?.rejected?.map((item) => [item.role, item.host])).to.deep.equal([
      ['controller', 'lab-controller-1'],
    ]);

    cloud.restart();
    await cloud.settle();
    expect(await cloud.says()).to.contain('False RevisionRejected');

    await cloud.kube.edit(overclouds, lab, { metadata: { annotations: { 'undercloud.dev/retry': 'now' } } });
    await cloud.settle();
    expect(await cloud.says()).to.equal(ready);
    expect(await cloud.fleet()).to.deep.equal(whole.map((line) => line.replace('12.0-1', '12.0-2')));
    expect((await cloud.overcloud()).status?.retry).to.equal('now');
  });

  it('honours an annotation for another try that is longer than its status has room for, once', async () => {
    const cloud = await deployed();
    const retry = 'again '.repeat(100);
    await cloud.kube.edit(overclouds, lab, { metadata: { annotations: { 'undercloud.dev/retry': retry } } });
    await cloud.settle();
    expect((await cloud.overcloud()).status?.retry).to.equal(retry.slice(0, 256));
    await retag(cloud, '12.0-2');
    const fails = (host: Host) =>
      host.spec.proposedRevision === '' && host.status?.progress?.revision !== host.spec.revision
        ? 'container keystone exits 1'
        : undefined;
    await cloud.settle({ fails });
    expect(await cloud.says()).to.contain('False RevisionRejected');
  });

  it('tries a revision that failed once, whichever write of the operator is its last', async () => {
    const before = (await deployed()).operatorWrites();
    for (let diesAfter = before + 1; diesAfter < before + 20; diesAfter += 1) {
      const cloud = createCloud({ diesAfter });
      await cloud.settle();
      const revision = (await cloud.get(hosts, 'lab-controller-0')).spec.revision;
      let attempts = 0;
      cloud.kube.onChange((resource, former, after) => {
        if (resource.plural !== hosts.plural) return;
        const [from, to] = [former, after].map((object) => (object as Host | undefined)?.spec.revision);
        if (from === revision && to !== revision) attempts += 1;
      });
      await retag(cloud, '12.0-2');
      const fails = (host: Host) =>
        host.spec.revision === revision ? undefined : 'container keystone exits 1';
      await cloud.settle({ fails: (host) => (host.spec.role === 'controller' ? fails(host) : undefined) });
      expect(attempts).to.equal(1);
      expect(await cloud.fleet()).to.deep.equal(whole);
    }
  });

  it('moves nobody in mode Plan, and proposes what would come', async () => {
    const cloud = await deployed();
    await cloud.kube.edit(overclouds, lab, { spec: { mode: 'Plan' } });
    await retag(cloud, '12.0-2');
    await cloud.settle();
    expect(await cloud.fleet()).to.deep.equal(whole);
    const proposed = (await cloud.kube.client.list(hosts)).map(
      ({ spec }) => spec.proposedRevision !== '' && spec.mode,
    );
    expect(proposed).to.deep.equal(['Plan', 'Plan', 'Plan', 'Plan']);
    expect(await cloud.says()).to.contain('True RolloutFrozen');
    await cloud.kube.edit(overclouds, lab, { spec: { mode: 'Apply' } });
    await cloud.settle();
    expect(await cloud.says()).to.equal(ready);
  });

  it('goes back to a revision that it is pinned to, without changing the schema back', async () => {
    const cloud = await deployed();
    const before = (await cloud.get(hosts, 'lab-controller-0')).spec.revision;
    await retag(cloud, '12.0-2');
    await cloud.settle();
    const spec = {
      roles: [
        { role: 'controller', count: 3, revision: before },
        { role: 'compute', count: 1 },
      ],
    };
    await cloud.kube.edit(overclouds, lab, { spec });
    await cloud.reconcile();
    expect((await cloud.fleet())[1]).to.equal('lab-controller-0 on ctrl01: 12.0-1 5 Done');
    await cloud.settle();
    expect(await cloud.says()).to.equal(ready);
    expect(await cloud.says('Converged')).to.equal(
      `True Pinned: role controller is pinned to revision ${before}`,
    );
  });

  it('takes hosts in and lets the named ones go', async () => {
    const cloud = await deployed();
    cloud.kube.seed(bareMetalNodes, node('cmpt02', { profile: 'compute' }));
    const controller = { role: 'controller', count: 3 };
    await cloud.kube.edit(overclouds, lab, { spec: { roles: [controller, { role: 'compute', count: 2 }] } });
    await cloud.settle();
    expect((await cloud.fleet()).slice(0, 2)).to.deep.equal([
      'lab-compute-0 on cmpt01: 12.0-1 5',
      'lab-compute-1 on cmpt02: 12.0-1 5',
    ]);
    await cloud.kube.edit(overclouds, lab, { spec: { roles: [controller, { role: 'compute', count: 1 }] } });
    await cloud.settle();
    expect(await cloud.says()).to.contain('False HostsToRemoveNotNamed');
    expect((await cloud.fleet()).length).to.equal(5);
    const remove = { role: 'compute', count: 1, remove: ['lab-compute-0'] };
    await cloud.kube.edit(overclouds, lab, { spec: { roles: [controller, remove] } });
    await cloud.settle();
    expect((await cloud.fleet())[0]).to.equal('lab-compute-1 on cmpt02: 12.0-1 5');
    expect(await cloud.says()).to.equal(ready);
  });

  it('that is paused tells its hosts, and does nothing else', async () => {
    const cloud = await deployed();
    await cloud.kube.edit(overclouds, lab, { spec: { paused: true } });
    await retag(cloud, '12.0-2');
    await cloud.settle();
    expect(await cloud.fleet()).to.deep.equal(whole);
    const paused = (await cloud.kube.client.list(hosts)).map(
      ({ spec }) => `${String(spec.paused)} ${spec.pauseReason}`,
    );
    expect(new Set(paused)).to.deep.equal(new Set(['true spec.paused']));
    expect(await cloud.says()).to.contain('False Paused');
    await cloud.kube.edit(overclouds, lab, { spec: { paused: false } });
    await cloud.settle();
    expect(await cloud.says()).to.equal(ready);
  });

  it('that is paused takes nothing back that the cache has not seen yet', async () => {
    const cloud = await deployed();
    const stale = await cloud.kube.client.list(hosts);
    await retag(cloud, '12.0-2');
    await cloud.settle();
    const fleet = await cloud.fleet();
    cloud.showInCache(stale);
    await cloud.kube.edit(overclouds, lab, { spec: { paused: true } });
    await cloud.reconcile();
    expect(await cloud.fleet()).to.deep.equal(fleet);
    expect((await cloud.get(hosts, 'lab-controller-0')).spec.paused).to.equal(true);
  });

  it('says how a job failed, and goes on when it is run again', async () => {
    const cloud = createCloud();
    await cloud.settle({ exitCode: () => 1 });
    expect(await cloud.says()).to.contain(
      'False JobFailed: job db_sync of service keystone failed on lab-controller-0 with exit code 1: last words',
    );
    await cloud.settle();
    expect(await cloud.says()).to.equal(ready);
  });

  it('shares nodes with other clouds: none goes to two', async () => {
    const cloud = createCloud();
    cloud.kube.seed(overclouds, {
      ...overcloud({ roles: [{ role: 'controller', count: 3 }] }),
      metadata: meta('other'),
    });
    await cloud.settle();
    const claimed = (await cloud.kube.client.list(hosts)).map(({ spec }) => spec.nodeName);
    expect(claimed.toSorted()).to.deep.equal(['cmpt01', 'ctrl01', 'ctrl02', 'ctrl03']);
  });
});
