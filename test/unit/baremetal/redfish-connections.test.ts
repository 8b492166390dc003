// The connections of the Redfish driver: kept for the request that follows, not for what has an effect, and not for long.
import { expect } from 'chai';
import { createRedfishHttp, type RedfishHttp } from '../../../src/baremetal/bmc/redfish/http.ts';
import { createRedfishSession } from '../../../src/baremetal/bmc/redfish/session.ts';
import { transient } from '../../../src/kernel/errors.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { startFakeRedfish, type FakeRedfish, type RedfishQuirks } from '../../fakes/redfish.ts';
import { createPairs, redfishAddress } from '../../fakes/redfish-driver.ts';

const { signal } = new AbortController();
const permit = (): void => undefined;
const root = '/redfish/v1/';

describe('a Redfish driver', () => {
  const pairs = createPairs();
  afterEach(() => pairs.close());

  it('reads one document after the other on one connection', async () => {
    const { fake, bmc } = await pairs.start();
    await bmc.power(signal);
    fake.places.length = 0;
    await bmc.power(signal);
    await bmc.boot(signal);
    expect(fake.places).to.deep.equal([5, 6]);
    expect(fake.sockets.size).to.equal(1);
  });

  it('has a connection of its own for a login and for what has an effect', async () => {
    const { fake, bmc } = await pairs.start();
    await bmc.setPower('On', permit, signal);
    const harmful = fake.requests.flatMap((request, index) =>
      request.startsWith('GET') ? [] : [fake.places[index]],
    );
    expect(harmful).to.deep.equal([1, 1]);
  });

  it('sends an effect once to a service that closes kept connections', async () => {
    const { fake, bmc, clock } = await pairs.start({ furtherRequests: 'cut' });
    let permitted = 0;
    await bmc.setPower('On', () => (permitted += 1), signal);
    expect(fake.requests.filter((request) => request.endsWith(' On'))).to.have.length(1);
    expect([fake.power, permitted, clock.slept]).to.deep.equal(['On', 1, 0]);
  });

  it('sends an effect whose login lost a kept connection, with a second permit and no pause', async () => {
    const lost = Object.assign(new Error('reset'), { name: 'KeptConnectionLost' });
    const sent: string[] = [];
    const session = createRedfishSession({
      http: {
        send(method, link) {
          sent.push(`${method} ${link}`);
          if (sent.length === 1) return Promise.reject(transient('BMCUnreachable', 'gone', lost));
          return Promise.resolve({ status: 200, body: {}, header: () => undefined });
        },
        close: () => Promise.resolve(),
      },
      clock: createManualClock(),
      address: redfishAddress('redfish://10.0.0.9'),
      username: 'admin',
      password: 'secret',
    });
    await session.send('POST', '/do', {}, { permit, signal });
    expect(sent).to.deep.equal([`GET ${root}`, `GET ${root}`, 'POST /do']);
  });
});

describe('a connection to a Redfish service', () => {
  const open: { readonly fake: FakeRedfish; readonly http: RedfishHttp }[] = [];
  const start = async (
    quirks: Partial<RedfishQuirks> = {},
    keeping = { idleMs: 1_000, stalledMs: 5_000 },
  ) => {
    const fake = await startFakeRedfish(quirks);
    const http = createRedfishHttp(redfishAddress(fake.address), { kind: 'system' }, keeping);
    open.push({ fake, http });
    const get = (by: AbortSignal = signal) => http.send('GET', root, {}, by);
    return { fake, http, get };
  };
  afterEach(async () => {
    for (const { fake, http } of open.splice(0)) {
      await http.close();
      await fake.close();
    }
  });

  it('is closed when it carries nothing', async () => {
    const { fake, get } = await start({}, { idleMs: 20, stalledMs: 5_000 });
    await get();
    const [socket] = fake.sockets as Set<NodeJS.EventEmitter>;
    expect(fake.sockets.size).to.equal(1);
    await new Promise((resolve) => socket?.once('close', resolve));
    expect(fake.sockets.size).to.equal(0);
    await get();
    expect(fake.places).to.deep.equal([1, 1]);
  });

  it('is not kept again once one has stalled, and is given its time when it is new', async () => {
    const { fake, get } = await start({ furtherRequests: 'stalled' }, { idleMs: 1_000, stalledMs: 20 });
    await get();
    const onKept = get().catch(String);
    fake.faults.push('silence');
    const off = new AbortController();
    const onNew = get(off.signal).catch(String);
    expect(await onKept).to.include('on a connection that was kept');
    for (const { status } of [await get(), await get()]) expect(status).to.equal(200);
    off.abort(new Error('enough'));
    expect(await onNew).to.include('enough');
    expect(fake.places.toSorted()).to.deep.equal([1, 1, 1, 1, 2]);
  });

  it('is not kept again once a request on one was called off unanswered', async () => {
    const { fake, get } = await start({ furtherRequests: 'stalled' });
    await get();
    const off = new AbortController();
    fake.watch = () => off.abort(new Error('enough'));
    expect(await get(off.signal).catch(String)).to.include('enough');
    await get();
    await get();
    expect(fake.places).to.deep.equal([1, 2, 1, 1]);
  });

  it('is not made any more for a driver that was closed', async () => {
    const { fake, http, get } = await start();
    await get();
    await http.close();
    expect(await get().catch(String)).to.include('its connection was closed');
    expect(fake.requests).to.have.length(1);
  });

  it('carries what two ask at once on two', async () => {
    const { fake, get } = await start();
    await Promise.all([get(), get()]);
    await get();
    expect(fake.places).to.deep.equal([1, 1, 2]);
  });
});
