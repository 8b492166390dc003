// The Overcloud's controller: which events concern a cloud, and what state it is in.
import { hosts } from '../api/host.gen.ts';
import { finalizers } from '../api/names.ts';
import { overclouds } from '../api/overcloud.gen.ts';
import { settled, type Controller } from '../kernel/controller.ts';
import { ensureFinalizer } from '../kernel/finalizers.ts';
import { createConverger, type ConvergeDeps } from './converge.ts';
import { takeDown } from './deletion.ts';
import { markUsed } from './in-use.ts';
import { pauseHosts, pausedStatus } from './pause.ts';
import { reportStatus } from './report.ts';
import { overcloudWatches } from './watches.ts';

export type OvercloudDeps = ConvergeDeps;

export function createOvercloudController(deps: OvercloudDeps): Controller {
  const { client, cache, status, clock } = deps;
  const converge = createConverger(deps);
  return {
    name: 'overcloud',
    workers: 4,
    watches: overcloudWatches(cache),
    async reconcile({ signal }, key) {
      const present = cache.store(overclouds).get(key);
      if (present === undefined) {
        await markUsed(deps, key.namespace);
        return settled;
      }
      if (present.metadata.deletionTimestamp !== undefined) return takeDown(deps, present, signal);
      const overcloud = await ensureFinalizer(client, overclouds, present, finalizers.overcloud);
      if (!overcloud.spec.paused) return converge(overcloud, signal);
      const own = cache
        .store(hosts)
        .list(key.namespace)
        .filter(({ spec }) => spec.overcloudName === key.name);
      await pauseHosts(client, overcloud, own, signal);
      return reportStatus(status, overcloud, pausedStatus(overcloud, own, clock.now()));
    },
  };
}
