// Which images a set must resolve, by the clouds that take images from it.
import { expect } from 'chai';
import type { Overcloud } from '../../../src/api/overcloud.gen.ts';
import { parseCatalog } from '../../../src/images/catalog-file.ts';
import { neededImages, setsOf } from '../../../src/images/needed.ts';
import { imageSet, overcloud, role, service } from './builders.ts';

const roles = [role('controller', ['keystone', 'nova-api', 'mysql']), role('compute', ['nova-compute'])];
const services = [
  service('keystone', { containers: ['keystone', 'keystone'], jobs: ['keystone', undefined] }),
  service('nova-api', { containers: ['nova-api'], jobs: ['nova-api-sync'] }),
  service('mysql', { bundles: ['mariadb'] }),
  service('nova-compute', { containers: ['nova-compute', 'nova-libvirt'] }),
];

const catalog = parseCatalog(
  `
images:
  - { name: nova-metadata, services: [nova-api, nova-metadata] }
  - { name: keystone, services: [keystone] }
  - name: ovn-controller
    services: [nova-compute]
    variants: [{ when: { neutronDriver: ovs }, needed: false }]
  - { name: swift-proxy, services: [swift] }
`,
  'openstack-images',
);

/** Hosts of this cloud pull these sets' images before they need them. */
function ahead(cloud: Overcloud, imageSetNames: readonly string[]): Overcloud {
  const spec = { ...cloud.spec, prePull: { imageSetNames } };
  return { ...cloud, spec };
}

const cases = [
  { name: 'no cloud', overclouds: [], needed: [] },
  {
    name: 'containers, jobs and bundles, each image once',
    overclouds: [overcloud([{ role: 'controller' }])],
    needed: ['keystone', 'mariadb', 'nova-api', 'nova-api-sync'],
  },
  {
    name: 'all roles of all clouds',
    overclouds: [overcloud([{ role: 'controller' }], 'one'), overcloud([{ role: 'compute' }], 'two')],
    needed: ['keystone', 'mariadb', 'nova-api', 'nova-api-sync', 'nova-compute', 'nova-libvirt'],
  },
  {
    name: 'a role without hosts needs nothing',
    overclouds: [overcloud([{ role: 'controller', count: 0 }, { role: 'compute' }])],
    needed: ['nova-compute', 'nova-libvirt'],
  },
  { name: 'a role that does not exist', overclouds: [overcloud([{ role: 'nobody' }])], needed: [] },
  {
    name: 'an image that the role takes from another set',
    overclouds: [overcloud([{ role: 'compute', images: [{ name: 'nova-compute', imageSetName: 'other' }] }])],
    needed: ['nova-libvirt'],
  },
  {
    name: 'the same image taken from another set by one role only',
    overclouds: [
      overcloud([
        { role: 'compute', images: [{ name: 'nova-compute', imageSetName: 'other' }] },
        { role: 'compute' },
      ]),
    ],
    needed: ['nova-compute', 'nova-libvirt'],
  },
  {
    name: 'from another set for one host: the role still needs it here',
    overclouds: [
      overcloud([
        {
          role: 'compute',
          hosts: [
            {
              name: 'a',
              hold: false,
              paused: false,
              images: [{ name: 'nova-compute', imageSetName: 'other' }],
            },
          ],
        },
      ]),
    ],
    needed: ['nova-compute', 'nova-libvirt'],
  },
  {
    name: 'the other set needs what single roles and hosts take from it, and only if a service uses it',
    set: 'other',
    overclouds: [
      overcloud([
        {
          role: 'compute',
          images: [
            { name: 'nova-compute', imageSetName: 'other' },
            { name: 'unused', imageSetName: 'other' },
          ],
          hosts: [
            {
              name: 'a',
              hold: false,
              paused: false,
              images: [{ name: 'nova-libvirt', imageSetName: 'other' }],
            },
          ],
        },
      ]),
    ],
    needed: ['nova-compute', 'nova-libvirt'],
  },
  {
    name: 'all of a cloud that pulls it ahead of its update',
    set: 'next',
    overclouds: [
      ahead(
        overcloud([
          { role: 'compute', images: [{ name: 'nova-compute', imageSetName: 'other' }] },
          { role: 'controller', count: 0 },
        ]),
        ['next'],
      ),
    ],
    needed: ['nova-compute', 'nova-libvirt'],
  },
  {
    name: 'nothing of a cloud that pulls another ahead',
    set: 'next',
    overclouds: [ahead(overcloud([{ role: 'compute' }]), ['other'])],
    needed: [],
  },
  {
    name: 'what the catalog lists for services of roles with hosts, beside what they run',
    catalog,
    overclouds: [overcloud([{ role: 'controller' }, { role: 'compute', count: 0 }])],
    needed: ['keystone', 'mariadb', 'nova-api', 'nova-api-sync', 'nova-metadata'],
  },
  {
    name: 'by the variants that the set wants',
    catalog,
    variants: { neutronDriver: 'ovs' },
    overclouds: [overcloud([{ role: 'compute' }])],
    needed: ['nova-compute', 'nova-libvirt'],
  },
  {
    name: 'by other variants',
    catalog,
    variants: { neutronDriver: 'ovn' },
    overclouds: [overcloud([{ role: 'compute' }])],
    needed: ['nova-compute', 'nova-libvirt', 'ovn-controller'],
  },
  {
    name: 'what the catalog lists and the role takes from another set',
    catalog,
    set: 'other',
    overclouds: [
      overcloud([{ role: 'compute', images: [{ name: 'ovn-controller', imageSetName: 'other' }] }]),
    ],
    needed: ['ovn-controller'],
  },
  { name: 'images that the set lists itself', images: ['extra'], overclouds: [], needed: ['extra'] },
];

describe('the images that a set needs', () => {
  for (const { name, set = 'pike', images = [], variants = {}, overclouds, needed, ...more } of cases) {
    it(name, () => {
      const clouds = {
        overclouds,
        role: (wanted: string) => roles.find(({ metadata }) => metadata.name === wanted)?.spec,
        service: (wanted: string) => services.find(({ metadata }) => metadata.name === wanted)?.spec,
      };
      expect(neededImages(imageSet({ images, variants }, set), clouds, more.catalog)).to.deep.equal(needed);
    });
  }

  it('knows every set that a cloud takes images from', () => {
    const cloud = overcloud([
      {
        role: 'compute',
        images: [{ name: 'a', imageSetName: 'second' }],
        hosts: [{ name: 'h', hold: false, paused: false, images: [{ name: 'b', imageSetName: 'third' }] }],
      },
    ]);
    expect(setsOf(cloud)).to.deep.equal(['pike', 'second', 'third']);
    expect(setsOf(ahead(cloud, ['second', 'next']))).to.deep.equal(['pike', 'second', 'third', 'next']);
  });
});
