// Which images a set has to resolve: those that its clouds' services name, and those that the set lists itself. Pure.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import type { Overcloud, OvercloudSpecRolesItem } from '../api/overcloud.gen.ts';
import type { OvercloudServiceSpec } from '../api/overcloudservice.gen.ts';
import type { RoleSpec } from '../api/role.gen.ts';

/** What is known of the namespace. A role or service that does not exist needs nothing; the Overcloud says that it is missing. */
export interface Clouds {
  readonly overclouds: readonly Overcloud[];
  role(name: string): RoleSpec | undefined;
  service(name: string): OvercloudServiceSpec | undefined;
}

/** Names as services use them, sorted, each once. Roles without hosts need nothing. */
export function neededImages(set: ContainerImageSet, clouds: Clouds): readonly string[] {
  const needed = new Set(set.spec.images);
  const withHosts = clouds.overclouds.flatMap(({ spec }) =>
    spec.roles.filter(({ count }) => count > 0).map((entry) => ({ entry, setOfCloud: spec.imageSetName })),
  );
  for (const { entry, setOfCloud } of withHosts) {
    for (const image of imagesOfRole(clouds, entry.role)) {
      if (setsFor(image, entry, setOfCloud).includes(set.metadata.name)) needed.add(image);
    }
  }
  return [...needed].sort();
}

/** Every set that an Overcloud takes images from. */
export function setsOf({ spec }: Overcloud): readonly string[] {
  const overrides = spec.roles.flatMap((entry) => [
    ...(entry.images ?? []),
    ...(entry.hosts ?? []).flatMap((host) => host.images ?? []),
  ]);
  return [...new Set([spec.imageSetName, ...overrides.map(({ imageSetName }) => imageSetName)])];
}

/** The image of the role, and that of single hosts which run another. */
function setsFor(image: string, entry: OvercloudSpecRolesItem, setOfCloud: string): readonly string[] {
  const named = (images: OvercloudSpecRolesItem['images']) =>
    images?.find(({ name }) => name === image)?.imageSetName;
  const ofRole = named(entry.images) ?? setOfCloud;
  return [ofRole, ...(entry.hosts ?? []).map((host) => named(host.images) ?? ofRole)];
}

function imagesOfRole(clouds: Clouds, role: string): ReadonlySet<string> {
  const images = new Set<string>();
  for (const name of clouds.role(role)?.services ?? []) {
    const { containers = [], jobs = [], bundles = [] } = clouds.service(name) ?? {};
    for (const { image } of [...containers, ...jobs, ...bundles]) {
      if (image !== undefined) images.add(image);
    }
  }
  return images;
}
