// A set that asks for signatures: what is not signed is neither taken nor proposed, and holds nobody up who is.
import { expect } from 'chai';
import { configMaps } from '../../../src/kube/objects.ts';
import { namespace } from './builders.ts';
import { destination, pathOf, setStage, type Stage } from './stage.ts';
import { digestOf, payloadOf, signerOf } from './verify-signer.ts';

const interval = 700_000;
const signer = signerOf('P-256');
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** As cosign does: a manifest beside the image, whose layer is what was signed. */
function sign(stage: Stage, name: string, tag: string): void {
  const digest = stage.source.digestAt(pathOf(name), tag) ?? '';
  const payload = payloadOf(digest);
  const config = '{}';
  stage.source.push(pathOf(name), `parts-of-${tag}`, { layers: [payload.toString()], config });
  const layer = {
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
    digest: digestOf(payload),
    size: payload.length,
    annotations: { 'dev.cosignproject.cosign/signature': signer.sign(payload).toString('base64') },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: digestOf(config),
      size: config.length,
    },
    layers: [layer],
  };
  stage.source.pushRaw(
    pathOf(name),
    `${digest.replace(':', '-')}.sig`,
    manifestType,
    JSON.stringify(manifest),
  );
}

function signedStage(spec: object = {}): Stage {
  const stage = setStage({ tagPattern: '13.0-*', verify: { cosign: { keyName: 'cosign' } }, ...spec });
  stage.kube.seed(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'cosign', namespace },
    data: { 'cosign.pub': signer.publicKey },
  });
  for (const name of ['keystone', 'nova-api']) {
    stage.push(name, '13.0-1');
    sign(stage, name, '13.0-1');
  }
  return stage;
}

describe('a set that asks for signatures', () => {
  it('takes what is signed, and copies the signatures along', async () => {
    const stage = signedStage({ destination });
    await stage.settle();
    expect(stage.condition('Verified')).to.include({ status: 'True' });
    expect(stage.tags()).to.deep.equal(['keystone:13.0-1', 'nova-api:13.0-1']);
    const digest = stage.source.digestAt(pathOf('keystone'), '13.0-1') ?? '';
    expect(stage.target.digestAt(pathOf('keystone'), `${digest.replace(':', '-')}.sig`)).to.match(/^sha256:/);
  });

  it('takes nothing where one image is not signed, and takes it once it is', async () => {
    const stage = signedStage({ images: ['glance'] });
    stage.push('glance', '13.0-1');
    await stage.settle();
    expect(stage.tags()).to.deep.equal([]);
    expect(stage.condition('Stalled')).to.include({ reason: 'ImageUnsigned' });
    sign(stage, 'glance', '13.0-1');
    await stage.pass(60_000);
    expect(stage.tags()).to.have.length(3);
  });

  it('comes to rest while nothing may be copied', async () => {
    const stage = setStage({ destination, verify: { cosign: { keyName: 'cosign' } } });
    stage.push('keystone', '12.0-1');
    stage.push('nova-api', '12.0-1');
    await stage.settle();
    for (let passes = 0; passes < 3; passes += 1) {
      expect(await stage.pass(700_000))
        .to.have.property('ms')
        .that.is.greaterThan(1_000);
    }
  });

  for (const updatePolicy of ['Apply', 'Propose'] as const) {
    it(`neither takes nor proposes a newer image that is not signed (${updatePolicy})`, async () => {
      const stage = signedStage({ updatePolicy });
      await stage.settle();
      stage.push('nova-api', '13.0-2');
      await stage.pass(interval);
      expect(stage.tags()).to.deep.equal(['keystone:13.0-1', 'nova-api:13.0-1']);
      expect(stage.condition('Ready').status).to.equal('True');
      expect(stage.condition('Verified').status).to.equal('True');
      expect(stage.status()).not.to.have.any.keys('proposed');
      expect(stage.condition('UpdateAvailable')).to.include({ status: 'Unknown', reason: 'ImageUnsigned' });
      sign(stage, 'nova-api', '13.0-2');
      await stage.pass(interval);
      if (updatePolicy === 'Apply') expect(stage.tags()).to.include('nova-api:13.0-2');
      else expect(stage.status().proposed?.images.map(({ tag }) => tag)).to.deep.equal(['13.0-2']);
    });
  }
});
