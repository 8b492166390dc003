// Replaces a container so that the former one can come back: it is set aside, and forgotten only when its successor has proven
// itself (discardPrevious). Whatever happens in between, the next pass finds on the host what to do.
import { containerLabels } from '../../api/names.ts';
import { withoutKey } from '../ledger.ts';
import { previousName } from '../plan/ours.ts';
import type { ActionOf, Failure } from '../plan/types.ts';
import type { ContainerDetail, ContainerSpec } from '../ports.ts';
import { createContainer, removeContainer } from './containers.ts';
import type { ApplyContext } from './context.ts';

/** Throws as the engine does: the next pass then finds a former one that waits, a failure, and puts it back. */
export async function replaceContainer(action: ActionOf<'replace'>, context: ApplyContext): Promise<void> {
  const { container, id, aside, asideTaken } = action;
  const waits = aside !== undefined || context.ledger.current().replaced[container.name] !== undefined;
  if (waits) await removeContainer(id, context);
  else await setAside(id, container.name, asideTaken, context);
  await createContainer(action, context);
}

/**
 * The successor failed, or could not even be made: the former one comes back. What is returned keeps it from being replaced
 * again at once.
 */
export async function putBack(action: ActionOf<'putBack'>, context: ApplyContext): Promise<Failure> {
  const { session, signal, ledger, failures } = context;
  const { id, aside, failure } = action;
  const { name } = action.container;
  const message = `cannot be replaced: the new one ${failure.message}; the former one was put back`;
  // Remembered first: if we lose the host now, the next pass goes on with this, and not with another try.
  const refusal =
    failure.reason === 'ReplaceFailed' ? failure : { ...failure, reason: 'ReplaceFailed', message };
  failures.record(name, refusal);
  const former = await formerSpec(name, aside, context);
  if (id !== undefined) await removeContainer(id, context);
  if (former !== undefined) {
    if (aside !== undefined) {
      // Noted before it is removed: for a moment there is nothing else that knows it.
      await note(name, former, context);
      await session.engine.remove(aside, signal);
    }
    await session.engine.start(await session.engine.create(former, signal), signal);
  }
  await ledger.update((current) => ({ ...current, replaced: withoutKey(current.replaced, name) }), signal);
  return refusal;
}

/** Renamed and disarmed in the engine; where that cannot be, removed, and noted in the ledger. */
async function setAside(id: string, name: string, asideTaken: boolean, context: ApplyContext): Promise<void> {
  const { session, signal } = context;
  const { engine } = session;
  const detail = await engine.inspect(id, signal);
  if (detail === undefined) return;
  await engine.stop(id, detail.recreate.stopGraceSeconds, signal);
  // Only without its restart policy may it wait: a reboot would start both.
  if (!asideTaken && (await engine.disarm(id, signal))) {
    await engine.rename(id, previousName(name), signal);
    return;
  }
  await note(name, await pinned(detail, context), context);
  await engine.remove(id, signal);
}

const note = (name: string, spec: ContainerSpec, { ledger, signal }: ApplyContext): Promise<void> =>
  ledger.update((current) => ({ ...current, replaced: { ...current.replaced, [name]: spec } }), signal);

/** How to make the former one again, with the restart policy that its label knows: it was disarmed. */
async function formerSpec(
  name: string,
  aside: string | undefined,
  context: ApplyContext,
): Promise<ContainerSpec | undefined> {
  const { session, signal, ledger } = context;
  const detail = aside === undefined ? undefined : await session.engine.inspect(aside, signal);
  if (detail === undefined) return ledger.current().replaced[name];
  return { ...(await pinned(detail, context)), name, restart: labelledRestart(detail) };
}

/** Its tag may name another image by now: then only the image's ID is sure. */
async function pinned(detail: ContainerDetail, { session, signal }: ApplyContext): Promise<ContainerSpec> {
  const { recreate } = detail;
  const tagged = await session.engine.imageId(recreate.image, signal);
  return tagged === detail.imageId ? recreate : { ...recreate, image: detail.imageId };
}

function labelledRestart({ labels, recreate }: ContainerDetail): ContainerSpec['restart'] {
  const data = /"restart":"(Always|UnlessStopped|OnFailure|No)"/.exec(
    labels[containerLabels.configData] ?? '',
  );
  return (data?.[1] as ContainerSpec['restart'] | undefined) ?? recreate.restart;
}
