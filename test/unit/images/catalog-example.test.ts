// The catalog of examples/images has what TripleO's environment files had, as the seeds show them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { load } from 'js-yaml';
import type { ContainerImageSetSpec } from '../../../src/api/containerimageset.gen.ts';
import { ruleOf, type ImageRule } from '../../../src/images/catalog.ts';
import { parseCatalog } from '../../../src/images/catalog-file.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const called = ({ namespace, prefix, repository, suffix }: ImageRule): string =>
  `${namespace}/${prefix}${repository}${suffix}`;

const specOf = (namespace: string, variants: SeedTable['variants']): ContainerImageSetSpec => ({
  source: { registry: 'registry.example.org', namespace, prefix: 'openstack-', suffix: '', insecure: false },
  tagFromLabel: { format: '{version}-{release}', inspectTag: 'latest' },
  variants,
  updatePolicy: 'Propose',
  lookupIntervalSeconds: 600,
  mirror: { parallel: 6 },
  paused: false,
});

interface SeedTable {
  readonly seed: string;
  readonly variants: Readonly<Record<string, string>>;
  /** Parameter → `path:tag`. */
  readonly parameters: Readonly<Record<string, string>>;
}

describe('the catalog of examples/images', () => {
  const openstack = parseCatalog(read('examples/images/catalog.yaml'), 'openstack-images');
  const tables = load(read('test/fixtures/images/seed-parameters.yaml')) as readonly SeedTable[];
  const distinct = new Map([
    ['000', { parameters: 60, repositories: 36 }],
    ['001', { parameters: 75, repositories: 45 }],
  ]);

  for (const { seed, variants, parameters } of tables) {
    it(`has every parameter of seed ${seed}, with its repository`, () => {
      const repositoryOf = (image: string): string => image.slice(0, image.lastIndexOf(':'));
      const namespace = parameters.DockerKeystoneImage?.split('/')[0] ?? '';
      const spec = specOf(namespace, variants);
      const made = new Map(
        [...openstack.values()].flatMap((image) =>
          image.parameters.map((parameter) => [parameter, called(ruleOf(spec, openstack, image.name))]),
        ),
      );
      const wanted = Object.entries(parameters).map(([parameter, image]) => [parameter, repositoryOf(image)]);
      expect(wanted.map(([parameter = '']) => [parameter, made.get(parameter)])).to.deep.equal(wanted);
      expect({
        parameters: wanted.length,
        repositories: new Set(wanted.map(([, repository]) => repository)).size,
      }).to.deep.equal(distinct.get(seed));
    });
  }

  it('has no parameter that the seeds do not have, and no image without a service', () => {
    const known = new Set(tables.flatMap(({ parameters }) => Object.keys(parameters)));
    const all = [...openstack.values()];
    expect(all.flatMap(({ parameters }) => parameters.filter((name) => !known.has(name)))).to.deep.equal([]);
    expect(all.filter(({ services }) => services.length === 0)).to.deep.equal([]);
  });
});
