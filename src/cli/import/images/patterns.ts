// includes and excludes: TripleO searches for them as regular expressions, a ContainerImageSet has globs for whole names.
import type { Wrong } from './reference.ts';

/** What stands around names in the registry, for patterns that name that too. */
export interface Around {
  /** Registry and namespace. */
  readonly place: string;
  readonly prefix: string;
  readonly suffix: string;
}

/** Of the pattern of a ContainerImageSet. */
const longestGlob = 128;

/**
 * The globs that say the same of an image's bare name; more than one for `a|b`. TripleO searches `registry/namespace/prefix` +
 * name + `suffix:tag` with Python's re.search (tripleo_common/image/kolla_builder.py, container_images_prepare).
 */
export function globsOf(pattern: string, around: Around): readonly string[] | Wrong {
  const globs: string[] = [];
  for (const part of pattern.split('|')) {
    const glob = globOf(part, around);
    if (typeof glob !== 'string') return glob;
    globs.push(glob);
  }
  return globs;
}

function globOf(part: string, { place, prefix, suffix }: Around): string | Wrong {
  if (part === '') return { wrong: 'has an empty alternative, which is every image: remove it' };
  if (place.includes(part)) return { wrong: `is found in ${place}, and so in every image: name the images` };
  const translated = translate(part);
  if (typeof translated !== 'string') return translated;
  const { rest: fromStart, cut: isStart } = cutStart(translated, prefix);
  const { rest, cut: isEnd } = cutEnd(fromStart, suffix);
  if (rest.includes('/') || rest.includes(':')) {
    return { wrong: 'is about more than the name: a set selects by names, so name the images' };
  }
  const glob = `${isStart ? '' : '*'}${rest}${isEnd ? '' : '*'}`.replaceAll(/\*{2,}/g, '*');
  if (glob.length <= longestGlob && /^[a-z0-9._*?-]+$/.test(glob)) return glob;
  return { wrong: 'finds no image: names have small letters, digits and . _ -' };
}

/** A regular expression without anchors as a glob. */
function translate(part: string): string | Wrong {
  let glob = '';
  for (let at = 0; at < part.length; at += 1) {
    const two = part.slice(at, at + 2);
    const escaped = /^\\[./:_-]$/.test(two);
    const piece = escaped ? part.charAt(at + 1) : (wild.get(two) ?? wild.get(part.charAt(at)));
    if (escaped || wild.has(two)) at += 1;
    glob += piece ?? part.charAt(at);
    if (piece === undefined && !/[A-Za-z0-9_:/-]/.test(part.charAt(at))) {
      const shown = part.charAt(at);
      return { wrong: `has ${shown}, which * and ? cannot say: name the images one by one` };
    }
  }
  return glob;
}

const wild: ReadonlyMap<string, string> = new Map([
  ['.*', '*'],
  ['.+', '?*'],
  ['.', '?'],
]);

/** After a slash, or the prefix that all names have, a name begins. */
function cutStart(glob: string, prefix: string): { readonly rest: string; readonly cut: boolean } {
  const path = glob.startsWith('/') ? glob.slice(1) : glob;
  if (prefix !== '' && path.startsWith(prefix)) return { rest: path.slice(prefix.length), cut: true };
  return prefix === '' && path !== glob ? { rest: path, cut: true } : { rest: glob, cut: false };
}

/** Before a colon, or the suffix that all names have, a name ends. */
function cutEnd(glob: string, suffix: string): { readonly rest: string; readonly cut: boolean } {
  const path = glob.endsWith(':') ? glob.slice(0, -1) : glob;
  if (suffix !== '' && path.endsWith(suffix)) return { rest: path.slice(0, -suffix.length), cut: true };
  return suffix === '' && path !== glob ? { rest: path, cut: true } : { rest: glob, cut: false };
}

/** Whether the whole of `name` is what `glob` says; in time proportional to both. */
export function isMatch(name: string, glob: string): boolean {
  let at = 0;
  let inGlob = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    const letter = glob.charAt(inGlob);
    if (letter === '*') {
      star = inGlob;
      resume = at;
      inGlob += 1;
    } else if (letter === '?' || letter === name.charAt(at)) {
      inGlob += 1;
      at += 1;
    } else if (star >= 0) {
      resume += 1;
      at = resume;
      inGlob = star + 1;
    } else return false;
  }
  return /^\**$/.test(glob.slice(inGlob));
}
