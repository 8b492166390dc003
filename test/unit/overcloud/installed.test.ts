// A cloud on machines that we install: what its Hosts say for that, and that a new image touches nothing that runs.
import { expect } from 'chai';
import { bareMetalNodes } from '../../../src/api/baremetalnode.gen.ts';
import { hosts, type HostSpec } from '../../../src/api/host.gen.ts';
import { overclouds } from '../../../src/api/overcloud.gen.ts';
import { roles } from '../../../src/api/role.gen.ts';
import { controllerRevisions } from '../../../src/kube/objects.ts';
import { createCloud, deployed, ready, whole, type Cloud } from './support/driver.ts';
import { namespace } from './support/objects.ts';

const at = (name: string) => ({ namespace, name });
const lab = at('lab');
const ctlplane = {
  name: 'ctlplane',
  cidr: '172.16.0.0/24',
  gateway: '172.16.0.1',
  dnsServers: ['172.16.0.53'],
  pools: [{ start: '172.16.0.20', end: '172.16.0.40' }],
};
const url = 'http://172.16.0.1/host.raw';
const checksum = `sha256:${'a'.repeat(64)}`;

/** A lab whose machines have no operating system yet. */
async function bareCloud(spec: object = { networks: [ctlplane] }): Promise<Cloud> {
  const cloud = createCloud();
  for (const { metadata } of await cloud.kube.client.list(bareMetalNodes))
    await cloud.kube.edit(bareMetalNodes, at(metadata.name), { spec: { externallyProvisioned: false } });
  await cloud.kube.edit(overclouds, lab, { spec });
  return cloud;
}

const imagesOf = async (cloud: Cloud): Promise<readonly HostSpec['osImage'][]> =>
  (await cloud.kube.client.list(hosts)).map(({ spec }) => spec.osImage);
/** What a running host could be changed by. */
const running = async (cloud: Cloud) => [
  (await cloud.kube.client.list(controllerRevisions)).map(({ metadata }) => metadata.name),
  await cloud.fleet(),
  (await cloud.kube.client.list(hosts)).map(({ metadata, spec }) => [metadata.uid, spec.revision, spec.step]),
];

describe('a cloud on machines that we install', () => {
  it('gives each an address on ctlplane, with what it needs to use it', async () => {
    const cloud = await bareCloud();
    await cloud.settle();
    expect(await cloud.says()).to.equal(ready);
    const { spec } = await cloud.get(hosts, 'lab-controller-0');
    expect(spec.addresses).to.deep.equal([
      { network: 'ctlplane', address: '172.16.0.20', prefixLength: 24, gateway: '172.16.0.1' },
    ]);
    expect(spec.dnsServers).to.deep.equal(['172.16.0.53']);
    const before = cloud.kube.writes();
    cloud.restart();
    await cloud.settle();
    expect(cloud.kube.writes(), 'writes at rest').to.equal(before);
  });

  it('has no hosts without an address for them, and says what to write', async () => {
    const cloud = await bareCloud({});
    await cloud.settle();
    expect(await cloud.fleet()).to.deep.equal([]);
    expect(await cloud.says()).to.contain(
      'False NoFreeAddress: host lab-controller-0 has no address on network ctlplane to install node ctrl01 with: write ctlplane with cidr and pools into spec.networks',
    );
    await cloud.kube.edit(overclouds, lab, { spec: { networks: [ctlplane] } });
    await cloud.settle();
    expect(await cloud.says()).to.equal(ready);
  });

  it('says which machines are being installed', async () => {
    const cloud = await bareCloud();
    await cloud.settle();
    const node = await cloud.get(bareMetalNodes, 'ctrl02');
    await cloud.kube.client.replaceStatus(bareMetalNodes, node, { ...node.status, state: 'deploying' });
    await cloud.settle();
    expect(await cloud.says('NodesAllocated')).to.equal(
      'True Allocated: 4 hosts have a node; being installed: ctrl02',
    );
  });

  it('takes what the hardware rules say of a machine as soon as they say it', async () => {
    const cloud = await bareCloud();
    const ruled = async (name: string, status: object) => {
      const node = await cloud.get(bareMetalNodes, name);
      await cloud.kube.client.replaceStatus(bareMetalNodes, node, { ...node.status, ...status });
      await cloud.settle();
    };
    await cloud.kube.edit(bareMetalNodes, at('cmpt01'), { spec: { profile: null } });
    await ruled('ctrl03', { refused: 'its firmware is too old' });
    expect(await cloud.says()).to.contain('InsufficientNodes');
    await ruled('cmpt01', { profile: 'compute' });
    expect(await cloud.fleet()).to.include('lab-compute-0 on cmpt01: 12.0-1 5');
    expect(await cloud.says()).to.contain('ctrl03 is refused by the hardware rules: its firmware is too old');
    await ruled('ctrl03', { refused: undefined });
    expect(await cloud.says()).to.equal(ready);
  });

  it('is gone when its hosts are: it does not wait for its machines to be cleaned', async () => {
    const cloud = await bareCloud({ networks: [ctlplane], deletionPolicy: 'Delete' });
    await cloud.settle();
    for (const node of await cloud.kube.client.list(bareMetalNodes))
      await cloud.kube.client.replaceStatus(bareMetalNodes, node, {
        observedGeneration: 1,
        state: 'cleaning',
      });
    await cloud.kube.client.delete(overclouds, lab);
    await cloud.settle();
    expect(await cloud.kube.client.list(overclouds)).to.deep.equal([]);
    const nodes = await cloud.kube.client.list(bareMetalNodes);
    expect(new Set(nodes.map(({ status }) => status?.state))).to.deep.equal(new Set(['cleaning']));
  });
});

describe("a role's osImage", () => {
  const image = (osImage: unknown, cloud: Cloud) =>
    cloud.kube.edit(roles, at('controller'), { spec: { osImage } });

  it('stands in its new hosts, and in no other', async () => {
    const cloud = createCloud();
    await image({ name: 'debian-12' }, cloud);
    await cloud.settle();
    expect(await imagesOf(cloud)).to.deep.equal([
      undefined,
      { name: 'debian-12' },
      { name: 'debian-12' },
      { name: 'debian-12' },
    ]);
  });

  const changes: readonly (readonly [string, unknown, HostSpec['osImage']])[] = [
    ['named', { name: 'debian-12' }, { name: 'debian-12' }],
    ['of its own', { url, checksum, format: 'Raw' }, { url, checksum, format: 'Raw' }],
  ];
  for (const [name, osImage, expected] of changes) {
    it(`changed to one ${name}, and taken away again, cuts no revision and moves no host`, async () => {
      const cloud = await deployed();
      const before = await running(cloud);
      await image(osImage, cloud);
      await cloud.settle();
      expect((await imagesOf(cloud)).slice(1)).to.deep.equal([expected, expected, expected]);
      expect(await running(cloud)).to.deep.equal(before);
      expect(await cloud.says()).to.equal(ready);
      await image(null, cloud);
      await cloud.settle();
      expect(await imagesOf(cloud)).to.deep.equal([undefined, undefined, undefined, undefined]);
      expect(await running(cloud)).to.deep.equal(before);
    });
  }

  it('stays with the hosts of a role that is missing', async () => {
    const cloud = await deployed();
    await image({ name: 'debian-12' }, cloud);
    await cloud.settle();
    await cloud.kube.edit(roles, at('controller'), { metadata: { finalizers: [] } });
    await cloud.kube.client.delete(roles, at('controller'));
    await cloud.settle();
    expect((await imagesOf(cloud)).slice(1)).to.deep.equal(Array(3).fill({ name: 'debian-12' }));
    expect(await cloud.fleet()).to.deep.equal(whole);
  });
});
