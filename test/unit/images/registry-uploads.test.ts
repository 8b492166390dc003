// The registry client uploads and mounts blobs, whatever breaks off, expires, fills up or lies on either side.
import { expect } from 'chai';
import type { BlobReader } from '../../../src/images/registry/port.ts';
import { terminal, transient } from '../../../src/kernel/errors.ts';
import { digestOf, type FakeRegistry } from '../../fakes/registry.ts';
import {
  failure,
  login,
  memory,
  never,
  noise,
  registryLab,
  repository,
  sample,
  stuck,
} from './registry-lab.ts';

const { content, blob } = sample;
const ignore = () => undefined;

const patches = (registry: FakeRegistry) => registry.requests().filter(({ method }) => method === 'PATCH');

describe('the registry client uploads', () => {
  const lab = registryLab();
  const { fake, clientOf } = lab;

  const there = (registry: FakeRegistry, wanted = blob): boolean =>
    registry.blob(repository, wanted.digest)?.length === wanted.size && registry.uploads() === 0;

  it('a blob, and tells of each byte once', async () => {
    const registry = await fake({ login: 'token', ...login });
    const client = clientOf(registry.host, { credentials: login });
    let bytes = 0;
    await client.uploadBlob(repository, blob, memory().read, (more) => (bytes += more), never);
    expect(there(registry)).to.equal(true);
    expect(bytes).to.equal(blob.size);
    expect(registry.tokens()).to.deep.equal({ '': 1, [`repository:${repository}:pull,push`]: 1 });
  });

  it('a blob in one piece, which says how long it is and not that more will follow', async () => {
    const registry = await fake();
    await clientOf(registry.host).uploadBlob(repository, blob, memory().read, ignore, never);
    expect(patches(registry).map(({ headers }) => headers)).to.have.length(1);
    expect(patches(registry)[0]?.headers)
      .to.include({ 'content-length': '300000' })
      .and.not.have.property('content-range');
  });

  it('an empty blob', async () => {
    const registry = await fake();
    const empty = { digest: digestOf(''), size: 0 };
    await clientOf(registry.host).uploadBlob(repository, empty, memory(Buffer.alloc(0)).read, ignore, never);
    expect(there(registry, empty)).to.equal(true);
  });

  for (const uploadLocation of ['path', 'url', 'elsewhere'] as const) {
    it(`to where the registry takes uploads: ${uploadLocation}`, async () => {
      const registry = await fake({ login: 'basic', ...login });
      registry.faults.uploadLocation = uploadLocation;
      const client = clientOf(registry.host, { credentials: login });
      await client.uploadBlob(repository, blob, memory().read, ignore, never);
      expect(there(registry)).to.equal(true);
      const seen = patches(registry)[0]?.authorization;
      expect(seen === undefined).to.equal(uploadLocation === 'elsewhere');
    });
  }

  it('on from where the registry is after the connection broke', async () => {
    const registry = await fake();
    registry.faults.breaksUploads = 2;
    const source = memory();
    let bytes = 0;
    await clientOf(registry.host).uploadBlob(repository, blob, source.read, (more) => (bytes += more), never);
    expect(there(registry)).to.equal(true);
    expect(bytes).to.equal(blob.size);
    const [first, second = 0, third = 0] = source.offsets;
    expect(first).to.equal(0);
    expect(second).to.be.within(100_000, 250_000);
    expect(third).to.be.greaterThan(second);
    expect(patches(registry)[2]?.headers['content-range']).to.equal(`${third}-299999`);
    expect(lab.waits()).to.deep.equal([500, 1_000]);
  });

  it('on from the middle of what it has read, and stops the reading that nobody wants', async () => {
    const registry = await fake();
    registry.faults.breaksUploads = 1;
    const source = stuck(content.subarray(0, 170_000));
    await clientOf(registry.host).uploadBlob(repository, blob, source.read, ignore, never);
    expect(there(registry)).to.equal(true);
    expect(source.offsets).to.deep.equal([0, 150_000]);
    expect(source.ended()).to.equal(1);
  });

  it('from the start with other bytes, where those that it has read before were wrong', async () => {
    const registry = await fake();
    Object.assign(registry.faults, { breaksUploads: 1, forgetsUploads: true });
    const source = stuck(noise(200_000, 2));
    await clientOf(registry.host).uploadBlob(repository, blob, source.read, ignore, never);
    expect(there(registry)).to.equal(true);
  });

  for (const [name, faults] of [
    ['does not know it any more', { breaksUploads: 1, forgetsUploads: true }],
    ['says that it has more than it was sent', { breaksUploads: 1, overstatesUploads: 100_000 }],
  ] as const) {
    it(`from the start where the registry ${name}`, async () => {
      const registry = await fake();
      Object.assign(registry.faults, faults);
      const source = stuck(content.subarray(0, 200_000));
      let bytes = 0;
      await clientOf(registry.host).uploadBlob(
        repository,
        blob,
        source.read,
        (more) => (bytes += more),
        never,
      );
      expect(registry.blob(repository, blob.digest)?.equals(content)).to.equal(true);
      expect(registry.uploads()).to.equal(0);
      expect(bytes).to.equal(blob.size);
      expect(source.offsets).to.deep.equal([0, 0]);
    });
  }

  it('with another token when one expires in mid-upload', async () => {
    const registry = await fake({ login: 'token', ...login });
    registry.faults.expiresInUploads = 1;
    const client = clientOf(registry.host, { credentials: login });
    await client.uploadBlob(repository, blob, memory().read, ignore, never);
    expect(there(registry)).to.equal(true);
    expect(registry.tokens()[`repository:${repository}:pull,push`]).to.equal(2);
  });

  it('once when the answer to its end got lost', async () => {
    const registry = await fake();
    registry.faults.breaksAnswers = 1;
    await clientOf(registry.host).uploadBlob(repository, blob, memory().read, ignore, never);
    expect(there(registry)).to.equal(true);
    expect(patches(registry)).to.have.length(1);
  });

  it('on after 429', async () => {
    const registry = await fake();
    const client = clientOf(registry.host);
    await client.check(never);
    Object.assign(registry.faults, { throttles: 4, retryAfter: '3' });
    await client.uploadBlob(repository, blob, memory().read, ignore, never);
    expect(there(registry)).to.equal(true);
    expect(lab.waits().filter((ms) => ms === 3_000)).to.have.length(4);
  });

  it('on after 429 in the middle of it', async () => {
    const registry = await fake();
    Object.assign(registry.faults, { throttlesUploads: 2, retryAfter: '3' });
    await clientOf(registry.host).uploadBlob(repository, blob, memory().read, ignore, never);
    expect(there(registry)).to.equal(true);
    expect(patches(registry)).to.have.length(3);
    expect(lab.waits().reduce((sum, ms) => sum + ms)).to.be.at.least(6_000);
  });

  it('from a source that is slower than the registry may be', async () => {
    const registry = await fake();
    const read: BlobReader = (from) =>
      Promise.resolve(
        (async function* () {
          yield content.subarray(from, 1_000);
          await new Promise((resolve) => setTimeout(resolve, 120));
          yield content.subarray(Math.max(from, 1_000));
        })(),
      );
    await clientOf(registry.host, {}, 60).uploadBlob(repository, blob, read, ignore, never);
    expect(patches(registry)).to.have.length(1);
  });

  it('nothing from a source that has it no more, and does not ask again', async () => {
    const registry = await fake();
    let asked = 0;
    const read: BlobReader = () => {
      asked += 1;
      return Promise.reject(terminal('ImageNotFound', 'it is gone'));
    };
    const error = await failure(clientOf(registry.host).uploadBlob(repository, blob, read, ignore, never));
    expect(error).to.include({ kind: 'terminal', message: 'it is gone' });
    expect([asked, registry.uploads()]).to.deep.equal([1, 0]);
  });

  it('from a source that breaks off, and does not begin anew for that', async () => {
    const [registry, source] = [await fake(), await fake()];
    source.putBlob(repository, content);
    source.faults.breaksReads = 2;
    const from = clientOf(source.host);
    const read: BlobReader = (offset, signal) => from.readBlob(repository, blob, offset, signal);
    await clientOf(registry.host).uploadBlob(repository, blob, read, ignore, never);
    expect(there(registry)).to.equal(true);
    expect(patches(registry)).to.have.length(1);
    expect(source.requests().flatMap(({ headers }) => headers.range ?? [])).to.have.length(2);
  });

  it('from one registry to another while both break off', async () => {
    const [registry, source] = [await fake(), await fake()];
    source.putBlob(repository, content);
    source.faults.breaksReads = 1;
    registry.faults.breaksUploads = 2;
    const from = clientOf(source.host);
    const read: BlobReader = (offset, signal) => from.readBlob(repository, blob, offset, signal);
    await clientOf(registry.host).uploadBlob(repository, blob, read, ignore, never);
    expect(registry.blob(repository, blob.digest)?.equals(content)).to.equal(true);
  });

  const failures: readonly {
    readonly name: string;
    readonly arrange?: (registry: FakeRegistry) => void;
    readonly read?: BlobReader;
    readonly kind: string;
    readonly reason: string;
    readonly says: RegExp;
  }[] = [
    {
      name: 'a source with other bytes',
      read: memory(noise(300_000, 2)).read,
      kind: 'terminal',
      reason: 'DigestMismatch',
      says: /the source of .* sends bytes of digest sha256:/,
    },
    {
      name: 'a source with more bytes',
      read: memory(Buffer.concat([content, Buffer.alloc(9)])).read,
      kind: 'terminal',
      reason: 'DigestMismatch',
      says: /the source of .* sends more than 300000 bytes/,
    },
    {
      name: 'a source that always ends early',
      read: memory(content.subarray(0, 100_000)).read,
      kind: 'transient',
      reason: 'RegistryUnreachable',
      says: /the source of .* breaks off after 100000 of 300000 bytes/,
    },
    {
      name: 'a source that cannot be read',
      read: () => Promise.reject(transient('RegistryThrottled', 'the source says 429')),
      kind: 'transient',
      reason: 'RegistryThrottled',
      says: /the source says 429/,
    },
    {
      name: 'a registry that keeps other bytes',
      arrange: ({ faults }) => (faults.corruptsUploads = true),
      kind: 'terminal',
      reason: 'DigestMismatch',
      says: /registry 127.* did not get the bytes of .* that were sent \(400: DIGEST_INVALID/,
    },
    {
      name: 'a registry whose disk is full',
      arrange: ({ faults }) => (faults.room = 100_000),
      kind: 'transient',
      reason: 'RegistryFull',
      says: /has no room for .* \(500: UNKNOWN unknown error .*no space left on device\): make room/,
    },
    {
      name: 'a registry where every upload breaks off',
      arrange: ({ faults }) => Object.assign(faults, { breaksUploads: 1_000, forgetsUploads: true }),
      kind: 'transient',
      reason: 'RegistryUnreachable',
      says: /cannot be reached/,
    },
    {
      name: 'a registry that answers 429 without end',
      arrange: ({ faults }) => (faults.throttles = 1_000),
      kind: 'transient',
      reason: 'RegistryThrottled',
      says: /keeps answering 429/,
    },
    {
      name: 'a registry that fails',
      arrange: ({ faults }) => (faults.status = 503),
      kind: 'transient',
      reason: 'RegistryUnreachable',
      says: /fails on .* \(503\)/,
    },
    {
      name: 'a registry that always loses its uploads',
      arrange: ({ faults }) => (faults.losesUploads = true),
      kind: 'transient',
      reason: 'RegistryUnreachable',
      says: /loses uploads of .* \(404: BLOB_UPLOAD_UNKNOWN/,
    },
    {
      name: 'a registry that makes no repositories by itself',
      arrange: ({ faults }) =>
        Object.assign(faults, { status: 404, statusBody: '{"errors":[{"code":"NAME_UNKNOWN"}]}' }),
      kind: 'terminal',
      reason: 'RegistryRefused',
      says: /has no place for .* \(404: NAME_UNKNOWN\): create/,
    },
    {
      name: 'a login that may not push',
      arrange: ({ faults }) =>
        Object.assign(faults, {
          status: 403,
          statusBody: '{"errors":[{"code":"DENIED","message":"only readers here"}]}',
        }),
      kind: 'terminal',
      reason: 'RegistryAuthFailed',
      says: /\(403: DENIED only readers here\): .* may push/,
    },
  ];
  for (const { name, arrange, read = memory().read, kind, reason, says } of failures) {
    it(`nothing, and says so: ${name}`, async () => {
      const registry = await fake();
      const client = clientOf(registry.host);
      await client.check(never);
      arrange?.(registry);
      const error = await failure(client.uploadBlob(repository, blob, read, ignore, never));
      expect(error).to.include({ kind, reason });
      expect(error.message).to.match(says);
      expect(registry.blob(repository, blob.digest)).to.equal(undefined);
      expect(registry.uploads()).to.equal(0);
    });
  }

  it('nothing to another server that wants a login, and says whose mistake that is', async () => {
    const registry = await fake({ login: 'basic', ...login });
    Object.assign(registry.faults, { uploadLocation: 'elsewhere', elsewhereWantsLogin: true });
    const client = clientOf(registry.host, { credentials: login });
    const error = await failure(client.uploadBlob(repository, blob, memory().read, ignore, never));
    expect(error).to.include({ kind: 'terminal', reason: 'RegistryRefused' });
    expect(error.message).to.match(/takes uploads at another server, 127.*, which is not given the login/);
    expect(patches(registry).map(({ authorization }) => authorization)).to.deep.equal([undefined]);
  });

  it('until the registry takes no more bytes', async () => {
    const registry = await fake();
    Object.assign(registry.faults, { stallsUploads: true, forgetsUploads: true });
    const large = Buffer.alloc(20_000_000);
    const error = await failure(
      clientOf(registry.host, {}, 50).uploadBlob(
        repository,
        { digest: digestOf(large), size: large.length },
        memory(large).read,
        ignore,
        never,
      ),
    );
    expect(error).to.include({ kind: 'transient', reason: 'RegistryUnreachable' });
    expect(error.message).to.match(/no answer in/);
  });

  it('until it is told to stop, and stops reading too', async () => {
    const registry = await fake();
    const controller = new AbortController();
    let ended = false;
    const read: BlobReader = (_, signal) =>
      Promise.resolve(
        (async function* () {
          yield content.subarray(0, 1_000);
          setImmediate(() => controller.abort(new Error('shutting down')));
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          ended = true;
        })(),
      );
    const error = await failure(
      clientOf(registry.host).uploadBlob(repository, blob, read, ignore, controller.signal),
    );
    expect(error).to.include({ message: 'shutting down' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).to.equal(true);
  });
});
