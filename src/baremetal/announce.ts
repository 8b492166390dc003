// The events that people see on a node: who got it, what became of its BMC and its power. Only what changed is told.
import type { BareMetalNode, BareMetalNodeStatus } from '../api/baremetalnode.gen.ts';
import type { EventRecorder } from '../kernel/events.ts';
import type { Claim } from './claim.ts';

/** Records what the step from `node`, as it was, to `next` means. */
export function announce(
  events: EventRecorder,
  node: BareMetalNode,
  next: BareMetalNodeStatus,
  happened: { readonly claim: Claim; readonly powerLost: boolean },
): void {
  announceClaim(events, node, happened.claim);
  announcePower(events, node, next, happened.powerLost);
  announceTrouble(events, node, next);
}

function announceClaim(events: EventRecorder, node: BareMetalNode, claim: Claim): void {
  const { name } = node.metadata;
  switch (claim.kind) {
    case 'keep':
      return;
    case 'recall':
      return events.warning(
        node,
        'OwnerRecalled',
        'Recall',
        `the status of ${name} was lost: by its record it carries the system of Host ${claim.from.host}, and no other host gets it`,
      );
    case 'grant':
      return events.normal(
        node,
        'HostGranted',
        'Grant',
        `${name} is the machine of Host ${claim.host.metadata.name} now`,
      );
    case 'release': {
      const after = claim.retained === undefined ? 'it is free' : 'what runs on it was left running';
      return events.normal(
        node,
        'HostReleased',
        'Release',
        `${claim.why}: ${name} was taken back, and ${after}`,
      );
    }
    case 'free':
      return events.normal(
        node,
        'NodeFreed',
        'Free',
        `${name} is free: the annotation undercloud.dev/release named it`,
      );
  }
}

function announcePower(
  events: EventRecorder,
  node: BareMetalNode,
  next: BareMetalNodeStatus,
  lost: boolean,
): void {
  const { powerRequest } = next;
  if (powerRequest === undefined || powerRequest.power === node.status?.powerRequest?.power) return;
  const { name } = node.metadata;
  if (lost) {
    return events.warning(
      node,
      'PowerLost',
      'PowerOn',
      `${name} was powered off, and not by us: it is powered on again`,
    );
  }
  const { power } = powerRequest;
  events.normal(node, `Powering${power}`, `Power${power}`, `${name} is being powered ${power}`);
}

function announceTrouble(events: EventRecorder, node: BareMetalNode, next: BareMetalNodeStatus): void {
  const [formerly, now] = [troubleIn(node.status), troubleIn(next)];
  if (formerly?.reason === now?.reason) return;
  if (now !== undefined) return events.warning(node, now.reason, 'Look', now.message);
  events.normal(node, 'Mended', 'Look', `${node.metadata.name}: ${formerly?.reason ?? ''} is over`);
}

/** What a person may have to do something about: a BMC that fails, or anything else that is stalled. */
function troubleIn(status: BareMetalNodeStatus | undefined) {
  const trouble = status?.conditions?.find(
    ({ type, status: value }) =>
      (type === 'Stalled' && value === 'True') || (type === 'Manageable' && value === 'False'),
  );
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return trouble && { reason: trouble.reason, message: ready?.message ?? trouble.message };
}
