// Leader election between processes on one Lease, with time moved by hand.
import { expect } from 'chai';
import fc from 'fast-check';
import { OperatorError, transient } from '../../../src/kernel/errors.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { createElector } from '../../../src/kube/elector.ts';
import { createLeaseHold, leases } from '../../../src/kube/lease.ts';
import { createManualClock, settle, type ManualClock } from '../../fakes/clock.ts';
import { createFakeKube, type FakeKube } from '../../fakes/kube.ts';

const key = { namespace: 'undercloud', name: 'operator' };

interface Process {
  readonly elector: ReturnType<typeof createElector>;
  /** It works at this moment: nobody has told it to stop. */
  leads(): boolean;
  /** How its run ended: `released`, or the reason of its error. */
  result(): string | undefined;
  /** Ends its work in an orderly way, or its wait for it. */
  stop(): Promise<void>;
  /** From now on none of its requests gets through. */
  cutOff(): void;
}

function startProcess(kube: FakeKube, clock: ManualClock, identity: string): Process {
  let away = false;
  const reach = (): KubeClient => {
    if (away) throw transient('Unavailable', 'no route');
    return kube.client;
  };
  const client: KubeClient = {
    ...kube.client,
    get: async (resource, name, signal) => reach().get(resource, name, signal),
    create: async (resource, object, signal) => reach().create(resource, object, signal),
    patch: async (resource, name, patch, signal) => reach().patch(resource, name, patch, signal),
  };
  const hold = createLeaseHold({ client, clock, lease: key, identity });
  const elector = createElector({ hold, clock, random: () => 0.5, log: silentLogger });
  const stop = new AbortController();
  const work: PromiseWithResolvers<void> = Promise.withResolvers();
  let leads = false;
  let result: string | undefined;
  const lead = (lost: AbortSignal): Promise<void> => {
    leads = true;
    lost.addEventListener('abort', () => {
      leads = false;
    });
    return work.promise;
  };
  const ended = elector.run(stop.signal, lead).then(
    () => {
      result = 'released';
    },
    (error: unknown) => {
      result = error instanceof OperatorError ? error.reason : 'stopped';
    },
  );
  return {
    elector,
    leads: () => leads,
    result: () => result,
    stop: async () => {
      leads = false;
      stop.abort();
      work.resolve();
      await ended;
    },
    cutOff: () => {
      away = true;
    },
  };
}

describe('leader election', () => {
  it('says what to do when the namespace of the lease is not there', async () => {
    const clock = createManualClock();
    const { client } = createFakeKube(clock);
    const refusing: KubeClient = {
      ...client,
      create: () => Promise.reject(transient('NotFound', 'namespaces "undercloud" not found')),
    };
    const hold = createLeaseHold({ client: refusing, clock, lease: key, identity: 'a' });
    const error = await hold.tryAcquire(new AbortController().signal).catch((thrown: unknown) => thrown);
    expect(error).to.include({ reason: 'NamespaceNotFound' });
    expect(String(error)).to.include('kubectl apply -k deploy/access');
  });

  let clock: ManualClock;
  let kube: FakeKube;
  const start = (identity: string) => startProcess(kube, clock, identity);
  const lease = () => kube.cache.store(leases).get(key);
  beforeEach(() => {
    clock = createManualClock();
    kube = createFakeKube(clock);
  });

  it('makes the first one leader, under epoch 1, and keeps it so', async () => {
    const a = start('a');
    await clock.advance(60_000);
    expect([a.leads(), a.elector.fence.epoch, lease()?.spec.holderIdentity]).to.deep.equal([true, 1, 'a']);
    expect(lease()?.spec.renewTime).to.equal('2026-01-01T00:01:00.000000Z');
    expect(a.elector.fence.remainingMs()).to.be.within(13_000, 15_000);
  });

  it('lets nobody else lead meanwhile', async () => {
    const a = start('a');
    await clock.advance(0);
    const b = start('b');
    await clock.advance(60_000);
    expect([a.leads(), b.leads()]).to.deep.equal([true, false]);
    expect(() => b.elector.fence.epoch).to.throw(OperatorError, 'does not lead');
    expect(b.elector.fence.remainingMs()).to.equal(0);
  });

  it('hands over at once after an orderly stop, with a higher epoch', async () => {
    const a = start('a');
    await clock.advance(0);
    const b = start('b');
    await clock.advance(10_000);
    await a.stop();
    await clock.advance(2_500);
    expect([a.result(), b.leads(), b.elector.fence.epoch]).to.deep.equal(['released', true, 2]);
  });

  it('gives up before another may start when it cannot renew', async () => {
    const a = start('a');
    await clock.advance(0);
    const b = start('b');
    await clock.advance(10_000);
    a.cutOff();
    await clock.advance(9_000);
    expect([a.leads(), b.leads()]).to.deep.equal([true, false]);
    await clock.advance(3_000);
    expect([a.leads(), a.result(), b.leads()]).to.deep.equal([false, 'LeaseLost', false]);
    expect(a.elector.fence.remainingMs()).to.equal(0);
    await clock.advance(8_000);
    expect([b.leads(), b.elector.fence.epoch]).to.deep.equal([true, 2]);
  });

  it('gives up without a try when its process stood still for longer than the deadline', async () => {
    const frozen = createManualClock();
    const a = startProcess(kube, frozen, 'a');
    await frozen.advance(0);
    const b = start('b');
    await clock.advance(20_000);
    expect(b.leads()).to.equal(true);
    const held = lease();
    // All that happens to `a` in 20 s happens now, in one leap: as after SIGCONT, its clock is already there.
    const monotonic = frozen.monotonic.bind(frozen);
    frozen.monotonic = () => monotonic() + 20_000;
    await frozen.advance(2_000);
    expect([a.leads(), a.result()]).to.deep.equal([false, 'LeaseLost']);
    expect(lease()).to.equal(held);
  });

  it('counts another one’s time from when it saw it, not by the times written in the lease', async () => {
    const elsewhere = createManualClock(new Date('2031-01-01T00:00:00Z'));
    const a = startProcess(kube, elsewhere, 'a');
    await elsewhere.advance(0);
    const b = start('b');
    await clock.advance(14_000);
    await elsewhere.advance(2_000);
    await clock.advance(14_000);
    expect([a.leads(), b.leads()]).to.deep.equal([true, false]);
    await clock.advance(4_000);
    expect(b.leads()).to.equal(true);
  });

  it('raises its epoch above one that refused it, and says so on the lease', async () => {
    const a = start('a');
    await clock.advance(0);
    await a.elector.fence.raiseAbove(7, new AbortController().signal);
    expect(a.elector.fence.epoch).to.equal(8);
    expect(lease()?.metadata.annotations).to.deep.equal({ 'undercloud.dev/epoch': '8' });
    await a.elector.fence.raiseAbove(3, new AbortController().signal);
    expect(a.elector.fence.epoch).to.equal(8);
    await clock.advance(10_000);
    expect(a.leads()).to.equal(true);
  });

  it('keeps its lease when the answer to a raise of its epoch got lost, under the raised epoch', async () => {
    const a = start('a');
    await clock.advance(0);
    await kube.edit(leases, key, { metadata: { annotations: { 'undercloud.dev/epoch': '8' } } });
    await clock.advance(20_000);
    expect([a.leads(), a.elector.fence.epoch]).to.deep.equal([true, 8]);
  });

  it('gives up when its epoch was turned back', async () => {
    const a = start('a');
    await clock.advance(0);
    await a.elector.fence.raiseAbove(7, new AbortController().signal);
    await kube.edit(leases, key, { metadata: { annotations: { 'undercloud.dev/epoch': '3' } } });
    await clock.advance(2_000);
    expect([a.leads(), a.result()]).to.deep.equal([false, 'LeaseLost']);
  });

  it('does not mind a label that somebody puts on its lease', async () => {
    const a = start('a');
    await clock.advance(0);
    await kube.edit(leases, key, { metadata: { labels: { team: 'cloud' } } });
    await clock.advance(20_000);
    expect([a.leads(), a.elector.fence.epoch]).to.deep.equal([true, 1]);
  });

  it('gives up at once when somebody takes its lease away', async () => {
    const a = start('a');
    await clock.advance(0);
    await kube.edit(leases, key, { spec: { holderIdentity: 'thief' } });
    await clock.advance(2_000);
    expect([a.leads(), a.result()]).to.deep.equal([false, 'LeaseLost']);
  });

  it('stops waiting when it is told to', async () => {
    const a = start('a');
    await clock.advance(0);
    const b = start('b');
    await clock.advance(5_000);
    await b.stop();
    expect([a.leads(), b.result()]).to.deep.equal([true, 'stopped']);
  });

  it('never has two leaders at once, and never the same epoch twice', async () => {
    const act = fc.oneof(fc.record({ kind: fc.constantFrom('stop', 'cutOff', 'start'), who: fc.nat(2) }), {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(500, 2_000, 9_000) }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
        clock = createManualClock();
        kube = createFakeKube(clock);
        let started = 0;
        const all: Process[] = [];
        const slots: (Process | undefined)[] = [];
        const epochs = new Map<number, Process>();
        const look = () => {
          const leading = all.filter((each) => each.leads());
          expect(leading.length).to.be.at.most(1);
          for (const each of leading) {
            const { epoch } = each.elector.fence;
            expect(epochs.get(epoch) ?? each).to.equal(each);
            epochs.set(epoch, each);
          }
        };
        for (const each of acts) {
          if (each.kind === 'advance') {
            for (let passed = 0; passed < each.ms; passed += 500) {
              await clock.advance(500);
              look();
            }
          } else if (each.kind === 'start') {
            const made = start(`process-${(started += 1)}`);
            all.push(made);
            slots[each.who] = made;
          } else if (each.kind === 'stop') {
            await slots[each.who]?.stop();
          } else {
            slots[each.who]?.cutOff();
          }
          await settle();
          look();
        }
      }),
      { numRuns: 100 },
    );
  });
});
