// Images that the real cosign signed, in a registry that we did not write: Debian's docker-registry.
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { createRegistryConnector } from '../../../src/images/registry/connector.ts';
import type { Manifest, Registry } from '../../../src/images/registry/port.ts';
import { readVerificationKey } from '../../../src/images/verify/key.ts';
import { verifyImage } from '../../../src/images/verify/verify.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { manifestOf, readRecording, type CosignRecording } from '../../fixtures/images/cosign/recording.ts';
import { startDockerRegistry, type DockerRegistry } from './docker-registry.ts';

const never = new AbortController().signal;
const repository = 'mirror/rhosp12/openstack-nova-api';

for (const version of ['2.4.3', '3.1.3'] as const) {
  describe(`what cosign ${version} signed, in docker-registry`, function () {
    this.timeout(60_000);
    const recording = readRecording(version);
    const connector = createRegistryConnector({ clock: systemClock, random: Math.random, allowLocal: true });
    let server: DockerRegistry;
    let registry: Registry;

    before(async () => {
      server = await startDockerRegistry();
      registry = connector.connect({ host: server.host, insecure: true });
      await push(registry, recording);
    });
    after(async () => {
      await connector.close();
      await server.stop();
    });

    const outcome = (image: string, key: string): Promise<string> =>
      verifyImage(
        registry,
        repository,
        recording.images[image] ?? '',
        readVerificationKey(recording.keys[key], 'release-key'),
        never,
      ).then(
        () => 'holds',
        (error: unknown) => asOperatorError(error).reason,
      );

    const cases: readonly (readonly [image: string, key: string, outcome: string])[] = [
      ['tag', 'release', 'holds'],
      ['tag', 'other', 'SignatureInvalid'],
      ['both-keys', 'other', 'holds'],
      ['several-index', 'release', 'holds'],
      ['attested', 'release', 'ImageUnsigned'],
      ['unsigned', 'release', 'ImageUnsigned'],
      ...(version === '3.1.3'
        ? ([
            ['bundle', 'release', 'holds'],
            ['bundle', 'other', 'SignatureInvalid'],
          ] as const)
        : []),
    ];
    for (const [image, key, expected] of cases) {
      it(`${image}, asked for key ${key}: ${expected}`, async () => {
        expect(await outcome(image, key)).to.equal(expected);
      });
    }
  });
}

/** A registry takes a manifest only when it has what that names: blobs first, indexes last. */
async function push(registry: Registry, recording: CosignRecording): Promise<void> {
  for (const [digest, text] of Object.entries(recording.blobs)) {
    const content = Buffer.from(text);
    const read = (from: number) => Promise.resolve(Readable.from([content.subarray(from)]));
    await registry.uploadBlob(repository, { digest, size: content.length }, read, () => undefined, never);
  }
  const manifests = Object.keys(recording.manifests).flatMap((digest) => manifestOf(recording, digest) ?? []);
  const isIndex = ({ mediaType }: Manifest): boolean => mediaType.includes('index');
  for (const manifest of manifests.toSorted((a, b) => Number(isIndex(a)) - Number(isIndex(b)))) {
    await registry.putManifest(repository, manifest.digest, manifest, never);
  }
  for (const [tag, digest] of Object.entries(recording.tags)) {
    const manifest = manifestOf(recording, digest);
    if (manifest !== undefined) await registry.putManifest(repository, tag, manifest, never);
  }
}
