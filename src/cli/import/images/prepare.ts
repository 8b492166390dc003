// One entry of ContainerImagePrepare, read: where its images are, which tag, which images, where they are pushed to.
// Source: openstack/tripleo-common, tripleo_common/image/kolla_builder.py and container-images/container_image_prepare_defaults.yaml.
import { isMap, type RawNode } from '../document.ts';
import type { Findings } from '../findings.ts';
import { isOfCeph, specialImages, variants } from './known.ts';
import { globsOf, isMatch } from './patterns.ts';
import { isName, isTag, isWrong, type Place, placeText, readPlace } from './reference.ts';
import type { Located, Rule, TagRule } from './set.ts';
import { checkKeys, type Ignored, listOf, mapOf, textOf, truthOf } from './values.ts';

export interface Entry {
  readonly findings: Findings;
  readonly base: Rule;
  /** Images that `set` names by keys of their own, as Ceph's. */
  readonly special: readonly Located[];
  /** Globs; undefined: all that `excludes` leaves. */
  readonly includes: readonly string[] | undefined;
  readonly excludes: readonly string[];
  /** True: the undercloud's own registry, whose address the file does not tell. */
  readonly pushDestination: Place | true | undefined;
  readonly neutronDriver: string | undefined;
}

const entryKeys = ['set', 'push_destination', 'tag_from_label', 'includes', 'excludes'];
const modifyKeys = ['modify_vars', 'modify_append_tag', 'modify_only_with_labels', 'modify_only_with_source'];
const ignoredInEntry: readonly Ignored[] = [
  {
    pattern: /^multi_arch$/,
    why: 'what the registry has under a tag is taken whole, with all its platforms',
  },
  { pattern: new RegExp(`^(${modifyKeys.join('|')})$`), why: 'without modify_role it changes nothing' },
];
const setKeys = [
  ...['namespace', 'name_prefix', 'name_suffix', 'tag', 'neutron_driver', 'ceph_images'],
  ...specialImages.flatMap(({ key }) => [`${key}_namespace`, `${key}_image`, `${key}_tag`]),
];
const ignoredInSet: readonly Ignored[] = [
  { pattern: /^(rhel_containers|logging)$/, why: 'it chooses among templates of TripleO' },
  { pattern: /^openshift_/, why: 'OpenShift is not deployed from here' },
  { pattern: /_stein$|^ceph3_/, why: 'it is for the leap from one release of TripleO to another' },
];

/** `first`: what the list's first entry has in `set`, for what this one leaves out. Undefined after problems were reported. */
export function readEntry(raw: unknown, first: RawNode | undefined, findings: Findings): Entry | undefined {
  if (!isMap(raw)) {
    findings.problem('', 'must be a map with the key set');
    return undefined;
  }
  checkModify(raw, findings);
  if (raw.pull_source !== undefined) {
    findings.problem('pull_source', 'is not known here: put registry and path into set.namespace');
  }
  checkKeys(raw, [...entryKeys, 'modify_role', 'pull_source'], ignoredInEntry, findings);
  const given = mapOf(raw, 'set', findings) ?? {};
  checkKeys(given, setKeys, ignoredInSet, findings, 'set.');
  const values = first === undefined ? given : withDefaults(given, first, findings);
  const tag = readTag(raw, values, findings);
  const base = readBase(values, tag, findings);
  if (base === undefined || tag === undefined) return undefined;
  const special = readSpecial(given, tag, findings);
  const around = { place: placeText(base), prefix: base.prefix, suffix: base.suffix };
  const globs = (key: string): readonly string[] => [
    ...new Set(
      listOf(raw, key, findings).flatMap((pattern) => {
        const read = typeof pattern === 'string' ? globsOf(pattern, around) : { wrong: 'must be text' };
        if (!isWrong(read)) return withServiceNames(read, special);
        findings.problem(
          key,
          typeof pattern === 'string' ? `has "${pattern}", which ${read.wrong}` : read.wrong,
        );
        return [];
      }),
    ),
  ];
  const includes = globs('includes');
  const excludes = globs('excludes');
  if (includes.length > 0 && excludes.length > 0)
    findings.remark('note', 'excludes is ignored beside includes, as in TripleO');
  return {
    findings,
    base,
    special,
    includes: includes.length > 0 ? includes : undefined,
    excludes: includes.length > 0 ? [] : excludes,
    pushDestination: readDestination(raw, findings),
    neutronDriver: textOf(given, 'neutron_driver', findings, 'set.'),
  };
}

function checkModify(raw: RawNode, findings: Findings): void {
  if (raw.modify_role === undefined || raw.modify_role === null) return;
  const remedy = 'push the changed image under a tag of its own, name that by set.tag, and remove modify_*';
  findings.problem('modify_role', `is not done here, images are used as they are: ${remedy}`);
}

function withDefaults(given: RawNode, first: RawNode, findings: Findings): RawNode {
  const missing = ['namespace', 'name_prefix', 'name_suffix'].filter(
    (key) => (given[key] ?? undefined) === undefined && first[key] !== undefined,
  );
  if (missing.length === 0) return given;
  findings.remark('note', `set has no ${missing.join(', ')}: taken from entry 1`);
  return { ...given, ...Object.fromEntries(missing.map((key) => [key, first[key]])) };
}

function readBase(values: RawNode, tag: TagRule | undefined, findings: Findings): Rule | undefined {
  const text = (key: string): string | undefined => textOf(values, key, findings, 'set.');
  const namespace = text('namespace');
  if ((values.namespace ?? '') === '') {
    findings.problem(
      'set.namespace',
      'is missing: give registry and path, as registry.access.redhat.com/rhosp13',
    );
  }
  if ((values.name_prefix ?? undefined) === undefined) {
    findings.problem(
      'set.name_prefix',
      "is missing, and depends on TripleO's release: give it, as openstack-, or ''",
    );
  }
  const prefix = text('name_prefix')?.replace(/([^-])$/, '$1-') ?? '';
  const suffix = text('name_suffix')?.replace(/^([^-])/, '-$1') ?? '';
  if (!isName(`${prefix}x${suffix}`)) {
    findings.problem(
      'set',
      'has a name_prefix or name_suffix that no name can have: small letters, digits and . _ -',
    );
  }
  const place = namespace === undefined || namespace === '' ? undefined : readPlace(namespace);
  if (place === undefined || tag === undefined) return undefined;
  if (!isWrong(place)) return { ...place, prefix, suffix, tag };
  findings.problem('set.namespace', place.wrong);
  return undefined;
}

function readTag(raw: RawNode, values: RawNode, findings: Findings): TagRule | undefined {
  const tag = textOf(values, 'tag', findings, 'set.') ?? '';
  const label = textOf(raw, 'tag_from_label', findings) ?? '';
  if (tag !== '') {
    if (label !== '') {
      const remedy = `to find tags by labels, remove set.tag, or put it into spec.tagFromLabel.inspectTag`;
      findings.remark(
        'note',
        `tag_from_label is ignored beside set.tag, as in TripleO since Train: ${remedy}`,
      );
    }
    if (isTag(tag)) return { tag };
    findings.problem('set.tag', 'is no tag: letters, digits and . _ -, up to 128');
    return undefined;
  }
  const format = label.includes('{') || label === '' ? label : `{${label}}`;
  if (label === '') findings.problem('set.tag', 'is missing, and tag_from_label too: give one of them');
  else if (format.length > 256 || !/^(\{[\w.-]+\}|[\w.-])+$/.test(format)) {
    findings.problem('tag_from_label', 'must be a label, or labels in braces, as {version}-{release}');
  } else return { tagFromLabel: { format } };
  return undefined;
}

/** TripleO looks for these images' tags by labels too, beginning at the tag that they have a key for. */
function readSpecial(given: RawNode, ofEntry: TagRule, findings: Findings): readonly Located[] {
  const withoutCeph = truthOf(given.ceph_images) === false;
  return specialImages.flatMap(({ image, key }) => {
    if (withoutCeph && isOfCeph(image)) return [];
    const keys = [`${key}_namespace`, `${key}_image`, `${key}_tag`];
    const [namespace, repository, tag] = keys.map((each) => textOf(given, each, findings, 'set.'));
    const missing = keys.filter((each) => (given[each] ?? '') === '');
    if (missing.length === keys.length) return [];
    for (const each of missing) findings.problem(`set.${each}`, `is missing beside the others of ${key}_`);
    if (namespace === undefined || repository === undefined || tag === undefined || missing.length > 0)
      return [];
    const place = readPlace(namespace);
    if (isWrong(place)) findings.problem(`set.${key}_namespace`, place.wrong);
    if (!isName(repository))
      findings.problem(`set.${key}_image`, 'is no name: small letters, digits and . _ -');
    if (!isTag(tag)) findings.problem(`set.${key}_tag`, 'is no tag: letters, digits and . _ -, up to 128');
    if (isWrong(place)) return [];
    const rule = 'tag' in ofEntry ? { tag } : { tagFromLabel: { ...ofEntry.tagFromLabel, inspectTag: tag } };
    return [{ image, repository, ...place, prefix: '', suffix: '', tag: rule }];
  });
}

/** TripleO's patterns know images by their repositories, a set by the names that services use. */
function withServiceNames(globs: readonly string[], special: readonly Located[]): readonly string[] {
  const pairs = [
    ...variants,
    ...special.map(({ image, repository = image }) => [repository, image] as const),
  ];
  const meant = pairs
    .filter(([repository, image]) => {
      const isFound = (name: string): boolean => globs.some((glob) => isMatch(name, glob));
      return isFound(repository) && !isFound(image);
    })
    .map(([, image]) => image);
  return [...globs, ...meant];
}

function readDestination(raw: RawNode, findings: Findings): Place | true | undefined {
  const value = raw.push_destination;
  const truth = truthOf(value);
  if (truth === true) return true;
  if (truth === false || value === undefined || value === null || value === '') return undefined;
  const place = typeof value === 'string' ? readPlace(value) : { wrong: 'must be HOST:PORT, true or false' };
  if (!isWrong(place)) return place;
  findings.problem('push_destination', place.wrong);
  return undefined;
}
