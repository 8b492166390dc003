// Whom the desk listens to: every rule of lookup, heartbeat and inspection, and what is remembered of each.
import { expect } from 'chai';
import fc from 'fast-check';
import { makeCertificate } from '../../../src/baremetal/agent/certificate.ts';
import { createDesk, type Desk, type Heartbeat } from '../../../src/baremetal/agent/desk.ts';
import type { ExpectedAgent } from '../../../src/baremetal/agent/port.ts';
import { createManualClock, type ManualClock } from '../../fakes/clock.ts';
import { realCallback, realCertificate, realInspection } from './agent-samples.ts';

const [mac, second, otherMac, foreign] = ['01', '02', '03', '09'].map((end) => `52:54:00:00:00:${end}`) as [
  string,
  string,
  string,
  string,
];
const token = 'right-token-'.repeat(4);
const peer = '10.0.0.5';
const nobody = { status: 404, fault: 'no node with this MAC address awaits an agent' };

const agent = (changes: Partial<ExpectedAgent> = {}): ExpectedAgent => ({
  ...{ uid: 'u1', name: 'n1', macs: [mac, second], boot: 'b1', token, inspecting: false },
  node: {
    uuid: 'u1',
    ...{ properties: {}, instance_info: {}, driver_info: {}, driver_internal_info: {} },
  },
  ...changes,
});
const other = agent({ uid: 'u2', name: 'n2', macs: [otherMac], token: 'other-token-'.repeat(4) });

const beat = (changes: Partial<Heartbeat> = {}): Heartbeat => ({
  ...{ uuid: 'u1', peer, callbackUrl: `https://${peer}:9999`, token, version: '10.2.0' },
  certificate: realCertificate,
  ...changes,
});
const inspected = (...macs: readonly string[]) => ({
  inventory: { interfaces: macs.map((mac_address) => ({ name: 'eth0', mac_address, ipv4_address: peer })) },
});

describe('the agents’ desk', () => {
  let clock: ManualClock;
  let news: string[];
  let desk: Desk;
  beforeEach(() => {
    clock = createManualClock();
    news = [];
    desk = createDesk({ clock, onNews: (uid) => void news.push(uid) });
    desk.expect(agent());
    desk.expect(other);
  });
  const lookup = (addresses: readonly string[], from = peer, uuid?: string) =>
    desk.lookup({ addresses, uuid, peer: from });

  describe('at a lookup', () => {
    const found: readonly [string, readonly string[], string | undefined][] = [
      ['the first MAC address', [mac], undefined],
      ['any other', [second], undefined],
      ['all of them', [mac, second], undefined],
      ['one of them among strangers', [foreign, second], undefined],
      ['its UID as well', [mac], 'u1'],
    ];
    for (const [what, addresses, uuid] of found) {
      it(`gives the token for ${what}`, () => {
        expect(lookup(addresses, peer, uuid)).to.deep.equal({ status: 200, body: agent() });
        expect(desk.heard('u1')).to.deep.equal({ lookupAt: 0 });
        expect(news).to.deep.equal(['u1']);
      });
    }

    const refused: readonly [string, readonly string[], string | undefined][] = [
      ['a MAC address of nobody', [foreign], undefined],
      ['no MAC address', [], undefined],
      ['an empty one', [''], undefined],
      ['another’s UID', [mac], 'u2'],
      ['a UID of nobody', [mac], 'u9'],
      ['the UID alone', [foreign], 'u1'],
    ];
    for (const [what, addresses, uuid] of refused) {
      it(`knows nobody, always in the same words, for ${what}`, () => {
        expect(lookup(addresses, peer, uuid)).to.deep.equal(nobody);
        expect(news).to.deep.equal([]);
      });
    }

    it('knows nobody in those words either once the agent is not awaited any more', () => {
      desk.forget('u1');
      expect(lookup([mac])).to.deep.equal(nobody);
      expect(desk.heard('u1')).to.equal(undefined);
      expect(desk.heartbeat(beat())).to.include({ status: 404 });
    });

    it('refuses MAC addresses of two nodes, and tells both', () => {
      const answer = lookup([mac, otherMac]);
      expect(answer).to.include({ status: 409 });
      expect(JSON.stringify(answer)).to.not.contain(token);
      for (const uid of ['u1', 'u2']) expect(desk.heard(uid)?.trouble).to.match(/n1 and n2/);
      expect(lookup([mac])).to.include({ status: 200 });
    });

    it('knows which machine boots as little when two nodes have its MAC address', () => {
      desk.expect(agent({ uid: 'u3', name: 'n3' }));
      expect(desk.byMac(mac)).to.equal(undefined);
      expect(desk.byMac(otherMac)?.uid).to.equal('u2');
      expect(desk.byMac(foreign)).to.equal(undefined);
      desk.scriptFetched(mac);
      expect(news).to.deep.equal([]);
    });

    it('gives the same token again to the same address, and tells nobody of it', () => {
      lookup([mac]);
      expect(lookup([second])).to.deep.equal({ status: 200, body: agent() });
      expect(news).to.deep.equal(['u1']);
    });

    it('keeps the first agent when a second one speaks from another address, and says so once', () => {
      lookup([mac]);
      for (const _ of [1, 2, 3]) expect(lookup([mac], '10.0.0.66')).to.include({ status: 409 });
      expect(desk.heard('u1')?.trouble).to.match(/second agent.*n1.*10\.0\.0\.66.*10\.0\.0\.5/);
      expect(news).to.deep.equal(['u1', 'u1']);
      expect(desk.heartbeat(beat())).to.deep.equal({ status: 202, body: undefined });
    });

    it('forgets all of that at the next boot, not at the same one', () => {
      lookup([mac]);
      desk.expect(agent({ token: 'a'.repeat(40) }));
      expect(desk.heard('u1')).to.deep.equal({ lookupAt: 0 });
      desk.expect(agent({ boot: 'b2', token: 'b'.repeat(40) }));
      expect(desk.heard('u1')).to.deep.equal({});
      expect(lookup([mac], '10.0.0.66')).to.deep.equal({
        ...{ status: 200, body: agent({ boot: 'b2', token: 'b'.repeat(40) }) },
      });
    });
  });

  describe('at a heartbeat', () => {
    it('remembers where the agent is, and tells of every one', async () => {
      lookup([mac]);
      await clock.advance(1000);
      expect(desk.heartbeat(beat())).to.deep.equal({ status: 202, body: undefined });
      await clock.advance(1000);
      expect(desk.heartbeat(beat())).to.include({ status: 202 });
      const address = { url: `https://${peer}:9999`, certificate: realCertificate, version: '10.2.0' };
      expect(desk.heard('u1')).to.deep.equal({ lookupAt: 0, heartbeatAt: 2000, address });
      expect(news).to.deep.equal(['u1', 'u1', 'u1']);
    });

    it('takes that of a real agent, and of one with an IPv6 address', () => {
      const real = { peer: '10.77.1.138', callbackUrl: realCallback };
      expect(desk.heartbeat(beat(real))).to.include({ status: 202 });
      const six = { uuid: 'u2', peer: 'fd00::5', callbackUrl: 'https://[fd00::5]:9999', token: other.token };
      expect(desk.heartbeat(beat(six))).to.include({ status: 202 });
      expect(desk.heard('u2')?.address?.url).to.equal('https://[fd00::5]:9999');
    });

    const refused: readonly [string, Partial<Heartbeat>, number, RegExp][] = [
      ['a wrong token', { token: 'wrong-token-'.repeat(4) }, 401, /wrong token/],
      ['another node’s token', { token: other.token }, 401, /wrong token/],
      ['the beginning of the token', { token: token.slice(0, -1) }, 401, /wrong token/],
      ['no token', { token: undefined }, 401, /wrong token/],
      ['an empty token', { token: '' }, 401, /wrong token/],
      ['a token that is no text', { token: [token] }, 401, /wrong token/],
      ['no callback', { callbackUrl: undefined }, 400, /callback_url/],
      ['a callback that is no URL', { callbackUrl: 'nonsense' }, 400, /callback_url/],
      ['a callback without TLS', { callbackUrl: `http://${peer}:9999` }, 400, /callback_url/],
      ['a callback with a path', { callbackUrl: `https://${peer}:9999/v1` }, 400, /callback_url/],
      ['a callback with a query', { callbackUrl: `https://${peer}:9999?a=b` }, 400, /callback_url/],
      ['a callback with a user', { callbackUrl: `https://a:b@${peer}:9999` }, 400, /callback_url/],
      ['a callback with a fragment', { callbackUrl: `https://${peer}:9999#a` }, 400, /callback_url/],
      [
        'a callback without an end',
        { callbackUrl: `https://${peer}:9999/${'x'.repeat(9999)}` },
        400,
        /callback_url/,
      ],
      [
        'another machine’s callback',
        { callbackUrl: 'https://10.0.0.6:9999' },
        400,
        /speaks from 10\.0\.0\.5/,
      ],
      ['our own loopback for a callback', { callbackUrl: 'https://127.0.0.1:6443' }, 400, /speaks from/],
      [
        'a name for a callback',
        { callbackUrl: 'https://kubernetes.default.svc' },
        400,
        /speaks from|callback_url/,
      ],
      ['no certificate', { certificate: undefined }, 400, /certificate/],
      ['a certificate that is none', { certificate: 'certainly' }, 400, /certificate/],
      [
        'a certificate without an end',
        { certificate: `-----BEGIN CERTIFICATE-----${'A'.repeat(99_999)}` },
        400,
        /too long/,
      ],
    ];
    for (const [what, changes, status, fault] of refused) {
      it(`refuses ${what}, remembers no address, and says why`, () => {
        const answer = desk.heartbeat(beat(changes));
        expect(answer).to.include({ status });
        expect('fault' in answer && answer.fault).to.match(fault);
        const heard = desk.heard('u1');
        expect(heard?.trouble).to.match(fault);
        expect(heard).to.not.have.any.keys('address', 'heartbeatAt');
        expect(JSON.stringify([answer, heard])).to.not.contain('-token-');
      });
    }

    it('knows no UID that nobody is awaited under', () => {
      expect(desk.heartbeat(beat({ uuid: 'u9' }))).to.include({ status: 404 });
      expect(news).to.deep.equal([]);
    });

    it('refuses a right token from another address than it was given to', () => {
      lookup([mac]);
      const answer = desk.heartbeat(beat({ peer: '10.0.0.66', callbackUrl: 'https://10.0.0.66:9999' }));
      expect(answer).to.include({ status: 400 });
      expect(desk.heard('u1')).to.not.have.property('address');
    });

    it('keeps the address when the callback moves', () => {
      lookup([mac]);
      desk.heartbeat(beat());
      expect(desk.heartbeat(beat({ callbackUrl: `https://${peer}:1` }))).to.include({ status: 409 });
      expect(desk.heard('u1')?.trouble).to.match(/moved from https:\/\/10\.0\.0\.5:9999 to/);
      expect(desk.heard('u1')?.address?.url).to.equal(`https://${peer}:9999`);
    });

    it('keeps the certificate when another one comes', () => {
      desk.heartbeat(beat());
      const answer = desk.heartbeat(
        beat({ certificate: makeCertificate([peer], new Date('2026-01-01')).cert }),
      );
      expect(answer).to.include({ status: 409 });
      expect(desk.heard('u1')?.address?.certificate).to.equal(realCertificate);
    });

    it('lets a machine be called at another address of its own, if it told that at its inspection', () => {
      desk.expect(agent({ boot: 'b2', inspecting: true }));
      const both = { inventory: { interfaces: [{ mac_address: mac, ipv4_address: '10.9.0.5' }] } };
      expect(desk.inspection(both, peer)).to.include({ status: 200 });
      expect(desk.heartbeat(beat({ callbackUrl: 'https://10.9.0.5:9999' }))).to.include({ status: 202 });
    });

    it('is never passed by anything but the token', () => {
      const anything = fc.record({
        ...{ token: fc.anything(), callbackUrl: fc.anything(), version: fc.anything() },
        certificate: fc.anything(),
      });
      fc.assert(
        fc.property(anything, (changes) => {
          const { status } = desk.heartbeat(beat(changes));
          return changes.token === token || status === 401;
        }),
      );
    });
  });

  describe('at an inspection', () => {
    beforeEach(() => desk.expect(agent({ boot: 'b2', inspecting: true })));

    it('takes a real one, and answers with the UID', () => {
      desk.expect(agent({ uid: 'real', name: 'real', macs: ['52:54:00:77:01:0a'], inspecting: true }));
      expect(desk.inspection(realInspection, '10.77.1.138')).to.deep.equal({
        status: 200,
        body: { uuid: 'real' },
      });
      expect(desk.heard('real')?.inspection?.inventory.vendor).to.equal('QEMU');
      expect(news).to.deep.equal(['real']);
    });

    const refused: readonly [string, unknown, number][] = [
      ['a MAC address of nobody', inspected(foreign), 404],
      ['a node that awaits no inspection', inspected(otherMac), 404],
      ['no inventory', {}, 404],
      ['nothing', undefined, 404],
      ['MAC addresses of two nodes', inspected(mac, otherMac), 409],
    ];
    for (const [what, payload, status] of refused) {
      it(`refuses ${what}`, () => {
        const answer = desk.inspection(payload, peer);
        expect(answer).to.include({ status });
        if (status === 404) expect(answer).to.deep.equal(nobody);
        expect(desk.heard('u1')).to.not.have.property('inspection');
        expect(desk.heard('u2')).to.not.have.property('inspection');
      });
    }

    it('binds the machine to its address, as a lookup does', () => {
      desk.inspection(inspected(mac), peer);
      expect(lookup([mac], '10.0.0.66')).to.include({ status: 409 });
      expect(desk.inspection(inspected(mac), '10.0.0.66')).to.include({ status: 409 });
      expect(lookup([mac])).to.include({ status: 200 });
    });

    it('takes a second one from the same address: the agent was started again', () => {
      desk.inspection(inspected(mac), peer);
      expect(desk.inspection(inspected(mac, second), peer)).to.include({ status: 200 });
      expect(desk.heard('u1')?.inspection?.inventory.nics).to.have.length(2);
    });
  });

  it('hears of a boot script once', async () => {
    desk.scriptFetched(mac);
    await clock.advance(500);
    desk.scriptFetched(second);
    desk.scriptFetched(foreign);
    expect(desk.heard('u1')).to.deep.equal({ scriptAt: 0 });
    expect(news).to.deep.equal(['u1']);
  });

  it('after a restart of the operator, goes on with the agent that its predecessor knew, and with no other', () => {
    const address = { url: `https://${peer}:9999`, certificate: realCertificate, version: '10.2.0' };
    desk.restore('u1', address);
    desk.restore('u9', address);
    expect(desk.heard('u1')).to.deep.equal({ heartbeatAt: 0, address });
    expect(desk.heartbeat(beat())).to.include({ status: 202 });
    expect(lookup([mac], '10.0.0.66')).to.include({ status: 409 });
    desk.restore('u1', { ...address, url: 'https://10.0.0.66:1' });
    expect(desk.heard('u1')?.address).to.deep.equal(address);
  });
});
