// Which revision every host should be on, were it up to the user's input alone: pure. Says what has to be cut for that.
import type { Overcloud, OvercloudSpecRolesItem } from '../api/overcloud.gen.ts';
import { encodeRevision, revisionName, type RevisionPayload } from '../api/revision.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { Member } from './allocation.ts';
import type { ImageOverride } from './images.ts';
import { problem, type Problem } from './problem.ts';
import { composeRevision, type RevisionSources } from './revision.ts';
import type { NewRevision, Revision } from './revision-store.ts';

export interface Targets {
  /** Revision by member; empty where there is none. */
  readonly byMember: ReadonlyMap<string, string>;
  /** What the role's input comes to now; undefined where something is missing for that. */
  readonly newest: ReadonlyMap<string, string>;
  readonly cut: readonly NewRevision[];
  /** One sentence for each pin. */
  readonly pins: readonly string[];
  readonly problems: readonly Problem[];
}

export function chooseTargets(
  sources: RevisionSources,
  members: readonly Member[],
  revisions: readonly Revision[],
): Targets {
  const { overcloud } = sources;
  const byMember = new Map<string, string>();
  const newest = new Map<string, string>();
  const book = createBook(sources, revisions);
  const pins: string[] = [];
  for (const wanted of overcloud.spec.roles) {
    const here = members.filter(({ role }) => role === wanted.role);
    if (wanted.count === 0) continue;
    const name = book.compose(wanted.role, wanted.images ?? []);
    if (name !== undefined) newest.set(wanted.role, name);
    const pin = wanted.revision ?? '';
    if (pin !== '') pins.push(`role ${wanted.role} is pinned to revision ${pin}`);
    for (const member of here) {
      const own = member.entry?.revision ?? '';
      if (own !== '') pins.push(`host ${member.name} is pinned to revision ${own}`);
      byMember.set(member.name, targetOf(book, wanted, member, name));
    }
  }
  // Hosts of a role that is to have none stay as they are until they leave.
  for (const member of members) {
    if (!byMember.has(member.name)) byMember.set(member.name, member.host?.spec.revision ?? '');
  }
  return { byMember, newest, cut: book.cut(), pins, problems: book.problems() };
}

function targetOf(
  book: Book,
  wanted: OvercloudSpecRolesItem,
  member: Member,
  newest: string | undefined,
): string {
  // An empty pin is none.
  const [pin] = [member.entry?.revision, wanted.revision].filter((name = '') => name !== '');
  if (pin !== undefined) return book.pinned(pin, wanted.role) ?? member.host?.spec.revision ?? '';
  const images = member.entry?.images ?? [];
  if (images.length === 0) return newest ?? '';
  return book.compose(wanted.role, [...images, ...(wanted.images ?? [])]) ?? '';
}

/** The revisions that there are and those to be made, with what stands in the way; every problem once. */
interface Book {
  /** The name of the revision that the role's input comes to. */
  compose(role: string, overrides: readonly ImageOverride[]): string | undefined;
  pinned(name: string, role: string): string | undefined;
  cut(): readonly NewRevision[];
  problems(): readonly Problem[];
}

function createBook(sources: RevisionSources, revisions: readonly Revision[]): Book {
  const problems = new Map<string, Problem>();
  const cut = new Map<string, NewRevision>();
  const composed = new Map<string, string | undefined>();
  const note = (found: readonly Problem[]) => found.forEach((each) => problems.set(each.message, each));

  const enter = (payload: RevisionPayload): string | undefined => {
    const name = revisionName(payload);
    if (cut.has(name) || revisions.some((revision) => revision.name === name)) return name;
    const number = 1 + Math.max(0, ...revisions.map((revision) => revision.number)) + cut.size;
    try {
      cut.set(name, { name, role: payload.role, number, payload, stored: encodeRevision(payload) });
      return name;
    } catch (thrown) {
      if (!(thrown instanceof OperatorError)) throw thrown;
      note([problem(thrown.reason, thrown.message)]);
      return undefined;
    }
  };

  return {
    compose(role, overrides) {
      const id = JSON.stringify([role, overrides]);
      if (!composed.has(id)) {
        const result = composeRevision(sources, role, overrides);
        if ('services' in result) composed.set(id, enter(result));
        else note(result);
      }
      return composed.get(id);
    },
    pinned(name, role) {
      if (revisions.some((revision) => revision.name === name && revision.role === role)) return name;
      note([revisionNotFound(sources.overcloud, name, role, revisions)]);
      return undefined;
    },
    cut: () => [...cut.values()],
    problems: () => [...problems.values()],
  };
}

function revisionNotFound(
  overcloud: Overcloud,
  name: string,
  role: string,
  revisions: readonly Revision[],
): Problem {
  const known = revisions
    .filter((revision) => revision.role === role)
    .toSorted((a, b) => b.number - a.number)
    .map((revision) => revision.name);
  const message =
    `overcloud ${overcloud.metadata.name} pins role ${role} to revision ${name}, which does not exist: ` +
    `take the pin away, or name one of ${known.slice(0, 5).join(', ') || 'none, as none was cut yet'}`;
  return problem('RevisionNotFound', message);
}
