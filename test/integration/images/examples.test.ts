// The image sets of examples/images at a real API server: as people apply them, and each of the three kinds of registry.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { loadAll } from 'js-yaml';
import type { ContainerImageSet } from '../../../src/api/containerimageset.gen.ts';
import { catalogKey, parseCatalog } from '../../../src/images/catalog-file.ts';
import type { ConfigMap } from '../../../src/kube/objects.ts';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const examples = path.join(root, 'examples/images');
const sets = readdirSync(examples).filter((file) => !['catalog.yaml', 'kustomization.yaml'].includes(file));

describe('examples/images at a real API server', function () {
  // The first control plane on a machine is built from source.
  this.timeout(30 * 60_000);
  let server: ControlPlane;

  async function kubectl(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await server.kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  before(async () => {
    server = await startControlPlane('test-image-examples');
    await kubectl(['apply', '-k', path.join(root, 'crds')]);
    await kubectl(['wait', '--for=condition=Established', 'crd', '--all']);
  });
  after(() => server.stop());

  it('are applied as one', async () => {
    await kubectl(['apply', '-k', examples, '-n', 'default', '--validate=strict']);
    const [catalog, set] = loadAll(
      await kubectl(['get', 'configmap/openstack-images', 'cis/osp13', '-o', 'yaml']),
    ).flatMap((list) => (list as { items: readonly unknown[] }).items) as [ConfigMap, ContainerImageSet];
    expect(set.spec.catalogName).to.equal(catalog.metadata.name);
    expect(parseCatalog(catalog.data?.[catalogKey] ?? '', catalog.metadata.name).size).to.equal(46);
  });

  it('are one for each kind of registry', () => {
    expect(sets).to.deep.equal(['local-registry.yaml', 'remote-registry.yaml', 'satellite.yaml']);
  });

  for (const file of sets) {
    it(`${file} is taken as it stands`, async () => {
      const taken = await kubectl([
        ...['create', '-f', path.join(examples, file), '-o', 'jsonpath={.spec.catalogName}'],
        ...['--validate=strict', '--dry-run=server', '-n', 'kube-public'],
      ]);
      expect(taken).to.equal('openstack-images');
    });
  }
});
