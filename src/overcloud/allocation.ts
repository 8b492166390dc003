// Which hosts a cloud has, and which node each one gets: pure. Hosts that are there keep their index and their node; nobody
// leaves who is not named; what is missing is said in a sentence.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import type {
  Overcloud,
  OvercloudSpecRolesItem,
  OvercloudSpecRolesItemHostsItem,
} from '../api/overcloud.gen.ts';
import type { Role } from '../api/role.gen.ts';
import { completedRevision } from './host-object.ts';
import { byText, matchNodes, type Vacancy } from './matching.ts';
import { formatHostname } from './names.ts';
import { listed, problem, type Problem } from './problem.ts';

/** A place in the cloud: a host that exists, or one to make. */
export interface Member {
  readonly name: string;
  readonly role: string;
  readonly index: number;
  readonly nodeName: string;
  /** What the Overcloud says about this host alone. */
  readonly entry: OvercloudSpecRolesItemHostsItem | undefined;
  readonly host: Host | undefined;
}

export interface Allocation {
  /** In order of role (as the Overcloud lists them) and index. */
  readonly members: readonly Member[];
  /** Hosts that go: being deleted, named in `remove`, or whose node somebody else got before them. */
  readonly leaving: readonly Host[];
  /** Places whose node is on its way to be available: their hosts will join soon. */
  readonly arriving: number;
  readonly problems: readonly Problem[];
}

export interface AllocationInput {
  readonly overcloud: Overcloud;
  /** By name; a role that is missing gets no new hosts. */
  readonly roles: ReadonlyMap<string, Role>;
  /** All Hosts of the namespace, those of other clouds too. */
  readonly hosts: readonly Host[];
  readonly nodes: ReadonlyMap<string, BareMetalNode>;
  readonly now: Date;
}

export function allocate(input: AllocationInput): Allocation {
  const { overcloud } = input;
  const own = input.hosts.filter((host) => host.spec.overcloudName === overcloud.metadata.name);
  const removed = new Set(overcloud.spec.roles.flatMap(({ remove }) => remove ?? []));
  const mayLeave = overcloud.spec.mode === 'Apply';
  const leaving = own.filter(
    (host) =>
      host.metadata.deletionTimestamp !== undefined ||
      (mayLeave && removed.has(host.metadata.name)) ||
      lostItsNode(input, host),
  );
  const staying = own.filter((host) => !leaving.includes(host));
  const plans = overcloud.spec.roles.map((wanted) => planRole(input, wanted, own, removed));
  const vacancies = plans.flatMap((plan) => plan.vacancies);
  const { matched, arriving, shortages } = matchNodes(input, vacancies);
  const filled = vacancies.flatMap((vacancy): readonly Member[] => {
    const nodeName = matched.get(vacancy.name);
    return nodeName === undefined ? [] : [{ ...vacancy, nodeName, host: undefined }];
  });
  return {
    members: inOrder(overcloud, [...staying.map((host) => memberOf(overcloud, host)), ...filled]),
    leaving: leaving.toSorted((a, b) => byText(a.metadata.name, b.metadata.name)),
    arriving,
    problems: [
      ...orphanedRoles(overcloud, staying),
      ...(mayLeave ? [] : plannedRemovals(overcloud, staying, removed)),
      ...plans.flatMap((plan) => plan.problems),
      ...shortages,
    ],
  };
}

function inOrder(overcloud: Overcloud, members: readonly Member[]): readonly Member[] {
  const rank = new Map(overcloud.spec.roles.map(({ role }, index) => [role, index]));
  const rankOf = ({ role }: Member) => rank.get(role) ?? rank.size;
  return members.toSorted((a, b) => rankOf(a) - rankOf(b) || byText(a.role, b.role) || a.index - b.index);
}

function memberOf(overcloud: Overcloud, host: Host): Member {
  const { role, index, nodeName } = host.spec;
  const wanted = overcloud.spec.roles.find((item) => item.role === role);
  const entry = wanted?.hosts?.find(({ name }) => name === host.metadata.name);
  return { name: host.metadata.name, role, index, nodeName, entry, host };
}

/** It asked for a node that another Host was given, or nobody is, or that is gone, before anything happened on it. */
function lostItsNode({ nodes }: AllocationInput, host: Host): boolean {
  if (host.status?.progress !== undefined || completedRevision(host) !== '') return false;
  const node = nodes.get(host.spec.nodeName);
  if (node === undefined) return true;
  const { hostRef: holder, refused, retainedFrom } = node.status ?? {};
  if (holder === undefined) return refused !== undefined && retainedFrom === undefined;
  return holder.uid !== host.metadata.uid;
}

interface RolePlan {
  readonly vacancies: readonly Vacancy[];
  readonly problems: readonly Problem[];
}

function planRole(
  input: AllocationInput,
  wanted: OvercloudSpecRolesItem,
  own: readonly Host[],
  removed: ReadonlySet<string>,
): RolePlan {
  const here = own.filter((host) => host.spec.role === wanted.role);
  // Who leaves without being named comes back under the same name, so that the place stays taken until then.
  const taken = here.filter((host) => !removed.has(host.metadata.name));
  const role = input.roles.get(wanted.role);
  if (taken.length > wanted.count) return { vacancies: [], problems: [tooMany(wanted, taken)] };
  if (role === undefined) return { vacancies: [], problems: [] };

  const vacancies: Vacancy[] = [];
  const problems: Problem[] = [];
  for (const vacancy of vacantPlaces(input.overcloud, wanted, role.spec.hostnameFormat, here)) {
    if (vacancies.length + problems.length === wanted.count - taken.length) break;
    const namesake = input.hosts.find((host) => host.metadata.name === vacancy.name);
    if (namesake === undefined) vacancies.push(vacancy);
    else problems.push(nameTaken(vacancy, namesake));
  }
  return { vacancies, problems };
}

/**
 * The places of a role that no host has, lowest index first. An entry of `hosts` has the index whose name it carries; an
 * entry with a name of its own takes the lowest index that nobody has.
 */
function* vacantPlaces(
  overcloud: Overcloud,
  wanted: OvercloudSpecRolesItem,
  format: string,
  here: readonly Host[],
): Generator<Vacancy> {
  const used = new Set(here.map((host) => host.spec.index));
  const gone = new Set([...here.map((host) => host.metadata.name), ...(wanted.remove ?? [])]);
  const entries = (wanted.hosts ?? []).filter(({ name }) => !gone.has(name));
  const formatted = Array.from({ length: wanted.count + gone.size + entries.length }, (_, index) =>
    formatHostname(format, { overcloud: overcloud.metadata.name, role: wanted.role, index }),
  );
  const ownNames = entries.filter(({ name }) => !formatted.includes(name));
  for (const [index, byFormat] of formatted.entries()) {
    if (used.has(index) || gone.has(byFormat)) continue;
    const entry = entries.find(({ name }) => name === byFormat) ?? ownNames.shift();
    yield { role: wanted.role, index, name: entry?.name ?? byFormat, entry };
  }
}

const namesOf = (hosts: readonly Host[]): string => listed(hosts.map(({ metadata }) => metadata.name));

function tooMany(wanted: OvercloudSpecRolesItem, taken: readonly Host[]): Problem {
  const message =
    `role ${wanted.role} has ${String(taken.length)} hosts (${namesOf(taken)}) and count ${String(wanted.count)}: ` +
    `name ${String(taken.length - wanted.count)} of them in spec.roles[].remove, nothing is deleted before`;
  return problem('HostsToRemoveNotNamed', message);
}

function nameTaken({ name, role }: Vacancy, namesake: Host): Problem {
  const message =
    `role ${role} needs a host called ${name}, but overcloud ${namesake.spec.overcloudName} has one of that name: ` +
    `change hostnameFormat, or name the host in spec.roles[].hosts`;
  return problem('HostNameTaken', message);
}

/** Taking a role out of the spec does not take its hosts away: that would be too easy to do by mistake. */
function orphanedRoles(overcloud: Overcloud, staying: readonly Host[]): readonly Problem[] {
  const known = new Set(overcloud.spec.roles.map(({ role }) => role));
  const orphans = Map.groupBy(
    staying.filter((host) => !known.has(host.spec.role)),
    (host) => host.spec.role,
  );
  return [...orphans].map(([role, hosts]) => {
    const message =
      `role ${role} is not in spec.roles any more, but still has ${namesOf(hosts)}: ` +
      `put it back with count 0 and these names in remove`;
    return problem('HostsToRemoveNotNamed', message);
  });
}

function plannedRemovals(
  overcloud: Overcloud,
  staying: readonly Host[],
  removed: ReadonlySet<string>,
): readonly Problem[] {
  const named = staying.filter((host) => removed.has(host.metadata.name));
  if (named.length === 0) return [];
  const message = `${namesOf(named)} will leave the cloud when spec.mode is Apply (it is ${overcloud.spec.mode})`;
  return [{ reason: 'RemovalPlanned', message, needsPerson: true }];
}
