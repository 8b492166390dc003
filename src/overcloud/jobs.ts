// The cloud's jobs (scope Cloud): who runs each, who waits for it, and what is done: pure. A job runs once per cloud, on the
// lowest index of the first role that carries its service and is on its way to another revision.
import { sha256 } from '../api/canonical.ts';
import type { HostSpecJobsItem, HostStatusJobsItem } from '../api/host.gen.ts';
import type { OvercloudServiceSpecJobsItem } from '../api/overcloudservice.gen.ts';
import { jobHash, type RevisionPayload } from '../api/revision.ts';
import type { Problem } from './problem.ts';

/** A job that is done, as the ledger ConfigMap keeps it under `<service>.<job>`. */
export interface LedgerEntry {
  readonly hash: string;
  readonly host: string;
  readonly exitCode: number;
  readonly finishedAt: string;
  /** The number of the revision that it ran for: what an older one must not run again over. */
  readonly revision: number;
}

export type Ledger = ReadonlyMap<string, LedgerEntry>;

/** A host as it will be once the rollout's decision is carried out. In order of role and index. */
export interface JobHost {
  readonly name: string;
  readonly role: string;
  /** Undefined where the revision cannot be read: its jobs are left as they are. */
  readonly payload: RevisionPayload | undefined;
  readonly revision: { readonly name: string; readonly number: number };
  /** On its way to a revision: only such a host runs jobs or waits for them. */
  readonly moving: boolean;
  /** Can run something: connected, not paused, not leaving. */
  readonly available: boolean;
  /** What Host.spec.jobs says now, and for which revision. */
  readonly assigned: readonly HostSpecJobsItem[];
  readonly assignedFor: number;
  readonly results: readonly HostStatusJobsItem[];
}

export interface JobsDecision {
  readonly ledger: Ledger;
  /** Host.spec.jobs by host. */
  readonly jobs: ReadonlyMap<string, readonly HostSpecJobsItem[]>;
  readonly problems: readonly Problem[];
}

/** A cloud's job as one revision has it. */
interface CloudJob {
  readonly service: string;
  readonly name: string;
  readonly schemaChange: boolean;
  readonly hash: string;
}

/** A host that carries a job, with what it would be run for there. */
interface Carrier {
  readonly host: JobHost;
  readonly job: CloudJob;
}

const ledgerKey = (service: string, job: string): string => `${service}.${job}`;

export function decideJobs(hosts: readonly JobHost[], former: Ledger): JobsDecision {
  const ledger = collected(hosts, former);
  const jobs = new Map<string, HostSpecJobsItem[]>();
  for (const host of hosts) jobs.set(host.name, host.payload === undefined ? [...host.assigned] : []);
  for (const [key, carriers] of carriersByJob(hosts)) {
    const lead = leadOf(carriers);
    const done = lead === undefined || isDone(lead, ledger.get(key), carriers);
    for (const { host, job } of carriers) {
      const { hash, action } = done ? { hash: job.hash, action: 'Done' as const } : actionOf(host, job, lead);
      jobs.get(host.name)?.push({ service: job.service, name: job.name, hash, action });
    }
  }
  return { ledger, jobs, problems: hosts.flatMap(failuresOf) };
}

/** What hosts report as done for what they were told to run. */
function collected(hosts: readonly JobHost[], former: Ledger): Ledger {
  const ledger = new Map(former);
  for (const host of hosts) {
    for (const result of host.results) {
      if (result.state !== 'Succeeded' || !isAssigned(host, result)) continue;
      ledger.set(ledgerKey(result.service, result.name), {
        hash: result.hash,
        host: host.name,
        exitCode: result.exitCode ?? 0,
        finishedAt: result.finishedAt ?? '',
        revision: host.assignedFor,
      });
    }
  }
  return ledger;
}

/** Whether the host has been told to run this very job. */
const isAssigned = (host: JobHost, job: Pick<CloudJob, 'service' | 'name' | 'hash'>): boolean =>
  host.assigned.some(
    ({ service, name, hash, action }) =>
      action === 'Run' && service === job.service && name === job.name && hash === job.hash,
  );

function carriersByJob(hosts: readonly JobHost[]): ReadonlyMap<string, readonly Carrier[]> {
  const carriers = new Map<string, Carrier[]>();
  /** Hosts share their revisions: each is gone through once. */
  const known = new Map<RevisionPayload, readonly CloudJob[]>();
  for (const host of hosts) {
    if (host.payload === undefined) continue;
    const jobs = known.get(host.payload) ?? cloudJobs(host.payload, host.revision.name);
    known.set(host.payload, jobs);
    for (const job of jobs) {
      const key = ledgerKey(job.service, job.name);
      const list = carriers.get(key) ?? [];
      carriers.set(key, list);
      list.push({ host, job });
    }
  }
  return carriers;
}

const cloudJobs = ({ services, images }: RevisionPayload, revision: string): readonly CloudJob[] =>
  services.flatMap(({ name: service, spec }) =>
    (spec.jobs ?? []).filter(isCloudJob).map((job) => {
      const digest = job.image === undefined ? undefined : images[job.image]?.digest;
      const content = jobHash(service, job, digest);
      const hash = job.runPolicy === 'Always' ? sha256(`${content} ${revision}`).slice(0, 16) : content;
      return { service, name: job.name, schemaChange: job.schemaChange, hash };
    }),
  );

/** Where nothing is said, what changes a schema is done once per cloud, anything else on every host. */
const isCloudJob = (job: OvercloudServiceSpecJobsItem): boolean =>
  (job.scope ?? (job.schemaChange ? 'Cloud' : 'Host')) === 'Cloud';

interface Lead {
  readonly role: string;
  readonly hash: string;
  readonly schemaChange: boolean;
  readonly revision: number;
  /** Undefined while no host that could run it is available. */
  readonly host: JobHost | undefined;
}

/**
 * Who speaks for the job: of the first role with hosts on their way, those on the newest revision. Whoever was told to run
 * it keeps it. Undefined when nobody is on the way: then nothing has to be run.
 */
function leadOf(carriers: readonly Carrier[]): Lead | undefined {
  const moving = carriers.filter(({ host }) => host.moving);
  const role = moving[0]?.host.role;
  const movers = moving.filter(({ host }) => host.role === role);
  const [newest] = movers.toSorted((a, b) => b.host.revision.number - a.host.revision.number);
  if (newest === undefined) return undefined;
  const able = movers.filter(({ job, host }) => job.hash === newest.job.hash && host.available);
  return {
    role: newest.host.role,
    hash: newest.job.hash,
    schemaChange: newest.job.schemaChange,
    revision: newest.host.revision.number,
    host: (able.find(({ host, job }) => isAssigned(host, job)) ?? able[0])?.host,
  };
}

function actionOf(host: JobHost, { hash }: CloudJob, lead: Lead): Pick<HostSpecJobsItem, 'hash' | 'action'> {
  if (host === lead.host) return { hash, action: 'Run' };
  // What is new for others is not made for what runs on this one: it stays, or is on its way to another revision.
  if (!host.moving || (host.role === lead.role && hash !== lead.hash)) return { hash, action: 'Done' };
  return { hash: lead.hash, action: 'Wait' };
}

/**
 * By the ledger; or because a host has finished a revision with this very job, should the ledger be lost. A schema is never
 * changed back: what ran for a newer revision is not run for an older one.
 */
function isDone(lead: Lead, entry: LedgerEntry | undefined, carriers: readonly Carrier[]): boolean {
  if (carriers.some(({ host, job }) => !host.moving && job.hash === lead.hash)) return true;
  if (entry === undefined) return false;
  return entry.hash === lead.hash || (lead.schemaChange && entry.revision > lead.revision);
}

function failuresOf(host: JobHost): readonly Problem[] {
  return host.results
    .filter((result) => result.state === 'Failed' && isAssigned(host, result))
    .map(({ service, name, exitCode, message }) => ({
      reason: 'JobFailed',
      message:
        `job ${name} of service ${service} failed on ${host.name} with exit code ${String(exitCode ?? -1)}: ` +
        `${message ?? 'it left no output'}; it is tried again, correct the service if that does not help`,
      needsPerson: false,
    }));
}
