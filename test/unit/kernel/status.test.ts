// When a status is written, when it waits, and what happens when somebody else was quicker.
import { expect } from 'chai';
import { mergeConditions, summarise, type Health } from '../../../src/kernel/conditions.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';
import { createStatusWriter } from '../../../src/kernel/status.ts';
import type { Condition, KubeObject, Resource } from '../../../src/kube/objects.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { createFakeKube } from '../../fakes/kube.ts';

interface Thing extends KubeObject {
  readonly spec: { readonly size: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly percent?: number;
    readonly conditions?: readonly Condition[];
  };
}
const things: Resource<Thing> = {
  group: 'undercloud.dev',
  version: 'v1alpha1',
  plural: 'things',
  kind: 'Thing',
};
const key = { namespace: 'lab', name: 'a' };

describe('status writer', () => {
  const clock = createManualClock();
  const kube = createFakeKube(clock);
  const writer = createStatusWriter({ client: kube.client, clock });
  const statusOf = (health: Health, percent: number) => ({
    observedGeneration: 1,
    percent,
    conditions: mergeConditions(undefined, summarise(health), 1, new Date(0)),
  });
  const current = () => {
    const found = kube.cache.store(things).get(key);
    if (found === undefined) throw new Error('the thing is gone');
    return found;
  };
  const working: Health = { kind: 'progressing', reason: 'Working', message: 'm' };

  before(() => {
    kube.seed(things, {
      apiVersion: 'undercloud.dev/v1alpha1',
      kind: 'Thing',
      metadata: key,
      spec: { size: 1 },
    });
  });

  it('writes what differs', async () => {
    const written = await writer.write(things, current(), statusOf(working, 1));
    expect(written.kind).to.equal('written');
    expect(current().status?.percent).to.equal(1);
  });

  it('writes nothing when nothing differs, whatever the order of keys', async () => {
    const { conditions, percent, observedGeneration } = statusOf(working, 1);
    const before = kube.writes();
    expect(
      await writer.write(things, current(), { percent, conditions, observedGeneration, none: undefined }),
    ).to.deep.equal({
      kind: 'unchanged',
    });
    expect(kube.writes()).to.equal(before);
  });

  it('makes mere progress wait until 5 s have passed', async () => {
    await clock.advance(2_000);
    expect(await writer.write(things, current(), statusOf(working, 2))).to.deep.equal({
      kind: 'deferred',
      ms: 3_000,
    });
    expect(current().status?.percent).to.equal(1);
    await clock.advance(3_000);
    expect((await writer.write(things, current(), statusOf(working, 3))).kind).to.equal('written');
  });

  it('lets progress that is urgent through', async () => {
    expect((await writer.write(things, current(), statusOf(working, 4), { urgent: true })).kind).to.equal(
      'written',
    );
  });

  it('lets a change of condition through at once', async () => {
    const done = statusOf({ kind: 'ready', message: 'm' }, 100);
    expect((await writer.write(things, current(), done)).kind).to.equal('written');
  });

  it('refuses to overwrite what somebody else wrote meanwhile', async () => {
    const stale = current();
    await kube.edit(things, key, { spec: { size: 2 } });
    const error: unknown = await writer
      .write(things, stale, statusOf(working, 5))
      .catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(OperatorError).and.include({ kind: 'transient', reason: 'Conflict' });
    expect(current().status?.percent).to.equal(100);
  });
});
