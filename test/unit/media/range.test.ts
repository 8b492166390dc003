// Which part of a file a request gets, and which bytes of an ISO are replaced.
import { expect } from 'chai';
import fc from 'fast-check';
import { argumentBytes } from '../../../src/api/media.ts';
import { overlaid } from '../../../src/media/overlay.ts';
import { wantedOf } from '../../../src/media/range.ts';

const version = { etag: '"v1"', lastModified: 'Sat, 21 Nov 2026 13:00:00 GMT' };
const whole = { kind: 'whole' };
const part = (start: number, end: number) => ({ kind: 'part', start, end });

describe('ranges of a file of 1,000 bytes', () => {
  const cases: readonly [string, string | undefined, string | undefined, unknown][] = [
    ['no range', undefined, undefined, whole],
    ['the first bytes', 'bytes=0-99', undefined, part(0, 100)],
    ['one byte', 'bytes=0-0', undefined, part(0, 1)],
    ['from the middle on', 'bytes=500-', undefined, part(500, 1000)],
    ['the last bytes', 'bytes=-10', undefined, part(990, 1000)],
    ['more last bytes than there are', 'bytes=-5000', undefined, part(0, 1000)],
    ['beyond the end is cut', 'bytes=990-2000', undefined, part(990, 1000)],
    ['behind the end', 'bytes=1000-', undefined, { kind: 'beyond' }],
    ['no last bytes', 'bytes=-0', undefined, { kind: 'beyond' }],
    ['backwards is ignored', 'bytes=9-5', undefined, whole],
    ['several are ignored', 'bytes=0-1,5-6', undefined, whole],
    ['nonsense is ignored', 'bytes=-', undefined, whole],
    ['another unit is ignored', 'lines=0-1', undefined, whole],
    ['the same version', 'bytes=0-99', '"v1"', part(0, 100)],
    ['the same date', 'bytes=0-99', version.lastModified, part(0, 100)],
    ['another version gets all of it', 'bytes=0-99', '"v0"', whole],
    ['a weak version is none', 'bytes=0-99', 'W/"v1"', whole],
  ];
  for (const [name, range, ifRange, expected] of cases) {
    it(name, () => expect(wantedOf(range, ifRange, 1000, version)).to.deep.equal(expected));
  }
});

describe('an ISO with arguments in it', () => {
  it('is, in every range, what replacing its region would make of it', () => {
    const size = 20_000;
    const region = 8192;
    const original = Buffer.alloc(size, 'o');
    const replaced = Buffer.from(original);
    argumentBytes('console=ttyS0').copy(replaced, region);
    fc.assert(
      fc.property(fc.nat(size), fc.nat(size), (a, b) => {
        const span = { start: Math.min(a, b), end: Math.max(a, b) };
        const pieces = overlaid(span, region, 'console=ttyS0').map((piece) =>
          piece instanceof Uint8Array ? piece : original.subarray(piece.start, piece.end),
        );
        expect(Buffer.concat(pieces).equals(replaced.subarray(span.start, span.end))).to.equal(true);
      }),
    );
  });
});
