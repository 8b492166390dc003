// What a reflector's store keeps, and which changes it tells of.
import { expect } from 'chai';
import type { ConfigMap } from '../../../src/kube/objects.ts';
import { createStore, type Change } from '../../../src/kube/store.ts';

const configMap = (
  name: string,
  resourceVersion: string,
  more: Partial<ConfigMap['metadata']> = {},
): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    namespace: 'lab',
    name,
    uid: `uid of ${name}`,
    resourceVersion,
    generation: 1,
    creationTimestamp: '',
    ...more,
  },
});
const told = (changes: readonly Change<ConfigMap>[]) =>
  changes.map(({ before, after }) => [before?.metadata.resourceVersion, after?.metadata.resourceVersion]);

describe('store', () => {
  it('tells of what was added, changed and removed, and not of repeats', () => {
    const store = createStore<ConfigMap>();
    expect(told(store.put(configMap('a', '1')))).to.deep.equal([[undefined, '1']]);
    expect(told(store.put(configMap('a', '1')))).to.deep.equal([]);
    expect(told(store.put(configMap('a', '2')))).to.deep.equal([['1', '2']]);
    expect(told(store.remove({ namespace: 'lab', name: 'a' }))).to.deep.equal([['2', undefined]]);
    expect(told(store.remove({ namespace: 'lab', name: 'a' }))).to.deep.equal([]);
  });

  it('tells of the end of what was deleted and made again between two looks', () => {
    const store = createStore<ConfigMap>();
    store.put(configMap('a', '1'));
    expect(told(store.put(configMap('a', '5', { uid: 'another' })))).to.deep.equal([
      ['1', undefined],
      [undefined, '5'],
    ]);
  });

  it('finds out what is gone when a list replaces everything', () => {
    const store = createStore<ConfigMap>();
    for (const name of ['a', 'b', 'c']) store.put(configMap(name, '1'));
    expect(
      told(store.replace([configMap('b', '1'), configMap('c', '2'), configMap('d', '2')])),
    ).to.deep.equal([
      ['1', undefined],
      ['1', '2'],
      [undefined, '2'],
    ]);
    expect(store.list().map(({ metadata }) => metadata.name)).to.deep.equal(['b', 'c', 'd']);
  });

  it('lists by namespace and name, in all namespaces or in one', () => {
    const store = createStore<ConfigMap>();
    for (const [namespace, name] of [
      ['z', 'a'],
      ['a', 'z'],
      ['a', 'b'],
    ] as const)
      store.put(configMap(name, '1', { namespace }));
    const names = (objects: readonly ConfigMap[]) =>
      objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    expect(names(store.list())).to.deep.equal(['a/b', 'a/z', 'z/a']);
    expect(names(store.list('a'))).to.deep.equal(['a/b', 'a/z']);
  });

  it('keeps neither managed fields nor what kubectl applied last', () => {
    const store = createStore<ConfigMap>();
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', mine: 'yes' };
    const metadata = { ...configMap('a', '1', { annotations }).metadata, managedFields: [{}] };
    store.put({ ...configMap('a', '1'), metadata });
    const kept = store.get({ namespace: 'lab', name: 'a' });
    expect(kept?.metadata).not.to.have.property('managedFields');
    expect(kept?.metadata.annotations).to.deep.equal({ mine: 'yes' });
  });
});
