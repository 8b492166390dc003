// What must never roll a cloud, and what must never stay as it is for ever.
import { expect } from 'chai';
import { containerImageSets } from '../../../src/api/containerimageset.gen.ts';
import { overclouds } from '../../../src/api/overcloud.gen.ts';
import { terminal, transient } from '../../../src/kernel/errors.ts';
import { configMaps } from '../../../src/kube/objects.ts';
import { namespace, overcloud } from './builders.ts';
import { destination, key, pathOf, pinsIn, setStage, type Stage } from './stage.ts';

const interval = 700_000;
const pinsKey = { namespace, name: 'pike-image-pins' };
const byPattern = { tagPattern: '13.0-*' };

function withTags(spec: object = byPattern): Stage {
  const stage = setStage(spec);
  stage.push('keystone', '13.0-1');
  stage.push('nova-api', '13.0-1');
  return stage;
}

describe('a cloud keeps its images', () => {
  it('when it is away for a while, and the operator begins without it', async () => {
    const stage = withTags();
    await stage.settle();
    await stage.kube.client.delete(overclouds, { namespace, name: 'lab' });
    await stage.settle();
    stage.push('nova-api', '13.0-2');
    await stage.loseStatus();
    await stage.settle();
    stage.kube.seed(overclouds, overcloud([{ role: 'controller' }]));
    await stage.settle();
    expect(stage.tags()).to.deep.equal(['keystone:13.0-1', 'nova-api:13.0-1']);
  });

  it('when its set is made anew, and the pins are made its own', async () => {
    const stage = withTags();
    await stage.settle();
    const set = stage.kube.cache.store(containerImageSets).get(key);
    if (set === undefined) throw new Error('no set');
    await stage.kube.client.delete(containerImageSets, key);
    await stage.settle();
    const { status: _status, ...rest } = set;
    stage.kube.seed(containerImageSets, { ...rest, metadata: { ...rest.metadata, uid: 'uid-new' } });
    stage.push('nova-api', '13.0-2');
    await stage.settle();
    expect(stage.tags()).to.deep.equal(['keystone:13.0-1', 'nova-api:13.0-1']);
    const owners = stage.kube.cache.store(configMaps).get(pinsKey)?.metadata.ownerReferences;
    expect(owners?.map(({ uid }) => uid)).to.deep.equal(['uid-new']);
  });

  it('when somebody deletes the pins: they are written again, and a restart takes them from the status', async () => {
    const stage = withTags();
    await stage.settle();
    await stage.kube.client.delete(configMaps, pinsKey);
    await stage.settle();
    expect(pinsIn(stage.kube)).to.include('13.0-1');
    await stage.kube.client.delete(configMaps, pinsKey);
    stage.push('nova-api', '13.0-2');
    stage.restart();
    await stage.settle();
    expect(stage.tags()).to.deep.equal(['keystone:13.0-1', 'nova-api:13.0-1']);
  });

  it('when the word that had everything looked up anew is taken away, and given once more', async () => {
    const stage = withTags();
    await stage.annotate('retry', '1');
    await stage.settle();
    stage.push('nova-api', '13.0-2');
    for (const word of [null, '1']) {
      await stage.annotate('retry', word);
      await stage.settle();
      expect(stage.tags()).to.deep.equal(['keystone:13.0-1', 'nova-api:13.0-1']);
    }
    await stage.annotate('retry', '2');
    await stage.settle();
    expect(stage.tags()).to.include('nova-api:13.0-2');
  });

  it('when a change comes again that was accepted once, and was undone since', async () => {
    const stage = setStage();
    stage.push('keystone', '12.0-1');
    const first = stage.push('nova-api', '12.0-1', { layers: ['a'] });
    await stage.settle();
    stage.push('nova-api', '12.0-1', { layers: ['b'] });
    await stage.pass(interval);
    const id = stage.status().proposed?.id ?? '';
    await stage.annotate('accept', id);
    await stage.settle();
    stage.push('nova-api', '12.0-1', { layers: ['a'] });
    await stage.annotate('retry', '1');
    await stage.settle();
    expect(stage.status().resolved?.images[1]?.digest).to.equal(first);
    stage.push('nova-api', '12.0-1', { layers: ['b'] });
    await stage.pass(interval);
    expect(stage.status().resolved?.images[1]?.digest, 'nobody accepted it this time').to.equal(first);
    expect(stage.status().proposed?.id).not.to.equal(id);
  });

  for (const updatePolicy of ['Apply', 'Propose'] as const) {
    it(`when only a part of what is new could be looked up (${updatePolicy})`, async () => {
      const stage = withTags({ ...byPattern, updatePolicy });
      await stage.settle();
      stage.push('keystone', '13.0-2');
      stage.push('nova-api', '13.0-2');
      stage.source.faults.fail = ({ repository }) =>
        repository === pathOf('nova-api') ? transient('RegistryThrottled', '429') : undefined;
      await stage.pass(interval);
      expect(stage.tags()).to.deep.equal(['keystone:13.0-1', 'nova-api:13.0-1']);
      expect(stage.status()).not.to.have.any.keys('proposed');
      expect(stage.condition('UpdateAvailable')).to.include({
        status: 'Unknown',
        reason: 'RegistryThrottled',
      });
    });
  }

  it('when what was accepted turns out to be of no use, and the word is taken back', async () => {
    const stage = withTags({ ...byPattern, destination });
    await stage.settle();
    stage.push('nova-api', '13.0-2', { layers: ['base', 'new'] });
    await stage.pass(interval);
    stage.target.faults.fail = ({ operation, reference }) =>
      operation === 'putManifest' && reference === '13.0-2' ? terminal('RegistryRefused', 'no') : undefined;
    await stage.annotate('accept', stage.status().proposed?.id ?? '');
    await stage.settle();
    expect(stage.condition('Ready').status).to.equal('False');
    expect(stage.tags()).to.include('nova-api:13.0-1');
    await stage.annotate('accept', '');
    await stage.settle();
    expect(stage.condition('Ready').status).to.equal('True');
    expect(stage.status().proposed?.images.map(({ tag }) => tag)).to.deep.equal(['13.0-2']);
  });

  it('when another leader has pinned something else meanwhile', async () => {
    const stage = withTags();
    await stage.settle();
    const theirs = pinsIn(stage.kube)
      .replaceAll(/"retry": "[^"]*"/g, '')
      .replace('13.0-1', '13.0-7');
    await stage.kube.edit(configMaps, pinsKey, { data: { 'pins.json': theirs } });
    stage.push('nova-api', '13.0-2');
    let conflict = '';
    await stage.pass(interval).catch((thrown: unknown) => {
      conflict = String(thrown);
    });
    expect(conflict).to.include('was changed meanwhile');
    expect(pinsIn(stage.kube)).to.equal(theirs);
  });
});

describe('a set comes to rest, and wakes again', () => {
  it('does not spin while its destination is away', async () => {
    const stage = setStage({ destination });
    stage.push('keystone', '12.0-1');
    stage.push('nova-api', '12.0-1');
    await stage.settle();
    stage.target.faults.fail = () => transient('RegistryUnreachable', '172.16.0.1:8787 is away');
    await stage.pass(interval);
    for (let looks = 0; looks < 5; looks += 1) {
      const outcome = await stage.pass(10_000);
      expect(outcome).to.have.property('ms').that.is.greaterThan(0);
    }
    stage.target.faults.fail = () => undefined;
    stage.target.push(pathOf('keystone'), '12.0-1', { layers: ['of somebody else'] });
    await stage.pass(interval);
    expect(stage.target.digestAt(pathOf('keystone'), '12.0-1')).to.equal(
      stage.source.digestAt(pathOf('keystone'), '12.0-1'),
    );
  });

  it('takes an image that was damaged when it was found first, once it was pushed again', async () => {
    const stage = setStage({ destination });
    stage.push('keystone', '12.0-1');
    stage.push('nova-api', '12.0-1', { layers: ['damaged'] });
    const broken = stage.source.digestAt(pathOf('nova-api'), '12.0-1');
    stage.source.faults.fail = ({ operation, reference }) =>
      operation === 'manifest' && reference === broken ? terminal('DigestMismatch', 'damaged') : undefined;
    // It is found by its tag, and cannot be read by its digest.
    await stage.settle();
    expect(stage.condition('Stalled')).to.include({ reason: 'DigestMismatch' });
    stage.push('nova-api', '12.0-1', { layers: ['whole'] });
    for (let passes = 0; passes < 4; passes += 1) await stage.pass(70_000);
    expect(stage.condition('Ready').status, stage.condition('Ready').message).to.equal('True');
  });

  it('tries a lookup that failed again before long, whatever the interval', async () => {
    const stage = withTags({ ...byPattern, lookupIntervalSeconds: 604_800 });
    await stage.settle();
    await stage.pass(604_900_000);
    stage.push('nova-api', '13.0-2');
    stage.source.faults.fail = () => transient('RegistryUnreachable', 'away');
    await stage.annotate('reconcileRequestedAt', 'now');
    const outcome = await stage.settle();
    expect(outcome)
      .to.have.property('ms')
      .that.is.at.most(6 * 60_000);
    stage.source.faults.fail = () => undefined;
    await stage.pass(6 * 60_000);
    expect(stage.status().proposed?.images).to.have.length(1);
  });

  it('does not call a tag gone because the image whose labels name it is', async () => {
    const stage = setStage({
      tagFromLabel: { format: '{version}-{release}', inspectTag: 'latest', image: 'base' },
    });
    stage.push('base', 'latest', { version: '13.0', release: '7' });
    stage.push('keystone', '13.0-7');
    stage.push('nova-api', '13.0-7');
    await stage.settle();
    stage.source.faults.fail = ({ repository }) =>
      repository === pathOf('base') ? terminal('ImageNotFound', 'no base') : undefined;
    await stage.pass(interval);
    expect(stage.condition('TagMoved').status).to.equal('');
    expect(stage.condition('UpdateAvailable')).to.include({ status: 'Unknown' });
  });

  it('is woken by its pins and by nobody else’s', () => {
    const stage = withTags();
    const set = stage.kube.cache.store(containerImageSets).get(key);
    if (set === undefined) throw new Error('no set');
    const pins = (name: string) => ({ ...set, kind: 'ConfigMap', metadata: { ...set.metadata, name } });
    const woken = ['pike-image-pins', 'queens-image-pins', 'pike'].flatMap((name) =>
      stage.watched(configMaps, pins(name)),
    );
    expect(woken).to.deep.equal(['pike']);
  });
});
