// The entries of ContainerImagePrepare as one plan: of each image, the last entry that applies to it decides.
import type { Collected, Findings } from '../findings.ts';
import { knownNames, serviceName } from './known.ts';
import { isMatch } from './patterns.ts';
import { type Entry, readEntry } from './prepare.ts';
import { isName, type Place, placeText } from './reference.ts';
import type { Located, Plan, Selection } from './set.ts';
import { isMap } from '../document.ts';

export interface PushChoice {
  /** What the command line says; wins over the files. */
  readonly destination: Place | undefined;
  /** The undercloud's registry, where an environment file names it. */
  readonly ofUndercloud: Place | undefined;
}

const prepareKey = 'ContainerImagePrepare';

/** Undefined after problems were reported. */
export function planPrepare(value: unknown, collected: Collected, choice: PushChoice): Plan | undefined {
  const ofList = collected.of('parameter_defaults');
  if (!Array.isArray(value) || value.length === 0) {
    ofList.problem(prepareKey, 'must be a list of entries, each with - and a set');
    return undefined;
  }
  const [head] = value as readonly unknown[];
  const first = isMap(head) && isMap(head.set) ? head.set : undefined;
  const labelled = value.map((raw: unknown, index) => ({
    raw,
    findings: collected.of(`entry ${index + 1}`),
  }));
  const entries = labelled.flatMap(
    ({ raw, findings }, index) => readEntry(raw, index === 0 ? undefined : first, findings) ?? [],
  );
  const [one] = entries;
  if (one === undefined || entries.length < value.length) return undefined;
  // Without includes it is about all images; where every entry has some, the first is as good as any.
  const main = entries.findLast(({ includes }) => includes === undefined) ?? one;
  const names = namesIn(entries);
  const special = new Set(entries.flatMap((entry) => entry.special.map(({ image }) => image)));
  const images = names.flatMap((name): readonly Located[] => {
    if (special.has(name)) return specialFrom(entries, name);
    const entry = entries.findLast((candidate) => applies(candidate, name));
    return entry === undefined || entry === main ? [] : [{ ...entry.base, image: name }];
  });
  for (const entry of entries) remarkOnIncludes(entry, entry === main, names);
  return {
    base: main.base,
    images,
    destination: destinationOf(entries, choice, ofList),
    more: { ...selection(entries, names), ...variantsOf(main) },
  };
}

/** Every name that an entry can mean: those of TripleO, and those that includes spell out. */
function namesIn(entries: readonly Entry[]): readonly string[] {
  const spelt = entries.flatMap(({ includes = [] }) => {
    const names = includes.map((glob) => glob.replaceAll(/^\*|\*$/g, ''));
    return names.filter((name) => isName(name) && !isPartOfKnown(name));
  });
  const special = entries.flatMap((entry) => entry.special.map(({ image }) => image));
  return [...new Set([...knownNames.map(serviceName), ...spelt, ...special])].sort();
}

const isPartOfKnown = (part: string): boolean => knownNames.some((name) => name.includes(part));

const applies = ({ includes, excludes }: Entry, name: string): boolean =>
  includes === undefined
    ? !excludes.some((glob) => isMatch(name, glob))
    : includes.some((glob) => isMatch(name, glob));

/** An override names one image: what a pattern was taken for is said, because TripleO's names may not be all there are. */
function remarkOnIncludes(
  { includes = [], findings }: Entry,
  isMain: boolean,
  names: readonly string[],
): void {
  for (const glob of includes) {
    const meant = names.filter((name) => isMatch(name, glob));
    if (meant.length === 0)
      findings.remark('warning', `includes: no image of TripleO's is named like ${glob}`);
    else if (meant.length > 1 && !isMain) {
      findings.remark('note', `includes: ${glob} was taken for ${meant.join(', ')}`);
    }
  }
}

/** Of an image with keys of its own, the last entry that has those keys and applies to it. */
function specialFrom(entries: readonly Entry[], name: string): readonly Located[] {
  const own = entries
    .filter((entry) => applies(entry, name))
    .flatMap((entry) => entry.special.filter(({ image }) => image === name));
  return own.slice(-1);
}

/** Which images there are at all. */
function selection(entries: readonly Entry[], names: readonly string[]): Selection {
  const general = entries.filter(({ includes }) => includes === undefined);
  if (general.length === 0) {
    const includes = new Set(entries.flatMap((entry) => entry.includes ?? []));
    return { includes: [...includes] };
  }
  const isTaken = (name: string): boolean => entries.some((entry) => applies(entry, name));
  const excludes = general
    .flatMap((entry) => entry.excludes)
    .flatMap((glob) => {
      const matching = names.filter((name) => isMatch(name, glob));
      // What one entry leaves out for another to say is not left out.
      return matching.some(isTaken) ? matching.filter((name) => !isTaken(name)) : [glob];
    });
  return excludes.length === 0 ? {} : { excludes: [...new Set(excludes)] };
}

function variantsOf({ neutronDriver, findings }: Entry): Selection {
  if (neutronDriver === undefined || neutronDriver === '') return {};
  const remedy = 'it needs spec.catalogName, see docs/images.md';
  findings.remark('note', `set.neutron_driver becomes spec.variants.neutronDriver: ${remedy}`);
  return { variants: { neutronDriver } };
}

/** A set has one. Reports where the entries differ, and where `true` says no address. */
function destinationOf(entries: readonly Entry[], choice: PushChoice, findings: Findings): Place | undefined {
  if (choice.destination !== undefined) return choice.destination;
  const places = entries.map(({ pushDestination }) =>
    pushDestination === true ? (choice.ofUndercloud ?? true) : pushDestination,
  );
  const texts = new Set(places.map((place) => (typeof place === 'object' ? placeText(place) : place)));
  const [place] = places;
  if (texts.size > 1) {
    const remedy = 'a set has one destination: make them alike, or give it with --destination';
    findings.problem(prepareKey, `has entries with unlike push_destination, and ${remedy}`);
  } else if (place === true) {
    const remedy = 'give the address with --destination, as --destination 192.0.2.1:8787';
    findings.problem(prepareKey, `has push_destination: true, the registry of an undercloud: ${remedy}`);
  }
  return typeof place === 'object' ? place : undefined;
}
