// One look at a set: which images it needs, what they are, whether they are signed, and whether the destination has them.
import type { ContainerImageSet, ContainerImageSetSpec } from '../api/containerimageset.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import { requeueAfter, settled, soonest, type Outcome } from '../kernel/controller.ts';
import { terminal } from '../kernel/errors.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { configMaps, keyOf, type ObjectKey } from '../kube/objects.ts';
import type { Registries } from './access.ts';
import { unknownVariants, type Catalog } from './catalog.ts';
import { catalogKey, parseCatalog } from './catalog-file.ts';
import { locateAll } from './locations.ts';
import { createLookup } from './lookup.ts';
import { pictureOf, type Located, type Picture } from './picture.ts';
import { createPinStore } from './pins.ts';
import { createSearch, type Known, type Wanted } from './search.ts';
import { selectImages, type Selection } from './select.ts';
import type { Transfer, TransferView } from './transfer.ts';
import { createVerifier, type Candidate, type Verdict } from './verifier.ts';
import { publicKeyName } from './verify/key.ts';
import { cloudsIn } from './watches.ts';

export interface LookDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly random: () => number;
  readonly registries: Registries;
  readonly transfer: Transfer;
}

export interface Look {
  /**
   * What it finds is pinned before it is told. Throws terminal CatalogNotFound, CatalogInvalid, TooManyImages, PinsInvalid and PinsTaken, and
   * what the API server throws.
   */
  at(
    set: ContainerImageSet,
    signal: AbortSignal,
  ): Promise<{ readonly picture: Picture; readonly next: Outcome }>;
  /** The set is gone. */
  forget(key: ObjectKey): void;
}

export function createLook(deps: LookDeps): Look {
  const { cache, registries, transfer } = deps;
  const search = createSearch({ ...deps, lookup: createLookup(registries), pins: createPinStore(deps) });
  const verifier = createVerifier(deps);

  const verify = async (
    set: ContainerImageSet,
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<Verdict | undefined> => {
    const { keyName } = set.spec.verify?.cosign ?? {};
    if (keyName === undefined) return undefined;
    const pem = textOf(cache, set, keyName, publicKeyName);
    return verifier.run(set, candidates, { configMap: keyName, pem }, signal);
  };

  const send = (
    set: ContainerImageSet,
    candidates: readonly Candidate[],
    verdict: Verdict | undefined,
  ): TransferView | undefined => {
    if (set.spec.destination !== undefined) {
      return transfer.look(set, candidates, ({ image }) => verdict?.refused.has(image.name) !== true);
    }
    transfer.forget(keyOf(set));
    return undefined;
  };

  return {
    async at(set, signal) {
      const catalog = catalogOf(cache, set);
      const selection = selectImages(set, cloudsIn(cache, set.metadata.namespace), catalog);
      const located = locateAll(set, catalog, selection.names);
      const images = located.flatMap(({ wanted }) => wanted ?? []);
      const vet: Wanted['vet'] = async (newer, inner) =>
        (await verify(set, newer, inner))?.refused.values().next().value;
      const asked = { set, catalog, images, incomplete: images.length < located.length, vet };
      const known = await search.run(asked, signal);
      const candidates = candidatesOf(located, known);
      const verdict = await verify(set, candidates, signal);
      const view = send(set, candidates, verdict);
      search.doubt(asked, unusable(verdict, view));
      const warnings = warningsFor(set, selection, catalog);
      const picture = pictureOf(set, { located, known, verdict, transfer: view, warnings });
      if (picture.complete) await search.keep(asked, signal);
      return { picture, next: soonest(soonest(known.next, nextOf(verdict)), view?.next ?? settled) };
    },
    forget(key) {
      search.forget(key);
      verifier.forget(key);
      transfer.forget(key);
    },
  };
}

const candidatesOf = (located: readonly Located[], { found }: Known): readonly Candidate[] =>
  located.flatMap(({ name, wanted }) => {
    const image = found.get(name);
    return wanted === undefined || image === undefined ? [] : [{ image: wanted, found: image }];
  });

/** What the registry has under these tags is of no use: not a matter of rights, room or the way there. */
const doubtful: ReadonlySet<string> = new Set([
  'BlobMissing',
  'DigestMismatch',
  'ImageNotFound',
  'ImageUnsigned',
  'ManifestInvalid',
  'ManifestTooLarge',
  'ManifestUnsupported',
  'SignatureInvalid',
]);

const unusable = (verdict: Verdict | undefined, view: TransferView | undefined): ReadonlySet<string> =>
  new Set(
    [...(verdict?.refused ?? []), ...(view?.failed ?? [])].flatMap(([name, { kind, reason }]) =>
      doubtful.has(reason) && (kind !== 'transient' || reason === 'BlobMissing') ? [name] : [],
    ),
  );

const nextOf = (verdict: Verdict | undefined): Outcome =>
  verdict?.againInMs === undefined ? settled : requeueAfter(verdict.againInMs, 'images are not signed');

/** Mostly a slip of the pen: what the catalog knows may be for another cloud. */
const idleOverrides = (
  { overrides = [] }: ContainerImageSetSpec,
  names: readonly string[],
  catalog: Catalog,
): readonly string[] =>
  overrides
    .filter(({ image }) => !names.includes(image) && !catalog.has(image))
    .map(({ image }) => `spec.overrides has ${image}, which nothing needs and the catalog does not know`);

/** Throws terminal CatalogNotFound and CatalogInvalid. */
function catalogOf(cache: Cache, set: ContainerImageSet): Catalog | undefined {
  const { catalogName } = set.spec;
  if (catalogName === undefined) return undefined;
  const text = textOf(cache, set, catalogName, catalogKey);
  if (text !== undefined) return parseCatalog(text, catalogName);
  throw terminal(
    'CatalogNotFound',
    `there is no ConfigMap ${catalogName} with the key ${catalogKey} (spec.catalogName): create it in namespace ${set.metadata.namespace}`,
  );
}

const warningsFor = (
  { spec }: ContainerImageSet,
  { names, withheld }: Selection,
  catalog: Catalog | undefined,
): readonly string[] => [
  ...unknownVariants(spec, catalog),
  ...(catalog === undefined ? [] : idleOverrides(spec, names, catalog)),
  ...withheld.map(
    (name) => `a container runs image ${name}, which spec.includes and spec.excludes leave out`,
  ),
];

const textOf = (cache: Cache, set: ContainerImageSet, name: string, key: string): string | undefined =>
  cache.store(configMaps).get({ namespace: set.metadata.namespace, name })?.data?.[key];
