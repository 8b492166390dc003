// What a log line looks like, and what must never stand in one.
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { createLogging, type LoggingOptions } from '../../../src/kernel/logging.ts';
import { createRedactor } from '../../../src/kernel/redact.ts';
import { createManualClock } from '../../fakes/clock.ts';

const redactor = createRedactor();
redactor.register('hunter22');
redactor.register('ab');

async function logged(
  options: Partial<LoggingOptions>,
  write: (log: ReturnType<typeof createLogging>['log']) => void,
) {
  const stream = new PassThrough();
  const logging = createLogging({
    level: 'info',
    format: 'json',
    stream,
    clock: createManualClock(),
    redactor,
    ...options,
  });
  write(logging.log);
  await logging.close();
  return String(stream.read() ?? '');
}

describe('log', () => {
  it('is one JSON document per line, with the fields of its loggers', async () => {
    const text = await logged({}, (log) => {
      log.child({ controller: 'host' }).child({ name: 'a' }).info('Reconciled', { level: 'fake', ms: 3 });
      log.warn('Second');
    });
    const [first, second, rest] = text.split('\n');
    expect(JSON.parse(first ?? '')).to.deep.equal({
      time: '2026-01-01T00:00:00.000Z',
      level: 'info',
      message: 'Reconciled',
      controller: 'host',
      name: 'a',
      ms: 3,
    });
    expect(JSON.parse(second ?? '')).to.include({ level: 'warn', message: 'Second' });
    expect(rest).to.equal('');
  });

  it('is easy to read for people', async () => {
    const text = await logged({ format: 'text' }, (log) =>
      log.error('Reconcile failed', { name: 'a', error: 'no "b"' }),
    );
    expect(text).to.equal('00:00:00.000 ERROR Reconcile failed name=a error="no \\"b\\""\n');
  });

  it('leaves out what is below its level', async () => {
    const text = await logged({ level: 'warn' }, (log) => {
      log.debug('1');
      log.info('2');
      log.warn('3');
    });
    expect(text).to.match(/^[^\n]*"3"[^\n]*\n$/);
  });

  it('survives what cannot be written as it stands', async () => {
    const circle: Record<string, unknown> = { big: 10n };
    circle.self = circle;
    expect(await logged({}, (log) => log.info('Odd', { circle }))).to.include('"big":"10"');
  });
});

describe('redaction', () => {
  const table: readonly [string, unknown, unknown][] = [
    [
      'a field named like a secret',
      { password: 'x', bmcPassword: 'y', privateKey: 'z', Authorization: 'b' },
      {
        password: '[redacted]',
        bmcPassword: '[redacted]',
        privateKey: '[redacted]',
        Authorization: '[redacted]',
      },
    ],
    [
      'not a field that names an object',
      { credentialsName: 'bmc-1', keyName: 'ssh' },
      { credentialsName: 'bmc-1', keyName: 'ssh' },
    ],
    ['a known secret inside a text', 'ssh said hunter22!', 'ssh said [redacted]!'],
    ['a known secret deep inside', { a: [{ b: 'hunter22' }] }, { a: [{ b: '[redacted]' }] }],
    [
      'a known secret in an error',
      { error: new Error('bad password hunter22') },
      { error: 'bad password [redacted]' },
    ],
    ['not a secret too short to be told from words', 'ab initio', 'ab initio'],
  ];
  for (const [name, given, expected] of table) {
    it(`blanks out ${name}`.replace('blanks out not', 'keeps'), () =>
      expect(redactor.clean(given)).to.deep.equal(expected),
    );
  }
});
