// Which of a repository's tags is the newest that a pattern matches. Pure.

/** What a tag may be: OCI distribution-spec, "Pulling manifests". */
const tagSyntax = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
/** A cosign signature or attestation, or what refers to an image (OCI distribution-spec, "Referrers Tag Schema"). */
const aboutAnImage = /^sha(256|512)-[0-9a-f]{64}/;
/** Sources of what an image was built from, which Red Hat's registry tags beside it. */
const sourcesSuffix = '-source';

/** Words that come before the release that they are of, oldest first, as semantic versions and Maven have them. */
const preReleases = ['dev', 'snapshot', 'alpha', 'beta', 'pre', 'preview', 'rc'];

export const isTag = (text: string): boolean => tagSyntax.test(text);

/**
 * The newest of the tags that match `glob` (see `matchesGlob`), by `compareTags`. Undefined when none does. Tags of signatures and of source
 * containers are no versions of the image and count only where the pattern names them.
 */
export function newestTag(tags: readonly string[], glob: string): string | undefined {
  let newest: string | undefined;
  let newestParts: readonly Part[] = [];
  for (const tag of tags) {
    if (!isTag(tag) || !matchesGlob(glob, tag) || isBeside(tag, glob)) continue;
    const parts = partsOf(tag);
    if (newest === undefined || (compareAll(parts, newestParts) || compareText(tag, newest)) > 0) {
      newest = tag;
      newestParts = parts;
    }
  }
  return newest;
}

const isBeside = (tag: string, glob: string): boolean =>
  (aboutAnImage.test(tag) && !glob.startsWith('sha')) ||
  (tag.endsWith(sourcesSuffix) && !glob.endsWith(sourcesSuffix));

/**
 * Whether all of `text` matches: `*` stands for any characters, `?` for one. Takes at most the product of both lengths, whatever is in
 * them: only the last `*` is ever tried again.
 */
export function matchesGlob(glob: string, text: string): boolean {
  let [inGlob, inText] = [0, 0];
  let star = -1;
  let afterStar = 0;
  while (inText < text.length) {
    const wanted = glob[inGlob];
    if (wanted === '*') {
      star = inGlob;
      afterStar = inText;
      inGlob += 1;
    } else if (wanted === '?' || wanted === text[inText]) {
      inGlob += 1;
      inText += 1;
    } else if (star >= 0) {
      afterStar += 1;
      inText = afterStar;
      inGlob = star + 1;
    } else {
      return false;
    }
  }
  while (glob[inGlob] === '*') inGlob += 1;
  return inGlob === glob.length;
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
  compareAll(partsOf(left), partsOf(right)) || compareText(left, right);

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
