// What BMCs say, read: device ID, FRU record, boot flags, serial console.
import { expect } from 'chai';
import { parseBootFlags } from '../../../src/baremetal/bmc/ipmi/boot-options.ts';
import { parseDeviceId } from '../../../src/baremetal/bmc/ipmi/device.ts';
import { parseFru } from '../../../src/baremetal/bmc/ipmi/fru.ts';
import {
  createReceiver,
  parseSol,
  solAcknowledgement,
  type SolPacket,
} from '../../../src/baremetal/bmc/ipmi/sol.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a device ID', () => {
  it('tells maker, firmware and protocol', () => {
    // A Dell BMC: device, revision, firmware 2.45, IPMI 2.0, support, manufacturer 674, product.
    expect(parseDeviceId(hex('20 01 02 45 02 bf a2 02 00 00 01'))).to.deep.equal({
      protocolVersion: '2.0',
      vendor: 'Dell',
      firmwareVersion: '2.45',
    });
  });

  it('without a name for its maker has none', () => {
    expect(parseDeviceId(hex('20 81 89 08 51 bf ff ff 0f 00 01'))).to.deep.equal({
      protocolVersion: '1.5',
      firmwareVersion: '9.08',
    });
  });

  it('that is cut off tells what is left of it', () => {
    expect(parseDeviceId(hex('20 01 02'))).to.deep.equal({});
  });
});

describe('a FRU record', () => {
  /** A field of 8-bit text. */
  const field = (text: string): string =>
    Buffer.from([0xc0 | text.length, ...Buffer.from(text)]).toString('hex');
  const area = (head: string, ...fields: readonly string[]): Buffer => {
    const body = hex(`${head} ${fields.join('')} c1`);
    const padded = Buffer.alloc(Math.ceil((body.length + 1) / 8) * 8);
    body.copy(padded);
    padded.writeUInt8(padded.length / 8, 1);
    return padded;
  };
  const product = area(
    '01 00 19',
    field('DELL'),
    field('PowerEdge R640'),
    field('P1'),
    field('A00'),
    field('S3Z1NX0K'),
  );
  const board = area('01 00 19 00 00 00', field('Foxconn'), field('0H28RR'), field('B7'));
  const chassis = area('01 00 17', field('CH1'), field('C9'));

  it('names the product before the board', () => {
    const record = Buffer.concat([
      hex('01 00 00 01'),
      Buffer.from([1 + board.length / 8]),
      hex('00 00 00'),
      board,
      product,
    ]);
    expect(parseFru(record)).to.deep.equal({ vendor: 'DELL', model: 'PowerEdge R640', serial: 'S3Z1NX0K' });
  });

  it('names the board where it has no product, and the chassis by its serial number', () => {
    const record = Buffer.concat([
      hex('01 00 01'),
      Buffer.from([1 + chassis.length / 8]),
      hex('00 00 00 00'),
      chassis,
      board,
    ]);
    expect(parseFru(record)).to.deep.equal({ vendor: 'Foxconn', model: '0H28RR', serial: 'C9' });
  });

  it('is read in BCD plus and in 6-bit ASCII', () => {
    // 6-bit: "IPMI" is 29 DC A6 (the definition's own example, section 13.1); BCD: 12-4.
    const packed = area('01 00 19', '83 29dca6', '42 12b4', field(''), field(''), field(' S1 '));
    const record = Buffer.concat([hex('01 00 00 00 01 00 00 00'), packed]);
    expect(parseFru(record)).to.deep.equal({ vendor: 'IPMI', model: '12-4', serial: 'S1' });
  });

  for (const [what, record] of [
    ['empty', Buffer.alloc(0)],
    ['erased', Buffer.alloc(64, 0xff)],
    ['cut off', hex('01 00 00 00 01 00 00 00 01 05 19 c4 44')],
  ] as const) {
    it(`that is ${what} says nothing`, () => expect(parseFru(record)).to.deep.equal({}));
  }
});

describe('boot flags', () => {
  const cases: readonly (readonly [what: string, data: string, expected: object | undefined])[] = [
    ['that are not valid', '01 05 60 04 00 00 00', undefined],
    ['without a device', '01 05 80 00 00 00 00', undefined],
    ['of another parameter', '01 03 e0 04 00 00 00', undefined],
    ['cut off', '01 05 e0', undefined],
    ['for good', '01 05 e0 04 00 00 00', { device: 'Network', mode: 'UEFI', persistent: true }],
    ['that are locked', '01 85 80 08 00 00 00', undefined],
  ];
  for (const [what, data, expected] of cases) {
    it(what, () => expect(parseBootFlags(hex(data))).to.deep.equal(expected));
  }
});

describe('the serial console', () => {
  const packet = (text: string): SolPacket => {
    const parsed = parseSol(hex(text));
    if (parsed === undefined) throw new Error('no packet');
    return parsed;
  };
  const printed = (...packets: readonly string[]): string => {
    let text = '';
    const take = createReceiver((piece) => {
      text += piece;
    });
    for (const each of packets) take(packet(each));
    return text;
  };

  it('prints what comes', () => expect(printed('01 00 00 00 6869', '02 00 00 00 21')).to.equal('hi!'));
  it('prints what comes twice once', () =>
    expect(printed('01 00 00 00 6869', '01 00 00 00 6869')).to.equal('hi'));
  it('prints what a repeated packet has more than the first', () =>
    expect(printed('01 00 00 00 6869', '01 00 00 00 68692121', '02 00 00 00 0a')).to.equal('hi!!\n'));
  it('prints nothing of a mere acknowledgement', () => expect(printed('00 03 00 00 6869')).to.equal(''));
  it('puts a character together that came in two packets', () =>
    expect(printed('01 00 00 00 e2', '02 00 00 00 82ac')).to.equal('€'));
  it('is acknowledged by number and length', () =>
    expect(solAcknowledgement(packet('0b 00 00 00 686921'))).to.deep.equal(hex('00 0b 03 00')));
  it('ends when the BMC says so', () => {
    expect([packet('00 00 00 10').ended, packet('00 00 00 20').ended]).to.deep.equal([true, false]);
  });
});
