// Finalizers: only our own is touched, and only on the newest object.
import { expect } from 'chai';
import { OperatorError } from '../../../src/kernel/errors.ts';
import { ensureFinalizer, removeFinalizer } from '../../../src/kernel/finalizers.ts';
import { configMaps } from '../../../src/kube/objects.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { createFakeKube } from '../../fakes/kube.ts';

const ours = 'undercloud.dev/node';
const theirs = 'example.com/theirs';

describe('finalizers', () => {
  const setUp = (...finalizers: readonly string[]) => {
    const kube = createFakeKube(createManualClock());
    const metadata = { namespace: 'lab', name: 'a', finalizers };
    const object = kube.seed(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
    return { kube, object, key: object.metadata };
  };

  it('are added beside those of others', async () => {
    const { kube, object } = setUp(theirs);
    const next = await ensureFinalizer(kube.client, configMaps, object, ours);
    expect(next.metadata.finalizers).to.deep.equal([theirs, ours]);
  });

  it('are not written when they are there', async () => {
    const { kube, object } = setUp(ours);
    const before = kube.writes();
    expect(await ensureFinalizer(kube.client, configMaps, object, ours)).to.equal(object);
    expect(kube.writes()).to.equal(before);
  });

  it('are removed without touching those of others', async () => {
    const { kube, object } = setUp(theirs, ours);
    const next = await removeFinalizer(kube.client, configMaps, object, ours);
    expect(next?.metadata.finalizers).to.deep.equal([theirs]);
  });

  it('let the object go when the last one is removed', async () => {
    const { kube, key } = setUp(ours);
    await kube.client.delete(configMaps, key);
    const deleting = await kube.client.get(configMaps, key);
    if (deleting === undefined) throw new Error('gone too soon');
    await removeFinalizer(kube.client, configMaps, deleting, ours);
    expect(await kube.client.get(configMaps, key)).to.equal(undefined);
    expect(await removeFinalizer(kube.client, configMaps, deleting, ours)).to.equal(undefined);
  });

  it('are not written over what somebody else changed meanwhile', async () => {
    const { kube, object, key } = setUp();
    await kube.edit(configMaps, key, { metadata: { finalizers: [theirs] } });
    const error: unknown = await ensureFinalizer(kube.client, configMaps, object, ours).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(OperatorError).and.include({ reason: 'Conflict' });
  });
});
