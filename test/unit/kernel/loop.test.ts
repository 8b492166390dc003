// One controller's loop: which keys run when, and what each end of a reconcile leads to.
import { expect } from 'chai';
import {
  requeueAfter,
  settled,
  type Controller,
  type Outcome,
  type ReconcileContext,
} from '../../../src/kernel/controller.ts';
import { terminal, transient, unsafe } from '../../../src/kernel/errors.ts';
import type { Logger, LogFields } from '../../../src/kernel/log.ts';
import { createLoop, type Source } from '../../../src/kernel/loop.ts';
import { createMetrics } from '../../../src/kernel/metrics.ts';
import { configMaps, keyOf, type KubeObject, type ObjectKey } from '../../../src/kube/objects.ts';
import { createManualClock, settle } from '../../fakes/clock.ts';
import { createFakeKube } from '../../fakes/kube.ts';

const minute = 60_000;

function setUp(more: Partial<Controller> = {}) {
  const clock = createManualClock();
  const kube = createFakeKube(clock);
  const metrics = createMetrics();
  const lines: string[] = [];
  const line =
    (level: string) =>
    (message: string, { reason }: LogFields = {}) =>
      void lines.push([`${level}: ${message}`, ...(typeof reason === 'string' ? [reason] : [])].join(' '));
  const log: Logger = {
    debug: () => undefined,
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => log,
  };
  const runs: string[] = [];
  let behaviour: (context: ReconcileContext, key: ObjectKey) => Promise<Outcome> = () =>
    Promise.resolve(settled);
  let enqueue: (key: ObjectKey, afterMs?: number) => void = () => undefined;
  const controller: Controller = {
    name: 'thing',
    workers: 2,
    watches: [
      {
        resource: configMaps,
        keys: (before, after) => [before ?? after].filter((o) => o !== undefined).map(keyOf),
      },
    ],
    reconcile(context, key) {
      runs.push(key.name);
      return behaviour(context, key);
    },
    start: (given) => {
      enqueue = given;
    },
    ...more,
  };
  const source = {
    store: kube.cache.store(configMaps),
    onChange: (
      handler: (change: { before: KubeObject | undefined; after: KubeObject | undefined }) => void,
    ) => kube.onChange((_resource, before, after) => handler({ before, after })),
  } as unknown as Source;
  const loop = createLoop(controller, {
    clock,
    random: () => 0.5,
    log,
    metrics,
    source: () => source as never,
  });
  const stop = new AbortController();
  const add = (name: string) =>
    kube.seed(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'lab', name } });
  return {
    clock,
    kube,
    loop,
    lines,
    runs,
    stop,
    add,
    behave: (next: typeof behaviour) => {
      behaviour = next;
    },
    enqueue: (name: string, afterMs?: number) => enqueue({ namespace: 'lab', name }, afterMs),
    count: async (metric: string, labels: Readonly<Record<string, string>> = {}) => {
      const found = await metrics.registry.getSingleMetric(metric)?.get();
      const matching = found?.values.find(({ labels: own }) =>
        Object.entries(labels).every(([name, value]) => own[name] === value),
      );
      return matching?.value;
    },
  };
}

describe('controller loop', () => {
  it('reconciles all there is when it starts, then what changes, without a word in the log', async () => {
    const { clock, kube, loop, lines, runs, stop, add } = setUp();
    add('a');
    add('b');
    const ended = loop.run(stop.signal);
    await clock.advance(0);
    expect(runs).to.have.members(['a', 'b']);
    await kube.edit(configMaps, { namespace: 'lab', name: 'b' }, { data: { x: '1' } });
    await clock.advance(0);
    expect(runs.slice(2)).to.deep.equal(['b']);
    expect(lines).to.deep.equal([]);
    stop.abort();
    await ended;
    expect(clock.pending()).to.equal(0);
  });

  it('looks at everything again within two slow passes, spread over time', async () => {
    const { clock, loop, runs, add, stop } = setUp();
    add('a');
    const ended = loop.run(stop.signal);
    await clock.advance(0);
    await clock.advance(14 * minute);
    expect(runs).to.deep.equal(['a']);
    await clock.advance(2 * minute);
    expect(runs).to.deep.equal(['a', 'a']);
    stop.abort();
    await ended;
  });

  it('runs again after the time that the outcome asks for', async () => {
    const { clock, loop, runs, add, behave, stop } = setUp();
    add('a');
    behave(() => Promise.resolve(requeueAfter(30_000, 'the machine boots')));
    const ended = loop.run(stop.signal);
    await clock.advance(95_000);
    expect(runs.length).to.equal(4);
    stop.abort();
    await ended;
  });

  it('runs what a host or a timer asks for', async () => {
    const { clock, loop, runs, enqueue, stop } = setUp();
    const ended = loop.run(stop.signal);
    enqueue('x');
    enqueue('y', 5_000);
    await clock.advance(1_000);
    expect(runs).to.deep.equal(['x']);
    await clock.advance(5_000);
    expect(runs).to.deep.equal(['x', 'y']);
    stop.abort();
    await ended;
  });

  it('tries again, each time later, what failed and may mend', async () => {
    const { clock, loop, lines, runs, add, behave, count, enqueue, stop } = setUp();
    add('a');
    behave(() => Promise.reject(transient('HostUnreachable', 'no route')));
    const ended = loop.run(stop.signal);
    await clock.advance(750 * 15 * 1.05);
    expect(runs.length).to.equal(5);
    expect(lines[0]).to.equal('warn: Reconcile failed HostUnreachable');
    expect(await count('controller_runtime_reconcile_errors_total')).to.equal(5);
    expect(await count('workqueue_retries_total')).to.equal(5);
    behave(() => Promise.resolve(settled));
    await clock.advance(minute);
    expect(runs.length).to.equal(6);
    behave(() => Promise.reject(transient('HostUnreachable', 'no route')));
    enqueue('a');
    await clock.advance(1_000);
    expect(runs.length).to.equal(8);
    stop.abort();
    await ended;
  });

  const final = [
    terminal('UnknownService', 'no such service'),
    unsafe('HostKeyChanged', 'not the machine it was'),
  ];
  for (const error of final) {
    it(`leaves a ${error.kind} error until something happens`, async () => {
      const { clock, kube, loop, lines, runs, add, behave, count, stop } = setUp();
      add('a');
      behave(() => Promise.reject(error));
      const ended = loop.run(stop.signal);
      await clock.advance(9 * minute);
      expect(runs.length).to.equal(1);
      expect(lines).to.deep.equal([`error: Reconcile failed: it will not mend by itself ${error.reason}`]);
      expect(await count('controller_runtime_terminal_reconcile_errors_total')).to.equal(1);
      await kube.edit(configMaps, { namespace: 'lab', name: 'a' }, { data: { x: '1' } });
      await clock.advance(0);
      expect(runs.length).to.equal(2);
      stop.abort();
      await ended;
    });
  }

  it('repeats a lost race in silence', async () => {
    const { clock, loop, lines, runs, add, behave, count, stop } = setUp();
    add('a');
    behave(() =>
      runs.length === 1 ? Promise.reject(transient('Conflict', 'changed')) : Promise.resolve(settled),
    );
    const ended = loop.run(stop.signal);
    await clock.advance(2_000);
    expect([runs.length, lines]).to.deep.equal([2, []]);
    expect(await count('controller_runtime_reconcile_total', { result: 'requeue' })).to.equal(1);
    expect(await count('controller_runtime_reconcile_errors_total')).to.equal(0);
    stop.abort();
    await ended;
  });

  it('survives a bug, and shows it', async () => {
    const { clock, loop, lines, runs, add, behave, count, stop } = setUp();
    add('a');
    behave((_, key) =>
      Promise.resolve((key as unknown as { readonly no: { readonly such: Outcome } }).no.such),
    );
    const ended = loop.run(stop.signal);
    await clock.advance(1_000);
    expect(runs.length).to.equal(2);
    expect(lines[0]).to.equal('error: Reconcile failed in a way that nobody foresaw InternalError');
    expect(await count('controller_runtime_reconcile_panics_total')).to.equal(2);
    stop.abort();
    await ended;
  });

  it('interrupts a reconcile that takes too long, and tries it again', async () => {
    const { clock, loop, lines, runs, add, behave, count, stop } = setUp({ deadlineMs: 5_000 });
    add('a');
    behave(({ signal }) => clock.sleep(minute, signal).then(() => settled));
    const ended = loop.run(stop.signal);
    await clock.advance(6_000);
    expect([runs.length, lines]).to.deep.equal([2, ['warn: Reconcile failed ReconcileTimeout']]);
    expect(await count('controller_runtime_reconcile_timeouts_total')).to.equal(1);
    stop.abort();
    await ended;
  });

  it('works on as many keys at once as it has workers, and on each only once', async () => {
    const { clock, kube, loop, add, behave, stop } = setUp();
    const now = new Map<string, number>();
    const shared: string[] = [];
    let most = 0;
    for (const name of ['a', 'b', 'c', 'd']) add(name);
    behave(async (_, { name }) => {
      now.set(name, (now.get(name) ?? 0) + 1);
      most = Math.max(
        most,
        [...now.values()].reduce((sum, each) => sum + each, 0),
      );
      if (now.get(name) !== 1) shared.push(name);
      await clock.sleep(1_000);
      now.set(name, 0);
      return settled;
    });
    const ended = loop.run(stop.signal);
    for (let i = 0; i < 5; i += 1) {
      await clock.advance(300);
      await kube.edit(configMaps, { namespace: 'lab', name: 'a' }, { data: { x: String(i) } });
    }
    await clock.advance(minute);
    expect([most, shared]).to.deep.equal([2, []]);
    stop.abort();
    await ended;
  });

  it('puts things in order after the last reconcile, and is not over before that', async () => {
    const order: string[] = [];
    const { clock, loop, add, behave, stop } = setUp({
      finish: async () => {
        order.push('finish begins');
        await clock.sleep(1_000);
        order.push('finish ends');
      },
    });
    add('a');
    behave(async ({ signal }) => {
      await clock.sleep(minute, signal).catch(() => undefined);
      order.push('reconcile ends');
      return settled;
    });
    const ended = loop.run(stop.signal).then(() => order.push('over'));
    await clock.advance(1_000);
    stop.abort();
    await settle();
    await clock.advance(2_000);
    await ended;
    expect(order).to.deep.equal(['reconcile ends', 'finish begins', 'finish ends', 'over']);
  });

  it('interrupts what runs when it is stopped, waits for it, and begins nothing more', async () => {
    const { clock, loop, lines, runs, add, behave, stop } = setUp({ workers: 1 });
    add('a');
    add('b');
    const cleanUp: PromiseWithResolvers<void> = Promise.withResolvers();
    behave(async ({ signal }) => {
      await clock.sleep(minute, signal).catch(() => cleanUp.promise);
      signal.throwIfAborted();
      return settled;
    });
    let over = false;
    const ended = loop.run(stop.signal).then(() => {
      over = true;
    });
    await clock.advance(1_000);
    stop.abort();
    await settle();
    expect(over).to.equal(false);
    cleanUp.resolve();
    await ended;
    expect([runs.length, lines]).to.deep.equal([1, []]);
    expect(clock.pending()).to.equal(0);
  });
});
