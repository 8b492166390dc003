// Which images are pulled to which host ahead of the day they are needed: those of the named sets that its role uses. Pure.
import { hashOf } from '../api/canonical.ts';
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import type { HostSpecPrePull } from '../api/host.gen.ts';
import type { OvercloudSpecRolesItem } from '../api/overcloud.gen.ts';
import type { RevisionImage } from '../api/revision.ts';
import type { Member } from './allocation.ts';
import { notResolved, overriddenBy, registriesOf, setProblem, type ImageOverride } from './images.ts';
import { problem, type Problem } from './problem.ts';
import { imagesOf, unique } from './references.ts';
import type { RevisionSources } from './revision.ts';

/** What a Host has room for. */
const mostImages = 200;

export interface PrePull {
  /** Hosts that have nothing to pull ahead are not in it. */
  readonly byMember: ReadonlyMap<string, HostSpecPrePull>;
  /** What keeps images from being pulled ahead; it concerns nothing else. */
  readonly problems: readonly Problem[];
}

type Sources = Pick<RevisionSources, 'overcloud' | 'roles' | 'services' | 'imageSets'>;

export function planPrePull(sources: Sources, members: readonly Member[]): PrePull {
  const { overcloud, imageSets } = sources;
  const names = overcloud.spec.prePull?.imageSetNames ?? [];
  const unready = names.flatMap((name) => setProblem(name, imageSets.get(name)) ?? []);
  const sets = names.flatMap((name) => {
    const set = imageSets.get(name);
    return set === undefined || setProblem(name, set) !== undefined ? [] : [set];
  });
  if (sets.length === 0) return { byMember: new Map(), problems: unready };

  const problems = new Map(unready.map((each) => [each.message, each]));
  const note = (found: Problem) => void problems.set(found.message, found);
  const known = new Map<string, HostSpecPrePull | undefined>();
  const byMember = new Map<string, HostSpecPrePull>();
  for (const wanted of overcloud.spec.roles.filter(({ count }) => count > 0)) {
    for (const member of members.filter(({ role }) => role === wanted.role)) {
      const overrides = [...(member.entry?.images ?? []), ...(wanted.images ?? [])];
      const id = JSON.stringify([wanted.role, overrides]);
      if (!known.has(id)) known.set(id, listFor(sources, wanted, overrides, sets, note));
      const list = known.get(id);
      if (list !== undefined) byMember.set(member.name, list);
    }
  }
  return { byMember, problems: [...problems.values()] };
}

function listFor(
  sources: Sources,
  { role }: OvercloudSpecRolesItem,
  overrides: readonly ImageOverride[],
  sets: readonly ContainerImageSet[],
  note: (found: Problem) => void,
): HostSpecPrePull | undefined {
  const services = sources.roles.get(role)?.spec.services ?? [];
  const names = unique(services.flatMap((name) => imagesOf(sources.services.get(name)?.spec ?? {})));
  const images = sets.flatMap((set) => imagesFrom(set, names, overrides, note));
  const references = unique(images.map(({ repository, digest }) => `${repository}@${digest}`));
  if (references.length === 0) return undefined;
  if (references.length > mostImages) {
    const message = `role ${role} would have ${String(references.length)} images pulled ahead, ${String(mostImages)} at most are: name fewer sets in spec.prePull`;
    note(problem('TooManyImages', message));
  }
  const listed = references.slice(0, mostImages).sort();
  return {
    hash: hashOf(listed).slice(0, 16),
    images: listed,
    registries: registriesOf(images, sets),
  };
}

/**
 * What a host takes from another set by `images` of its role is left out, as it will not come from this one; unless this is a
 * set of certain images only (spec.images, spec.includes): then it was made for them.
 */
function imagesFrom(
  set: ContainerImageSet,
  names: readonly string[],
  overrides: readonly ImageOverride[],
  note: (found: Problem) => void,
): readonly RevisionImage[] {
  const { spec, status, metadata } = set;
  const isOfCertainImages = (spec.includes ?? []).length > 0;
  const isFiltered = isOfCertainImages || (spec.excludes ?? []).length > 0;
  const resolved = new Map((status?.resolved?.images ?? []).map((image) => [image.name, image]));
  return names.flatMap((name) => {
    const other = overriddenBy(name, overrides) ?? metadata.name;
    const isMeant = other === metadata.name || isOfCertainImages || spec.images?.includes(name) === true;
    if (!isMeant) return [];
    const image = resolved.get(name);
    if (image !== undefined) return [image];
    // A set that leaves images out on purpose may well leave this one out.
    if (!isFiltered) note(notResolved(metadata.name, `has not resolved ${name} yet`, set));
    return [];
  });
}
