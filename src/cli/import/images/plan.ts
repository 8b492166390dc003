// A table of images as one plan: what most of them share is the set's, what single ones have otherwise are overrides.
import type { Findings } from '../findings.ts';
import { imageOfParameter, isCephRepository, isKnown, knownNames, serviceName } from './known.ts';
import { isName, placeText, type Reference } from './reference.ts';
import type { Located, Plan, Rule } from './set.ts';

export interface TableEntry {
  readonly reference: Reference;
  /** The parameters that name it; may be none. */
  readonly parameters: readonly string[];
}

interface Affixes {
  readonly prefix: string;
  readonly suffix: string;
}

/** Problems are reported to `findings`. `entries`: at least one. */
export function planTable(entries: readonly TableEntry[], findings: Findings): Omit<Plan, 'destination'> {
  const references = entries.map(({ reference }) => reference);
  const registry = commonest(references.map((reference) => reference.registry));
  const atRegistry = references.filter((reference) => reference.registry === registry);
  const namespace = commonest(atRegistry.map((reference) => reference.namespace));
  const there = atRegistry.filter((reference) => reference.namespace === namespace);
  const affixes = affixesOf(there.map(({ name }) => name));
  const base: Rule = {
    ...{ registry, namespace, ...affixes },
    tag: { tag: commonest(atRegistry.map(({ tag }) => tag)) },
  };
  const names = new Set(references.map(({ name }) => name));
  const images = entries.map((entry) => locate(entry, base, names));
  checkNames(entries, images, findings);
  const listed = images.filter((image) => image.registry === registry).map(({ image }) => image);
  return { base, images, more: { images: [...new Set(listed)].sort() } };
}

/** Of several that are as frequent, the first. */
function commonest(values: readonly string[]): string {
  const counts = [...Map.groupBy(values, (value) => value)].map(([value, all]) => ({
    value,
    count: all.length,
  }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best), { value: '', count: 0 })
    .value;
}

/** What most names have around a name that TripleO knows; the longest such name counts. */
function affixesOf(names: readonly string[]): Affixes {
  const votes = names.flatMap((name) => {
    const inside = knownNames.filter((known) => isWhole(name, known));
    if (inside.length === 0) return [];
    const longest = inside.reduce((best, next) => (next.length > best.length ? next : best));
    const at = name.lastIndexOf(longest);
    return [JSON.stringify({ prefix: name.slice(0, at), suffix: name.slice(at + longest.length) })];
  });
  return votes.length === 0 ? { prefix: '', suffix: '' } : (JSON.parse(commonest(votes)) as Affixes);
}

/** Whether `known` is in `name`, and ends where words end. */
function isWhole(name: string, known: string): boolean {
  const at = name.lastIndexOf(known);
  if (at < 0) return false;
  const [before, after] = [name.charAt(at - 1), name.charAt(at + known.length)];
  return !/[a-z0-9]/.test(before) && !/[a-z0-9]/.test(after);
}

function locate({ reference, parameters }: TableEntry, base: Rule, names: ReadonlySet<string>): Located {
  const { name, tag, ...place } = reference;
  const isHome = place.registry === base.registry && place.namespace === base.namespace;
  const bare = bareName(name, base);
  if (bare !== undefined && (isHome || isKnown(bare))) {
    const service = serviceName(bare);
    // Where there are both, each is called as it is.
    const image = names.has(`${base.prefix}${service}${base.suffix}`) ? bare : service;
    return { ...base, ...place, image, repository: bare, tag: { tag } };
  }
  const image = outsiderName(reference, parameters);
  return { ...place, prefix: '', suffix: '', image, repository: name, tag: { tag } };
}

/** Undefined when the name has not what is around the others. */
function bareName(name: string, { prefix, suffix }: Affixes): string | undefined {
  const isAround =
    name.length > prefix.length + suffix.length && name.startsWith(prefix) && name.endsWith(suffix);
  const bare = isAround ? name.slice(prefix.length, name.length - suffix.length) : '';
  return isName(bare) ? bare : undefined;
}

/** Of an image that is called in a way of its own, the parameter says which it is. */
function outsiderName({ namespace, name }: Reference, parameters: readonly string[]): string {
  if (isKnown(name)) return serviceName(name);
  const called = [...parameters].sort().map(imageOfParameter);
  const plain = called.filter((image) => !image.endsWith('-config'));
  const image = plain.find(isKnown) ?? plain[0] ?? called[0];
  return image ?? (isCephRepository(namespace, name) ? 'ceph-daemon' : name);
}

/** In a set, one name is one image with one tag. */
function checkNames(entries: readonly TableEntry[], images: readonly Located[], findings: Findings): void {
  const byName = Map.groupBy(entries.keys(), (index) => images[index]?.image ?? '');
  for (const [image, indices] of byName) {
    const texts = indices.map((index) => textOf(entries[index]));
    if (indices.length > 1) {
      findings.problem(image, `would be ${texts.join(' and ')}, and in a set it is one: make them alike`);
    }
  }
}

function textOf(entry: TableEntry | undefined): string {
  if (entry === undefined) return '';
  const { reference, parameters } = entry;
  const by = parameters.length === 0 ? '' : ` (${parameters.join(', ')})`;
  return `${placeText(reference)}/${reference.name}:${reference.tag}${by}`;
}
