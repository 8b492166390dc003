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
import { prePulledStatus, type PrePullSeen } from './pre-pull/status.ts';

/** A status stays small (DESIGN.md section 1). */
const mostItems = 50;
/** JSON of all items of each, so that the whole stays below 32 KB. */
const planBytes = 10_000;
const fieldsBytes = 1_000;
const unreadyBytes = 7_000;
const driftBytes = 4_000;
const mostJobs = 200;
const mostFields = 20;
const longestText = 512;
const longestSummary = 256;

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
  /** What would be done, and by which revision; or why that cannot be said. */
  readonly proposed?: Proposal | undefined;
  /** What was seen of the images that are pulled ahead; undefined where nobody looked. */
  readonly prePull?: PrePullSeen | undefined;
  /** `service/name` of the job that runs right now. */
  readonly running?: string | undefined;
}

type Proposal =
  | { readonly revision: string; readonly plan: Plan }
  | { readonly revision: string; readonly trouble: string };

/** How far this host has been with the revision that it is to have, 0..5: never falls for its revision. */
export function reachedOf({ spec, status }: Host): number {
  return status?.progress?.revision === spec.revision ? status.progress.step : 0;
}

export function statusOf(findings: Findings, now: Date): HostStatus {
  const { host, health, brake, session, current, proposed } = findings;
  const former = host.status;
  const prePulled = prePulledStatus(host, health, findings.prePull);
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
    ...(prePulled === undefined ? {} : { prePulled }),
    ...(proposed === undefined ? {} : { plan: planStatus(proposed) }),
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
  const shown = { unready: fitting(unready, unreadyBytes), drift: fitting(drift, driftBytes) };
  const left = unready.length - shown.unready.length + drift.length - shown.drift.length;
  return defined({
    images: plan.stepDone === 5 ? manifest.imagesTag : host.status?.images,
    progress: { revision: manifest.revision, step: Math.max(reachedOf(host), plan.stepDone) },
    containers: { desired, ready, summary: `${ready}/${desired}` },
    unready: unready.length === 0 ? undefined : shown.unready,
    drift: drift.length === 0 ? undefined : shown.drift,
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

function planStatus(proposed: Proposal): HostStatusPlan {
  const { revision } = proposed;
  if ('trouble' in proposed) {
    return { revision, summary: cut(`cannot be planned: ${proposed.trouble}`, longestSummary) };
  }
  const { actions } = proposed.plan;
  const items = actions.slice(0, mostItems).map(({ kind, target, reason, fields }) => ({
    action: capitalised(kind),
    target,
    reason: cut(reason),
    ...(fields.length === 0 ? {} : { fields: fieldTexts(fields) }),
  }));
  const shown = fitting(items, planBytes);
  const left = actions.length - shown.length;
  return {
    revision,
    summary: planSummary(actions),
    ...(shown.length === 0 ? {} : { actions: shown }),
    ...(left > 0 ? { truncated: left } : {}),
  };
}

function fieldTexts(fields: readonly FieldChange[]): readonly string[] {
  const texts = fields.map(({ field, current, desired }) => cut(`${field}: ${current} → ${desired}`));
  const shown = fitting(texts.slice(0, mostFields - 1), fieldsBytes);
  const left = texts.length - shown.length;
  return left > 0 ? [...shown, `and ${left} more`] : shown;
}

/** The first of `items`, at most 50 and no more than `bytes` of JSON. */
function fitting<T>(items: readonly T[], bytes: number): readonly T[] {
  let left = bytes;
  const end = items.findIndex((item) => (left -= Buffer.byteLength(JSON.stringify(item))) < 0);
  return items.slice(0, Math.min(end < 0 ? items.length : end, mostItems));
}

/** `2 replace, 1 create`, in the order in which they first come. */
export function planSummary(actions: readonly Action[]): string {
  if (actions.length === 0) return 'nothing to do';
  const kinds = [...new Set(actions.map(({ kind }) => kind))];
  return kinds.map((kind) => `${actions.filter((action) => action.kind === kind).length} ${kind}`).join(', ');
}

function sinceWhen(
  { kind, what }: Pick<HostStatusDriftItem, 'kind' | 'what'>,
  former: readonly HostStatusDriftItem[] | undefined,
  now: Date,
): string {
  const known = former?.find((item) => item.kind === kind && item.what === what)?.since;
  return known ?? `${now.toISOString().slice(0, 19)}Z`;
}

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

const cut = (text: string, longest = longestText): string =>
  text.length > longest ? `${text.slice(0, longest - 1)}…` : text;

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
