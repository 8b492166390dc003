// Reads a catalog of images out of a ConfigMap: strict, bounded, and with every problem by its image and field. Pure.
import { loadAll } from 'js-yaml';
import { membersOf, shown, type Raw, type Report } from '../api/members.ts';
import { messageOf, terminal } from '../kernel/errors.ts';
import type { Catalog, CatalogImage, CatalogVariant, Naming } from './catalog.ts';
import { isTag } from '../api/reference.ts';

/** The key of the ConfigMap that spec.catalogName names. */
export const catalogKey = 'catalog.yaml';

const longestText = 256 * 1024;
const longestName = 128;
const shownProblems = 5;
/** Of a key in a path. */
const longestPart = 60;

interface Rule {
  readonly longest: number;
  readonly matches: (text: string) => boolean;
  /** After `must be`. */
  readonly what: string;
}

const like = (pattern: RegExp, longest: number, what: string): Rule => ({
  longest,
  matches: (text) => pattern.test(text),
  what: `${what} of at most ${longest} characters`,
});

const imageName = /^[a-z0-9]+([._-]+[a-z0-9]+)*$/;

/** As in the CRD (crds/containerimageset.yaml): what a repository's name is made of, so that no path leaves its place. */
const rules = {
  name: like(imageName, longestName, 'a name in lower case, as nova-api,'),
  repository: like(imageName, longestName, 'a name in lower case, as nova-api,'),
  namespace: like(
    /^([a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*)?$/,
    200,
    'a path in lower case, as rhosp13 or org/rhosp13,',
  ),
  prefix: like(/^([a-z0-9]+([._-]+[a-z0-9]+)*[._-]*)?$/, 63, 'the beginning of a name, as openstack-,'),
  suffix: like(/^([._-]*[a-z0-9]+([._-]+[a-z0-9]+)*)?$/, 63, 'the end of a name, as -rhel9,'),
  tag: { longest: longestName, matches: isTag, what: `a tag of at most ${longestName} characters` },
  service: like(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 63, "an OvercloudService's name"),
  parameter: like(/^[A-Za-z][A-Za-z0-9_]*$/, longestName, 'the name of a parameter'),
  variant: like(/^[^\p{Cc}]+$/u, 63, 'one line'),
} as const;

/**
 * Reads the value of the key `catalog.yaml`. Throws terminal CatalogInvalid, whose message names the entries and fields to correct;
 * `catalogName` is for it.
 */
export function parseCatalog(text: string, catalogName: string): Catalog {
  const problems: string[] = [];
  const catalog = readDocument(text, (path, problem) => problems.push(`${path} ${problem}`));
  if (problems.length === 0) return catalog;
  const others = problems.length - shownProblems;
  const more = others > 0 ? `; and ${others} more` : '';
  throw terminal(
    'CatalogInvalid',
    `ConfigMap ${catalogName}, key ${catalogKey}, is no catalog: ${problems.slice(0, shownProblems).join('; ')}${more}`,
  );
}

function readDocument(text: string, report: Report): Catalog {
  const { images } = membersOf(readYaml(text, report), 'the document', ['images'], report);
  const catalog = new Map<string, CatalogImage>();
  const owners = new Map<string, string>();
  for (const [index, value] of listOf(images, 'images', 500, report).entries()) {
    const image = readImage(value, `images[${index}]`, report);
    if (image.name !== '' && catalog.has(image.name)) {
      report(`images[${index}].name`, `is ${image.name}, as that of another image`);
    }
    for (const parameter of image.parameters) {
      const owner = owners.get(parameter);
      if (owner !== undefined) {
        report(`images[${index}].parameters`, `has ${parameter}, which image ${owner} has too`);
      }
      owners.set(parameter, image.name);
    }
    catalog.set(image.name, image);
  }
  return catalog;
}

function readYaml(text: string, report: Report): unknown {
  if (text.length > longestText) {
    report('the document', `must have at most ${longestText} characters`);
    return {};
  }
  try {
    const [document, ...more] = loadAll(text);
    if (more.length > 0) report('the document', 'must be one, without --- in between');
    return document ?? {};
  } catch (error) {
    // The lines after the first quote the document.
    const [first = ''] = error instanceof Error ? error.message.split('\n') : [messageOf(error)];
    report('the document', `must be YAML: ${first}`);
    return {};
  }
}

const naming = ['namespace', 'prefix', 'repository', 'suffix', 'tag'] as const;

function readImage(value: unknown, path: string, report: Report): CatalogImage {
  const members = membersOf(value, path, ['name', 'services', 'parameters', 'variants', ...naming], report);
  const name = readText(members.name, `${path}.name`, rules.name, report);
  // A name says more than a number, where there is one.
  const at = name === '' ? `${path}.` : `image ${name}: `;
  const variants = listOf(members.variants ?? [], `${at}variants`, 16, report);
  return {
    name,
    services: readNames(members.services, `${at}services`, rules.service, report),
    parameters: readNames(members.parameters, `${at}parameters`, rules.parameter, report),
    variants: variants.map((variant, index) => readVariant(variant, `${at}variants[${index}]`, report)),
    ...readNaming(members, at, report),
  };
}

function readVariant(value: unknown, path: string, report: Report): CatalogVariant {
  const { when, needed, ...members } = membersOf(value, path, ['when', 'needed', ...naming], report);
  const wanted = Object.entries(membersOf(when, `${path}.when`, undefined, report));
  if (wanted.length < 1 || wanted.length > 8) {
    report(`${path}.when`, 'must say one to eight things, as {neutronDriver: ovn}');
  }
  if (needed !== undefined && typeof needed !== 'boolean') report(`${path}.needed`, 'must be true or false');
  return {
    when: new Map(wanted.map(([key, word]) => [key, readWord(key, word, `${path}.when`, report)])),
    ...(typeof needed === 'boolean' ? { needed } : {}),
    ...readNaming(members, `${path}.`, report),
  };
}

function readWord(key: string, word: unknown, path: string, report: Report): string {
  readText(key, path, rules.variant, report);
  return readText(word, `${path}.${key.slice(0, longestPart).toWellFormed()}`, rules.variant, report);
}

function readNaming(members: Raw, at: string, report: Report): Naming {
  const said = naming.filter((field) => members[field] !== undefined);
  return Object.fromEntries(
    said.map((field) => [field, readText(members[field], `${at}${field}`, rules[field], report)]),
  );
}

function readNames(value: unknown, path: string, rule: Rule, report: Report): readonly string[] {
  const names = listOf(value ?? [], path, 32, report).map((name, index) =>
    readText(name, `${path}[${index}]`, rule, report),
  );
  const twice = names.find((name, index) => name !== '' && names.indexOf(name) < index);
  if (twice !== undefined) report(path, `has ${twice} twice`);
  return names;
}

/** Empty when it is none. */
function readText(value: unknown, path: string, { longest, matches, what }: Rule, report: Report): string {
  if (typeof value === 'string' && value.length <= longest && matches(value)) return value;
  if (value === undefined) report(path, 'is missing');
  else if (typeof value === 'string') report(path, `must be ${what}, not ${shown(value)}`);
  else report(path, 'must be text: put it in quotes');
  return '';
}

function listOf(value: unknown, path: string, longest: number, report: Report): readonly unknown[] {
  if (!Array.isArray(value)) report(path, 'must be a list');
  else if (value.length > longest) report(path, `must have at most ${longest} items`);
  else return value;
  return [];
}
