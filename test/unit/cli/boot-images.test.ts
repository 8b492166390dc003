// The ConfigMap undercloud-images: what it may say, and that every mistake in it is named with its path.
import { expect } from 'chai';
import { parseBootImages } from '../../../src/api/images.ts';
import { render } from '../../../src/cli/image/store.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';

const sha256 = `sha256:${'0f'.repeat(32)}`;
const sha512 = `sha512:${'0f'.repeat(64)}`;
const full = `
default: debian-12
images:
  debian-12: { url: "http://10.0.0.1:8088/debian-12.raw", checksum: "${sha256}", format: Raw }
  overcloud-full:
    url: https://images/overcloud-full.qcow2
    checksum: ${sha512}
    format: QCow2
    kernel: { url: http://images/k, checksum: "${sha256}" }
    ramdisk: { url: http://images/r, checksum: "${sha256}" }
deploy:
  kernel: { url: http://images/ipa.kernel, checksum: "${sha256}" }
  ramdisk: { url: http://images/ipa.initramfs, checksum: "${sha256}" }
  iso: { url: http://images/ipa.iso, checksum: "${sha256}" }
  kernelArguments: console=ttyS0
  collectors: [default, logs]
`;

const image = (members: string): string => `images: { a: { ${members} } }`;
const good = `url: http://h/a, checksum: "${sha256}", format: Raw`;

function refusal(text: string): string {
  try {
    parseBootImages(text);
  } catch (error) {
    if (error instanceof OperatorError && error.kind === 'terminal') return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('boot images', () => {
  it('have a default, whole-disk and partition images, and a ramdisk', () => {
    const { default: chosen, images, deploy } = parseBootImages(full);
    expect(chosen).to.equal('debian-12');
    expect(images.get('debian-12')).to.deep.equal({
      url: 'http://10.0.0.1:8088/debian-12.raw',
      checksum: sha256,
      format: 'Raw',
    });
    expect(images.get('overcloud-full')?.partition?.ramdisk.url).to.equal('http://images/r');
    expect(deploy).to.deep.include({ kernelArguments: 'console=ttyS0', collectors: ['default', 'logs'] });
    expect(deploy?.iso?.url).to.equal('http://images/ipa.iso');
  });

  it('are written so that they read the same', () => {
    const parsed = parseBootImages(full);
    expect(parseBootImages(render(parsed))).to.deep.equal(parsed);
  });

  it('have defaults for the ramdisk', () => {
    const file = `{ url: http://h/a, checksum: "${sha256}" }`;
    const { deploy } = parseBootImages(`deploy: { kernel: ${file}, ramdisk: ${file} }`);
    expect(deploy).to.deep.include({ kernelArguments: '', collectors: ['default'] });
    expect(deploy).not.to.have.property('iso');
  });

  for (const text of ['', '# nothing yet\n', 'images:\n', '{}']) {
    it(`may be none at all: ${JSON.stringify(text)}`, () => {
      expect(parseBootImages(text).images.size).to.equal(0);
    });
  }

  const refused: readonly (readonly [what: string, text: string, says: string])[] = [
    ['what is not YAML', 'images: {', 'is not YAML'],
    ['two documents', '{}\n---\n{}', 'the document: must be one'],
    ['a list', '- a', 'the document: must be a map'],
    ['an unknown section', 'image: {}', 'the document: has the unknown key "image"'],
    ['an unknown key', image(`${good}, arch: x`), 'images.a: has the unknown key "arch"'],
    ['a name in capitals', `images: { A: { ${good} } }`, 'images.A: a name has'],
    ['an image called deploy', `images: { deploy: { ${good} } }`, "images.deploy: 'deploy' is the name of"],
    ['a default that is not there', `default: b\n${image(good)}`, 'default: must be one of the images (a)'],
    ['a default of no image', 'default: constructor', 'default: must be one of the images (there are none)'],
    ['another protocol', image('url: "ftp://h/a"'), 'images.a.url: must be a URL that begins with http://'],
    ['a URL without a host', image('url: "http:///a"'), 'images.a.url: must be a URL'],
    ['a space in a URL', image('url: "http://h/a b"'), 'images.a.url: must be a URL'],
    ['a password in a URL', image('url: "http://u:p@h/a"'), 'images.a.url: must not have a user or password'],
    [
      'a short checksum',
      image('checksum: "sha256:0f"'),
      'images.a.checksum: must be "sha256:<64 hex digits>"',
    ],
    ['an MD5 checksum', image('checksum: "md5:0f"'), 'images.a.checksum: must be "sha256:'],
    ['a format of another kind', image('format: VMDK'), 'images.a.format: must be one of Raw, QCow2'],
    [
      'a kernel without ramdisk',
      image(`${good}, kernel: { url: http://h/k }`),
      'images.a.ramdisk: is missing',
    ],
    ['a deploy without files', 'deploy: {}', 'deploy.kernel: is missing'],
    [
      'arguments of two lines',
      'deploy: { kernelArguments: "a\\nb" }',
      'deploy.kernelArguments: must be one line',
    ],
    ['no collectors', 'deploy: { collectors: [] }', 'deploy.collectors: must be a list'],
    ['a collector with a comma', 'deploy: { collectors: ["a,b"] }', 'deploy.collectors: must be a list'],
  ];
  for (const [what, text, says] of refused) {
    it(`refuse ${what}`, () => {
      expect(refusal(text)).to.include(says);
    });
  }

  it('name every mistake at once', () => {
    const message = refusal('default: x\nimages: { a: {} }\ndeploy: { kernel: {} }');
    for (const path of [
      'default',
      'images.a.url',
      'images.a.checksum',
      'images.a.format',
      'deploy.kernel.url',
    ]) {
      expect(message).to.include(`${path}: `);
    }
    expect(message).to.match(/^ConfigMap undercloud-images, key images.yaml cannot be used/);
  });
});
