// Which images a set's clouds need: what their services name, what the catalog lists for these, and what the set lists. Pure.
import type { ContainerImageSet, ContainerImageSetSpec } from '../api/containerimageset.gen.ts';
import type { Overcloud, OvercloudSpecRolesItem } from '../api/overcloud.gen.ts';
import type { OvercloudServiceSpec } from '../api/overcloudservice.gen.ts';
import type { RoleSpec } from '../api/role.gen.ts';
import { imagesFor, type Catalog } from './catalog.ts';

/** What is known of the namespace. A role or service that does not exist needs nothing; the Overcloud says that it is missing. */
export interface Clouds {
  readonly overclouds: readonly Overcloud[];
  role(name: string): RoleSpec | undefined;
  service(name: string): OvercloudServiceSpec | undefined;
}

/**
 * Names as services use them, sorted, each once. Roles without hosts need nothing. Without a catalog: what containers, jobs and
 * bundles run, and what the set lists.
 */
export function neededImages(set: ContainerImageSet, clouds: Clouds, catalog?: Catalog): readonly string[] {
  const needed = clouds.overclouds.flatMap(({ spec }) => {
    const ahead = pulledAhead(spec).includes(set.metadata.name);
    const withHosts = spec.roles.filter(({ count }) => count > 0);
    return withHosts.flatMap((entry) => {
      const images = [...imagesOfRole(set.spec, clouds, entry.role, catalog)];
      const isFromSet = (image: string) =>
        ahead || setsFor(image, entry, spec.imageSetName).includes(set.metadata.name);
      return images.filter(isFromSet);
    });
  });
  return [...new Set([...needed, ...(set.spec.images ?? [])])].sort();
}

/** Every set that an Overcloud takes images from, now or after its next update. */
export function setsOf({ spec }: Overcloud): readonly string[] {
  const overrides = spec.roles.flatMap((entry) => [
    ...(entry.images ?? []),
    ...(entry.hosts ?? []).flatMap((host) => host.images ?? []),
  ]);
  return [
    ...new Set([
      spec.imageSetName,
      ...overrides.map(({ imageSetName }) => imageSetName),
      ...pulledAhead(spec),
    ]),
  ];
}

/** Sets whose images hosts pull before a window: such a set must have all of them. */
const pulledAhead = ({ prePull }: Overcloud['spec']): readonly string[] => prePull?.imageSetNames ?? [];

/** The image of the role, and that of single hosts which run another. */
function setsFor(image: string, entry: OvercloudSpecRolesItem, setOfCloud: string): readonly string[] {
  const named = (images: OvercloudSpecRolesItem['images']) =>
    images?.find(({ name }) => name === image)?.imageSetName;
  const ofRole = named(entry.images) ?? setOfCloud;
  return [ofRole, ...(entry.hosts ?? []).map((host) => named(host.images) ?? ofRole)];
}

function imagesOfRole(
  spec: ContainerImageSetSpec,
  clouds: Clouds,
  role: string,
  catalog: Catalog | undefined,
): ReadonlySet<string> {
  const services = new Set(clouds.role(role)?.services);
  const images = new Set(catalog === undefined ? [] : imagesFor(spec, catalog, services));
  for (const name of services) {
    const { containers = [], jobs = [], bundles = [] } = clouds.service(name) ?? {};
    for (const { image } of [...containers, ...jobs, ...bundles]) {
      if (image !== undefined) images.add(image);
    }
  }
  return images;
}
