// What is read out of manifests and descriptors, whatever stands there.
import { expect } from 'chai';
import { bytesPulled, configOf, platformOf } from '../../../src/images/manifest.ts';
import { descriptorOf, parseJson } from '../../../src/images/registry/document.ts';
import type { Manifest } from '../../../src/images/registry/port.ts';
import { digestOf, imageType } from '../../fakes/memory-registry.ts';

const part = (size: number) => ({ digest: digestOf('a'), size });

function manifestOf(content: unknown): Manifest {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  return { digest: digestOf(bytes), size: bytes.length, mediaType: imageType, content: bytes };
}

describe('a descriptor', () => {
  const long = `sha512:${'ab'.repeat(64)}`;
  for (const [name, value, read] of [
    ['of sha256', { ...part(7), mediaType: 'x' }, part(7)],
    ['of sha512', { digest: long, size: 7 }, { digest: long, size: 7 }],
    ['of 1 TB', part(1e12), part(1e12)],
    ['of more than 1 TB', part(1e12 + 1), undefined],
    ['of the largest number there is', part(Number.MAX_SAFE_INTEGER), undefined],
    ['of less than nothing', part(-1), undefined],
    ['of half a byte', part(0.5), undefined],
    ['without a size', { digest: digestOf('a') }, undefined],
    ['with a path for a digest', { digest: 'sha256:../../x', size: 1 }, undefined],
    ['that is null', null, undefined],
    ['that is text', 'sha256', undefined],
  ] as const) {
    it(`${name} is ${read === undefined ? 'none' : 'read'}`, () => {
      expect(descriptorOf(value)).to.deep.equal(read);
    });
  }

  it('is not looked for in what is no JSON', () => {
    expect(parseJson(Buffer.from('<html>'))).to.equal(undefined);
  });
});

describe('what a host pulls', () => {
  const size = (content: unknown) => manifestOf(content).size;
  const image = { config: part(10), layers: [part(100), part(1000)] };
  const many = { config: part(1), layers: Array.from({ length: 10_000 }, () => part(1e12)) };
  const partly = { layers: [null, part(100), part(1e13)] };
  for (const [name, content, bytes] of [
    ['is the manifest and all that it names', image, 1110 + size(image)],
    ['leaves out what is no descriptor', partly, 100 + size(partly)],
    ['is never more than a status can hold', many, Number.MAX_SAFE_INTEGER],
    ['is not known of an index', { manifests: [part(1)] }, undefined],
    ['is not known of what is no JSON', '<html>', undefined],
    ['is not known of null', 'null', undefined],
  ] as const) {
    it(name, () => expect(bytesPulled(manifestOf(content))).to.equal(bytes));
  }
});

describe('the platform that speaks for an index', () => {
  const of = (digest: string, os: string, architecture: string) => ({
    digest: digestOf(digest),
    size: 1,
    platform: { os, architecture },
  });
  for (const [name, manifests, read] of [
    ['is Linux on AMD64', [of('arm', 'linux', 'arm64'), of('amd', 'linux', 'amd64')], digestOf('amd')],
    ['is the first where there is no such', [of('arm', 'linux', 'arm64')], digestOf('arm')],
    ['is the first where nothing is said', [part(1), null], digestOf('a')],
    ['is none of an empty one', [], undefined],
    ['is none of what is no list', {}, undefined],
  ] as const) {
    it(name, () => expect(platformOf(manifestOf({ manifests }))?.digest).to.equal(read));
  }

  it('is not looked for in an image, which has a configuration of its own', () => {
    const image = manifestOf({ config: part(3), layers: [] });
    expect([platformOf(image), configOf(image)]).to.deep.equal([undefined, part(3)]);
  });
});
