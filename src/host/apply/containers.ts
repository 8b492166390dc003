// Creates, starts, restarts and removes containers. What has just started is probed in the background.
import { withoutKey, withoutRestart } from '../ledger.ts';
import type { ManifestContainer } from '../manifest/types.ts';
import type { ActionOf } from '../plan/types.ts';
import type { ApplyContext } from './context.ts';

/** For a container that we know nothing better of. */
const defaultGraceSeconds = 10;

/** Creates and starts it; throws as the engine does, and then leaves what it created to the next pass. */
export async function createContainer(
  { container }: Pick<ActionOf<'create'>, 'container'>,
  context: ApplyContext,
): Promise<void> {
  const { session, signal } = context;
  const id = await session.engine.create(container.spec, signal);
  await session.engine.start(id, signal);
  await started(id, container, context);
}

export async function startContainer(action: ActionOf<'start'>, context: ApplyContext): Promise<void> {
  const { session, signal, failures } = context;
  const { container, id, failure } = action;
  // Remembered before it is started: one that exits at once must find us patient.
  if (failure !== undefined) failures.record(container.name, failure);
  await session.engine.start(id, signal);
  await started(id, container, context);
}

export async function restartContainer(action: ActionOf<'restart'>, context: ApplyContext): Promise<void> {
  const { session, signal } = context;
  const { container, id } = action;
  await session.engine.stop(id, container.spec.stopGraceSeconds, signal);
  await session.engine.start(id, signal);
  await started(id, container, context);
}

/** Forgets the former one that waited in case its successor fails. */
export async function discardPrevious(action: ActionOf<'discard'>, context: ApplyContext): Promise<void> {
  const { session, signal, ledger } = context;
  if (action.aside !== undefined) await session.engine.remove(action.aside, signal);
  await ledger.update(
    (current) => ({ ...current, replaced: withoutKey(current.replaced, action.target) }),
    signal,
  );
}

export async function removeContainer(id: string, { session, signal }: ApplyContext): Promise<void> {
  const detail = await session.engine.inspect(id, signal);
  if (detail === undefined) return;
  await session.engine.stop(id, detail.recreate.stopGraceSeconds || defaultGraceSeconds, signal);
  await session.engine.remove(id, signal);
}

export async function removeFile(path: string, { session, signal, ledger }: ApplyContext): Promise<void> {
  await session.files.remove([path], signal);
  await ledger.update((current) => ({ ...current, files: withoutKey(current.files, path) }), signal);
}

/** It has read its files; now it has to prove itself, as the plan will ask. */
async function started(id: string, container: ManifestContainer, context: ApplyContext): Promise<void> {
  const { prober, ledger, signal } = context;
  prober.forget(id);
  if (container.spec.healthcheck !== undefined) prober.watch(id, container);
  await ledger.update((current) => withoutRestart(current, container.name), signal);
}
