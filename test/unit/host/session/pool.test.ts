// The pool: one session per host for as long as it lives, calm after failures, and quick when something changed.
import { expect } from 'chai';
import { transient, unsafe } from '../../../../src/kernel/errors.ts';
import type { OperatorError } from '../../../../src/kernel/errors.ts';
import { silentLogger } from '../../../../src/kernel/log.ts';
import type { EngineEvent, HostSession, SessionTarget } from '../../../../src/host/ports.ts';
import { FencedError } from '../../../../src/host/session/errors.ts';
import { createSessionPool } from '../../../../src/host/session/pool.ts';
import type { PoolTarget } from '../../../../src/host/session/pool.ts';
import { createManualClock, settle } from '../../../fakes/clock.ts';

const never = new AbortController().signal;
const target: PoolTarget = {
  owner: 'ns/lab/ctrl01',
  host: 'ctrl01',
  address: '10.0.0.1',
  port: 22,
  user: 'root',
  privateKey: 'key',
  hostKeys: ['ssh-ed25519 one'],
  engine: 'Podman',
};

/** A connector that makes sessions out of nothing, or fails as it is told. */
function createWorld() {
  const clock = createManualClock();
  const tried: SessionTarget[] = [];
  const live: {
    readonly session: HostSession;
    readonly over: AbortController;
    emit(event: EngineEvent): void;
  }[] = [];
  let outcome: (wanted: SessionTarget) => Promise<void> = () => Promise.resolve();
  let epoch = 1;
  let remaining = 10_000;
  const pool = createSessionPool({
    clock,
    random: () => 0,
    log: silentLogger,
    fence: {
      get epoch() {
        return epoch;
      },
      remainingMs: () => remaining,
      raiseAbove: (seen) => {
        epoch = seen + 1;
        return Promise.resolve();
      },
    },
    connector: {
      async connect(wanted, onTrusted) {
        tried.push(wanted);
        await outcome(wanted);
        if (wanted.hostKeys.length === 0) await onTrusted('ssh-ed25519 first');
        const over = new AbortController();
        const listeners: ((event: EngineEvent) => void)[] = [];
        const session = {
          facts: { hostname: '', machineId: '', bootId: '', owner: '' },
          closed: over.signal,
          onEngineEvent: (listener) => void listeners.push(listener),
          close: () => over.abort(transient('SessionClosed', 'closed by us')),
        } satisfies Partial<HostSession> as unknown as HostSession;
        live.push({ session, over, emit: (event) => listeners.forEach((listener) => listener(event)) });
        return session;
      },
    },
  });
  const closed: { readonly owner: string; readonly reason: string }[] = [];
  const events: EngineEvent[] = [];
  pool.listen({
    engineEvent: (_owner, event) => void events.push(event),
    closed: (owner, { reason }) => void closed.push({ owner, reason }),
  });
  return {
    clock,
    pool,
    tried,
    live,
    closed,
    events,
    trusted: [] as string[],
    connectAs: (next: typeof outcome) => void (outcome = next),
    loseLease: () => void (remaining = 0),
    session(change: Partial<PoolTarget> = {}, signal = never) {
      const onTrusted = (key: string) => Promise.resolve(void this.trusted.push(key));
      return pool.session({ ...target, ...change }, onTrusted, signal);
    },
    failure(change: Partial<PoolTarget> = {}): Promise<OperatorError> {
      return this.session(change).then(
        () => expect.fail('it connected'),
        (error: unknown) => error as OperatorError,
      );
    },
    breakOff: () => live.at(-1)?.over.abort(transient('SessionClosed', 'keepalive timeout')),
  };
}

describe('the session pool', () => {
  let world: ReturnType<typeof createWorld>;
  beforeEach(() => {
    world = createWorld();
  });

  it('gives the same session again, also to those who ask while it connects', async () => {
    const [first, second] = await Promise.all([world.session(), world.session()]);
    expect(first).to.equal(second);
    expect(await world.session()).to.equal(first);
    expect(world.tried).to.have.length(1);
    expect(world.tried[0]).to.include({ ...target, epoch: 1 });
  });

  it('keeps the hosts apart', async () => {
    const [first, second] = await Promise.all([world.session(), world.session({ owner: 'ns/lab/ctrl02' })]);
    expect(first).not.to.equal(second);
  });

  for (const change of [
    { address: '10.0.0.2' },
    { privateKey: 'new' },
    { user: 'heat-admin' },
    { hostKeys: ['ssh-ed25519 two'] },
  ]) {
    it(`connects anew when ${Object.keys(change).join()} changed, and ends the former session`, async () => {
      const former = await world.session();
      const session = await world.session(change);
      expect(session).not.to.equal(former);
      expect(former.closed.aborted).to.equal(true);
      expect(world.closed).to.deep.equal([]);
    });
  }

  it('keeps the session when the key that it trusted at first gets pinned, and pins it from then on', async () => {
    const first = await world.session({ hostKeys: [] });
    expect(world.trusted).to.deep.equal(['ssh-ed25519 first']);
    expect(await world.session({ hostKeys: ['ssh-ed25519 first'] })).to.equal(first);
    await world.clock.advance(60_000);
    world.breakOff();
    await world.session({ hostKeys: ['ssh-ed25519 first'] });
    expect(world.tried.at(-1)?.hostKeys).to.deep.equal(['ssh-ed25519 first']);
  });

  it('trusts no second key when the connection breaks before the first is pinned', async () => {
    await world.session({ hostKeys: [] });
    await world.clock.advance(60_000);
    world.breakOff();
    await world.session({ hostKeys: [] });
    expect(world.tried.at(-1)?.hostKeys).to.deep.equal(['ssh-ed25519 first']);
  });

  it('tells that a session broke off, and connects at once when it had lived', async () => {
    await world.session();
    await world.clock.advance(60_000);
    world.breakOff();
    expect(world.closed).to.deep.equal([{ owner: target.owner, reason: 'SessionClosed' }]);
    await world.session();
    expect(world.tried).to.have.length(2);
  });

  it('waits when a session broke off as soon as it was there, longer each time', async () => {
    const waits: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      await world.session();
      world.breakOff();
      const since = world.clock.monotonic();
      while (world.live.length === round + 1) {
        await world.clock.advance(500);
        await world.session().catch(() => undefined);
      }
      waits.push(world.clock.monotonic() - since);
    }
    expect(waits).to.deep.equal([1_000, 2_000, 4_000]);
  });

  it('says the same again without trying, until the backoff is over', async () => {
    world.connectAs(() => Promise.reject(transient('HostUnreachable', 'no route')));
    const first = await world.failure();
    expect(await world.failure()).to.equal(first);
    expect(world.tried).to.have.length(1);
    await world.clock.advance(1_000);
    await world.failure();
    expect(world.tried).to.have.length(2);
  });

  it('tries at once when the input was mended', async () => {
    world.connectAs(({ privateKey }) =>
      privateKey === 'good' ? Promise.resolve() : Promise.reject(transient('SSHAuthFailed', '')),
    );
    await world.failure();
    await world.session({ privateKey: 'good' });
  });

  it('raises the epoch above one that refused it, and tries again', async () => {
    world.connectAs(({ epoch }) =>
      epoch > 7 ? Promise.resolve() : Promise.reject(new FencedError('a higher one', 7)),
    );
    await world.session();
    expect(world.tried.map(({ epoch }) => epoch)).to.deep.equal([1, 8]);
  });

  it('leaves the epoch alone when the lease is not ours any more', async () => {
    world.connectAs(() => Promise.reject(new FencedError('a higher one', 7)));
    world.loseLease();
    expect(await world.failure()).to.include({ kind: 'unsafe', reason: 'Fenced' });
    expect(world.tried).to.have.length(1);
  });

  it('lets go a caller that gives up, and keeps what it asked for', async () => {
    let open = (): void => undefined;
    world.connectAs(() => new Promise((resolve) => void (open = resolve)));
    const stop = new AbortController();
    const asked = world.session({}, stop.signal).catch(String);
    await settle();
    stop.abort(new Error('enough'));
    expect(await asked).to.equal('Error: enough');
    open();
    await settle();
    await world.session();
    expect(world.tried).to.have.length(1);
  });

  it('closes a session that comes after its host was dropped', async () => {
    let open = (): void => undefined;
    world.connectAs(() => new Promise((resolve) => void (open = resolve)));
    const asked = world.failure();
    await settle();
    world.pool.drop(target.owner);
    open();
    expect(await asked).to.include({ reason: 'SessionClosed' });
    expect(world.live[0]?.session.closed.aborted).to.equal(true);
  });

  it('forgets a dropped host and its failures', async () => {
    world.connectAs(() => Promise.reject(unsafe('HostKeyChanged', '')));
    await world.failure();
    world.pool.drop(target.owner);
    world.connectAs(() => Promise.resolve());
    const session = await world.session();
    world.pool.drop(target.owner);
    expect(session.closed.aborted).to.equal(true);
    expect(world.closed).to.deep.equal([]);
  });

  it("passes the engine's events on", async () => {
    await world.session();
    const event: EngineEvent = { action: 'die', containerId: 'c', containerName: 'nova_api', labels: {} };
    world.live[0]?.emit(event);
    expect(world.events).to.deep.equal([event]);
  });

  it('ends every session at the end', async () => {
    const sessions = await Promise.all([world.session(), world.session({ owner: 'other' })]);
    world.pool.close();
    expect(sessions.map(({ closed }) => closed.aborted)).to.deep.equal([true, true]);
  });
});
