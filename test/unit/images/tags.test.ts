// Which tag is the newest of those that match a pattern.
import { expect } from 'chai';
import fc from 'fast-check';
import { isTag } from '../../../src/api/reference.ts';
import { compareTags } from '../../../src/api/tag-order.ts';
import { matchesGlob, newestTag } from '../../../src/images/tags.ts';

/** Oldest first. */
const orders = [
  { name: 'numbers as numbers', tags: ['13.0-9', '13.0-10', '13.0-99', '13.0-100'] },
  { name: 'days', tags: ['12.0-20180309.1', '12.0-20180309.2', '12.0-20180319.1'] },
  { name: 'numbers that no computer counts to', tags: [`1.${'9'.repeat(60)}`, `1.1${'0'.repeat(60)}`] },
  { name: 'leading zeros', tags: ['1.08', '1.9', '1.010'] },
  { name: 'the version before the release', tags: ['16.2-100', '16.2.4-1', '16.10-1'] },
  { name: 'an underscore between version and release', tags: ['16.1_20210101.1', '16.1.1_20200101.1'] },
  { name: 'what goes on', tags: ['13.0', '13.0-1', '13.0-1.1515', '13.0.1'] },
  {
    name: 'pre-releases',
    tags: ['1.0-dev3', '1.0-alpha1', '1.0-beta2', '1.0-rc1', '1.0-rc10', '1.0', '1.0-1'],
  },
  { name: 'pre-releases without a hyphen', tags: ['15.0.0.0rc1', '15.0.0.0rc2', '15.0.0.0'] },
  { name: 'pre-releases after an underscore', tags: ['1.0_rc1', '1.0', '1.0_1'] },
  { name: 'pre-releases in capitals', tags: ['v2.0-RC1', 'v2.0-RC2', 'v2.0'] },
  { name: 'a release of a pre-release', tags: ['1.0-rc1', '1.0-rc1-2', '1.0-rc2'] },
  { name: 'with and without a v', tags: ['1.9', 'v1.10', '1.11'] },
  { name: 'words before numbers', tags: ['current-tripleo', 'latest', '0.1'] },
  { name: 'words by their letters', tags: ['pike', 'queens', 'rocky', 'train'] },
  { name: 'what is the same but for its writing', tags: ['1.0-1', '1.00-1', '1.0_1'] },
];

const newest = [
  {
    name: 'the newest of many',
    glob: '13.0-*',
    of: ['13.0-9', '13.0-43', '13.0-5', '12.0-99'],
    is: '13.0-43',
  },
  { name: 'nothing that does not match', glob: '14.*', of: ['13.0-9', 'latest'], is: undefined },
  { name: 'nothing of no tags', glob: '*', of: [], is: undefined },
  { name: 'the tag itself, without a star', glob: '13.0-9', of: ['13.0-9', '13.0-99'], is: '13.0-9' },
  { name: 'one character for a question mark', glob: '13.0-?', of: ['13.0-9', '13.0-10'], is: '13.0-9' },
  { name: 'the release before its candidates', glob: '1.0*', of: ['1.0-rc2', '1.0', '1.0-rc10'], is: '1.0' },
  {
    name: 'the unique tag before the one that floats',
    glob: '13.0*',
    of: ['13.0', '13.0-43'],
    is: '13.0-43',
  },
  { name: 'case as it is written', glob: 'Pike-*', of: ['pike-2', 'Pike-1'], is: 'Pike-1' },
  {
    name: 'the image and not its sources',
    glob: '16.2.4-*',
    of: ['16.2.4-12', '16.2.4-12-source'],
    is: '16.2.4-12',
  },
  {
    name: 'the sources where they are asked for',
    glob: '*-source',
    of: ['1-1', '1-1-source'],
    is: '1-1-source',
  },
  {
    name: 'the image and not what is said of it',
    glob: '*',
    of: ['1.0', `sha256-${'f'.repeat(64)}.sig`, `sha256-${'f'.repeat(64)}`],
    is: '1.0',
  },
  { name: 'nothing that is no tag', glob: '*', of: ['../9', '-9', '9'.repeat(129), '1'], is: '1' },
];

const globs = [
  { glob: '*', yes: ['', 'a', 'a.b-c'], no: [] },
  { glob: 'nova-*', yes: ['nova-', 'nova-api'], no: ['nova', 'xnova-api', 'novaXapi'] },
  { glob: '*-api', yes: ['-api', 'nova-api', 'a-api-api'], no: ['nova-api-x'] },
  { glob: 'a*b*c', yes: ['abc', 'axbxc', 'abbcc'], no: ['acb', 'ab'] },
  { glob: 'a?c', yes: ['abc', 'a?c'], no: ['ac', 'abbc'] },
  { glob: '?*', yes: ['a', 'ab'], no: [''] },
  { glob: 'a.c', yes: ['a.c'], no: ['abc'] },
  { glob: '', yes: [''], no: ['a'] },
];

/** Tags of all shapes that collide easily. */
const anyTag = fc
  .array(
    fc.constantFrom('0', '1', '01', '9', '10', '.', '-', '_', 'v', 'V', 'rc', 'RC', 'alpha', 'x', 'z', 'dev'),
    { minLength: 1, maxLength: 7 },
  )
  .map((parts) => parts.join(''))
  .filter(isTag);

describe('the order of tags', () => {
  for (const { name, tags } of orders) {
    it(name, () => {
      expect(tags.toReversed().sort(compareTags)).to.deep.equal(tags);
    });
  }

  it('is total: any two differ, and either way says the same', () => {
    fc.assert(
      fc.property(anyTag, anyTag, (left, right) => {
        const order = Math.sign(compareTags(left, right));
        expect(order).to.equal(-Math.sign(compareTags(right, left)) + 0);
        expect(order === 0).to.equal(left === right);
      }),
    );
  });

  it('is transitive', () => {
    fc.assert(
      fc.property(anyTag, anyTag, anyTag, (a, b, c) => {
        fc.pre(compareTags(a, b) <= 0 && compareTags(b, c) <= 0);
        expect(compareTags(a, c)).to.be.at.most(0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the newest tag', () => {
  for (const { name, glob, of, is } of newest) {
    it(name, () => {
      expect(newestTag(of, glob)).to.equal(is);
      expect(newestTag(of.toReversed(), glob)).to.equal(is);
    });
  }
});

describe('a pattern', () => {
  for (const { glob, yes, no } of globs) {
    it(`${glob || 'that is empty'} matches ${yes.map((text) => text || 'nothing').join(', ')}`, () => {
      expect([...yes, ...no].filter((text) => matchesGlob(glob, text))).to.deep.equal(yes);
    });
  }

  it('matches what a slow reader of the same rules says', () => {
    const slow = (glob: string, text: string): boolean => {
      if (glob === '') return text === '';
      const rest = glob.slice(1);
      if (glob.startsWith('*')) return slow(rest, text) || (text !== '' && slow(glob, text.slice(1)));
      return (
        text !== '' && (glob.startsWith('?') || glob.startsWith(text.charAt(0))) && slow(rest, text.slice(1))
      );
    };
    const over = (...letters: string[]) =>
      fc.array(fc.constantFrom(...letters), { maxLength: 8 }).map((all) => all.join(''));
    fc.assert(
      fc.property(over('a', 'b', '*', '?'), over('a', 'b'), (glob, text) => {
        expect(matchesGlob(glob, text)).to.equal(slow(glob, text));
      }),
      { numRuns: 2000 },
    );
  });

  it('of many stars comes to an end', () => {
    expect(matchesGlob('a*'.repeat(64).concat('b'), 'a'.repeat(128))).to.equal(false);
    expect(matchesGlob('*a?'.repeat(40).concat('b'), 'a'.repeat(5000))).to.equal(false);
  });
});
