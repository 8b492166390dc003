// The registry client reads blobs, tags and manifests of a registry that misbehaves, and puts manifests there.
import { expect } from 'chai';
import { digestOf } from '../../fakes/registry.ts';
import { collect, failure, login, never, noise, registryLab, repository } from './registry-lab.ts';

const content = noise(300_000);

describe('the registry client reads', () => {
  const { fake, clientOf, pass } = registryLab();

  it('a blob', async () => {
    const registry = await fake({ login: 'token', ...login });
    const blob = registry.putBlob(repository, content);
    const client = clientOf(registry.host, { credentials: login });
    expect((await collect(await client.readBlob(repository, blob, 0, never))).equals(content)).to.equal(true);
  });

  for (const ignoresRange of [false, true]) {
    it(`the rest of a blob, from a registry that ${ignoresRange ? 'knows no' : 'knows'} Range`, async () => {
      const registry = await fake();
      const blob = registry.putBlob(repository, content);
      registry.faults.ignoresRange = ignoresRange;
      const rest = await collect(await clientOf(registry.host).readBlob(repository, blob, 299_990, never));
      expect(rest.equals(content.subarray(299_990))).to.equal(true);
    });
  }

  it('nothing from the end of a blob on', async () => {
    const registry = await fake();
    const blob = registry.putBlob(repository, content);
    const rest = await collect(await clientOf(registry.host).readBlob(repository, blob, blob.size, never));
    expect(rest).to.have.length(0);
  });

  it('a blob from another host without showing it the login', async () => {
    const [registry, storage] = [await fake({ login: 'basic', ...login }), await fake()];
    const blob = storage.putBlob(repository, content);
    registry.faults.redirectsTo = `http://${storage.host}`;
    const client = clientOf(registry.host, { credentials: login });
    expect((await collect(await client.readBlob(repository, blob, 100, never))).length).to.equal(299_900);
    expect(storage.requests().map(({ authorization }) => authorization)).to.deep.equal([undefined]);
  });

  it('as much as is wanted: who stops early does not break what comes after', async () => {
    const registry = await fake();
    const blob = registry.putBlob(repository, noise(3_000_000));
    const client = clientOf(registry.host);
    for await (const chunk of await client.readBlob(repository, blob, 0, never)) {
      expect(chunk.length).to.be.greaterThan(0);
      break;
    }
    expect(await client.hasBlob(repository, blob.digest, never)).to.equal(true);
  });

  it('on for as long as its reader takes: only silence of the registry ends it', async () => {
    const registry = await fake();
    const blob = registry.putBlob(repository, noise(3_000_000));
    let bytes = 0;
    for await (const chunk of await clientOf(registry.host, {}, 60).readBlob(repository, blob, 0, never)) {
      // The first piece is looked at for longer than the registry may be silent.
      if (bytes === 0) await new Promise((resolve) => setTimeout(resolve, 120));
      bytes += chunk.length;
    }
    expect(bytes).to.equal(blob.size);
  });

  it('until the registry falls silent', async () => {
    const registry = await fake();
    const blob = registry.putBlob(repository, content);
    registry.faults.stallsReads = true;
    const error = await failure(
      clientOf(registry.host, {}, 60).readBlob(repository, blob, 0, never).then(collect),
    );
    expect(error).to.include({ kind: 'transient', reason: 'RegistryUnreachable' });
    expect(error.message).to.include('no answer in 0.06 s');
  });

  it('until the registry has sent next to nothing for minutes', async () => {
    const registry = await fake();
    const blob = registry.putBlob(repository, content);
    registry.faults.drips = () => pass(14_000);
    const error = await failure(clientOf(registry.host).readBlob(repository, blob, 0, never).then(collect));
    expect(error).to.include({ kind: 'transient', reason: 'RegistryUnreachable' });
    expect(error.message).to.match(/registry 127.* moved only 0 bytes a second for minutes/);
  });

  it('until the connection ends', async () => {
    const registry = await fake();
    const blob = registry.putBlob(repository, content);
    registry.faults.breaksReads = 1;
    const error = await failure(clientOf(registry.host).readBlob(repository, blob, 0, never).then(collect));
    expect(error).to.include({ kind: 'transient', reason: 'RegistryUnreachable' });
    expect(error.message).to.include(registry.host);
  });

  it('until it is told to stop', async () => {
    const registry = await fake();
    const blob = registry.putBlob(repository, content);
    registry.faults.stallsReads = true;
    const controller = new AbortController();
    const reading = failure(
      clientOf(registry.host).readBlob(repository, blob, 0, controller.signal).then(collect),
    );
    setImmediate(() => controller.abort(new Error('shutting down')));
    expect(await reading).to.include({ message: 'shutting down' });
  });

  for (const excess of [-10, 10]) {
    it(`no blob of ${Math.abs(excess)} bytes too ${excess < 0 ? 'few' : 'many'}`, async () => {
      const registry = await fake();
      const blob = registry.putBlob(repository, content);
      registry.faults.blobExcess = excess;
      const error = await failure(clientOf(registry.host).readBlob(repository, blob, 0, never).then(collect));
      expect(error).to.include({ kind: 'terminal', reason: 'DigestMismatch' });
      expect(error.message).to.match(/what registry 127.* sends as .* is of .* bytes/);
    });
  }

  it('no blob that another size was said of', async () => {
    const registry = await fake();
    const { digest } = registry.putBlob(repository, content);
    const error = await failure(clientOf(registry.host).readBlob(repository, { digest, size: 5 }, 0, never));
    expect(error).to.include({ kind: 'terminal', reason: 'DigestMismatch' });
    expect(error.message).to.include('300000 bytes instead of 5');
  });

  it('a small blob whole and verified', async () => {
    const registry = await fake();
    const blob = registry.putBlob(repository, '{"architecture":"amd64"}');
    const client = clientOf(registry.host);
    expect(Buffer.from(await client.smallBlob(repository, blob, never)).toString()).to.equal(
      '{"architecture":"amd64"}',
    );
    registry.faults.corruptsBlobs = true;
    const error = await failure(client.smallBlob(repository, blob, never));
    expect(error).to.include({ kind: 'terminal', reason: 'DigestMismatch' });
    expect(error.message).to.include(`registry ${registry.host} sends`);
  });

  it('no small blob of gigabytes', async () => {
    const registry = await fake();
    const blob = { digest: digestOf('x'), size: 5_000_000_000 };
    expect(await failure(clientOf(registry.host).smallBlob(repository, blob, never))).to.include({
      reason: 'RegistryRefused',
    });
    expect(registry.requests()).to.deep.equal([]);
  });

  it('that a blob is there, is not there, cannot be read', async () => {
    const registry = await fake();
    const blob = registry.putBlob(repository, content);
    const missing = { digest: digestOf('missing'), size: 7 };
    const client = clientOf(registry.host);
    expect(await client.hasBlob(repository, blob.digest, never)).to.equal(true);
    expect(await client.hasBlob(repository, missing.digest, never)).to.equal(false);
    expect(await failure(client.readBlob(repository, missing, 0, never))).to.include({
      kind: 'terminal',
      reason: 'ImageNotFound',
    });
  });

  describe('tags', () => {
    const names = Array.from({ length: 25 }, (_, index) => `12.0-${String(index).padStart(3, '0')}`);

    for (const [name, tagsPerPage, linkPrefix] of [
      ['all at once', undefined, ''],
      ['page by page', 10, ''],
      [
        'page by page, where the registry believes to be elsewhere',
        10,
        'http://internal.example.org:5000/proxy',
      ],
    ] as const) {
      it(name, async () => {
        const registry = await fake();
        for (const tag of names) registry.push(repository, tag);
        Object.assign(registry.faults, { tagsPerPage, linkPrefix });
        expect(await clientOf(registry.host).tags(repository, never)).to.deep.equal(names);
      });
    }

    it('of a repository that has none any more', async () => {
      const registry = await fake();
      registry.push(repository, '1');
      registry.remove(repository, '1');
      expect(await clientOf(registry.host).tags(repository, never)).to.deep.equal([]);
    });

    it('not of a repository that is not there', async () => {
      const registry = await fake();
      const error = await failure(clientOf(registry.host).tags(repository, never));
      expect(error).to.include({ kind: 'terminal', reason: 'ImageNotFound' });
      expect(error.message).to.include(`there is no ${registry.host}/${repository}`);
    });

    it('not without end', async () => {
      const registry = await fake();
      registry.push(repository, '1');
      registry.push(repository, '2');
      // What follows is always the same page.
      Object.assign(registry.faults, { tagsPerPage: 1, linkPrefix: '/v2/x/tags/list?last=0&' });
      const error = await failure(clientOf(registry.host).tags(repository, never));
      expect(error).to.include({ kind: 'terminal', reason: 'RegistryRefused' });
    });
  });
});

describe('the registry client puts a manifest', () => {
  const { fake, clientOf } = registryLab();
  const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
  const bytes = Buffer.from('{\n   "schemaVersion": 2\n}');
  const manifest = { digest: digestOf(bytes), size: bytes.length, mediaType, content: bytes };

  it('byte for byte, under a tag and its digest', async () => {
    const registry = await fake({ login: 'token', ...login });
    const client = clientOf(registry.host, { credentials: login });
    await client.putManifest(repository, '1', manifest, never);
    expect(registry.manifest(repository, '1')).to.deep.equal({ content: bytes, mediaType });
    expect(await client.manifest(repository, manifest.digest, never)).to.deep.equal(manifest);
    expect(registry.tokens()).to.deep.equal({
      '': 1,
      [`repository:${repository}:pull,push`]: 1,
      [`repository:${repository}:pull`]: 1,
    });
  });

  it('also where the registry does not say which digest it has', async () => {
    const registry = await fake();
    registry.faults.omitsDigest = true;
    await clientOf(registry.host).putManifest(repository, '1', manifest, never);
    expect(registry.manifest(repository, '1')?.content.equals(bytes)).to.equal(true);
  });

  it('again after 429, as it can be sent again', async () => {
    const registry = await fake();
    const client = clientOf(registry.host);
    await client.check(never);
    registry.faults.throttles = 3;
    await client.putManifest(repository, '1', manifest, never);
    expect(registry.manifest(repository, '1')?.content.equals(bytes)).to.equal(true);
  });

  for (const { name, faults, kind, reason } of [
    { name: 'stores another', faults: { liesAboutDigest: true }, kind: 'terminal', reason: 'DigestMismatch' },
    {
      name: 'stores nothing',
      faults: { losesManifests: true, omitsDigest: true },
      kind: 'terminal',
      reason: 'DigestMismatch',
    },
    { name: 'fails', faults: { status: 500 }, kind: 'transient', reason: 'RegistryFailed' },
    { name: 'is away', faults: { status: 502 }, kind: 'transient', reason: 'RegistryUnreachable' },
  ]) {
    it(`and says so when the registry ${name}`, async () => {
      const registry = await fake();
      const client = clientOf(registry.host);
      await client.check(never);
      Object.assign(registry.faults, faults);
      expect(await failure(client.putManifest(repository, '1', manifest, never))).to.include({
        kind,
        reason,
      });
    });
  }

  it('and says so when something that it is made of is gone', async () => {
    const registry = await fake();
    const content = Buffer.from(JSON.stringify({ schemaVersion: 2, config: { digest: digestOf('gone') } }));
    const incomplete = { ...manifest, digest: digestOf(content), content };
    const error = await failure(clientOf(registry.host).putManifest(repository, '1', incomplete, never));
    expect(error).to.include({ kind: 'transient', reason: 'BlobMissing' });
    expect(error.message).to.include(digestOf('gone'));
  });
});
