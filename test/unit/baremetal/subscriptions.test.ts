// Events of BMCs, from the subscription to the look: our Redfish fake, the room and its real listeners; time is moved by hand.
import { once } from 'node:events';
import { request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import { bareMetalNodes, type BareMetalNodeSpec } from '../../../src/api/baremetalnode.gen.ts';
import { annotations } from '../../../src/api/names.ts';
import { createBmcConnector } from '../../../src/baremetal/bmc/connect.ts';
import type { ProvisioningServices } from '../../../src/baremetal/controller.ts';
import { createProvisioning } from '../../../src/baremetal/provisioning.ts';
import { eventToken, isEventToken } from '../../../src/baremetal/subscriptions.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import { createFakeKube, type FakeKube } from '../../fakes/kube.ts';
import { startFakeRedfish, type FakeRedfish, type RedfishQuirks } from '../../fakes/redfish.ts';
import { namespace } from './objects.ts';
import { createRoom, type Room } from './room.ts';
import { annotate, edit, enrol, minute, remove } from './users.ts';

interface Site {
  readonly fake: FakeRedfish;
  readonly room: Room;
  /** The machine's power changes behind the operator's back, and its BMC posts that to all who subscribed. */
  plug(power: 'On' | 'Off'): Promise<readonly number[]>;
  /** The operator's process ends, and another one begins. */
  restart(): Promise<void>;
}

const redfishCalls = ({ requests }: FakeRedfish, pattern: RegExp): number =>
  requests.filter((line) => pattern.test(line)).length;
const subscribing = /POST .*\/Subscriptions$/;
const readingSystem = /^GET \/redfish\/v1\/Systems\/1$/;

describe('events of a Redfish BMC', () => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  /** Our real listeners, with the same certificate each time. */
  async function listeners(): Promise<(kept: FakeKube) => ProvisioningServices> {
    const port = await freePort();
    return (kept) => {
      const services = createProvisioning({
        client: kept.client,
        cache: kept.cache,
        clock: systemClock,
        log: silentLogger,
        agentUrl: `https://127.0.0.1:${port}`,
        agentListen: { host: '127.0.0.1', port },
        bootListen: { host: '127.0.0.1', port: 0 },
        label: { show: () => Promise.resolve(), hide: () => Promise.resolve() },
        slots: 1,
        namespace,
      });
      closers.push(() => services.finish());
      return services;
    };
  }

  async function site(
    quirks: Partial<RedfishQuirks> = {},
    spec: Partial<BareMetalNodeSpec> = {},
  ): Promise<Site> {
    const fake = await startFakeRedfish(quirks);
    closers.push(() => fake.close());
    const listen = await listeners();
    const secretsKept = createFakeKube(systemClock);
    let services: ProvisioningServices | undefined;
    const room = createRoom({
      connector: createBmcConnector,
      provisioning: () => (services = listen(secretsKept)),
    });
    const listening = async (): Promise<void> => {
      while (services?.eventUrl?.('uid') === undefined) await new Promise(setImmediate);
    };
    await listening();
    const bmc = { address: `${fake.address}/redfish/v1/Systems/1`, credentialsName: 'node1-bmc' };
    enrol(room, { bmc, ...spec });
    await room.pass(minute);
    expect(room.node()?.status).to.include({ state: 'available', power: 'Off' });
    return {
      fake,
      room,
      async plug(power) {
        fake.setPower(power);
        return Promise.all([...fake.subscriptions.values()].map(({ destination }) => post(destination)));
      },
      async restart() {
        await services?.finish();
        room.restart();
        await listening();
      },
    };
  }

  it('has the power seen within a second, and not at the next poll', async () => {
    const { room, plug } = await site();
    for (const power of ['On', 'Off', 'On'] as const) {
      await room.pass(10_000);
      expect(await plug(power)).to.deep.equal([204]);
      await room.pass(1_000);
      expect(room.node()?.status?.power).to.equal(power);
    }
  });

  it('is subscribed to once, in the session that there is, and again only where it was lost', async () => {
    const { fake, room } = await site();
    const looks = redfishCalls(fake, /Subscriptions/);
    await room.pass(30 * minute);
    expect(redfishCalls(fake, /Subscriptions/)).to.equal(looks);
    expect([fake.subscriptions.size, redfishCalls(fake, subscribing), fake.open.size]).to.deep.equal([
      1, 1, 1,
    ]);
    fake.subscriptions.clear();
    await room.pass(6 * 60 * minute);
    expect(fake.subscriptions.size).to.equal(1);
  });

  it('is found subscribed to by the next process, which is told as well', async () => {
    const { fake, room, plug, restart } = await site();
    await restart();
    await room.pass(minute);
    expect(redfishCalls(fake, subscribing)).to.equal(1);
    expect(await plug('On')).to.deep.equal([204]);
    await room.pass(1_000);
    expect(room.node()?.status?.power).to.equal('On');
  });

  it('has it asked once a second at most, and less often where all events are in vain', async () => {
    const { fake, room, plug } = await site();
    const asked = async (seconds: number): Promise<number> => {
      const before = redfishCalls(fake, readingSystem);
      for (let gone = 0; gone < seconds * 4; gone += 1) {
        await plug('Off');
        await room.pass(250);
      }
      return redfishCalls(fake, readingSystem) - before;
    };
    expect(await asked(5)).to.be.within(4, 7);
    await asked(60);
    expect(await asked(60)).to.be.within(1, 5);
  });

  it('that has none is well without them', async () => {
    const { fake, room } = await site({ events: 'none' });
    await room.pass(20 * minute);
    expect([fake.subscriptions.size, room.node()?.status?.state]).to.deep.equal([0, 'available']);
  });

  it('that refuses for good is asked once', async () => {
    const { fake, room } = await site({}, { maintenance: true });
    fake.refusals.push(...Array.from({ length: 9 }, () => ({ status: 403, id: 'X.1.0.NotLicensed' })));
    await edit(room, { maintenance: false });
    await room.pass(60 * minute);
    expect([fake.subscriptions.size, redfishCalls(fake, subscribing)]).to.deep.equal([0, 1]);
  });

  it('that refuses for now fails nothing, and is tried again after ten minutes', async () => {
    const { fake, room } = await site({}, { maintenance: true });
    fake.refusals.push(...Array.from({ length: 5 }, () => ({ status: 500, id: 'X.1.0.InternalError' })));
    await edit(room, { maintenance: false });
    await room.pass(5 * minute);
    expect([fake.subscriptions.size, room.node()?.status?.state]).to.deep.equal([0, 'available']);
    fake.refusals.length = 0;
    await room.pass(6 * minute);
    expect(fake.subscriptions.size).to.equal(1);
  });

  for (const [who, spec] of [
    ['in maintenance', { maintenance: true }],
    ['of somebody else', { consumerRef: { kind: 'Machine', name: 'm', apiVersion: 'v1' } }],
  ] as const) {
    it(`is not subscribed to on a node ${who}`, async () => {
      const { fake, room } = await site({}, spec);
      await room.pass(20 * minute);
      expect(fake.subscriptions.size).to.equal(0);
    });
  }

  it('is not subscribed to by a leader without time to spare', async () => {
    const { fake, room } = await site({}, { maintenance: true });
    room.lease = 5_000;
    await edit(room, { maintenance: false });
    await room.pass(minute);
    expect(fake.subscriptions.size).to.equal(0);
  });

  it('is given back when the node goes', async () => {
    const { fake, room } = await site();
    await remove(room, bareMetalNodes, 'node1');
    await room.pass(minute);
    expect([room.node(), fake.subscriptions.size]).to.deep.equal([undefined, 0]);
  });

  it('does not hold up a node that goes, when the BMC has fallen silent', async () => {
    const { fake, room } = await site();
    fake.faults.push(...Array.from({ length: 9 }, () => 'hang up' as const));
    await remove(room, bareMetalNodes, 'node1');
    await room.pass(10_000);
    expect(room.node()).to.equal(undefined);
    fake.faults.length = 0;
  });

  it('is left as it is on a node that was detached before it goes', async () => {
    const { fake, room } = await site();
    await annotate(room, { [annotations.detach]: 'node1' });
    await room.pass(1_000);
    const before = fake.requests.length;
    await remove(room, bareMetalNodes, 'node1');
    await room.pass(minute);
    expect(room.node()).to.equal(undefined);
    expect(fake.requests.slice(before).filter((line) => line.includes('Subscriptions'))).to.deep.equal([]);
  });

  describe('on their way to us', () => {
    let destination: string;
    beforeEach(async () => {
      const { fake } = await site();
      destination = [...fake.subscriptions.values()][0]?.destination ?? '';
    });

    const last = (url: string): string => url.slice(url.lastIndexOf('/') + 1);
    const cases: readonly [string, number, (url: string) => string, string?, string?][] = [
      ['an event', 204, (url) => url],
      ['one that is no JSON', 204, (url) => url, 'POST', 'power off!'],
      ['one that is too large', 413, (url) => url, 'POST', 'x'.repeat(70_000)],
      ['one with another token', 404, (url) => url.replace(last(url), 'ab'.repeat(16))],
      ['one with no token', 404, (url) => url.replace(`/${last(url)}`, '')],
      ['one with the token of another node', 404, (url) => url.replace('/v1/events/', '/v1/events/x')],
      ['another method', 405, (url) => url, 'GET'],
    ];
    for (const [what, status, change, method, body] of cases) {
      it(`${what} gets ${status}`, async () => {
        expect(await post(change(destination), method, body)).to.equal(status);
      });
    }
  });
});

describe('an event’s token', () => {
  it('is the same for the same key and node, and for no other', () => {
    const token = eventToken('key', 'uid');
    expect(token).to.match(/^[0-9a-f]{32}$/);
    expect(
      [
        ['key', 'uid', token],
        ['key', 'uid2', token],
        ['key2', 'uid', token],
        ['key', 'uid', token.slice(1)],
        ['key', 'uid', ''],
      ].map(([key = '', uid = '', given = '']) => isEventToken(key, uid, given)),
    ).to.deep.equal([true, false, false, false, false]);
  });
});

/** The status of the answer. BMCs do not verify us by default (DSP0268, EventDestination.VerifyCertificate). */
async function post(url: string, method = 'POST', body = '{"Events":[]}'): Promise<number> {
  const sent = request(url, { method, rejectUnauthorized: false, agent: false });
  const answered = once(sent, 'response');
  sent.end(method === 'GET' ? undefined : body);
  const [response] = (await answered) as [{ readonly statusCode: number; resume(): void }];
  response.resume();
  return response.statusCode;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
