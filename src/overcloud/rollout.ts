// Who may move now, and how far: a pure function of what the cloud should be and what its hosts report. It remembers
// nothing, so that a restart at any point goes on from where the hosts are.
import { cohortStep, excusedHosts, finishedStep, nextDeadline } from './rollout/barrier.ts';
import {
  isMoving,
  isNew,
  lastStep,
  namesOf,
  type Assignment,
  type Rejection,
  type RolloutDecision,
  type RolloutHost,
  type RolloutInput,
  type RolloutRole,
  type Wait,
} from './rollout/model.ts';
import { nextWave, pendingHosts, updatable, type RoleView } from './rollout/wave.ts';

/** What one role's hosts do next. */
interface RoleMoves {
  /** By host, only for those that change. */
  readonly revisions: ReadonlyMap<string, string>;
  readonly rejected: readonly Rejection[];
  readonly waits: readonly Wait[];
  /** Roles later in the order have to wait. */
  readonly unfinished: boolean;
  readonly lookAgainMs?: number;
}

const noMoves: RoleMoves = { revisions: new Map(), rejected: [], waits: [], unfinished: false };

export function decideRollout(input: RolloutInput): RolloutDecision {
  const excused = new Set<string>();
  for (const role of input.roles) {
    const hosts = input.hosts.filter((host) => host.role === role.name);
    for (const host of excusedHosts(role, hosts, input.update.maxFailPercent)) excused.add(host.name);
  }

  const moves: RoleMoves[] = [];
  let before: RolloutRole | undefined;
  for (const role of input.roles) {
    const decided =
      input.frozen === undefined ? roleMoves(input, role, excused, before) : frozenRole(input, role);
    moves.push(decided);
    if (decided.unfinished) before ??= role;
  }

  const revisions = new Map(moves.flatMap((move) => [...move.revisions]));
  const times = [...moves.map((move) => move.lookAgainMs), nextDeadline(input.hosts)];
  const lookAgain = times.filter((ms) => ms !== undefined);
  return {
    assignments: assign(input, revisions, excused),
    rejected: [...input.rejected, ...moves.flatMap((move) => move.rejected)],
    waits: moves.flatMap((move) => move.waits),
    lookAgainMs: lookAgain.length === 0 ? undefined : Math.min(...lookAgain),
  };
}

/** Steps for the hosts as they will be, once `revisions` are given out. */
function assign(
  input: RolloutInput,
  revisions: ReadonlyMap<string, string>,
  excused: ReadonlySet<string>,
): ReadonlyMap<string, Assignment> {
  const next = input.hosts.map((host) => ({ host, revision: revisions.get(host.name) ?? host.revision }));
  const moving = next.filter(
    ({ host, revision }) =>
      revision !== '' && revision !== host.completed && !host.aside && !excused.has(host.name),
  );
  const steps = new Map<string, number>();
  const deployed = moving.filter(({ host }) => isNew(host));
  const waves = input.roles.map(({ name }) =>
    moving.filter(({ host }) => !isNew(host) && host.role === name),
  );
  for (const cohort of [deployed, ...waves]) {
    const step = cohortStep(cohort, cohort === deployed ? input.arriving : 0);
    for (const { host } of cohort) steps.set(host.name, step);
  }
  const assignments = next.map(({ host, revision }): readonly [string, Assignment] => {
    const proposedRevision = input.planOnly && host.target !== revision ? host.target : '';
    return [host.name, { revision, proposedRevision, step: stepOf(host, revision, steps.get(host.name)) }];
  });
  return new Map(assignments);
}

/** A host's step never falls for its revision. */
function stepOf(host: RolloutHost, revision: string, cohort: number | undefined): number {
  if (revision === '') return 0;
  if (revision === host.completed) return lastStep;
  const former = revision === host.revision ? Math.max(host.step, finishedStep(host, revision)) : 1;
  return Math.max(former, cohort ?? 0, 1);
}

function frozenRole(input: RolloutInput, role: RolloutRole): RoleMoves {
  const hosts = input.hosts.filter((host) => host.role === role.name);
  const waiting = hosts.filter((host) => host.target !== '' && host.target !== host.revision);
  if (waiting.length === 0) return noMoves;
  const message = `role ${role.name}: ${input.frozen ?? ''}, so ${namesOf(waiting)} will not move to ${targetsOf(waiting)}`;
  return { ...noMoves, waits: [{ role: role.name, stopped: false, reason: 'RolloutFrozen', message }] };
}

function roleMoves(
  input: RolloutInput,
  role: RolloutRole,
  excused: ReadonlySet<string>,
  before: RolloutRole | undefined,
): RoleMoves {
  const redirected = redirections(input.hosts.filter((host) => host.role === role.name));
  const view = updatable(role, input.hosts, excused);
  const failed = view.hosts.filter(
    (host) => isMoving(host) && host.failure !== '' && !redirected.has(host.name),
  );
  const rejection = input.rejected.find((entry) => entry.role === role.name);
  if (failed.length > 0) return stopOn(input, role, failed, redirected);
  if (rejection !== undefined) {
    const message =
      `role ${role.name}: revision ${rejection.revision} was given up, as it failed on ${rejection.host}: ${rejection.reason}; change the role's input, ` +
      `or set annotation undercloud.dev/retry on the overcloud to a new value to try it again`;
    const wait = { role: role.name, stopped: true, reason: 'RevisionRejected', message };
    return { ...noMoves, revisions: redirected, waits: [wait], unfinished: true };
  }
  return startWave(input, view, redirected, before);
}

/** New hosts, and hosts already on their way, go to their target at once: nothing runs on them that could be lost. */
function redirections(hosts: readonly RolloutHost[]): ReadonlyMap<string, string> {
  const free = hosts.filter(
    (host) => host.target !== '' && host.target !== host.revision && !host.hold && !host.aside,
  );
  return new Map(
    free.filter((host) => isNew(host) || isMoving(host)).map((host) => [host.name, host.target]),
  );
}

function startWave(
  input: RolloutInput,
  view: RoleView,
  redirected: ReadonlyMap<string, string>,
  before: RolloutRole | undefined,
): RoleMoves {
  const role = view.role.name;
  const wave = nextWave(view, input.update);
  switch (wave.kind) {
    case 'done':
      return { ...noMoves, revisions: redirected };
    case 'wait': {
      const wait = { role, stopped: false, reason: wave.reason, message: wave.message };
      const lookAgain = wave.ms === undefined ? {} : { lookAgainMs: wave.ms };
      return { ...noMoves, revisions: redirected, waits: [wait], unfinished: true, ...lookAgain };
    }
    case 'start': {
      if (before !== undefined) {
        const message = `role ${role}: ${namesOf(pendingHosts(view))} will be updated after role ${before.name}`;
        const wait = { role, stopped: false, reason: 'WaitingForRole', message };
        return { ...noMoves, revisions: redirected, waits: [wait], unfinished: true };
      }
      const started = wave.hosts.map((host) => [host.name, host.target] as const);
      return { ...noMoves, revisions: new Map([...redirected, ...started]), unfinished: true };
    }
  }
}

/** A revision failed on hosts that ran another one before: take them back, or leave all as it is for a person to look at. */
function stopOn(
  input: RolloutInput,
  role: RolloutRole,
  failed: readonly RolloutHost[],
  redirected: ReadonlyMap<string, string>,
): RoleMoves {
  const rollBack = input.update.onFailure === 'Rollback';
  const waits = failed.map((host): Wait => {
    const what = `role ${role.name}: the rollout stopped at ${host.name}, where revision ${host.revision} failed`;
    const then = rollBack ? `it goes back to ${host.completed}` : 'mend it, or change the role';
    const reason = rollBack ? 'RevisionRejected' : 'RolloutStopped';
    return { role: role.name, stopped: true, reason, message: `${what}: ${host.failure}; ${then}` };
  });
  if (!rollBack) return { ...noMoves, revisions: redirected, waits, unfinished: true };
  const back = failed.map((host) => [host.name, host.completed] as const);
  const known = new Set(input.rejected.map((entry) => `${entry.role}/${entry.revision}`));
  const rejected = new Map(
    failed
      .filter((host) => !known.has(`${role.name}/${host.revision}`))
      .map((host) => [
        host.revision,
        { role: role.name, revision: host.revision, host: host.name, reason: host.failure },
      ]),
  );
  return {
    revisions: new Map([...redirected, ...back]),
    rejected: [...rejected.values()],
    waits,
    unfinished: true,
  };
}

const targetsOf = (hosts: readonly RolloutHost[]): string =>
  [...new Set(hosts.map((host) => host.target))].join(', ');
