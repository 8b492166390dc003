// Finding objects in a store by something that they say.
import { expect } from 'chai';
import fc from 'fast-check';
import { findBy, type Index } from '../../../src/kube/index.ts';
import type { ConfigMap } from '../../../src/kube/objects.ts';
import { createStore } from '../../../src/kube/store.ts';

const byOwner: Index<ConfigMap> = ({ metadata, data }) =>
  data?.owner && `${metadata.namespace}/${data.owner}`;

const configMap = (
  name: string,
  owner: string | undefined,
  version: number,
  namespace = 'lab',
): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    namespace,
    name,
    uid: `uid of ${name}`,
    resourceVersion: String(version),
    generation: 1,
    creationTimestamp: '',
  },
  ...(owner === undefined ? {} : { data: { owner } }),
});

describe('index of a store', () => {
  const names = (objects: readonly ConfigMap[]) => objects.map(({ metadata }) => metadata.name);

  it('finds what was there before it was asked for the first time, and what came after', () => {
    const store = createStore<ConfigMap>();
    store.put(configMap('b', 'anna', 1));
    expect(names(findBy(store, byOwner, 'lab/anna'))).to.deep.equal(['b']);
    store.put(configMap('a', 'anna', 2));
    expect(names(findBy(store, byOwner, 'lab/anna'))).to.deep.equal(['a', 'b']);
  });

  it('keeps namespaces apart when the index does', () => {
    const store = createStore<ConfigMap>();
    store.put(configMap('a', 'anna', 1));
    store.put(configMap('b', 'anna', 2, 'other'));
    expect(names(findBy(store, byOwner, 'other/anna'))).to.deep.equal(['b']);
  });

  it('shows the newest of an object', () => {
    const store = createStore<ConfigMap>();
    store.put(configMap('a', 'anna', 1));
    findBy(store, byOwner, 'lab/anna');
    store.put(configMap('a', 'anna', 2));
    expect(findBy(store, byOwner, 'lab/anna').map(({ metadata }) => metadata.resourceVersion)).to.deep.equal([
      '2',
    ]);
  });

  it('looks through a store that keeps no tables', () => {
    const store = { get: () => undefined, list: () => [configMap('a', 'anna', 1), configMap('b', 'bob', 1)] };
    expect(names(findBy(store, byOwner, 'lab/bob'))).to.deep.equal(['b']);
  });

  it('agrees with looking through all, whatever comes, changes and goes', () => {
    const step = fc.record({
      act: fc.constantFrom('put', 'remove', 'replace'),
      name: fc.constantFrom('a', 'b', 'c'),
      owner: fc.constantFrom('anna', 'bob', undefined),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const store = createStore<ConfigMap>();
        for (const [version, { act, name, owner }] of steps.entries()) {
          if (act === 'put') store.put(configMap(name, owner, version));
          else if (act === 'remove') store.remove({ namespace: 'lab', name });
          else store.replace([configMap(name, owner, version)]);
          for (const value of ['lab/anna', 'lab/bob']) {
            const all = store.list().filter((object) => byOwner(object) === value);
            expect(findBy(store, byOwner, value)).to.deep.equal(all);
          }
        }
      }),
    );
  });
});
