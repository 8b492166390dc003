// A tag by an image's own labels.
import { expect } from 'chai';
import { tagFromLabels } from '../../../src/images/labels.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';

const labels = {
  version: '13.0',
  release: '43',
  rdo_version: 'abc_def',
  'org.label-schema.version': '9',
  empty: '',
  path: '../../admin',
  lines: 'a\nb',
  long: '9'.repeat(10_000),
};

const made = [
  { format: '{version}-{release}', tag: '13.0-43' },
  { format: '{version}', tag: '13.0' },
  { format: 'v{version}.0', tag: 'v13.0.0' },
  { format: 'rdo_version', tag: 'abc_def' },
  { format: '{org.label-schema.version}', tag: '9' },
];

const refused = [
  {
    name: 'a label that the image does not have',
    format: '{version}-{build}',
    reason: 'TagLabelUnknown',
    says: /image nova-api has no label "build", it has "lines", .*spec\.tagFromLabel\.format/,
  },
  {
    name: 'a bare word that is none',
    format: 'latest',
    reason: 'TagLabelUnknown',
    says: /no label "latest"/,
  },
  {
    name: 'an empty label',
    format: '{version}-{empty}',
    reason: 'TagLabelUnknown',
    says: /no label "empty"/,
  },
  {
    name: 'what every object has',
    format: '{constructor}',
    reason: 'TagLabelUnknown',
    says: /"constructor"/,
  },
  { name: 'a brace that stays open', format: '{version', reason: 'TagFormatInvalid', says: /"\{version"/ },
  { name: 'a brace that was not open', format: 'version}', reason: 'TagFormatInvalid', says: /brace/ },
  { name: 'braces in braces', format: '{a{b}}', reason: 'TagFormatInvalid', says: /brace/ },
  { name: 'empty braces', format: '{}', reason: 'TagFormatInvalid', says: /brace/ },
  { name: 'a brace in the tag', format: '{{{version}}}', reason: 'TagInvalid', says: /make "\{13\.0\}"/ },
  { name: 'a label that is a path', format: '{path}', reason: 'TagInvalid', says: /"\.\.\/\.\.\/admin"/ },
  { name: 'a label of two lines', format: '{lines}', reason: 'TagInvalid', says: /"a\\nb"/ },
  { name: 'a label that is too long', format: '{long}', reason: 'TagInvalid', says: /^.{0,250}$/ },
  { name: 'a tag that begins with a hyphen', format: '-{release}', reason: 'TagInvalid', says: /"-43"/ },
];

describe('a tag by labels', () => {
  for (const { format, tag } of made) {
    it(`${format} is ${tag}`, () => {
      expect(tagFromLabels(format, labels, 'nova-api')).to.equal(tag);
    });
  }

  for (const { name, format, reason, says } of refused) {
    it(`refuses ${name}`, () => {
      expect(() => tagFromLabels(format, labels, 'nova-api'))
        .to.throw(OperatorError, says)
        .that.includes({ kind: 'terminal', reason });
    });
  }

  it('says of an image without labels that it has none', () => {
    expect(() => tagFromLabels('{version}', {}, 'nova-api')).to.throw(OperatorError, 'it has none: ');
  });

  it('names ten of many labels, each in short', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`${'l'.repeat(500)}${at}`, 'x']));
    expect(() => tagFromLabels('{version}', many, 'nova-api'))
      .to.throw(OperatorError, /and 30 more:/)
      .that.satisfies(({ message }: OperatorError) => message.length < 1024);
  });
});
