// A watch's bytes become the same events however they are cut, and broken streams break with a reason.
import { expect } from 'chai';
import fc from 'fast-check';
import { OperatorError } from '../../../src/kernel/errors.ts';
import { watchEvents } from '../../../src/kube/watch-stream.ts';

const event = fc.record({
  type: fc.constantFrom('ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'),
  object: fc.record({
    metadata: fc.record({ name: fc.string({ unit: 'grapheme' }), resourceVersion: fc.string() }),
  }),
});

async function* pieces(...texts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(typeof text === 'string' ? Buffer.from(text) : text);
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<unknown[]> {
  const events: unknown[] = [];
  for await (const each of watchEvents(bytes, 'watch hosts')) events.push(each);
  return events;
}

const failure = async (...texts: readonly string[]): Promise<unknown> =>
  collect(pieces(...texts)).catch((error: unknown) => error);

describe('watch stream', () => {
  it('yields the same events whatever pieces the bytes come in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 8 }),
        fc.array(fc.nat(600), { maxLength: 20 }),
        async (events, cuts) => {
          const bytes = Buffer.from(events.map((each) => `${JSON.stringify(each)}\n`).join(''));
          const places = [
            0,
            ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
            bytes.length,
          ];
          const cut = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
          const expected = events.map(({ type, object }) =>
            type === 'BOOKMARK'
              ? { type, resourceVersion: object.metadata.resourceVersion }
              : { type, object },
          );
          expect(await collect(pieces(...cut))).to.deep.equal(expected);
        },
      ),
    );
  });

  it('bounds the length of a line, not of the stream', async () => {
    const line = `{"type":"ADDED","object":{"metadata":{"name":"${'x'.repeat(1024 * 1024)}"}}}`;
    const chunks = Array.from({ length: 20 }, () => `\n${line}`);
    expect((await collect(pieces(...chunks))).length).to.equal(19);
  });

  it('drops half a line at the end: it will come again', async () => {
    const whole = '{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n';
    expect((await collect(pieces(whole, whole.slice(0, 20)))).length).to.equal(1);
  });

  const gone =
    '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}}\n';
  const table: readonly [string, readonly string[], string][] = [
    ['a version that is forgotten', [gone], 'Expired'],
    ['another error', ['{"type":"ERROR","object":{"code":500,"message":"etcd is away"}}\n'], 'Unavailable'],
    ['what is not JSON', ['<html>502</html>\n'], 'Unavailable'],
    ['what is JSON but no event', ['null\n'], 'Unavailable'],
    ['an unknown event', ['{"type":"PONY","object":{}}\n'], 'Unavailable'],
    ['a line without end', Array.from({ length: 18 }, () => 'x'.repeat(1024 * 1024)), 'Unavailable'],
  ];
  for (const [name, texts, reason] of table) {
    it(`breaks with ${reason} on ${name}`, async () => {
      expect(await failure(...texts))
        .to.be.instanceOf(OperatorError)
        .and.include({ kind: 'transient', reason });
    });
  }
});
