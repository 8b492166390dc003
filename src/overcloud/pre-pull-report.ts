// What a cloud's status says of images that are pulled ahead: how many are there, which host waits for what, and why. Pure.
import type { Overcloud } from '../api/overcloud.gen.ts';
import type { ConditionInput } from '../kernel/conditions.ts';
import type { Member } from './allocation.ts';
import type { Decision } from './decide.ts';
import { together } from './problem.ts';

/** So many hosts are quoted. */
const mostHosts = 3;

type Given = Pick<Decision, 'members' | 'prePull'>;

interface HostCount {
  readonly name: string;
  readonly desired: number;
  readonly present: number;
  readonly failed: number;
  readonly message: string;
}

/** `140/144` */
export const prePulledSummary = (given: Given): string => {
  const { present, desired } = total(countsOf(given));
  return `${String(present)}/${String(desired)}`;
};

/** The condition PrePulled, for a cloud that has images pulled ahead. */
export function reportPrePull({ spec }: Overcloud, given: Given): readonly ConditionInput[] {
  if (spec.prePull === undefined) return [];
  const type = 'PrePulled';
  const counts = countsOf(given);
  const { present, desired } = total(counts);
  const [first] = given.prePull.problems;
  const behind = counts.filter((host) => host.present < host.desired);
  if (first === undefined && behind.length === 0) {
    const sets = spec.prePull.imageSetNames.join(', ');
    const message =
      desired === 0 ? `no host uses an image of ${sets}` : `all ${String(desired)} images are on their hosts`;
    return [{ type, status: 'True', reason: 'PrePulled', message }];
  }
  const failed = behind.filter((host) => host.failed > 0);
  const worst = [...failed, ...behind.filter((host) => host.failed === 0)];
  const sentences = [
    ...given.prePull.problems,
    ...(desired === 0
      ? []
      : [{ message: `${String(present)} of ${String(desired)} images are on their hosts` }]),
    ...worst.slice(0, mostHosts).map(({ name, message }) => ({ message: `${name} ${message}` })),
  ];
  const more = behind.length - mostHosts;
  const message = `${together(sentences)}${more > 0 ? `; and ${String(more)} more host${more === 1 ? '' : 's'}` : ''}`;
  const reason = first?.reason ?? (failed.length > 0 ? 'ImagePullFailed' : 'Pulling');
  return [{ type, status: 'False', reason, message }];
}

const total = (counts: readonly HostCount[]) => ({
  present: counts.reduce((sum, { present }) => sum + present, 0),
  desired: counts.reduce((sum, { desired }) => sum + desired, 0),
});

function countsOf({ members, prePull }: Given): readonly HostCount[] {
  return members.flatMap((member) => {
    const list = prePull.byMember.get(member.name);
    return list === undefined ? [] : [countOf(member, list.hash, list.images.length)];
  });
}

/** A host that has not looked at this list yet has none of it, as far as anybody knows. */
function countOf({ name, host }: Member, hash: string, desired: number): HostCount {
  const counted = host?.status?.prePulled;
  if (counted?.hash !== hash) {
    return { name, desired, present: 0, failed: 0, message: 'has not looked yet' };
  }
  const { present, failed = 0, message = '' } = counted;
  return { name, desired, present, failed, message };
}
