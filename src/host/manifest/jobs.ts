// Which jobs a host has, what each run is remembered by, and whether it is this host's to run. Pure.
import { hashOf } from '../../api/canonical.ts';
import type { Host } from '../../api/host.gen.ts';
import type { OvercloudServiceSpecJobsItem } from '../../api/overcloudservice.gen.ts';
import { jobHash } from '../../api/revision.ts';
import { environmentOf, jobContainer, type ContainerContext } from './containers.ts';
import type { JobWork, ManifestJob } from './types.ts';

export function manifestJob(
  context: ContainerContext,
  item: OvercloudServiceSpecJobsItem,
  host: Host,
  revision: string,
): ManifestJob {
  const { name, step, startOrder, timeoutSeconds } = item;
  const turn = turnOf(context, item, host, revision);
  return {
    name,
    service: context.service,
    step,
    startOrder,
    timeoutSeconds,
    ...turn,
    work: workOf(context, item, turn.hash),
  };
}

/**
 * The Overcloud controller says who runs a Cloud job, and with which hash; until it has said so, everybody waits. A Host job is
 * each host's own, and `Always` means once with each revision.
 */
function turnOf(
  { payload, service }: ContainerContext,
  item: OvercloudServiceSpecJobsItem,
  host: Host,
  revision: string,
): Pick<ManifestJob, 'hash' | 'action'> {
  const assigned = (host.spec.jobs ?? []).find((job) => job.service === service && job.name === item.name);
  if (assigned !== undefined) return { hash: assigned.hash, action: assigned.action };
  const digest = item.image === undefined ? undefined : payload.images[item.image]?.digest;
  const hash = jobHash(service, item, digest);
  const scope = item.scope ?? (item.schemaChange ? 'Cloud' : 'Host');
  if (scope === 'Cloud') return { hash, action: 'Wait' };
  return { hash: item.runPolicy === 'Always' ? hashOf([hash, revision]).slice(0, 16) : hash, action: 'Run' };
}

function workOf(context: ContainerContext, item: OvercloudServiceSpecJobsItem, hash: string): JobWork {
  if (item.exec === undefined) return { kind: 'container', ...jobContainer(context, item, hash) };
  return {
    kind: 'exec',
    container: item.exec.container,
    argv: item.command ?? [],
    user: item.user ?? '',
    environment: environmentOf(context, item).environment,
  };
}
