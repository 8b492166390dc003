// Makes a Host's status from what a pass found. What was not looked at this time keeps its former value. Pure.
import type {
  Host,
  HostStatus,
  HostStatusDriftItem,
  HostStatusJobsItem,
  HostStatusPlan,
} from '../api/host.gen.ts';
import { canonicalJson } from '../api/canonical.ts';
import { mergeConditions, summarise, type ConditionInput, type Health } from '../kernel/conditions.ts';
import type { Manifest } from './manifest/types.ts';
import type { Action, FieldChange, Plan } from './plan/types.ts';

/** A status stays small (DESIGN.md section 1). */
const mostItems = 50;
const mostJobs = 200;
const mostFields = 20;
const longestText = 512;

export interface SessionFacts {
  readonly address: string;
  readonly bootId: string;
  readonly epoch: number;
}

export interface Findings {
  readonly host: Host;
  readonly health: Health;
  /** Conditions beside the three of every kind. */
  readonly conditions: readonly ConditionInput[];
  readonly brake: string;
  /** What the session told; undefined without one. */
  readonly session?: SessionFacts | undefined;
  /** Undefined where the host could not be looked at. */
  readonly current?: { readonly manifest: Manifest; readonly plan: Plan } | undefined;
  /** What would be done, and by which revision. */
  readonly proposed?: { readonly revision: string; readonly plan: Plan } | undefined;
  /** `service/name` of the job that runs right now. */
  readonly running?: string | undefined;
}

/** How far this host has been with the revision that it is to have, 0..5: never falls for its revision. */
export function reachedOf({ spec, status }: Host): number {
  return status?.progress?.revision === spec.revision ? status.progress.step : 0;
}

export function statusOf(findings: Findings, now: Date): HostStatus {
  const { host, health, brake, session, current, proposed } = findings;
  const former = host.status;
  return {
    observedGeneration: host.metadata.generation,
    conditions: mergeConditions(
      former?.conditions,
      [...summarise(health), ...findings.conditions],
      host.metadata.generation,
      now,
    ),
    brake,
    ...defined({
      address: session?.address ?? former?.address,
      bootId: session?.bootId ?? former?.bootId,
      epoch: session?.epoch ?? former?.epoch,
    }),
    ...(current === undefined ? kept(former) : seen(findings, current, now)),
    ...(proposed === undefined ? {} : { plan: planStatus(proposed.revision, proposed.plan) }),
  };
}

const kept = (former: HostStatus | undefined) =>
  defined({
    images: former?.images,
    progress: former?.progress,
    containers: former?.containers,
    unready: former?.unready,
    drift: former?.drift,
    truncated: former?.truncated,
    jobs: former?.jobs,
  });

function seen(findings: Findings, current: NonNullable<Findings['current']>, now: Date) {
  const { host } = findings;
  const { plan, manifest } = current;
  const { desired, ready } = plan.containers;
  const unready = plan.unready.map((item) => ({
    ...item,
    state: capitalised(item.state),
    message: cut(item.message),
  }));
  const drift = plan.drift.map((item) => ({ ...item, since: sinceWhen(item, host.status?.drift, now) }));
  const left = Math.max(unready.length - mostItems, 0) + Math.max(drift.length - mostItems, 0);
  return defined({
    images: plan.stepDone === 5 ? manifest.imagesTag : host.status?.images,
    progress: { revision: manifest.revision, step: Math.max(reachedOf(host), plan.stepDone) },
    containers: { desired, ready, summary: `${ready}/${desired}` },
    unready: unready.length === 0 ? undefined : unready.slice(0, mostItems),
    drift: drift.length === 0 ? undefined : drift.slice(0, mostItems),
    truncated: left === 0 ? undefined : left,
    jobs: jobsStatus(plan, findings.running),
  });
}

function jobsStatus(plan: Plan, running: string | undefined): readonly HostStatusJobsItem[] | undefined {
  const started = plan.actions.flatMap((action): HostStatusJobsItem[] => {
    if (action.kind !== 'runJob' || action.target !== running) return [];
    const { service, name, hash } = action.job;
    return [{ service, name, hash, state: 'Running' }];
  });
  const key = (job: HostStatusJobsItem) => `${job.service}/${job.name}`;
  const again = new Set(started.map(key));
  const ended = plan.jobs.map(({ message, ...job }): HostStatusJobsItem =>
    message === '' ? job : { ...job, message: cut(message) },
  );
  const jobs = [...ended.filter((job) => !again.has(key(job))), ...started].slice(0, mostJobs);
  return jobs.length === 0 ? undefined : jobs;
}

function planStatus(revision: string, plan: Plan): HostStatusPlan {
  const { actions } = plan;
  const left = actions.length - mostItems;
  return {
    revision,
    summary: planSummary(actions),
    ...(actions.length === 0
      ? {}
      : {
          actions: actions.slice(0, mostItems).map(({ kind, target, reason, fields }) => ({
            action: capitalised(kind),
            target,
            reason: cut(reason),
            ...(fields.length === 0 ? {} : { fields: fields.slice(0, mostFields).map(fieldText) }),
          })),
        }),
    ...(left > 0 ? { truncated: left } : {}),
  };
}

/** `2 replace, 1 create`, in the order in which they first come. */
export function planSummary(actions: readonly Action[]): string {
  if (actions.length === 0) return 'nothing to do';
  const kinds = [...new Set(actions.map(({ kind }) => kind))];
  return kinds.map((kind) => `${actions.filter((action) => action.kind === kind).length} ${kind}`).join(', ');
}

const fieldText = ({ field, current, desired }: FieldChange): string =>
  cut(`${field}: ${current} → ${desired}`);

function sinceWhen(
  { kind, what }: Pick<HostStatusDriftItem, 'kind' | 'what'>,
  former: readonly HostStatusDriftItem[] | undefined,
  now: Date,
): string {
  const known = former?.find((item) => item.kind === kind && item.what === what)?.since;
  return known ?? `${now.toISOString().slice(0, 19)}Z`;
}

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

const cut = (text: string): string =>
  text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text;

/** Without the members that are undefined: they would look like a change. */
function defined<T extends Readonly<Record<string, unknown>>>(
  values: T,
): { readonly [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: NonNullable<T[K]>;
  };
}

/** Others wait for these: they are written at once, while counts may come a little later. */
export const isAwaited = (before: HostStatus | undefined, after: HostStatus): boolean =>
  canonicalJson([before?.progress, before?.jobs, before?.plan, before?.brake]) !==
  canonicalJson([after.progress, after.jobs, after.plan, after.brake]);
