// The engine's pure parts: container specs to the engine's words and back, output in frames, what errors mean.
import { expect } from 'chai';
import type { ContainerInspectInfo } from 'dockerode';
import fc from 'fast-check';
import { Readable } from 'node:stream';
import type { ContainerSpec } from '../../../../src/host/ports.ts';
import { createEngineCalls } from '../../../../src/host/containers/engine-calls.ts';
import { createDemultiplexer, createTail, jsonLines } from '../../../../src/host/containers/engine-output.ts';
import { createBody, specOf } from '../../../../src/host/containers/engine-spec.ts';
import { createManualClock } from '../../../fakes/clock.ts';

const plain: ContainerSpec = {
  name: 'nova_api',
  image: 'registry/nova-api:1',
  command: [],
  entrypoint: [],
  environment: {},
  labels: {},
  volumes: [],
  volumesFrom: [],
  network: 'host',
  pid: '',
  ipc: '',
  user: '',
  privileged: false,
  restart: 'No',
  healthcheck: undefined,
  stopGraceSeconds: 10,
  memoryBytes: 0,
  cpus: 0,
  capAdd: [],
  capDrop: [],
  ulimits: [],
  hostname: '',
};

const full: ContainerSpec = {
  ...plain,
  command: ['kolla_start', '--debug'],
  entrypoint: ['dumb-init', '--'],
  environment: { A: 'b=c', EMPTY: '' },
  labels: { managed_by: 'undercloud' },
  volumes: ['/etc/hosts:/etc/hosts:ro'],
  volumesFrom: ['nova_data'],
  network: 'container:pause',
  pid: 'host',
  ipc: 'host',
  user: 'nova',
  privileged: true,
  restart: 'Always',
  healthcheck: {
    test: ['/check', 'now'],
    intervalSeconds: 30,
    timeoutSeconds: 5,
    startPeriodSeconds: 20,
    retries: 3,
  },
  stopGraceSeconds: 42,
  memoryBytes: 1024,
  cpus: 1.5,
  capAdd: ['NET_ADMIN'],
  capDrop: ['MKNOD'],
  ulimits: [{ name: 'nofile', soft: 100, hard: 200 }],
  hostname: 'ctrl01',
};

/** What inspect would tell of a container made by `createBody(spec)`. */
function inspected(spec: ContainerSpec): ContainerInspectInfo {
  const { HostConfig, ...Config } = createBody(spec);
  return { Name: `/${spec.name}`, Config, HostConfig } as unknown as ContainerInspectInfo;
}

describe('container specs', () => {
  it('come back from inspect as they went into create', () => {
    expect(specOf(inspected(full))).to.deep.equal(full);
  });

  for (const restart of ['Always', 'UnlessStopped', 'OnFailure', 'No'] as const) {
    it(`keep the restart policy ${restart}`, () => {
      expect(specOf(inspected({ ...plain, restart })).restart).to.equal(restart);
    });
  }

  it('leave to the engine and the image what they do not say', () => {
    const body = createBody(plain);
    expect(body).not.to.have.any.keys('Cmd', 'Entrypoint', 'User', 'Hostname', 'Healthcheck');
    expect(body.HostConfig).not.to.have.any.keys('PidMode', 'IpcMode');
  });

  it("are read from Podman's words, too", () => {
    const info = inspected(plain);
    const host = {
      ...info.HostConfig,
      Ulimits: [{ Name: 'RLIMIT_NOFILE', Soft: 1, Hard: 2 }],
      CpuQuota: 50_000,
      CpuPeriod: 100_000,
    };
    const config = {
      ...info.Config,
      Entrypoint: 'kolla_start',
      Healthcheck: { Test: ['CMD-SHELL', 'curl localhost'] },
    };
    const spec = specOf({ ...info, HostConfig: { ...host, NanoCpus: 0 }, Config: config });
    expect(spec.ulimits).to.deep.equal([{ name: 'nofile', soft: 1, hard: 2 }]);
    expect(spec.cpus).to.equal(0.5);
    expect(spec.entrypoint).to.deep.equal(['kolla_start']);
    expect(spec.healthcheck?.test).to.deep.equal(['/bin/sh', '-c', 'curl localhost']);
  });
});

describe("the engine's output", () => {
  const frame = (stream: number, content: Uint8Array) => {
    const header = Buffer.alloc(8);
    header.writeUInt8(stream, 0);
    header.writeUInt32BE(content.length, 4);
    return Buffer.concat([header, content]);
  };
  const chunked = (bytes: Buffer, size: number) =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );

  it('is taken out of its frames, however it is cut', () => {
    const contents = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 50 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(contents, fc.integer({ min: 1, max: 64 }), (frames, size) => {
        const out: Buffer[] = [];
        const take = createDemultiplexer((content) => out.push(content));
        const sent = Buffer.concat(frames.map(([stream, content]) => frame(stream, content)));
        chunked(sent, size).forEach(take);
        expect(Buffer.concat(out)).to.deep.equal(Buffer.concat(frames.map(([, content]) => content)));
      }),
    );
  });

  it('goes through unchanged when it has no frames', () => {
    const out: Buffer[] = [];
    const take = createDemultiplexer((content) => out.push(content));
    chunked(Buffer.from('a terminal says hello'), 5).forEach(take);
    expect(Buffer.concat(out).toString()).to.equal('a terminal says hello');
  });

  it('is kept to its last bytes, without half a character', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' })),
        fc.integer({ min: 1, max: 20 }),
        (texts, limit) => {
          const tail = createTail(limit);
          texts.forEach((text) => tail.add(Buffer.from(text)));
          expect(Buffer.byteLength(tail.text())).to.be.at.most(limit);
          expect(Buffer.from(texts.join('')).toString().endsWith(tail.text())).to.equal(true);
        },
      ),
    );
  });

  it('is cut into lines of JSON, however it comes, also the last one without an end', async () => {
    const stream = Readable.from([
      Buffer.from('{"a":'),
      Buffer.from('1}\r\n\n{"b":"ä"}\n{"c"'),
      Buffer.from(':3}'),
    ]);
    const seen: unknown[] = [];
    for await (const line of jsonLines(stream)) seen.push(line);
    expect(seen).to.deep.equal([{ a: 1 }, { b: 'ä' }, { c: 3 }]);
  });
});

describe('an engine call', () => {
  const clock = createManualClock();
  const never = new AbortController().signal;
  const refusal = (statusCode: number, words: string) =>
    Object.assign(new Error(`(HTTP code ${statusCode}) some kind - ${words} `), { statusCode });
  const calls = (closed: AbortSignal = never) => createEngineCalls('ctrl01', closed, clock);
  const failureOf = (work: Promise<unknown>) => work.catch((error: unknown) => error);

  const cases = [
    {
      name: 'no answer at all',
      error: new Error('socket hang up'),
      kind: 'transient',
      reason: 'EngineUnavailable',
    },
    {
      name: 'a service that is not there',
      error: refusal(503, 'away'),
      kind: 'transient',
      reason: 'EngineUnavailable',
    },
    { name: 'a conflict', error: refusal(409, 'is not running'), kind: 'transient', reason: 'EngineBusy' },
    {
      name: 'a container that is gone',
      error: refusal(404, 'no such container'),
      kind: 'transient',
      reason: 'EngineBusy',
    },
    {
      name: 'a name that is taken, in Podman’s way',
      error: refusal(500, 'the container name "x" is already in use'),
      kind: 'transient',
      reason: 'EngineBusy',
    },
    {
      name: 'a database that is locked',
      error: refusal(500, 'database is locked'),
      kind: 'transient',
      reason: 'EngineBusy',
    },
    {
      name: 'an image that is not here',
      error: refusal(404, 'no such image'),
      kind: 'terminal',
      reason: 'EngineRefused',
    },
    {
      name: 'a bad parameter',
      error: refusal(400, 'invalid volume'),
      kind: 'terminal',
      reason: 'EngineRefused',
    },
    {
      name: 'a program that is missing',
      error: refusal(500, 'executable file not found'),
      kind: 'terminal',
      reason: 'EngineRefused',
    },
  ];
  for (const { name, error, kind, reason } of cases) {
    it(`calls ${name} ${kind} ${reason}, with the engine's words`, async () => {
      const thrown = await failureOf(calls().run('start it', never, 1000, () => Promise.reject(error)));
      expect(thrown).to.include({ kind, reason });
      expect(String(thrown)).to.contain(
        `ctrl01: cannot start it: ${error.message.replace(/^.* - /, '').trim()}`,
      );
    });
  }

  it('ends after its time', async () => {
    const failure = failureOf(calls().run('start it', never, 1000, () => new Promise(() => undefined)));
    await clock.advance(1000);
    expect(await failure).to.include({ kind: 'transient', reason: 'EngineUnavailable' });
    expect(clock.pending()).to.equal(0);
  });

  it('ends with its session', async () => {
    const session = new AbortController();
    const failure = failureOf(
      calls(session.signal).run('start it', never, Infinity, () => new Promise(() => undefined)),
    );
    session.abort(new Error('keepalive timeout'));
    expect(await failure).to.include({ kind: 'transient', reason: 'EngineUnavailable' });
    expect(String(await failure)).to.contain('keepalive timeout');
  });

  it('ends with the reason of who called it off', async () => {
    const stop = new AbortController();
    const failure = failureOf(calls().run('start it', stop.signal, 1000, () => new Promise(() => undefined)));
    stop.abort(new Error('enough'));
    expect(String(await failure)).to.equal('Error: enough');
    expect(clock.pending()).to.equal(0);
  });
});
