// Which of two tags is the newer, and how people read those of many images. Pure.

/** Words that come before the release that they are of, oldest first, as semantic versions and Maven have them. */
const preReleases = ['dev', 'snapshot', 'alpha', 'beta', 'pre', 'preview', 'rc'];
/** As much as the statuses of sets and hosts have room for. */
const longestRange = 128;

/** A tag with what its order is told by. */
export interface ReadTag {
  readonly tag: string;
  readonly parts: readonly Part[];
}

/**
 * A total order: negative when `left` is older. Tags are read as people number versions:
 * - Numbers count as numbers, however long: 13.0-100 after 13.0-99.
 * - `-` and `_` part a version from its release, which counts less: 16.2.4-1 after 16.2-100 (as in RPM's version-release).
 * - What goes on is newer (13.0-1 after 13.0), unless it goes on with a word of a pre-release: 1.0-rc1 before 1.0 (as in semantic
 *   versions), after 1.0-beta2.
 * - A number is newer than a word (as in RPM): 1.0 after latest. A `v` before the first number, and the case of words, do not count.
 * Tags that are the same by all that are ordered by their characters.
 */
export const compareTags = (left: string, right: string): number =>
  compareReadTags(readTag(left), readTag(right));

/** For many comparisons of one tag, which is read once. */
export const readTag = (tag: string): ReadTag => ({ tag, parts: partsOf(tag) });

export const compareReadTags = (left: ReadTag, right: ReadTag): number =>
  compareAll(left.parts, right.parts) || compareText(left.tag, right.tag);

/** One tag, or the lowest and the highest: `13.0-36…13.0-43`. Where both are too long for a column, the highest; '' of none. */
export function tagRange(tags: readonly string[]): string {
  const sorted = [...new Set(tags)].sort(compareTags);
  const [lowest = '', highest = lowest] = [sorted[0], sorted.at(-1)];
  const both = `${lowest}…${highest}`;
  return lowest === highest || both.length > longestRange ? highest : both;
}

/** Ranks, oldest first: what stands where the other tag has something else. */
const ranks = { preRelease: 0, end: 1, release: 2, word: 3, number: 4 } as const;

interface Part {
  readonly rank: number;
  /** Of a number, how many digits it has; of a pre-release, its place in the list. */
  readonly weight: number;
  readonly text: string;
}

const end: Part = { rank: ranks.end, weight: 0, text: '' };
const release: Part = { rank: ranks.release, weight: 0, text: '' };

function partsOf(tag: string): readonly Part[] {
  const words = tag.toLowerCase().match(/[0-9]+|[a-z]+|[-_]/g) ?? [];
  const parts: Part[] = [];
  for (const [at, word] of words.entries()) {
    const part = partOf(word);
    const isMark = part.rank === ranks.word && at === 0 && word === 'v' && /^[vV][0-9]/.test(tag);
    // 1.0-rc1 and 1.0rc1 are one version.
    if (part.rank === ranks.preRelease && parts.at(-1) === release) parts.pop();
    if (!isMark) parts.push(part);
  }
  return [...parts, end];
}

function partOf(word: string): Part {
  if (word === '-' || word === '_') return release;
  if (/^[0-9]/.test(word)) {
    const digits = word.replace(/^0+(?=[0-9])/, '');
    return { rank: ranks.number, weight: digits.length, text: digits };
  }
  const early = preReleases.indexOf(word);
  return early < 0
    ? { rank: ranks.word, weight: 0, text: word }
    : { rank: ranks.preRelease, weight: early, text: word };
}

/** Each ends with `end`, so that neither is the beginning of the other. */
function compareAll(left: readonly Part[], right: readonly Part[]): number {
  for (const [at, part] of left.entries()) {
    const order = compareParts(part, right[at] ?? end);
    if (order !== 0) return order;
  }
  return 0;
}

const compareParts = (left: Part, right: Part): number =>
  left.rank - right.rank || left.weight - right.weight || compareText(left.text, right.text);

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
