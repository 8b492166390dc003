// Which image a host is installed with, and which ramdisk its machine boots.
import { expect } from 'chai';
import { parseBootImages } from '../../../src/api/images.ts';
import {
  deployImagesOf,
  deployIsoOf,
  osImageOf,
  type OsImageChoice,
} from '../../../src/baremetal/boot/images.ts';

const sum = `sha256:${'0'.repeat(64)}`;
const file = (name: string) => ({ url: `http://10.0.0.1/${name}`, checksum: sum });
const images = parseBootImages(
  JSON.stringify({
    default: 'debian-12',
    images: {
      'debian-12': { ...file('debian.raw'), format: 'Raw' },
      full: { ...file('full.qcow2'), format: 'QCow2', kernel: file('vmlinuz'), ramdisk: file('initrd') },
    },
    deploy: { kernel: file('kernel'), ramdisk: file('agent') },
  }),
);

describe('the image of a host', () => {
  const found: readonly [string, OsImageChoice | undefined, unknown][] = [
    ['the default, where the host names none', undefined, { ...file('debian.raw'), format: 'Raw' }],
    ['the default, where its choice is empty', {}, { ...file('debian.raw'), format: 'Raw' }],
    [
      'the one it names, with its kernel and ramdisk',
      { name: 'full' },
      {
        ...file('full.qcow2'),
        format: 'QCow2',
        partition: { kernel: file('vmlinuz'), ramdisk: file('initrd') },
      },
    ],
    ['its own URL', file('own.img'), { ...file('own.img'), format: 'Raw' }],
    [
      'its own URL that ends as qcow2 does',
      { url: 'http://10.0.0.1/a.QCOW2?x=1', checksum: sum },
      { url: 'http://10.0.0.1/a.QCOW2?x=1', checksum: sum, format: 'QCow2' },
    ],
    [
      'its own URL with a format',
      { ...file('a.qcow2'), format: 'Raw' },
      { ...file('a.qcow2'), format: 'Raw' },
    ],
    [
      'its own partition image',
      { ...file('a.raw'), kernel: file('k'), ramdisk: file('r') },
      { ...file('a.raw'), format: 'Raw', partition: { kernel: file('k'), ramdisk: file('r') } },
    ],
  ];
  for (const [name, choice, image] of found) {
    it(name, () => expect(osImageOf(choice, images)).to.deep.equal({ image }));
  }

  const missing: readonly [string, OsImageChoice | undefined, typeof images | undefined, string][] = [
    ['no ConfigMap and no name', undefined, undefined, 'image add NAME --url URL --default'],
    ['an unknown name', { name: 'fedora' }, images, 'it has debian-12, full'],
    ['an unknown name and no ConfigMap', { name: 'fedora' }, undefined, 'image add fedora'],
    ['a name that every object has', { name: 'constructor' }, images, 'no image constructor'],
    ['a URL without a checksum', { url: 'http://10.0.0.1/a' }, images, 'osImage.checksum'],
    ['a kernel without its ramdisk', { ...file('a'), kernel: file('k') }, images, 'only one of kernel'],
  ];
  for (const [name, choice, known, words] of missing) {
    it(`says what to do: ${name}`, () => {
      expect(osImageOf(choice, known)).to.have.property('problem').that.contains(words);
    });
  }
});

describe('the ramdisk of a machine', () => {
  it('is the namespace’s', () => {
    expect(deployImagesOf(images)).to.have.nested.property('image.kernel.url', 'http://10.0.0.1/kernel');
  });

  it('is asked for where there is none', () => {
    for (const known of [undefined, parseBootImages('')]) {
      expect(deployImagesOf(known)).to.have.property('problem').that.contains('image add deploy');
    }
  });

  it('is an ISO for virtual media, and asked for where there is none', () => {
    const deploy = { kernel: file('k'), ramdisk: file('r'), kernelArguments: '', collectors: ['default'] };
    expect(deployIsoOf({ ...deploy, iso: file('agent.iso') })).to.deep.equal({ image: file('agent.iso') });
    expect(deployIsoOf(deploy)).to.have.property('problem').that.contains('--iso URL');
  });
});
