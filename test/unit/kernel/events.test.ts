// Events: recorded without waiting, repeats counted in a series, nothing lost quietly, nothing without bound.
import { expect } from 'chai';
import { terminal, transient } from '../../../src/kernel/errors.ts';
import { createEventRecorder, events } from '../../../src/kernel/events.ts';
import { silentLogger, type Logger } from '../../../src/kernel/log.ts';
import { configMaps } from '../../../src/kube/objects.ts';
import { createManualClock, settle } from '../../fakes/clock.ts';
import { createFakeKube } from '../../fakes/kube.ts';

describe('event recorder', () => {
  const setUp = () => {
    const clock = createManualClock();
    const kube = createFakeKube(clock);
    const object = kube.seed(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'lab', name: 'a' },
    });
    const warnings: string[] = [];
    const log: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
    const recorder = createEventRecorder({
      client: kube.client,
      clock,
      log,
      controller: 'undercloud.dev/operator',
      instance: 'pod-1',
    });
    return { clock, kube, object, recorder, warnings, recorded: () => kube.cache.store(events).list('lab') };
  };

  it('says what happened to which object, in its namespace', async () => {
    const { object, recorder, recorded } = setUp();
    recorder.warning(object, 'PowerLost', 'PowerOn', 'node a is off');
    await recorder.drain();
    const [event] = recorded();
    expect(event).to.deep.include({
      type: 'Warning',
      reason: 'PowerLost',
      action: 'PowerOn',
      note: 'node a is off',
    });
    expect(event?.regarding).to.deep.include({
      kind: 'ConfigMap',
      name: 'a',
      namespace: 'lab',
      uid: object.metadata.uid,
    });
    expect(event?.eventTime).to.equal('2026-01-01T00:00:00.000000Z');
  });

  it('has a name that the API server takes, however long that of its object is', async () => {
    const { object, recorder, recorded } = setUp();
    const name = `${'a'.repeat(235)}-${'b'.repeat(17)}`;
    recorder.normal({ ...object, metadata: { ...object.metadata, name } }, 'Healed', 'Start', 'started');
    await recorder.drain();
    expect(recorded()[0]?.metadata.name).to.match(/^a{235}\.[0-9a-f]{16}$/);
  });

  it('counts repeats in one event, writing the first and then at most one in 5 minutes', async () => {
    const { clock, kube, object, recorder, recorded } = setUp();
    const repeat = async (times: number) => {
      for (let i = 0; i < times; i += 1) recorder.normal(object, 'Healed', 'Start', 'started memcached');
      await recorder.drain();
    };
    await repeat(1);
    expect(recorded()[0]?.series).to.equal(undefined);
    await repeat(1);
    expect(recorded()[0]?.series?.count).to.equal(2);
    const writes = kube.writes();
    await repeat(50);
    expect(kube.writes()).to.equal(writes);
    await clock.advance(5 * 60_000);
    await repeat(1);
    expect(recorded().map(({ series }) => series)).to.deep.equal([
      { count: 53, lastObservedTime: '2026-01-01T00:05:00.000000Z' },
    ]);
  });

  it('begins a new event when the last repeat is an hour old', async () => {
    const { clock, object, recorder, recorded } = setUp();
    recorder.normal(object, 'Healed', 'Start', 'started memcached');
    await clock.advance(60 * 60_000);
    recorder.normal(object, 'Healed', 'Start', 'started memcached');
    await recorder.drain();
    expect(recorded().length).to.equal(2);
  });

  it('keeps events with different notes apart', async () => {
    const { object, recorder, recorded } = setUp();
    recorder.normal(object, 'Healed', 'Start', 'started memcached');
    recorder.normal(object, 'Healed', 'Start', 'started redis');
    await recorder.drain();
    expect(recorded().map(({ note }) => note)).to.have.members(['started memcached', 'started redis']);
  });

  it('cuts a note that the API server would refuse', async () => {
    const { object, recorder, recorded } = setUp();
    recorder.normal(object, 'Healed', 'Start', 'x'.repeat(5_000));
    await recorder.drain();
    expect(recorded()[0]?.note.length).to.equal(1_024);
  });

  it('tries again while the API server is away', async () => {
    const { clock, kube, object, recorder, recorded } = setUp();
    let failures = 2;
    kube.intercept(() => {
      if (failures-- > 0) throw transient('Unavailable', 'away');
    });
    recorder.normal(object, 'Healed', 'Start', 'n');
    await clock.advance(4_000);
    expect(recorded().length).to.equal(1);
  });

  it('gives up, and says so, what the API server refuses', async () => {
    const { kube, object, recorder, recorded, warnings } = setUp();
    kube.intercept(() => {
      throw terminal('Forbidden', 'no');
    });
    recorder.normal(object, 'Healed', 'Start', 'n');
    await recorder.drain();
    expect([recorded().length, warnings]).to.deep.equal([0, ['Event could not be recorded']]);
  });

  it('drops what is too much, and says so', async () => {
    const { kube, object, recorder, warnings } = setUp();
    kube.intercept(() => new Promise(() => undefined));
    for (let i = 0; i < 1_010; i += 1) recorder.normal(object, 'Healed', 'Start', `note ${i}`);
    await settle();
    expect(warnings.length).to.be.within(8, 10);
  });
});
