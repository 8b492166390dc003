// Hosts and roles as the rollout sees them, to test with.

import { decideRollout } from '../../../../src/overcloud/rollout.ts';

import type {
  RolloutDecision,
  RolloutHost,
  RolloutInput,
  RolloutRole,
  UpdatePolicy,
} from '../../../../src/overcloud/rollout/model.ts';

export const host = (name: string, more: Partial<RolloutHost> = {}): RolloutHost => ({
  name,
  role: name.replace(/\d+$/, ''),
  index: Number(/\d+$/.exec(name)?.[0] ?? 0),
  revision: '',
  step: 0,
  completed: '',
  progress: undefined,
  target: 'A',
  hold: false,
  aside: false,
  ready: false,
  readyForMs: 0,
  unreachableForMs: 0,
  failure: '',
  ...more,
});

/** A host that runs `revision`, ready for a long time. */
export const deployed = (name: string, revision: string, more: Partial<RolloutHost> = {}): RolloutHost =>
  host(name, {
    revision,
    step: 5,
    completed: revision,
    progress: { revision, step: 5 },
    ready: true,
    readyForMs: 3_600_000,
    ...more,
  });

/** A host on its way to `revision`, with `done` steps finished. */
export const moving = (
  name: string,
  revision: string,
  done: number,
  more: Partial<RolloutHost> = {},
): RolloutHost =>
  host(name, { revision, step: done, progress: { revision, step: done }, target: revision, ...more });

export const role = (name: string, more: Partial<RolloutRole> = {}): RolloutRole => ({
  name,
  tags: [],
  serial: 1,
  ...more,
});

export const policy: UpdatePolicy = {
  maxUnavailable: undefined,
  maxFailPercent: 0,
  onFailure: 'Rollback',
  canary: undefined,
};

export const decide = (hosts: readonly RolloutHost[], more: Partial<RolloutInput> = {}): RolloutDecision =>
  decideRollout({
    roles: [...new Set(hosts.map((each) => each.role))].map((name) => role(name)),
    hosts,
    arriving: 0,
    frozen: undefined,
    planOnly: false,
    update: policy,
    rejected: [],
    ...more,
  });
