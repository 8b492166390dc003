// The native IPMI driver's logins and sessions, on a network that loses packets.
import { expect } from 'chai';
import { payloadTypes } from '../../../src/baremetal/bmc/ipmi/packet.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { settle } from '../../fakes/clock.ts';
import type { FakeIpmi } from '../../fakes/ipmi.ts';
import { explain, rigOf } from '../../fakes/ipmi-rig.ts';

const { signal } = new AbortController();
const permit = (): void => undefined;

/** True for all packets of a kind but for those whose turn, counted from 1, is in `lost`. */
function losing(type: number, ...lost: readonly number[]): (packet: Buffer) => boolean {
  let turn = 0;
  return (packet) => {
    if ((packet.readUInt8(5) & 0x3f) !== type) return true;
    turn += 1;
    return !lost.includes(turn);
  };
}
const first = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('the native IPMI driver', () => {
  it('logs in at the first command, and stays', async () => {
    const { fake, bmc } = rigOf({ power: true });
    expect(await bmc.power(signal)).to.equal('On');
    fake.power = false;
    expect(await bmc.power(signal)).to.equal('Off');
    expect(fake.log).to.deep.equal(['open', 'RAKP 1', 'RAKP 3', '06 3b', '00 01', '00 01']);
  });

  it('gives its session and its line back', async () => {
    const { fake, line, bmc, clock } = rigOf();
    await bmc.power(signal);
    await bmc.close();
    expect([fake.sessions(), line.open, clock.pending()]).to.deep.equal([0, 0, 0]);
  });

  it('ends in time when the BMC is gone by then', async () => {
    const { line, bmc, result } = rigOf();
    await bmc.power(signal);
    line.toBmc = () => false;
    expect(await result(bmc.close())).to.equal(undefined);
    expect(line.open).to.equal(0);
  });

  describe('tells apart', () => {
    const cases: readonly (readonly [
      what: string,
      start: Partial<FakeIpmi>,
      login: { username?: string; password?: string },
      error: RegExp,
      logins: number,
    ])[] = [
      ['a wrong password, in one login', {}, { password: 'wrong' }, /^BMCAuthFailed.*another password/, 1],
      ['an unknown user, in one login', {}, { username: 'who' }, /^BMCAuthFailed.*unknown user/, 1],
      [
        'a password that is too long, without a login',
        {},
        { password: 'x'.repeat(21) },
        /^BMCAuthFailed.*longer than 20/,
        0,
      ],
      [
        'a user name that is too long, without a login',
        {},
        { username: 'x'.repeat(17) },
        /^BMCAuthFailed.*longer than 16/,
        0,
      ],
      ['a BMC without our suites', { suites: [] }, {}, /^BMCRefused.*neither cipher suite 17 nor 3/, 2],
      ['a user who is no administrator', { rakp2Status: 0x0a }, {}, /^BMCRefused.*no administrator/, 2],
      ['a user who cannot become one', { privilegeCompletion: 0x81 }, {}, /^BMCRefused.*no administrator/, 1],
      ['a BMC without a session to give', { openStatus: 0x01 }, {}, /^BMCBusy.*no session free/, 1],
      ['a BMC that refuses for no reason of its own', { openStatus: 0x0e }, {}, /^BMCRefused.*0x0e/, 1],
    ];
    for (const [what, start, login, error, logins] of cases) {
      it(what, async () => {
        const { fake, bmc } = rigOf(start, login);
        expect(await bmc.power(signal).catch(explain)).to.match(error);
        expect(fake.logins).to.equal(logins);
      });
    }

    it('a dead BMC', async () => {
      const { line, bmc, result } = rigOf();
      line.toBmc = () => false;
      expect(await result(bmc.power(signal))).to.match(/^BMCUnreachable.*silence/);
    });

    it('a network that does not let us send, at once', async () => {
      const { line, bmc, clock } = rigOf();
      line.fail = new Error('send ENETUNREACH');
      expect(await bmc.power(signal).catch(explain)).to.match(/^BMCUnreachable.*ENETUNREACH/);
      expect(clock.monotonic()).to.equal(0);
    });

    it('a BMC that is busy and stays so', async () => {
      const { bmc, result } = rigOf({ completions: [0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0] });
      expect(await result(bmc.power(signal))).to.match(/^BMCBusy.*node busy/);
    });
  });

  it('waits for a BMC that is busy', async () => {
    const { bmc, result } = rigOf({ power: true, completions: [0, 0xc0, 0xc3] });
    expect(await result(bmc.power(signal))).to.equal('On');
  });

  it('has no password in its errors', async () => {
    const { bmc } = rigOf({}, { password: 'geheim-7' });
    const error = asOperatorError(await bmc.power(signal).catch((thrown: unknown) => thrown));
    expect(`${error.message} ${error.stack ?? ''}`).not.to.include('geheim-7');
  });

  describe('in a cipher suite', () => {
    it('takes 17 where it can', async () => {
      const { bmc } = rigOf();
      expect((await bmc.inventory(signal)).bmc).to.deep.equal({
        protocol: 'IPMI',
        protocolVersion: '2.0',
        vendor: 'Dell',
        firmwareVersion: '2.45',
        cipherSuite: 17,
      });
    });

    it('falls back to 3, and begins with that from then on', async () => {
      const { fake, bmc } = rigOf({ suites: [3] });
      await bmc.power(signal);
      expect((await bmc.inventory(signal)).bmc.cipherSuite).to.equal(3);
      await bmc.close();
      fake.logins = 0;
      await bmc.power(signal);
      expect(fake.logins).to.equal(1);
    });

    it('falls back to 3 where 17 meets silence', async () => {
      const { line, bmc, result } = rigOf({ power: true });
      line.toBmc = (packet) => packet[5] !== payloadTypes.openRequest || packet[28] !== 3;
      expect(await result(bmc.power(signal))).to.equal('On');
    });

    it('finds the other when the BMC has changed', async () => {
      const { fake, bmc, result } = rigOf({ suites: [3] });
      await bmc.power(signal);
      fake.forget();
      fake.suites = [17];
      expect(await result(bmc.power(signal))).to.equal('Off');
    });
  });

  describe('when packets are lost', () => {
    const messages = [
      ['open session request', payloadTypes.openRequest, 'toBmc'],
      ['open session response', payloadTypes.openReply, 'toUs'],
      ['RAKP 1', payloadTypes.rakp1, 'toBmc'],
      ['RAKP 2', payloadTypes.rakp2, 'toUs'],
      ['RAKP 3', payloadTypes.rakp3, 'toBmc'],
      ['command', payloadTypes.ipmi, 'toBmc'],
      ['reply', payloadTypes.ipmi, 'toUs'],
    ] as const;
    for (const [what, type, way] of messages) {
      it(`gets over three times no ${what}`, async () => {
        const { line, bmc, result } = rigOf({ power: true });
        line[way] = losing(type, ...first(3));
        expect(await result(bmc.power(signal))).to.equal('On');
      });
    }

    it('finds a session open whose RAKP 4 was lost for good, in one login', async () => {
      const { fake, line, bmc, result } = rigOf({ power: true, ignoresRepeatedProof: true });
      line.toUs = losing(payloadTypes.rakp4, 1);
      expect(await result(bmc.power(signal))).to.equal('On');
      expect([fake.logins, fake.sessions()]).to.deep.equal([1, 1]);
    });

    it('begins again where that session is none', async () => {
      const { fake, line, bmc, result } = rigOf({ power: true });
      line.toBmc = losing(payloadTypes.rakp3, ...first(3));
      expect(await result(bmc.power(signal))).to.equal('On');
      expect(fake.logins).to.equal(2);
    });

    it('sends a command again with the same number in a packet with another', async () => {
      const { fake, line, bmc, result } = rigOf();
      await bmc.power(signal);
      const before = line.sent.length;
      line.toUs = losing(payloadTypes.ipmi, 1, 2);
      await result(bmc.setPower('On', permit, signal));
      const numbers = line.sent.slice(before, before + 3).map((packet) => packet.readUInt32LE(10));
      expect(numbers).to.deep.equal([3, 4, 5]);
      expect(fake.log.filter((name) => name === '00 02')).to.have.length(1);
    });

    it('waits longer each time', async () => {
      const { line, bmc, clock } = rigOf();
      await bmc.power(signal);
      line.toBmc = () => false;
      const start = { sent: line.sent.length, at: clock.monotonic() };
      const times: number[] = [];
      const asked = bmc.power(signal).catch(explain);
      for (let step = 0; step < 400; step += 1) {
        await clock.advance(10);
        if (line.sent.length > start.sent + times.length) times.push(clock.monotonic() - start.at);
        if (times.length === 4) break;
      }
      const waits = times.map((at, index) => at - (times[index - 1] ?? 0)).slice(1);
      expect(waits[0]).to.be.within(490, 560);
      expect(waits[1]).to.be.within(640, 730);
      expect(waits[2]).to.be.within(835, 950);
      await clock.advance(60_000);
      await asked;
    });
  });

  describe('when its session is lost', () => {
    it('logs in again and asks again', async () => {
      const { fake, bmc, result } = rigOf();
      await bmc.power(signal);
      fake.forget();
      fake.power = true;
      expect(await result(bmc.power(signal))).to.equal('On');
      expect(fake.sessions()).to.equal(1);
    });

    it('does not take up a second slot when only the answers were lost', async () => {
      const { fake, line, bmc, result } = rigOf();
      await bmc.power(signal);
      line.toUs = losing(payloadTypes.ipmi, ...first(4));
      expect(await result(bmc.power(signal))).to.equal('Off');
      expect(fake.sessions()).to.equal(1);
    });

    it('keeps it alive while nothing is asked, and no longer than it is open', async () => {
      const { fake, bmc, clock } = rigOf();
      await bmc.power(signal);
      fake.log.length = 0;
      await clock.advance(10 * 60_000);
      expect(fake.log.length).to.be.within(12, 21);
      expect(new Set(fake.log)).to.deep.equal(new Set(['06 01']));
      await bmc.close();
      fake.log.length = 0;
      await clock.advance(10 * 60_000);
      expect(fake.log).to.deep.equal([]);
    });

    it('sends no sign of life while commands do', async () => {
      const { fake, bmc, clock } = rigOf();
      for (let minute = 0; minute < 20; minute += 1) {
        await bmc.power(signal);
        await clock.advance(25_000);
      }
      expect(fake.log).not.to.include('06 01');
    });
  });

  describe('with packets that are not the answer', () => {
    it('takes no notice of repeated, late and reordered replies', async () => {
      const { fake, line, bmc } = rigOf();
      await bmc.power(signal);
      await bmc.setPower('On', permit, signal);
      const old = [...line.received];
      const asked = bmc.power(signal);
      for (const packet of old.reverse()) line.inject(packet);
      expect(await asked).to.equal('On');
      expect(fake.log.filter((name) => name === '00 02')).to.have.length(1);
    });

    it('takes no notice of noise', async () => {
      const { line, bmc } = rigOf();
      await bmc.power(signal);
      const template = line.received.at(-1) ?? Buffer.alloc(0);
      const asked = bmc.power(signal);
      for (let length = 0; length <= template.length; length += 1) line.inject(template.subarray(0, length));
      for (let at = 0; at < template.length; at += 1) {
        const packet = Buffer.from(template);
        packet.writeUInt8(packet.readUInt8(at) ^ 0x55, at);
        line.inject(packet);
      }
      expect(await asked).to.equal('Off');
    });
  });

  it('sends one command at a time', async () => {
    const { fake, bmc } = rigOf();
    const answers = await Promise.all([bmc.power(signal), bmc.power(signal), bmc.boot(signal)]);
    expect(answers).to.deep.equal(['Off', 'Off', undefined]);
    expect(fake.logins).to.equal(1);
  });

  it('ends at once when it is called off, and works after that', async () => {
    const { line, bmc } = rigOf();
    line.toBmc = () => false;
    const stop = new AbortController();
    const asked = bmc.power(stop.signal).catch(String);
    await settle();
    stop.abort(new Error('called off'));
    expect(await asked).to.include('called off');
    line.toBmc = () => true;
    expect(await bmc.power(signal)).to.equal('Off');
  });
});
