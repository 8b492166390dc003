// The other rooms, as far as the overcloud room can tell: nodes are granted and released, hosts do what their spec says.
import { bareMetalNodes } from '../../../../src/api/baremetalnode.gen.ts';
import { hosts, type Host, type HostStatus, type HostStatusJobsItem } from '../../../../src/api/host.gen.ts';
import { finalizers } from '../../../../src/api/names.ts';
import { removeFinalizer } from '../../../../src/kernel/finalizers.ts';
import type { Clock } from '../../../../src/kernel/clock.ts';
import { keyOf, type Condition } from '../../../../src/kube/objects.ts';
import type { FakeKube } from '../../../fakes/kube.ts';

export interface Faults {
  /** Why a revision does not work on a host; undefined where it does. */
  readonly fails?: (host: Host) => string | undefined;
  /** How a job ends: 0 unless said otherwise. */
  readonly exitCode?: (host: Host, job: string) => number;
  /** Why a host does not pull one of the images that it is to have ahead; undefined where it has them all. */
  readonly lacks?: (host: Host) => string | undefined;
  /** Hosts that do not finish their leave. */
  readonly stuck?: (host: Host) => boolean;
}

/** One round of both rooms; true when it changed something. */
export async function otherRooms(kube: FakeKube, clock: Clock, faults: Faults = {}): Promise<boolean> {
  const before = kube.writes();
  for (const host of await kube.client.list(hosts)) {
    if (host.metadata.deletionTimestamp === undefined) {
      await grant(kube, host);
      await work(kube, clock, host, faults);
    } else if (!(faults.stuck?.(host) ?? false)) {
      await leave(kube, host);
    }
  }
  return kube.writes() > before;
}

async function grant(kube: FakeKube, host: Host): Promise<void> {
  const node = await kube.client.get(bareMetalNodes, { ...keyOf(host), name: host.spec.nodeName });
  if (node === undefined || node.status?.hostRef !== undefined) return;
  const hostRef = { name: host.metadata.name, uid: host.metadata.uid };
  await kube.client.replaceStatus(bareMetalNodes, node, { observedGeneration: 1, state: 'active', hostRef });
}

async function leave(kube: FakeKube, host: Host): Promise<void> {
  const drained = await removeFinalizer(kube.client, hosts, host, finalizers.hostDrain);
  const node = await kube.client.get(bareMetalNodes, { ...keyOf(host), name: host.spec.nodeName });
  if (node?.status?.hostRef?.uid === host.metadata.uid) {
    const retainedFrom = { overcloud: host.spec.overcloudName, host: host.metadata.name };
    const left =
      host.spec.deletionPolicy === 'Retain' ? { state: 'active', retainedFrom } : { state: 'available' };
    await kube.client.replaceStatus(bareMetalNodes, node, { observedGeneration: 1, ...left });
  }
  if (drained !== undefined) await removeFinalizer(kube.client, hosts, drained, finalizers.hostRelease);
}

/** At most one step further. Jobs are met in step 3. */
async function work(kube: FakeKube, clock: Clock, host: Host, faults: Faults): Promise<void> {
  const node = await kube.client.get(bareMetalNodes, { ...keyOf(host), name: host.spec.nodeName });
  const { spec, metadata } = host;
  if (node?.status?.hostRef?.uid !== metadata.uid || spec.paused || spec.revision === '') return;
  const done = finishedStep(host);
  const failure = faults.fails?.(host);
  const jobs = runJobs(host, done, faults);
  const held = failure !== undefined || (done === 2 && waitsForJobs(host, jobs));
  const step = held ? done : Math.min(done + 1, spec.step);
  const status: HostStatus = {
    observedGeneration: metadata.generation,
    progress: { revision: spec.revision, step },
    ...(jobs.length === 0 ? {} : { jobs }),
    ...prePulled(host, faults.lacks?.(host)),
    conditions: conditions(host, clock, step, failure),
  };
  if (JSON.stringify(status) !== JSON.stringify(host.status))
    await kube.client.replaceStatus(hosts, host, status);
}

function prePulled({ spec: { prePull } }: Host, message: string | undefined): Pick<HostStatus, 'prePulled'> {
  if (prePull === undefined) return {};
  const desired = prePull.images.length;
  const present = message === undefined ? desired : desired - 1;
  const lacking =
    message === undefined ? {} : { message, ...(message.startsWith('cannot') ? { failed: 1 } : {}) };
  const summary = `${String(present)}/${String(desired)}`;
  return { prePulled: { hash: prePull.hash, desired, present, summary, ...lacking } };
}

const finishedStep = ({ spec, status }: Host): number =>
  status?.progress?.revision === spec.revision ? status.progress.step : 0;

/** Whether a job that another host runs, or that failed here, keeps the host from going on. */
const waitsForJobs = (host: Host, results: readonly HostStatusJobsItem[]): boolean =>
  (host.spec.jobs ?? []).some(({ service, name, hash, action }) => {
    const result = results.find(
      (item) => item.service === service && item.name === name && item.hash === hash,
    );
    return action === 'Wait' || (action === 'Run' && result?.state !== 'Succeeded');
  });

function runJobs(host: Host, done: number, faults: Faults): readonly HostStatusJobsItem[] {
  const former = host.status?.jobs ?? [];
  if (done < 2) return former;
  const ran = (host.spec.jobs ?? []).flatMap(
    ({ service, name, hash, action }): readonly HostStatusJobsItem[] => {
      if (action !== 'Run') return former.filter((item) => item.service === service && item.name === name);
      const exitCode = faults.exitCode?.(host, name) ?? 0;
      return [
        {
          service,
          name,
          hash,
          exitCode,
          state: exitCode === 0 ? 'Succeeded' : 'Failed',
          message: 'last words',
        },
      ];
    },
  );
  return ran;
}

function conditions(
  host: Host,
  clock: Clock,
  step: number,
  failure: string | undefined,
): readonly Condition[] {
  const ready = step === 5 && failure === undefined;
  const message = failure ?? (ready ? 'all containers run' : `step ${String(step)} is done`);
  const make = (type: string, holds: boolean, reason: string): Condition => {
    const status = holds ? 'True' : 'False';
    const former = host.status?.conditions?.find((condition) => condition.type === type);
    const since =
      former?.status === status ? former.lastTransitionTime : `${clock.now().toISOString().slice(0, 19)}Z`;
    return { type, status, reason, message, lastTransitionTime: since };
  };
  return [
    make('Ready', ready, failure === undefined ? 'Progressing' : 'ReplaceFailed'),
    make('Connected', true, 'Connected'),
  ];
}
