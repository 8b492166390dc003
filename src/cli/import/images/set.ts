// What is imported: ContainerImageSets and a Secret, as they are applied; and the overrides that make single images differ.
import { containerImageSets } from '../../../api/containerimageset.gen.ts';
import { group } from '../../../api/names.ts';
import type { Draft } from '../../cluster.ts';
import { isOfCeph } from './known.ts';
import type { Place } from './reference.ts';

export type TagRule =
  | { readonly tag: string }
  | { readonly tagFromLabel: { readonly format: string; readonly inspectTag?: string } };

/** Where images are, and which tag of them. */
export interface Rule extends Place {
  readonly prefix: string;
  readonly suffix: string;
  readonly tag: TagRule;
}

/** One image. */
export interface Located extends Rule {
  /** As services call it. */
  readonly image: string;
  /** What the registry calls it, without prefix and suffix; undefined: as services do. */
  readonly repository?: string;
}

/** What one file, or several together, say of images. */
export interface Plan {
  /** Holds for every image that is not in `images`. */
  readonly base: Rule;
  /** Those that are elsewhere or have another tag, and those that need not differ, each once. */
  readonly images: readonly Located[];
  /** What hosts pull from; undefined: the source. */
  readonly destination: Place | undefined;
  /** For the main set. */
  readonly more: Selection;
}

/** A login for each registry. */
export type Logins = ReadonlyMap<string, Login>;
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** What environment files say of registries. */
export interface Access {
  readonly logins: Logins;
  /** Registries that are spoken to without TLS, or without verifying it. */
  readonly insecure: ReadonlySet<string>;
}

interface Side {
  readonly registry: string;
  readonly insecure?: true;
  readonly credentialsName?: string;
}

/** The part of a ContainerImageSet's spec that files speak of. */
export interface ImportedSpec extends Selection {
  readonly source: Side & { readonly namespace: string; readonly prefix: string; readonly suffix?: string };
  readonly destination?: Side & { readonly namespace?: string };
  readonly tag?: string;
  readonly tagFromLabel?: { readonly format: string };
  readonly overrides?: readonly Override[];
}

/** Which images there are. */
export interface Selection {
  readonly images?: readonly string[];
  readonly includes?: readonly string[];
  readonly excludes?: readonly string[];
  readonly variants?: Readonly<Record<string, string>>;
}

type Override = Readonly<Record<string, unknown>> & { readonly image: string };

export interface ImportedSet {
  readonly name: string;
  readonly spec: ImportedSpec;
}

export const cephSuffix = '-ceph';
const credentialsNameOf = (name: string): string => `${name}-registry`;

/** The main set, and one for Ceph where that is in another registry. */
export function setsOf(plan: Plan, name: string, access: Access): readonly ImportedSet[] {
  const here = plan.images.filter(({ registry }) => registry === plan.base.registry);
  const ceph = plan.images.filter(
    ({ image, registry }) => registry !== plan.base.registry && isOfCeph(image),
  );
  const side = (registry: string): Omit<Side, 'registry'> => ({
    ...(access.insecure.has(registry) ? { insecure: true } : {}),
    ...(access.logins.has(registry) ? { credentialsName: credentialsNameOf(name) } : {}),
  });
  const spec = (base: Rule, images: readonly Located[], more: Selection): ImportedSpec => {
    const { namespace, prefix, suffix } = base;
    const overrides = images.flatMap((image) => overrideOf(base, image) ?? []);
    const path = { registry: base.registry, namespace, prefix, ...(suffix === '' ? {} : { suffix }) };
    const { destination } = plan;
    return {
      source: { ...path, ...side(base.registry) },
      ...(destination === undefined
        ? {}
        : { destination: { ...pathAt(destination, base), ...side(destination.registry) } }),
      ...base.tag,
      ...more,
      ...(overrides.length === 0 ? {} : { overrides }),
    };
  };
  const main = { name, spec: spec(plan.base, here, plan.more) };
  const [first] = ceph;
  if (first === undefined) return [main];
  const listed = plan.more.images === undefined ? {} : { images: ceph.map(({ image }) => image).sort() };
  return [main, { name: `${name}${cephSuffix}`, spec: spec(first, ceph, listed) }];
}

/** A path in push_destination stands before the source's (kolla_builder.py: push_destination + '/' + all after the host). */
function pathAt({ registry, namespace }: Place, base: Rule): Place | Pick<Place, 'registry'> {
  if (namespace === '') return { registry };
  return { registry, namespace: base.namespace === '' ? namespace : `${namespace}/${base.namespace}` };
}

/** What is to be said of an image that differs from `base`, and nothing more; undefined when it does not. */
function overrideOf(base: Rule, located: Located): Override | undefined {
  const { image, repository } = located;
  const differing = (['namespace', 'prefix', 'suffix'] as const).filter((key) => located[key] !== base[key]);
  const isSameTag = JSON.stringify(base.tag) === JSON.stringify(located.tag);
  const override = {
    ...(repository === undefined || repository === image ? {} : { name: repository }),
    ...Object.fromEntries(differing.map((key) => [key, located[key]])),
    ...(isSameTag ? {} : located.tag),
  };
  return Object.keys(override).length === 0 ? undefined : { image, ...override };
}

export const draftOfSet = ({ name, spec }: ImportedSet, namespace: string): Draft => ({
  apiVersion: `${group}/${containerImageSets.version}`,
  kind: containerImageSets.kind,
  metadata: { name, namespace },
  spec,
});

/** Of type kubernetes.io/dockerconfigjson, with all `logins`. */
export function draftOfSecret(name: string, logins: Logins, namespace: string): Draft {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const auths = [...logins].map(
    ([registry, { username, password }]) =>
      [registry, { username, password, auth: base64(`${username}:${password}`) }] as const,
  );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: credentialsNameOf(name), namespace },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': base64(JSON.stringify({ auths: Object.fromEntries(auths) })) },
  };
}
