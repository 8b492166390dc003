// What a machine's FRU record says of it (Platform Management FRU Information Storage Definition v1.0, rev 1.3).

export interface FruFields {
  readonly vendor?: string;
  readonly model?: string;
  readonly serial?: string;
}

/** Longer ones do not occur; a BMC that says so does not keep us busy. */
export const mostFruBytes = 2048;
const unit = 8;
const endOfFields = 0xc1;

/** Fields missing or in a coding that we do not read are left out. What is damaged is an empty record. */
export function parseFru(record: Buffer): FruFields {
  // Common header (section 8): where the areas begin, in units of 8 bytes; 0: not there.
  const [version, , chassis = 0, board = 0, product = 0] = record;
  if (version === undefined || (version & 0x0f) !== 1) return {};
  // Section 12: manufacturer, name, part number, version, serial number.
  const [vendor, model, , , serial] = fieldsOf(record, product, 3);
  // Section 11: the date of manufacture comes first; manufacturer, name, serial number.
  const [boardVendor, boardModel, boardSerial] = fieldsOf(record, board, 6);
  // Section 10: part number, serial number.
  const [, chassisSerial] = fieldsOf(record, chassis, 3);
  return clean({
    vendor: vendor ?? boardVendor,
    model: model ?? boardModel,
    serial: serial ?? chassisSerial ?? boardSerial,
  });
}

const clean = (fields: Readonly<Record<keyof FruFields, string | undefined>>): FruFields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** The first fields of the area at `start` (in units), the first of which is `skip` bytes into it. */
function fieldsOf(record: Buffer, start: number, skip: number): readonly (string | undefined)[] {
  const begin = start * unit;
  const end = Math.min(begin + (record[begin + 1] ?? 0) * unit, record.length);
  const fields: (string | undefined)[] = [];
  let at = begin + skip;
  while (start !== 0 && at < end && fields.length < 5) {
    const typeAndLength = record[at] ?? endOfFields;
    if (typeAndLength === endOfFields) break;
    const length = typeAndLength & 0x3f;
    if (at + 1 + length > end) break;
    fields.push(textOf(typeAndLength >> 6, record.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return fields;
}

/** Section 13: binary, BCD plus, 6-bit ASCII, 8-bit ASCII. */
function textOf(type: number, bytes: Buffer): string | undefined {
  if (type === 0) return undefined;
  const text = type === 1 ? bcdPlus(bytes) : type === 2 ? sixBit(bytes) : bytes.toString('latin1');
  // Some fill up with zeros.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '').trim() || undefined;
}

const bcdPlus = (bytes: Buffer): string =>
  [...bytes]
    .flatMap((byte) => [byte >> 4, byte & 0x0f])
    .map((digit) => '0123456789 -.???'.charAt(digit))
    .join('');

/** Four characters in three bytes, the first in the lowest bits; 0 is a space. */
function sixBit(bytes: Buffer): string {
  const count = Math.floor((bytes.length * 8) / 6);
  return Array.from({ length: count }, (_, index) => {
    const bit = index * 6;
    const two = (bytes[bit >> 3] ?? 0) | ((bytes[(bit >> 3) + 1] ?? 0) << 8);
    return String.fromCharCode(0x20 + ((two >> (bit & 7)) & 0x3f));
  }).join('');
}
