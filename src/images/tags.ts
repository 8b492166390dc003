// Which of a repository's tags is the newest that a pattern matches. Pure.
import { isTag } from '../api/reference.ts';
import { compareReadTags, readTag, type ReadTag } from '../api/tag-order.ts';

/** A cosign signature or attestation, or what refers to an image (OCI distribution-spec, "Referrers Tag Schema"). */
const aboutAnImage = /^sha(256|512)-[0-9a-f]{64}/;
/** Sources of what an image was built from, which Red Hat's registry tags beside it. */
const sourcesSuffix = '-source';

/**
 * The newest of the tags that match `glob` (see `matchesGlob`), by `compareTags`. Undefined when none does. Tags of signatures and of source
 * containers are no versions of the image and count only where the pattern names them.
 */
export function newestTag(tags: readonly string[], glob: string): string | undefined {
  let newest: ReadTag | undefined;
  for (const tag of tags) {
    if (!isTag(tag) || !matchesGlob(glob, tag) || isBeside(tag, glob)) continue;
    const read = readTag(tag);
    if (newest === undefined || compareReadTags(read, newest) > 0) newest = read;
  }
  return newest?.tag;
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
