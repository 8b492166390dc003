// A set with a destination: copied before any host moves, and told as it goes.
import { expect } from 'chai';
import { terminal, transient } from '../../../src/kernel/errors.ts';
import { destination, pathOf, setStage, type Stage } from './stage.ts';

const interval = 700_000;

function withImages(spec: object = {}): Stage {
  const stage = setStage({ destination, ...spec });
  stage.push('keystone', '12.0-1', { layers: ['base', 'openstack', 'keystone'] });
  stage.push('nova-api', '12.0-1', { layers: ['base', 'openstack', 'nova'] });
  return stage;
}

describe('a set with a destination', () => {
  it('is copied there, each layer once, and clouds pull from there', async () => {
    const { settle, source, target, status, condition, events } = withImages();
    await settle();
    const [keystone] = status().resolved?.images ?? [];
    expect(keystone).to.include({
      name: 'keystone',
      repository: `172.16.0.1:8787/${pathOf('keystone')}`,
      source: `registry.example.org/${pathOf('keystone')}:12.0-1`,
      state: 'Mirrored',
    });
    expect(keystone?.digest).to.equal(source.digestAt(pathOf('keystone'), '12.0-1'));
    for (const name of ['keystone', 'nova-api']) {
      const digest = target.digestAt(pathOf(name), '12.0-1') ?? '';
      expect(digest).to.equal(source.digestAt(pathOf(name), '12.0-1'));
      expect(target.lacks(pathOf(name), digest)).to.deep.equal([]);
    }
    expect([...target.sent.values()].every((times) => times === 1)).to.equal(true);
    expect(status()).to.include({ images: '2/2', pushed: '2/2' });
    expect(status().progress).to.include({ images: '2/2' });
    expect(condition('Mirrored')).to.include({ status: 'True' });
    expect(events).to.include.members(['MirrorStarted', 'ImagesResolved', 'Mirrored']);
  });

  it('gives clouds nothing before all of it is there', async () => {
    const { settle, target, tags, condition, status } = withImages();
    const release = target.hold();
    const settled = settle();
    // The first look has begun the copy: it cannot end.
    await new Promise((resolve) => setImmediate(resolve));
    expect(tags()).to.deep.equal([]);
    expect(condition('Ready')).to.include({ status: 'False', reason: 'Mirroring' });
    expect(status().unresolved?.map(({ state }) => state)).to.deep.equal(['Copying', 'Copying']);
    release();
    await settled;
    expect(tags()).to.have.length(2);
  });

  it('moves nothing the second time, and writes nothing', async () => {
    const stage = withImages();
    await stage.settle();
    const [sent, writes] = [stage.target.counts.bytesIn, stage.kube.writes()];
    stage.restart();
    await stage.settle();
    await stage.pass(interval);
    expect(stage.target.counts.bytesIn).to.equal(sent);
    expect(stage.kube.writes()).to.equal(writes);
  });

  it('moves only what is new when one image changes', async () => {
    const stage = withImages();
    await stage.settle();
    const sent = new Set(stage.target.sent.keys());
    stage.push('nova-api', '12.0-2', { layers: ['base', 'openstack', 'nova 2'] });
    stage.push('keystone', '12.0-2', { layers: ['base', 'openstack', 'keystone'] });
    await stage.edit({ tag: '12.0-2' });
    await stage.settle();
    expect(stage.tags()).to.deep.equal(['keystone:12.0-2', 'nova-api:12.0-2']);
    // Its layer and its configuration, and the manifest is no blob.
    const anew = [...stage.target.sent.keys()].filter((digest) => !sent.has(digest));
    expect(anew.length).to.be.at.most(2);
  });

  it('gives back what the destination loses', async () => {
    const stage = withImages();
    await stage.settle();
    const digest = stage.target.digestAt(pathOf('keystone'), '12.0-1');
    stage.target.push(pathOf('keystone'), '12.0-1', { layers: ['what somebody else pushed'] });
    await stage.pass(interval);
    expect(stage.target.digestAt(pathOf('keystone'), '12.0-1')).to.equal(digest);
    expect(stage.condition('Ready').status).to.equal('True');
  });

  for (const how of ['reconcileRequestedAt', 'retry'] as const) {
    it(`gives back what the destination lost at once when a person asks (${how})`, async () => {
      const stage = withImages();
      await stage.settle();
      const digest = stage.target.digestAt(pathOf('keystone'), '12.0-1');
      stage.target.push(pathOf('keystone'), '12.0-1', { layers: ['what somebody else pushed'] });
      await stage.annotate(how, 'now');
      await stage.settle();
      expect(stage.target.digestAt(pathOf('keystone'), '12.0-1')).to.equal(digest);
    });
  }

  it('names the image that cannot be copied, copies the others, and mends itself', async () => {
    const stage = withImages();
    const fault = terminal('DigestMismatch', 'layer sha256:… is damaged at the source');
    stage.target.faults.fail = ({ operation, repository }) =>
      operation === 'putManifest' && repository === pathOf('keystone') ? fault : undefined;
    await stage.settle();
    expect(stage.condition('Stalled')).to.include({ reason: 'DigestMismatch' });
    expect(stage.status().unresolved?.map(({ name, state }) => `${name} ${state ?? ''}`)).to.deep.equal([
      'keystone Failed',
    ]);
    expect(stage.status()).to.include({ images: '2/2', pushed: '1/2' });
    expect(stage.tags()).to.deep.equal([]);
    stage.target.faults.fail = () => undefined;
    await stage.pass(10_000);
    expect(stage.tags()).to.have.length(2);
  });

  it('says the same while it tries again', async () => {
    const stage = withImages();
    stage.target.faults.fail = ({ operation }) =>
      operation === 'uploadBlob' ? transient('RegistryFull', 'registry 172.16.0.1:8787 is full') : undefined;
    await stage.settle();
    const said = stage.events.length;
    for (let tries = 0; tries < 5; tries += 1) await stage.pass(60_000);
    expect(stage.events.length).to.equal(said);
    expect(stage.condition('Ready')).to.include({ status: 'False', reason: 'RegistryFull' });
    expect(stage.condition('Stalled').status).to.equal('');
  });

  it('stays Ready while the source is away, for what the destination has', async () => {
    const stage = withImages();
    await stage.settle();
    stage.source.faults.fail = () => transient('RegistryUnreachable', 'registry.example.org is away');
    stage.restart();
    await stage.pass(interval);
    expect(stage.condition('Ready').status).to.equal('True');
    expect(stage.condition('UpdateAvailable')).to.include({ status: 'Unknown' });
  });

  it('takes from the destination what the source cannot tell', async () => {
    const stage = withImages();
    const digest = stage.target.push(pathOf('keystone'), '12.0-1', { layers: ['k'] });
    stage.target.push(pathOf('nova-api'), '12.0-1', { layers: ['n'] });
    stage.source.faults.fail = () => transient('RegistryUnreachable', 'registry.example.org is away');
    await stage.settle();
    expect(stage.status().resolved?.images[0]?.digest).to.equal(digest);
  });

  it('ends its copy when it is paused, and goes on where it was', async () => {
    const stage = withImages();
    const release = stage.target.hold();
    const settled = stage.settle();
    await new Promise((resolve) => setImmediate(resolve));
    await stage.edit({ paused: true });
    release();
    await settled;
    await stage.settle();
    expect(stage.condition('Ready')).to.include({ reason: 'Paused' });
    expect(stage.tags()).to.deep.equal([]);
    await stage.edit({ paused: false });
    await stage.settle();
    expect(stage.tags()).to.have.length(2);
    expect([...stage.target.sent.values()].every((times) => times === 1)).to.equal(true);
  });

  it('copies nothing that is not signed, where it must be', async () => {
    const stage = withImages({ verify: { cosign: { keyName: 'cosign' } } });
    await stage.settle();
    expect(stage.condition('Stalled')).to.include({ reason: 'VerificationKeyInvalid' });
    expect(stage.target.counts.bytesIn).to.equal(0);
    expect(stage.tags()).to.deep.equal([]);
  });
});
