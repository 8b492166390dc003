// The events of a set: each time its readiness, its images, or what is proposed for it changes.
import type { ContainerImageSet, ContainerImageSetStatus } from '../api/containerimageset.gen.ts';
import type { EventRecorder } from '../kernel/events.ts';
import type { Logger } from '../kernel/log.ts';
import type { Condition } from '../kube/objects.ts';

/** The same events, and a line of the log for each. */
export const logged = (events: EventRecorder, log: Logger): EventRecorder => ({
  normal(object, reason, action, note) {
    log.info(note, { reason });
    events.normal(object, reason, action, note);
  },
  warning(object, reason, action, note) {
    log.warn(note, { reason });
    events.warning(object, reason, action, note);
  },
});

/** `set` has the former status. */
export function tell(events: EventRecorder, set: ContainerImageSet, status: ContainerImageSetStatus): void {
  tellOfReady(events, set, status);
  tellOfChanges(events, set, status);
  tellOfCopy(events, set, status);
  tellOfProposal(events, set, status);
}

/** One event each time Ready changes, or the reason why it is not. */
function tellOfReady(events: EventRecorder, set: ContainerImageSet, status: ContainerImageSetStatus): void {
  const [before, after] = [conditionIn(set.status, 'Ready'), conditionIn(status, 'Ready')];
  if (after === undefined || (before?.status === after.status && before.reason === after.reason)) return;
  if (after.status === 'True') events.normal(set, 'ImagesResolved', 'Resolve', after.message);
  else if (set.spec.paused) events.normal(set, after.reason, 'Pause', after.message);
  else if (after.reason === 'Mirroring') events.normal(set, 'MirrorStarted', 'Mirror', after.message);
  else events.warning(set, after.reason, 'Resolve', after.message);
}

/** What clouds will roll to, and from. */
function tellOfChanges(events: EventRecorder, set: ContainerImageSet, status: ContainerImageSetStatus): void {
  const before = new Map(set.status?.resolved?.images.map((image) => [image.name, image]));
  const changed = (status.resolved?.images ?? []).filter((image) => {
    const former = before.get(image.name);
    return former !== undefined && former.digest !== image.digest;
  });
  const [first] = changed;
  if (first === undefined) return;
  const from = before.get(first.name)?.tag ?? '';
  const change = from === first.tag ? `${first.tag} anew` : `${from} → ${first.tag}`;
  const more = changed.length === 1 ? '' : ` and ${changed.length - 1} more`;
  events.normal(set, 'ImagesChanged', 'Resolve', `${first.name} ${change}${more}`);
}

/** Also when the destination had lost something, and was given it back while the set was Ready all the time. */
function tellOfCopy(events: EventRecorder, set: ContainerImageSet, status: ContainerImageSetStatus): void {
  const [before, after] = [conditionIn(set.status, 'Mirrored'), conditionIn(status, 'Mirrored')];
  if (after?.status !== 'True' || isUnderWay(status)) return;
  const [was, is] = [set.status?.progress, status.progress];
  const ended = is !== undefined && (is.startedAt !== was?.startedAt || isUnderWay(set.status));
  if (before?.status !== 'True' || ended) events.normal(set, 'Mirrored', 'Mirror', after.message);
}

/** Only a copy that goes on has a rate. */
const isUnderWay = (status: ContainerImageSetStatus | undefined): boolean =>
  status?.progress?.bytesPerSecond !== undefined;

function tellOfProposal(
  events: EventRecorder,
  set: ContainerImageSet,
  status: ContainerImageSetStatus,
): void {
  const after = conditionIn(status, 'UpdateAvailable');
  if (status.proposed === undefined || after?.status !== 'True') return;
  if (set.status?.proposed?.id !== status.proposed.id)
    events.normal(set, 'UpdateFound', 'Lookup', after.message);
}

const conditionIn = (status: ContainerImageSetStatus | undefined, wanted: string): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === wanted);
