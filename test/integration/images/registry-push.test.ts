// The registry client pushes to a registry that we did not write: uploads, mounts, tokens, restarts, a full disk.
import { expect } from 'chai';
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createRegistryConnector } from '../../../src/images/registry/connector.ts';
import type { BlobReader, Descriptor, Registry } from '../../../src/images/registry/port.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { OperatorError } from '../../../src/kernel/errors.ts';
import { pause } from '../../support/wait.ts';
import { startDockerRegistry, type DockerRegistry } from './docker-registry.ts';

const ociType = 'application/vnd.oci.image.manifest.v1+json';
const repository = 'rhosp12/openstack-nova-api';
const base = 'rhosp12/openstack-base';
const never = new AbortController().signal;
const ignore = () => undefined;

describe('the registry client pushes to docker-registry', function () {
  this.timeout(60_000);
  const connector = createRegistryConnector({ clock: systemClock, random: Math.random, allowLocal: true });
  let plain: DockerRegistry;
  let withTokens: DockerRegistry;
  let pushed: Registry;
  let pulled: Registry;

  before(async () => {
    [plain, withTokens] = await Promise.all([
      startDockerRegistry(),
      startDockerRegistry({ tls: true, tokens: true }),
    ]);
    pulled = connector.connect({ host: plain.host, insecure: true });
    const { host, ca, credentials } = withTokens;
    pushed = connector.connect({ host, ca, credentials, insecure: false });
  });
  after(async () => {
    await connector.close();
    await Promise.all([plain.stop(), withTokens.stop()]);
  });

  it('an image from another registry, byte for byte, with one token to push it', async () => {
    const { digest } = await plain.push(repository, '12.0-1', ociType);
    const manifest = await pulled.manifest(repository, '12.0-1', never);
    for (const blob of blobsOf(manifest.content)) {
      const read: BlobReader = (from, signal) => pulled.readBlob(repository, blob, from, signal);
      await pushed.uploadBlob(repository, blob, read, ignore, never);
    }
    await pushed.putManifest(repository, '12.0-1', manifest, never);
    const there = await pushed.manifest(repository, digest, never);
    expect(Buffer.from(there.content).equals(Buffer.from(manifest.content))).to.equal(true);
    expect(
      withTokens.tokens?.given().filter((scope) => scope === `repository:${repository}:pull,push`),
    ).to.have.length(1);
  });

  it('a blob of some megabytes and reads it back from the middle', async () => {
    const { blob, content, read } = randomBlob(5_000_000);
    let bytes = 0;
    await pushed.uploadBlob(repository, blob, read, (more) => (bytes += more), never);
    expect(bytes).to.equal(blob.size);
    const rest = [];
    for await (const chunk of await pushed.readBlob(repository, blob, 4_000_000, never)) rest.push(chunk);
    expect(Buffer.concat(rest).equals(content.subarray(4_000_000))).to.equal(true);
  });

  it('an empty blob', async () => {
    const { blob, read } = randomBlob(0);
    await pulled.uploadBlob(repository, blob, read, ignore, never);
    expect(await pulled.hasBlob(repository, blob.digest, never)).to.equal(true);
  });

  it('by mounting, with a token for both repositories', async () => {
    const { blob, read } = randomBlob(1_000);
    await pushed.uploadBlob(base, blob, read, ignore, never);
    expect(await pushed.hasBlob(repository, blob.digest, never)).to.equal(false);
    expect(await pushed.mountBlob(repository, blob.digest, base, never)).to.equal(true);
    expect(await pushed.hasBlob(repository, blob.digest, never)).to.equal(true);
    expect(withTokens.tokens?.given()).to.include(
      `repository:${repository}:pull,push repository:${base}:pull`,
    );
  });

  it('nothing by mounting what is not there, and leaves no upload', async () => {
    const { blob } = randomBlob(10);
    expect(await pushed.mountBlob('never/pushed', blob.digest, base, never)).to.equal(false);
    expect(await openUploads(withTokens, 'never/pushed')).to.deep.equal([]);
  });

  it('with another token when one expires in mid-upload', async () => {
    const { blob, content } = randomBlob(200_000);
    const tokens = withTokens.tokens;
    tokens?.live(2, 300);
    const slow: BlobReader = (from) =>
      Promise.resolve(
        (async function* () {
          yield content.subarray(from, 100_000);
          await pause(3_500);
          yield content.subarray(Math.max(from, 100_000));
        })(),
      );
    await pushed.uploadBlob('rhosp12/slow', blob, slow, ignore, never);
    tokens?.live(300);
    expect(await pushed.hasBlob('rhosp12/slow', blob.digest, never)).to.equal(true);
    expect(tokens?.given().filter((scope) => scope === 'repository:rhosp12/slow:pull,push')).to.have.length(
      2,
    );
  });

  it('nothing that is not what it should be, and leaves nothing', async () => {
    const { blob } = randomBlob(100_000);
    const { read } = randomBlob(100_000);
    const error = await failure(pushed.uploadBlob('rhosp12/damaged', blob, read, ignore, never));
    expect(error).to.include({ kind: 'terminal', reason: 'DigestMismatch' });
    expect(await pushed.hasBlob('rhosp12/damaged', blob.digest, never)).to.equal(false);
    expect(await openUploads(withTokens, 'rhosp12/damaged')).to.deep.equal([]);
  });

  it('nothing without a login that may, and shows what the registry says of that', async () => {
    const { blob, read } = randomBlob(10);
    const { host, ca } = withTokens;
    const anonymous = connector.connect({ host, ca, insecure: false });
    expect(await anonymous.tags(repository, never)).to.include('12.0-1');
    const error = await failure(anonymous.uploadBlob(repository, blob, read, ignore, never));
    expect(error).to.include({ kind: 'terminal', reason: 'RegistryAuthFailed' });
    expect(error.message).to.include('UNAUTHORIZED').and.to.include('whose user may push');
  });

  it('no manifest of which something is missing', async () => {
    const content = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: ociType,
        config: { ...randomBlob(7).blob, mediaType: 'x/y' },
        layers: [],
      }),
    );
    const manifest = { mediaType: ociType, ...descriptorOf(content), content };
    const error = await failure(pushed.putManifest(repository, 'broken', manifest, never));
    expect(error).to.include({ kind: 'transient', reason: 'BlobMissing' });
    expect(await pushed.digest(repository, 'broken', never)).to.equal(undefined);
  });

  it('to the end when the registry is killed in mid-upload and comes back', async () => {
    const { blob, content } = randomBlob(8_000_000);
    const starts: number[] = [];
    let killed: Promise<void> | undefined;
    const read: BlobReader = (from) => {
      starts.push(from);
      return Promise.resolve(
        (async function* () {
          for (let at = from; at < content.length; at += 1_000_000) {
            yield content.subarray(at, at + 1_000_000);
            if (at >= 3_000_000 && killed === undefined) {
              killed = plain.restart();
              await killed;
            }
          }
        })(),
      );
    };
    await pulled.uploadBlob('rhosp12/killed', blob, read, ignore, never);
    expect(await pulled.hasBlob('rhosp12/killed', blob.digest, never)).to.equal(true);
    // This registry knows no upload any more whose connection broke (2.8, registry/handlers/blobupload.go).
    expect(starts.slice(0, 2)).to.deep.equal([0, 0]);
  });

  it('and says so when its disk is full', async () => {
    const small = await startDockerRegistry({ megabytes: 4 });
    try {
      const registry = connector.connect({ host: small.host, insecure: true });
      for (const size of [10_000_000, 10]) {
        const { blob, read } = randomBlob(size);
        const error = await failure(registry.uploadBlob(repository, blob, read, ignore, never));
        expect(error).to.include({ kind: 'transient', reason: 'RegistryFull' });
        expect(error.message).to.include('make room');
      }
    } finally {
      await small.stop();
    }
  });
});

const descriptorOf = (content: Buffer): Descriptor => ({
  digest: `sha256:${createHash('sha256').update(content).digest('hex')}`,
  size: content.length,
});

function randomBlob(bytes: number): {
  readonly blob: Descriptor;
  readonly content: Buffer;
  readonly read: BlobReader;
} {
  const content = randomBytes(bytes);
  const read: BlobReader = (from) =>
    Promise.resolve(
      // eslint-disable-next-line @typescript-eslint/require-await
      (async function* () {
        for (let at = from; at < bytes; at += 65_536) yield content.subarray(at, at + 65_536);
      })(),
    );
  return { blob: descriptorOf(content), content, read };
}

function blobsOf(content: Uint8Array): readonly Descriptor[] {
  const { config, layers } = JSON.parse(Buffer.from(content).toString()) as {
    readonly config: Descriptor;
    readonly layers: readonly Descriptor[];
  };
  return [config, ...layers].map(({ digest, size }) => ({ digest, size }));
}

/** Files of uploads that nobody has ended: the registry leaves their directories behind. */
async function openUploads({ data }: DockerRegistry, name: string): Promise<readonly string[]> {
  const directory = path.join(data, 'docker/registry/v2/repositories', name, '_uploads');
  const files = await readdir(directory, { recursive: true });
  return files.filter((file) => path.basename(file) === 'data');
}

async function failure(promise: Promise<unknown>): Promise<OperatorError> {
  try {
    await promise;
  } catch (error) {
    return error as OperatorError;
  }
  throw new Error('it succeeded');
}
