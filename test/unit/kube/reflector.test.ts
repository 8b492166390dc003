// The reflector against a scripted API server: however lists and watches fail, it ends level with the server, and whoever
// listened to its changes knows the same.
import { expect } from 'chai';
import fc from 'fast-check';
import { transient } from '../../../src/kernel/errors.ts';
import { silentLogger } from '../../../src/kernel/log.ts';
import type { ListWatch } from '../../../src/kube/list-watch.ts';
import { configMaps, type ConfigMap } from '../../../src/kube/objects.ts';
import { createReflector } from '../../../src/kube/reflector.ts';
import type { WatchEvent } from '../../../src/kube/watch-stream.ts';
import { createManualClock } from '../../fakes/clock.ts';

const expired = () => transient('Expired', 'too old resource version');
const away = () => transient('Unavailable', 'connection refused');

/** A server with a history that it can forget, whose streams can be cut, silenced and made to repeat themselves. */
function createServer() {
  const objects = new Map<string, ConfigMap>();
  const history: { readonly version: number; readonly event: WatchEvent<ConfigMap> }[] = [];
  let version = 1;
  let forgottenUpTo = 0;
  let changed: PromiseWithResolvers<void> = Promise.withResolvers();
  let failLists = 0;
  let failWatches = 0;
  let cuts = 0;
  let repeatFrom = 0;
  let silent = false;
  let endsAtOnce = false;
  const counts = { lists: 0, watches: 0, watchedFrom: '' };

  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const record = (event: WatchEvent<ConfigMap>) => {
    history.push({ version, event });
    wake();
  };
  const versioned = (name: string): ConfigMap => {
    version += 1;
    const uid = objects.get(name)?.metadata.uid ?? `uid-${version}`;
    const metadata = {
      namespace: 'lab',
      name,
      uid,
      resourceVersion: String(version),
      generation: 1,
      creationTimestamp: '',
    };
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata };
  };

  async function* stream(from: number, signal: AbortSignal): AsyncGenerator<WatchEvent<ConfigMap>> {
    const cutsAtStart = cuts;
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
    );
    aborted.catch(() => undefined);
    let at = from;
    for (;;) {
      const next = silent ? undefined : history.find((each) => each.version > at);
      if (at < forgottenUpTo) throw expired();
      if (next !== undefined) {
        yield next.event;
        at = next.version;
        // A proxy, or a retry below us, may deliver the same again.
        const again = repeatFrom > 0 ? history.find((each) => each.version === at) : undefined;
        if (again !== undefined) yield again.event;
        continue;
      }
      if (cuts !== cutsAtStart || endsAtOnce) return;
      await Promise.race([changed.promise, aborted]);
    }
  }

  const source = {
    async page(_resource, _options, next) {
      counts.lists += 1;
      await Promise.resolve();
      if (failLists > 0) {
        failLists -= 1;
        throw next === '' ? away() : expired();
      }
      // Pages of two, of one snapshot: the token carries where it goes on and what it is a page of.
      const { start, items, of } =
        next === '' ? { start: 0, items: [...objects.values()], of: version } : (JSON.parse(next) as Token);
      const more = start + 2 < items.length ? JSON.stringify({ start: start + 2, items, of }) : '';
      return { items: items.slice(start, start + 2) as never, resourceVersion: String(of), next: more };
    },
    async watch(_resource, options, signal) {
      counts.watches += 1;
      counts.watchedFrom = options.resourceVersion;
      await Promise.resolve();
      if (failWatches > 0) {
        failWatches -= 1;
        throw away();
      }
      return stream(Number(options.resourceVersion), signal) as never;
    },
  } satisfies ListWatch;

  return {
    source,
    objects,
    counts,
    put(name: string) {
      const type = objects.has(name) ? 'MODIFIED' : 'ADDED';
      const object = versioned(name);
      objects.set(name, object);
      record({ type, object });
    },
    remove(name: string) {
      if (!objects.has(name)) return;
      const object = versioned(name);
      objects.delete(name);
      record({ type: 'DELETED', object });
    },
    bookmark: () => {
      // Objects of other kinds have moved the version on.
      version += 1;
      record({ type: 'BOOKMARK', resourceVersion: String(version) });
    },
    forget: () => {
      forgottenUpTo = version;
      history.length = 0;
      version += 1;
    },
    cut: () => {
      cuts += 1;
      wake();
    },
    fail: (lists: number, watches: number) => {
      failLists = lists;
      failWatches = watches;
    },
    endStreamsAtOnce: () => {
      endsAtOnce = true;
    },
    repeat: (on: boolean) => {
      repeatFrom = on ? 1 : 0;
    },
    silence: (on: boolean) => {
      silent = on;
      wake();
    },
  };
}

interface Token {
  readonly start: number;
  readonly items: readonly ConfigMap[];
  readonly of: number;
}

function setUp() {
  const clock = createManualClock();
  const server = createServer();
  const failures: string[] = [];
  const observer = {
    listed: () => undefined,
    watchStarted: () => undefined,
    event: () => undefined,
    failed: (reason: string) => void failures.push(reason),
  };
  const reflector = createReflector(configMaps, {
    source: server.source,
    clock,
    random: () => 0.5,
    log: silentLogger,
    observer,
    scope: {},
  });
  /** What somebody knows who has only heard of the changes. */
  const mirror = new Map<string, ConfigMap>();
  const surprises: string[] = [];
  reflector.onChange(({ before, after }) => {
    const name = (before ?? after)?.metadata.name ?? '';
    if (mirror.get(name) !== before) surprises.push(name);
    if (after === undefined) mirror.delete(name);
    else mirror.set(name, after);
  });
  const stop = new AbortController();
  const ended = reflector.run(stop.signal);
  const names = () =>
    reflector.store.list().map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);
  const expected = () =>
    [...server.objects.values()].map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();
  return {
    clock,
    server,
    reflector,
    failures,
    mirror,
    names,
    expected,
    end: async () => {
      stop.abort();
      await ended;
      expect(surprises).to.deep.equal([]);
      expect(clock.pending()).to.equal(0);
    },
  };
}

describe('reflector', () => {
  it('lists in pages, then follows', async () => {
    const { clock, server, reflector, names, expected, end } = setUp();
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.put(name);
    expect(reflector.problem()).to.equal('configmaps: not listed yet');
    await clock.advance(0);
    expect(names()).to.deep.equal(expected());
    expect([server.counts.lists, reflector.problem()]).to.deep.equal([3, undefined]);
    server.put('a');
    server.remove('b');
    await clock.advance(0);
    expect(names()).to.deep.equal(expected());
    expect(server.counts.lists).to.equal(3);
    await end();
  });

  it('says why it has nothing yet', async () => {
    const { clock, server, reflector, end } = setUp();
    server.fail(100, 0);
    await clock.advance(100);
    expect(reflector.problem()).to.equal('configmaps: not listed yet: connection refused');
    await end();
  });

  it('goes on from the last version seen when the stream ends, bookmarks included', async () => {
    const { clock, server, failures, names, expected, end } = setUp();
    await clock.advance(0);
    server.put('a');
    server.bookmark();
    await clock.advance(60_000);
    server.cut();
    await clock.advance(10_000);
    server.put('b');
    await clock.advance(0);
    expect(names()).to.deep.equal(expected());
    expect(server.counts).to.deep.equal({ lists: 1, watches: 2, watchedFrom: '3' });
    expect(failures).to.deep.equal([]);
    await end();
  });

  it('lists anew when its version is forgotten, and tells of what was deleted meanwhile', async () => {
    const { clock, server, failures, mirror, names, expected, end } = setUp();
    for (const name of ['a', 'b', 'c']) server.put(name);
    await clock.advance(0);
    server.silence(true);
    server.remove('b');
    server.put('d');
    server.forget();
    server.silence(false);
    await clock.advance(5_000);
    expect(failures).to.deep.equal(['Expired']);
    expect(names()).to.deep.equal(expected());
    expect([...mirror.keys()].sort()).to.deep.equal(['a', 'c', 'd']);
    await end();
  });

  it('does not trust a stream on which nothing comes, not even a bookmark', async () => {
    const { clock, server, failures, names, expected, end } = setUp();
    await clock.advance(0);
    server.silence(true);
    server.put('a');
    await clock.advance(149_000);
    expect(failures).to.deep.equal([]);
    await clock.advance(2_000);
    expect(failures).to.deep.equal(['Silent']);
    await clock.advance(1_000);
    expect(names()).to.deep.equal(expected());
    await end();
  });

  it('trusts a quiet stream as long as bookmarks come', async () => {
    const { clock, server, failures, end } = setUp();
    for (let passed = 0; passed < 10; passed += 1) {
      await clock.advance(60_000);
      server.bookmark();
    }
    expect([failures, server.counts.watches]).to.deep.equal([[], 1]);
    await end();
  });

  it('lists anew when it fails again and again: the server may have lost its memory', async () => {
    const { clock, server, end } = setUp();
    await clock.advance(2_000);
    server.fail(0, 5);
    server.cut();
    await clock.advance(60_000);
    expect([server.counts.lists, server.counts.watches]).to.deep.equal([2, 7]);
    await end();
  });

  const unfriendly: readonly [string, (server: ReturnType<typeof createServer>) => void][] = [
    ['refuses every watch', (server) => server.fail(0, 1_000_000)],
    ['ends every stream at once', (server) => server.endStreamsAtOnce()],
  ];
  for (const [name, set] of unfriendly) {
    it(`does not hammer a server that ${name}`, async () => {
      const { clock, server, end } = setUp();
      set(server);
      await clock.advance(60_000);
      expect(server.counts.watches).to.be.within(4, 12);
      await end();
    });
  }

  it('survives a handler that throws', async () => {
    const { clock, server, reflector, names, expected, end } = setUp();
    reflector.onChange(() => {
      throw new Error('a bug');
    });
    server.put('a');
    await clock.advance(0);
    server.put('b');
    await clock.advance(0);
    expect(names()).to.deep.equal(expected());
    await end();
  });

  it('ends level with the server after any sequence of changes and faults', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const act = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), name }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), name }) },
      fc.record({ kind: fc.constantFrom('forget', 'cut', 'bookmark') }),
      fc.record({ kind: fc.constant('fail' as const), lists: fc.nat(3), watches: fc.nat(7) }),
      fc.record({ kind: fc.constantFrom('repeat', 'silence'), on: fc.boolean() }),
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('advance' as const),
          ms: fc.constantFrom(1, 300, 5_000, 200_000),
        }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
        const { clock, server, reflector, mirror, names, expected, end } = setUp();
        for (const each of acts) {
          if (each.kind === 'put') server.put(each.name);
          else if (each.kind === 'remove') server.remove(each.name);
          else if (each.kind === 'fail') server.fail(each.lists, each.watches);
          else if (each.kind === 'advance') await clock.advance(each.ms);
          else if ('on' in each) server[each.kind === 'repeat' ? 'repeat' : 'silence'](each.on);
          else server[each.kind === 'forget' ? 'forget' : each.kind === 'cut' ? 'cut' : 'bookmark']();
        }
        server.fail(0, 0);
        server.silence(false);
        await clock.advance(300_000);
        expect(names()).to.deep.equal(expected());
        expect([...mirror.values()]).to.have.members(reflector.store.list());
        await end();
      }),
      { numRuns: 150 },
    );
  });
});
