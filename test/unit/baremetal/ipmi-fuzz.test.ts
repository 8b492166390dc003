// IPMI's parsers on arbitrary and damaged bytes: they never throw, and they take nothing that was forged.
import { expect } from 'chai';
import { createSecretKey, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { sessionKeys, suite17, suite3 } from '../../../src/baremetal/bmc/ipmi/algorithms.ts';
import { parseBootFlags } from '../../../src/baremetal/bmc/ipmi/boot-options.ts';
import { parseDeviceId } from '../../../src/baremetal/bmc/ipmi/device.ts';
import { parseFru } from '../../../src/baremetal/bmc/ipmi/fru.ts';
import { netFns, parseReply } from '../../../src/baremetal/bmc/ipmi/message.ts';
import { openPacket, parsePacket, payloadTypes, sealPacket } from '../../../src/baremetal/bmc/ipmi/packet.ts';
import {
  isProven,
  parseAnswer,
  readChallenge,
  deriveKeys,
  readOpened,
} from '../../../src/baremetal/bmc/ipmi/rakp.ts';
import { createReceiver, parseSol } from '../../../src/baremetal/bmc/ipmi/sol.ts';

const keyOf = (text: string): KeyObject => createSecretKey(Buffer.from(text));
const buffers = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
/** One byte is changed, or the end is cut off, or something is added. */
const damage: fc.Arbitrary<(packet: Buffer) => Buffer> = fc.oneof(
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, by]) => (packet: Buffer) => {
    const copy = Buffer.from(packet);
    const place = at % copy.length;
    copy.writeUInt8(copy.readUInt8(place) ^ by, place);
    return copy;
  }),
  fc.nat().map((at) => (packet: Buffer) => packet.subarray(0, at % packet.length)),
  buffers(20)
    .filter((tail) => tail.length > 0)
    .map((tail) => (packet: Buffer) => Buffer.concat([packet, tail])),
);
const suites = fc.constantFrom(suite3, suite17);
const keysOf = (suite: typeof suite3, secret: string) => sessionKeys(suite, keyOf(secret));

const handshake = {
  suite: suite17,
  consoleId: Buffer.alloc(4, 1),
  bmcId: Buffer.alloc(4, 2),
  consoleRandom: Buffer.alloc(16, 3),
  username: Buffer.from('admin'),
  password: keyOf('secret'),
};

describe('bytes from anyone', () => {
  const parsers: readonly (readonly [what: string, parse: (bytes: Buffer) => unknown])[] = [
    ['packet', (bytes) => parsePacket(bytes)],
    ['reply', (bytes) => parseReply(bytes, { netFn: netFns.app, command: 1, data: [] }, 1)],
    ['device ID', (bytes) => parseDeviceId(bytes)],
    ['FRU record', (bytes) => parseFru(bytes)],
    ['FRU record that begins well', (bytes) => parseFru(Buffer.concat([Buffer.from([1, 0]), bytes]))],
    ['boot flags', (bytes) => parseBootFlags(bytes)],
  ];
  for (const [what, parse] of parsers) {
    it(`are no reason to throw, as a ${what}`, () => {
      fc.assert(fc.property(buffers(300), (bytes) => void parse(bytes)));
    });
  }

  it('never open a session', () => {
    fc.assert(
      fc.property(buffers(120), (bytes) => {
        const answer = parseAnswer(bytes);
        if (answer === undefined) return;
        readOpened(answer);
        const challenge = readChallenge(answer);
        if (challenge === undefined) return;
        expect(isProven(handshake, challenge)).to.equal(false);
        expect(deriveKeys(handshake, challenge).check.equals(answer.rest)).to.equal(false);
      }),
    );
  });

  it('are no reason to throw, on a serial console', () => {
    fc.assert(
      fc.property(fc.array(buffers(60)), (payloads) => {
        const take = createReceiver(() => undefined);
        for (const payload of payloads) {
          const packet = parseSol(payload);
          if (packet !== undefined) take(packet);
        }
      }),
    );
  });
});

describe('a packet of a session', () => {
  it('is taken as it was sent', () => {
    fc.assert(
      fc.property(suites, buffers(200), fc.nat(0xffffffff), (suite, payload, sequence) => {
        const to = { type: payloadTypes.ipmi, sessionId: 77, sequence };
        const packet = parsePacket(sealPacket(keysOf(suite, 'a'), to, payload, Buffer.alloc(16, 5)));
        expect(packet && openPacket(keysOf(suite, 'a'), packet)).to.deep.equal(payload);
      }),
    );
  });

  it('is not taken when it was touched', () => {
    fc.assert(
      fc.property(suites, buffers(100), damage, (suite, payload, touch) => {
        const keys = keysOf(suite, 'a');
        const to = { type: payloadTypes.ipmi, sessionId: 77, sequence: 1 };
        const original = sealPacket(keys, to, payload, Buffer.alloc(16, 5));
        const packet = parsePacket(touch(original));
        const opened = packet && openPacket(keys, packet);
        // The RMCP header is not signed, and of it only the reserved byte and the sequence number may be anything.
        if (opened !== undefined) expect(packet?.raw.subarray(4)).to.deep.equal(original.subarray(4));
      }),
      { numRuns: 2000 },
    );
  });

  it('is not taken when it was made with another key', () => {
    fc.assert(
      fc.property(suites, buffers(100), (suite, payload) => {
        const to = { type: payloadTypes.ipmi, sessionId: 77, sequence: 1 };
        const packet = parsePacket(sealPacket(keysOf(suite, 'b'), to, payload, Buffer.alloc(16, 5)));
        expect(packet && openPacket(keysOf(suite, 'a'), packet)).to.equal(undefined);
      }),
    );
  });
});
