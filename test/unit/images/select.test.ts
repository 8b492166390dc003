// What a set leaves out of the images that its clouds need.
import { expect } from 'chai';
import { parseCatalog } from '../../../src/images/catalog-file.ts';
import { selectImages } from '../../../src/images/select.ts';
import { imageSet, overcloud, role, service } from './builders.ts';

const roles = [role('controller', ['nova-api', 'mysql', 'swift'])];
const services = [
  service('nova-api', { containers: ['nova-api'], jobs: ['nova-api-sync'] }),
  service('mysql', { bundles: ['mariadb'] }),
];
const catalog = parseCatalog(
  'images: [{ name: swift-proxy, services: [swift] }, { name: swift-object, services: [swift] }]',
  'openstack-images',
);
const clouds = {
  overclouds: [overcloud([{ role: 'controller' }])],
  role: (wanted: string) => roles.find(({ metadata }) => metadata.name === wanted)?.spec,
  service: (wanted: string) => services.find(({ metadata }) => metadata.name === wanted)?.spec,
};
const all = ['mariadb', 'nova-api', 'nova-api-sync', 'swift-object', 'swift-proxy'];

const cases = [
  { name: 'nothing', spec: {}, names: all, withheld: [] },
  { name: 'nothing by empty lists', spec: { includes: [], excludes: [] }, names: all, withheld: [] },
  {
    name: 'what is excluded',
    spec: { excludes: ['swift-*'] },
    names: ['mariadb', 'nova-api', 'nova-api-sync'],
    withheld: [],
  },
  {
    name: 'what containers, jobs and bundles run, and says so',
    spec: { excludes: ['nova-???', 'maria*', 'swift-proxy'] },
    names: ['nova-api-sync', 'swift-object'],
    withheld: ['mariadb', 'nova-api'],
  },
  {
    name: 'what is not included',
    spec: { includes: ['nova-*', 'swift-p*'] },
    names: ['nova-api', 'nova-api-sync', 'swift-proxy'],
    withheld: ['mariadb'],
  },
  {
    name: 'nothing that is included, even if it is excluded',
    spec: { includes: ['nova-*', 'mariadb'], excludes: ['*'] },
    names: ['mariadb', 'nova-api', 'nova-api-sync'],
    withheld: [],
  },
  {
    name: 'nothing that the set lists, even if it is excluded',
    spec: { images: ['mariadb', 'tools'], excludes: ['*'] },
    names: ['mariadb', 'tools'],
    withheld: ['nova-api', 'nova-api-sync'],
  },
  {
    name: 'nothing that the set lists, even if it is not included',
    spec: { images: ['tools'], includes: ['swift-*'] },
    names: ['swift-object', 'swift-proxy', 'tools'],
    withheld: ['mariadb', 'nova-api', 'nova-api-sync'],
  },
  {
    name: 'only whole names: a part is no match',
    spec: { excludes: ['nova', 'api', 'swift-obj'] },
    names: all,
    withheld: [],
  },
];

describe('a set leaves out', () => {
  for (const { name, spec, names, withheld } of cases) {
    it(name, () => {
      expect(selectImages(imageSet(spec), clouds, catalog)).to.deep.equal({ names, withheld });
    });
  }

  it('nothing that only a catalog would list, where there is none', () => {
    expect(selectImages(imageSet(), clouds).names).to.deep.equal(['mariadb', 'nova-api', 'nova-api-sync']);
  });
});
