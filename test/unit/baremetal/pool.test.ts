// The BMC pool: whose turn it is, the rest between two commands, streams beside them, connections that come and go.
import { expect } from 'chai';
import { parseBmcAddress } from '../../../src/baremetal/bmc/address.ts';
import { unreachable } from '../../../src/baremetal/bmc/errors.ts';
import { createBmcPool, type BmcPool } from '../../../src/baremetal/bmc/pool.ts';
import type { Bmc, BmcTarget } from '../../../src/baremetal/bmc/port.ts';
import { messageOf } from '../../../src/kernel/errors.ts';
import { createManualClock, settle, type ManualClock } from '../../fakes/clock.ts';
import { createFakeBmcs } from './fake-bmc.ts';

const never = new AbortController().signal;
const spacingMs = 50;
const timeoutMs = 20_000;

const target = (address: string, password = 'secret'): BmcTarget => ({
  address: parseBmcAddress(address),
  username: 'admin',
  password,
  trust: { kind: 'system' },
});
const ipmi = (index: number): BmcTarget => target(`ipmi://bmc${String(index)}`);

interface Bench {
  readonly clock: ManualClock;
  readonly pool: BmcPool;
  /** Passwords of connections that are open, in the order in which they were made. */
  readonly open: string[];
}

function bench(width = { least: 2, first: 4, most: 64 }): Bench {
  const clock = createManualClock();
  const bmcs = createFakeBmcs();
  const open: string[] = [];
  const connect = (wanted: BmcTarget): Bmc => {
    open.push(wanted.password);
    const close = (): Promise<void> => {
      open.splice(open.indexOf(wanted.password), 1);
      return Promise.resolve();
    };
    return { ...bmcs.connect(wanted), close };
  };
  return { clock, open, pool: createBmcPool({ clock, connect, width, spacingMs }) };
}

/** Runs commands of `ms` each, and tells when each of them began. */
async function begun(
  { clock, pool }: Bench,
  commands: readonly { readonly key: string; readonly to: BmcTarget }[],
  ms: number,
): Promise<readonly number[]> {
  const times: number[] = [];
  const works = commands.map(({ key, to }, index) =>
    pool.run(key, to, timeoutMs, never, async () => {
      times[index] = clock.monotonic();
      await clock.sleep(ms);
    }),
  );
  await clock.advance(60_000);
  await Promise.all(works);
  return times;
}

describe('BMC pool', () => {
  it('sends the first command to a BMC at once, and the next after a rest', async () => {
    const to = ipmi(1);
    const commands = ['a', 'a', 'a'].map((key) => ({ key, to }));
    expect(await begun(bench(), commands, 100)).to.deep.equal([0, 150, 300]);
  });

  it('lets the BMC of two nodes rest as well, and has one command in flight on it', async () => {
    const commands = ['a', 'b'].map((key) => ({
      key,
      to: target('redfish://chassis/redfish/v1/Systems/1', key),
    }));
    expect(await begun(bench(), commands, 100)).to.deep.equal([0, 150]);
  });

  it('does not make a BMC wait that has rested already', async () => {
    const { clock, pool } = bench();
    const ask = () => pool.run('a', ipmi(1), timeoutMs, never, () => Promise.resolve(clock.monotonic()));
    expect(await ask()).to.equal(0);
    await clock.advance(spacingMs);
    expect(await ask()).to.equal(50);
  });

  it('takes no slot while a BMC rests', async () => {
    const narrow = bench({ least: 1, first: 1, most: 1 });
    const commands = [1, 1, 2].map((index) => ({ key: String(index), to: ipmi(index) }));
    expect(await begun(narrow, commands, 10)).to.deep.equal([0, 60, 10]);
  });

  it('gives up the rest when the caller does', async () => {
    const { pool } = bench();
    await pool.run('a', ipmi(1), timeoutMs, never, (bmc, signal) => bmc.power(signal));
    const caller = new AbortController();
    const second = pool.run('a', ipmi(1), timeoutMs, caller.signal, () => Promise.resolve('sent'));
    await settle();
    caller.abort(new Error('stopping'));
    expect(await second.catch(messageOf)).to.equal('stopping');
  });

  it('runs no more than 32 ipmitool processes, however wide it is', async () => {
    const wide = bench({ least: 64, first: 64, most: 64 });
    const commands = Array.from({ length: 40 }, (_, index) => ({
      key: String(index),
      to: target(`ipmitool://bmc${String(index)}`),
    }));
    const times = await begun(wide, commands, 100);
    expect(times.filter((time) => time === 0)).to.have.length(32);
    expect(times.filter((time) => time === 100)).to.have.length(8);
  });
});

describe('width of the BMC pool', () => {
  const fleet = Array.from({ length: 300 }, (_, index) => ({ key: String(index), to: ipmi(index) }));

  /** Commands to the whole fleet, each ended by `end` after 100 ms; how many ran at once at most. */
  async function round(
    { clock, pool }: Bench,
    end: (key: string) => Error | undefined = () => undefined,
    ms = 100,
  ): Promise<number> {
    let running = 0;
    let most = 0;
    const works = fleet.map(({ key, to }) =>
      pool
        .run(key, to, timeoutMs, never, async () => {
          running += 1;
          most = Math.max(most, running);
          await clock.sleep(ms);
          running -= 1;
          const error = end(key);
          if (error !== undefined) throw error;
        })
        .catch(messageOf),
    );
    await clock.advance(10_000_000);
    await Promise.all(works);
    return most;
  }
  const silence = (key: string): Error => unreachable(key, 'no answer');

  it('grows while BMCs answer quickly', async () => {
    expect(await round(bench())).to.equal(64);
  });

  it('does not grow while they take more than a quarter of their time', async () => {
    expect(await round(bench(), undefined, timeoutMs / 4 + 1)).to.equal(4);
  });

  it('shrinks when BMCs that answered fall silent', async () => {
    const pool = bench();
    await round(pool);
    await round(pool, silence);
    expect(await round(pool, silence), 'what it starts the next round with').to.be.at.most(16);
  });

  it('is not narrowed by BMCs that never answered', async () => {
    const pool = bench({ least: 2, first: 32, most: 32 });
    await round(pool, silence);
    expect(await round(pool, silence)).to.equal(32);
  });

  it('is narrowed by those that fell silent only once', async () => {
    const pool = bench({ least: 2, first: 32, most: 32 });
    const half = (key: string) => (Number(key) % 2 === 0 ? silence(key) : undefined);
    await round(pool);
    await round(pool, half);
    await round(pool, half);
    await round(pool, half);
    expect(await round(pool, half)).to.equal(32);
  });
});

describe('connections of the BMC pool', () => {
  const ask = ({ pool }: Bench, password: string) =>
    pool.run('a', target('ipmi://bmc1', password), timeoutMs, never, () => Promise.resolve());

  it('are kept from one command to the next', async () => {
    const here = bench();
    await ask(here, 'secret');
    await here.clock.advance(spacingMs);
    await ask(here, 'secret');
    expect(here.open).to.deep.equal(['secret']);
  });

  it('are replaced when the login is another', async () => {
    const here = bench();
    await ask(here, 'secret');
    await here.clock.advance(spacingMs);
    await ask(here, 'rotated');
    expect(here.open).to.deep.equal(['rotated']);
  });

  it('are closed when the node is dropped, and when the pool is closed', async () => {
    const here = bench();
    await ask(here, 'secret');
    await here.pool.drop('a');
    expect(here.open).to.deep.equal([]);
    await here.clock.advance(spacingMs);
    await ask(here, 'secret');
    await here.pool.close();
    expect(here.open).to.deep.equal([]);
  });
});

describe('streams of the BMC pool', () => {
  /** A stream that ends only when it is told to. */
  const listen = ({ pool }: Bench, signal = never, password = 'secret') =>
    pool.stream(
      'a',
      target('ipmi://bmc1', password),
      signal,
      (_bmc, inner) =>
        new Promise<string>((resolve) => inner.addEventListener('abort', () => resolve('ended'))),
    );

  it('hold up no command, and share its connection', async () => {
    const here = bench({ least: 1, first: 1, most: 1 });
    const stop = new AbortController();
    const stream = listen(here, stop.signal);
    const command = here.pool.run('a', target('ipmi://bmc1'), timeoutMs, never, () =>
      Promise.resolve('done'),
    );
    expect(await command).to.equal('done');
    expect(here.open).to.deep.equal(['secret']);
    stop.abort(new Error('enough'));
    expect(await stream).to.equal('ended');
  });

  it('go on longer than any command may', async () => {
    const here = bench();
    const stop = new AbortController();
    let over = false;
    const stream = listen(here, stop.signal).finally(() => (over = true));
    await here.clock.advance(3_600_000);
    expect(over).to.equal(false);
    stop.abort();
    await stream;
  });

  it('fail when their connection is dropped', async () => {
    const here = bench();
    const stream = listen(here).catch(messageOf);
    await settle();
    await here.pool.drop('a');
    expect(await stream).to.match(/its connection was closed/);
  });

  it('fail when their login is replaced', async () => {
    const here = bench();
    const stream = listen(here).catch(messageOf);
    await settle();
    await here.pool.run('a', target('ipmi://bmc1', 'rotated'), timeoutMs, never, () => Promise.resolve());
    expect(await stream).to.match(/ipmi:\/\/bmc1 does not answer \(its connection was closed\)/);
    expect(here.open).to.deep.equal(['rotated']);
  });

  it('do not begin for a caller who has stopped', async () => {
    const here = bench();
    expect(await listen(here, AbortSignal.abort(new Error('stopped'))).catch(messageOf)).to.equal('stopped');
    expect(here.open).to.deep.equal([]);
  });
});
