// What an IPMI login and its packets look like, against sums made by other code than ours.
import { expect } from 'chai';
import { createSecretKey, type KeyObject } from 'node:crypto';
import { sessionKeys, suite17, suite3 } from '../../../src/baremetal/bmc/ipmi/algorithms.ts';
import { encodeRequest, netFns, parseReply } from '../../../src/baremetal/bmc/ipmi/message.ts';
import { openPacket, parsePacket, payloadTypes, sealPacket } from '../../../src/baremetal/bmc/ipmi/packet.ts';
import { isProven, rakp1, rakp3, deriveKeys } from '../../../src/baremetal/bmc/ipmi/rakp.ts';
import { createSequenceWindow } from '../../../src/baremetal/bmc/ipmi/window.ts';
import { vectors } from '../../fakes/ipmi-vectors.ts';

const keyOf = (text: string): KeyObject => createSecretKey(Buffer.from(text));
const bytes = (from: number, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, index) => from + index));

for (const vector of vectors) {
  describe(`cipher suite ${vector.suite}`, () => {
    const suite = vector.suite === 17 ? suite17 : suite3;
    const known = {
      suite,
      consoleId: Buffer.from('a4a3a2a1', 'hex'),
      bmcId: Buffer.from('02000000', 'hex'),
      consoleRandom: bytes(0, 16),
      username: Buffer.from('admin'),
      password: keyOf('correct horse bat 20'),
    };
    const proof = Buffer.from(vector.rakp2, 'hex');
    const challenge = { bmcRandom: bytes(0x40, 16), bmcGuid: bytes(0x80, 16), proof };
    const { keys, check } = deriveKeys(known, challenge);

    it('proves the password on both sides', () => {
      expect(isProven(known, challenge)).to.equal(true);
      expect(rakp3(9, known, challenge).toString('hex')).to.equal(`0900000002000000${vector.rakp3}`);
    });

    it('takes no proof of another password', () => {
      expect(isProven({ ...known, password: keyOf('correct horse bat 21') }, challenge)).to.equal(false);
    });

    it('has the keys of the session', () => {
      expect(keys.integrity.export().toString('hex')).to.equal(vector.k1);
      expect(keys.confidentiality.export().toString('hex')).to.equal(vector.k2);
    });

    it('knows what RAKP 4 must carry', () => {
      expect(check.toString('hex')).to.equal(vector.rakp4);
    });

    it('makes and reads packets', () => {
      const message = encodeRequest({ netFn: netFns.chassis, command: 1, data: [] }, 5);
      expect(message.toString('hex')).to.equal(vector.message);
      const to = { type: payloadTypes.ipmi, sessionId: 2, sequence: 7 };
      const packet = sealPacket(keys, to, message, bytes(0xf0, 16));
      expect(packet.toString('hex')).to.equal(vector.packet);
      const parsed = parsePacket(packet);
      expect(parsed).to.include({ ...to, encrypted: true, authenticated: true });
      expect(parsed && openPacket(keys, parsed)).to.deep.equal(message);
    });

    it('encrypts texts of every length', () => {
      const session = sessionKeys(suite, keyOf('key'));
      for (let length = 0; length < 70; length += 1) {
        const to = { type: payloadTypes.sol, sessionId: 1, sequence: 1 };
        const packet = parsePacket(sealPacket(session, to, bytes(0, length), bytes(1, 16)));
        expect(packet && openPacket(session, packet)).to.deep.equal(bytes(0, length));
      }
    });
  });
}

describe('an IPMI login', () => {
  it('asks for an administrator, by name alone', () => {
    const known = {
      suite: suite17,
      consoleId: bytes(1, 4),
      bmcId: bytes(5, 4),
      consoleRandom: bytes(0x10, 16),
      username: Buffer.from('root'),
      password: keyOf('secret'),
    };
    expect(rakp1(3, known).toString('hex')).to.equal(
      `0300000005060708${bytes(0x10, 16).toString('hex')}14000004${Buffer.from('root').toString('hex')}`,
    );
  });
});

describe('a reply', () => {
  const request = { netFn: netFns.chassis, command: 1, data: [] } as const;
  const sum = (part: readonly number[]): number => -part.reduce((total, byte) => total + byte, 0) & 0xff;
  const reply = (
    change: { to?: number; netFn?: number; sequence?: number; command?: number } = {},
  ): Buffer => {
    const head = [change.to ?? 0x81, (change.netFn ?? 1) << 2];
    const body = [0x20, (change.sequence ?? 5) << 2, change.command ?? 1, 0, 0x21, 0x10];
    return Buffer.from([...head, sum(head), ...body, sum(body)]);
  };
  it('is read', () => {
    expect(parseReply(reply(), request, 5)).to.deep.equal({ completion: 0, data: Buffer.from([0x21, 0x10]) });
  });
  for (const [what, change] of [
    ['an older request', { sequence: 4 }],
    ['another command', { command: 2 }],
    ['another network function', { netFn: 7 }],
    ['somebody else', { to: 0x82 }],
  ] as const) {
    it(`to ${what} is dropped`, () => expect(parseReply(reply(change), request, 5)).to.equal(undefined));
  }
  it('with a wrong checksum is dropped', () => {
    for (const at of [2, 8, 9]) {
      const damaged = reply();
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      expect(parseReply(damaged, request, 5)).to.equal(undefined);
    }
  });
});

describe('the window of sequence numbers', () => {
  const cases: readonly (readonly [
    what: string,
    numbers: readonly number[],
    accepted: readonly boolean[],
  ])[] = [
    ['takes what comes in order', [1, 2, 3], [true, true, true]],
    ['takes nothing twice', [1, 1, 2, 1, 2], [true, false, true, false, false]],
    ['takes what is late, once', [5, 3, 4, 3], [true, true, true, false]],
    ['drops what is more than 15 late', [20, 5, 4], [true, true, false]],
    ['goes on after a gap of any size', [1, 500_000, 499_999, 1], [true, true, true, false]],
    [
      'goes round',
      [0x7fffffff, 0xfffffffe, 0xffffffff, 1, 0xffffffff, 2],
      [true, true, true, true, false, true],
    ],
    ['takes no 0, which is outside of a session', [0, 1, 0], [false, true, false]],
  ];
  for (const [what, numbers, accepted] of cases) {
    it(what, () => {
      const window = createSequenceWindow();
      expect(numbers.map((number) => window.accept(number))).to.deep.equal(accepted);
    });
  }
});
