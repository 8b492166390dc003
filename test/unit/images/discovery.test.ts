// How a set finds its tags, and what becomes of a newer one: proposed, accepted, taken, and never by surprise.
import { expect } from 'chai';
import { configMaps } from '../../../src/kube/objects.ts';
import { namespace } from './builders.ts';
import { pathOf, pinsIn, setStage, type Stage } from './stage.ts';

const byLabel = { tagFromLabel: { format: '{version}-{release}', inspectTag: 'latest' } };
const interval = 700_000;

/** Two images, each with its own release, as seed 001 has them. */
function withLabels(spec: object = byLabel): Stage {
  const stage = setStage(spec);
  stage.push('keystone', 'latest', { version: '13.0', release: '38' });
  stage.push('keystone', '13.0-38', { version: '13.0', release: '38' });
  stage.push('nova-api', 'latest', { version: '13.0', release: '42' });
  stage.push('nova-api', '13.0-42', { version: '13.0', release: '42' });
  return stage;
}

function newerNova(stage: Stage): void {
  stage.push('nova-api', 'latest', { version: '13.0', release: '44' });
  stage.push('nova-api', '13.0-44', { version: '13.0', release: '44' });
}

describe('finding tags', () => {
  it('by the labels of each image', async () => {
    const { settle, tags, status } = withLabels();
    await settle();
    expect(tags()).to.deep.equal(['keystone:13.0-38', 'nova-api:13.0-42']);
    expect(status().tag).to.equal('13.0-38…13.0-42');
    expect(status().resolved?.images[0]?.size).to.be.greaterThan(0);
  });

  it('by the labels of one image for all', async () => {
    const { push, settle, tags } = setStage({
      tagFromLabel: { format: '{version}-{release}', inspectTag: 'latest', image: 'base' },
    });
    push('base', 'latest', { version: '13.0', release: '7' });
    push('keystone', '13.0-7');
    push('nova-api', '13.0-7');
    await settle();
    expect(tags()).to.deep.equal(['keystone:13.0-7', 'nova-api:13.0-7']);
  });

  it('by a pattern, the newest of each image', async () => {
    const { push, settle, tags } = setStage({ tagPattern: '13.0-*' });
    for (const tag of ['12.0-100', '13.0-9', '13.0-38', 'latest']) push('keystone', tag);
    for (const tag of ['13.0-99', '13.0-100']) push('nova-api', tag);
    await settle();
    expect(tags()).to.deep.equal(['keystone:13.0-38', 'nova-api:13.0-100']);
  });

  it('names the label that an image lacks, and those that it has', async () => {
    const { push, settle, condition, tags } = setStage({
      tagFromLabel: { format: '{version}-{rdo_version}', inspectTag: 'latest' },
    });
    push('keystone', 'latest');
    push('nova-api', 'latest');
    await settle();
    expect(tags()).to.deep.equal([]);
    expect(condition('Stalled').message)
      .to.include('rdo_version')
      .and.include('spec.tagFromLabel.format')
      .and.include('release');
  });

  it('takes no tag from a label that is none', async () => {
    const { push, settle, condition } = setStage(byLabel);
    push('keystone', 'latest', { version: '../../evil', release: '1' });
    push('nova-api', 'latest', { version: '13.0', release: '42' });
    push('nova-api', '13.0-42');
    await settle();
    expect(condition('Stalled').message).to.include('keystone');
    expect(condition('Stalled').message).not.to.include('nova-api');
  });

  it('says which image has no tag that matches, and goes on with the others', async () => {
    const { push, settle, status, condition } = setStage({ tagPattern: '13.0-*' });
    push('keystone', '12.0-1');
    push('nova-api', '13.0-1');
    await settle();
    expect(condition('Stalled')).to.include({ reason: 'NoTagMatches' });
    expect(status()).to.include({ images: '1/2' });
  });

  it('says when the tag that a label names is not there', async () => {
    const { push, settle, condition } = setStage(byLabel);
    push('keystone', 'latest', { version: '13.0', release: '38' });
    push('nova-api', 'latest', { version: '13.0', release: '42' });
    await settle();
    expect(condition('Stalled').message).to.include('openstack-keystone:13.0-38 is not in registry');
  });
});

describe('a newer tag', () => {
  it('is proposed, rolls nothing, and is taken by its name', async () => {
    const stage = withLabels();
    await stage.settle();
    newerNova(stage);
    await stage.pass(interval);
    expect(stage.tags()).to.deep.equal(['keystone:13.0-38', 'nova-api:13.0-42']);
    expect(stage.condition('Ready').status).to.equal('True');
    const { proposed } = stage.status();
    expect(proposed?.images).to.have.length(1);
    expect(proposed?.images[0]).to.include({ name: 'nova-api', tag: '13.0-44', from: '13.0-42' });
    expect(stage.condition('UpdateAvailable').message).to.include(
      `kubectl annotate --overwrite -n lab cis pike undercloud.dev/accept=${proposed?.id ?? ''}`,
    );
    await stage.annotate('accept', proposed?.id ?? '');
    await stage.settle();
    expect(stage.tags()).to.deep.equal(['keystone:13.0-38', 'nova-api:13.0-44']);
    expect(stage.status()).not.to.have.any.keys('proposed');
    expect(stage.events).to.deep.equal(['ImagesResolved', 'UpdateFound', 'ImagesChanged']);
  });

  it('is not taken by an old name, when the registry has moved on since', async () => {
    const stage = withLabels();
    await stage.settle();
    newerNova(stage);
    await stage.pass(interval);
    const old = stage.status().proposed?.id ?? '';
    stage.push('nova-api', 'latest', { version: '13.0', release: '45' });
    stage.push('nova-api', '13.0-45', { version: '13.0', release: '45' });
    await stage.pass(interval);
    await stage.annotate('accept', old);
    await stage.settle();
    expect(stage.tags()).to.include('nova-api:13.0-42');
    expect(stage.condition('UpdateAvailable').message).to.include(`${old} names no proposal`);
  });

  it('is taken at once where the spec says Apply', async () => {
    const stage = withLabels({ ...byLabel, updatePolicy: 'Apply' });
    await stage.settle();
    newerNova(stage);
    await stage.pass(interval);
    expect(stage.tags()).to.deep.equal(['keystone:13.0-38', 'nova-api:13.0-44']);
    expect(stage.status().resolved?.images[1]?.size).to.be.greaterThan(0);
    expect(stage.events).to.deep.equal(['ImagesResolved', 'ImagesChanged']);
  });

  it('is looked for at once when a person asks', async () => {
    const stage = withLabels();
    await stage.settle();
    newerNova(stage);
    await stage.annotate('reconcileRequestedAt', 'now');
    await stage.settle();
    expect(stage.status().proposed?.images).to.have.length(1);
  });

  it('is still proposed, and can be taken, after the operator was killed and the status was lost', async () => {
    const stage = withLabels();
    await stage.settle();
    newerNova(stage);
    await stage.pass(interval);
    const id = stage.status().proposed?.id ?? '';
    await stage.loseStatus();
    await stage.settle();
    expect(stage.tags()).to.deep.equal(['keystone:13.0-38', 'nova-api:13.0-42']);
    expect(stage.status().proposed?.id).to.equal(id);
    await stage.annotate('accept', id);
    await stage.settle();
    expect(stage.tags()).to.include('nova-api:13.0-44');
  });

  it('never comes with a change of the spec that leaves the image as it was', async () => {
    const stage = withLabels();
    await stage.settle();
    newerNova(stage);
    await stage.edit({ images: ['glance'] });
    stage.push('glance', 'latest', { version: '13.0', release: '1' });
    stage.push('glance', '13.0-1', { version: '13.0', release: '1' });
    await stage.settle();
    expect(stage.tags()).to.deep.equal(['glance:13.0-1', 'keystone:13.0-38', 'nova-api:13.0-42']);
  });
});

describe('pins', () => {
  it('keep a moved tag from rolling a cloud whose status was lost', async () => {
    const stage = setStage();
    stage.push('keystone', '12.0-1');
    const digest = stage.push('nova-api', '12.0-1');
    await stage.settle();
    stage.push('nova-api', '12.0-1', { layers: ['something else'] });
    await stage.loseStatus();
    await stage.settle();
    expect(stage.status().resolved?.images[1]?.digest).to.equal(digest);
    expect(stage.condition('TagMoved').status).to.equal('True');
    expect(stage.status().proposed?.images).to.have.length(1);
  });

  it('are written only when something changes', async () => {
    const stage = withLabels();
    await stage.settle();
    const writes = stage.kube.writes();
    for (let looks = 0; looks < 3; looks += 1) await stage.pass(interval);
    stage.restart();
    await stage.settle();
    expect(stage.kube.writes()).to.equal(writes);
    expect(pinsIn(stage.kube)).to.include('13.0-42');
  });

  it('that somebody damaged are not guessed at', async () => {
    const stage = withLabels();
    await stage.settle();
    const before = stage.status().resolved;
    await stage.kube.edit(
      configMaps,
      { namespace, name: 'pike-image-pins' },
      { data: { 'pins.json': '{"images":[{}]}' } },
    );
    newerNova(stage);
    stage.restart();
    await stage.settle();
    expect(stage.condition('Stalled')).to.include({ reason: 'PinsInvalid' });
    expect(stage.status().resolved).to.deep.equal(before);
  });

  it('do not overwrite what somebody else keeps under that name', async () => {
    const stage = withLabels();
    stage.kube.seed(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'pike-image-pins', namespace },
      data: { theirs: 'yes' },
    });
    await stage.settle();
    expect(stage.condition('Stalled')).to.include({ reason: 'PinsTaken' });
    expect(stage.tags()).to.deep.equal([]);
  });
});

describe('the catalog', () => {
  const catalog = (text: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'images', namespace },
    data: { 'catalog.yaml': text },
  });

  it('adds what services need, under the name that a variant has, with its parameters', async () => {
    const stage = setStage({ catalogName: 'images', variants: { neutronDriver: 'ovn' } });
    stage.kube.seed(
      configMaps,
      catalog(`images:
- name: neutron-server
  services: [api]
  parameters: [ContainerNeutronApiImage, ContainerNeutronConfigImage]
  variants:
  - when: { neutronDriver: ovn }
    repository: neutron-server-ovn
`),
    );
    for (const name of ['keystone', 'nova-api', 'neutron-server-ovn']) stage.push(name, '12.0-1');
    await stage.settle();
    expect(stage.condition('Ready').status, stage.condition('Ready').message).to.equal('True');
    const neutron = stage.status().resolved?.images.find(({ name }) => name === 'neutron-server');
    expect(neutron?.reference).to.include(pathOf('neutron-server-ovn'));
    expect(neutron?.parameters).to.deep.equal(['ContainerNeutronApiImage', 'ContainerNeutronConfigImage']);
  });

  it('that is missing, or is none, stalls the set and changes nothing', async () => {
    const stage = setStage({ catalogName: 'images' });
    await stage.settle();
    expect(stage.condition('Stalled')).to.include({ reason: 'CatalogNotFound' });
    stage.kube.seed(configMaps, catalog('images: [{ nmae: x }]'));
    await stage.settle();
    expect(stage.condition('Stalled')).to.include({ reason: 'CatalogInvalid' });
  });
});
