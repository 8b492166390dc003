// Writes directories and files so that a crash at any point restarts nothing twice and forgets no restart.
import { directoryKey, directoryMark } from '../plan/files.ts';
import type { Action, ActionOf, Hold } from '../plan/types.ts';
import { failureOf, throwIfLost, type ApplyContext } from './context.ts';
import { noteOf } from './journal.ts';

type FileAction = ActionOf<'ensureDirectory'> | ActionOf<'writeFile'>;

/** `registry`: only what the engine needs to pull, or only the rest. Returns what the host refused. */
export async function applyFiles(
  actions: readonly Action[],
  registry: boolean,
  context: ApplyContext,
): Promise<readonly Hold[]> {
  const mine = actions.filter(
    (action) => isFileAction(action) && isRegistry(action) === registry,
  ) as FileAction[];
  if (mine.length === 0) return [];
  const { ledger, signal } = context;
  const owed = ledger.current().pendingRestarts;
  const restarts = mine.flatMap(restartsOf);
  // First what has to be restarted, then the files: the other way round a crash in between would forget it.
  await ledger.update(
    (current) => ({ ...current, pendingRestarts: [...new Set([...current.pendingRestarts, ...restarts])] }),
    signal,
  );
  const refused = await writeAll(mine, context);
  const done = mine.filter((action) => !refused.some(({ target }) => target === action.target));
  // What was refused has not changed: nothing is restarted for it.
  const pendingRestarts = [...new Set([...owed, ...done.flatMap(restartsOf)])];
  await ledger.update(
    (current) => ({
      ...current,
      pendingRestarts,
      files: { ...current.files, ...Object.fromEntries(done.map(recordOf)) },
    }),
    signal,
  );
  for (const action of done) {
    const note = noteOf(action, true);
    if (note !== undefined) context.tell(note);
  }
  return refused;
}

/** All at once; where the host refuses, one by one, so that one bad owner does not keep the others from being written. */
async function writeAll(actions: readonly FileAction[], context: ApplyContext): Promise<readonly Hold[]> {
  try {
    await write(actions, context);
    return [];
  } catch (error) {
    throwIfLost(error, context);
  }
  const holds: Hold[] = [];
  for (const action of actions) {
    try {
      await write([action], context);
    } catch (error) {
      throwIfLost(error, context);
      const failure = failureOf(error, 'FileRefused');
      context.failures.record(action.target, failure);
      const { step, startOrder, target } = action;
      const { reason, message } = failure;
      holds.push({ step, startOrder, on: 'file', target, reason, message, stalled: true });
    }
  }
  return holds;
}

async function write(
  actions: readonly FileAction[],
  { session, signal, log, failures }: ApplyContext,
): Promise<void> {
  const directories = actions.flatMap((action) =>
    action.kind === 'ensureDirectory' ? [action.directory] : [],
  );
  const files = actions.flatMap((action) => (action.kind === 'writeFile' ? [action.file] : []));
  if (directories.length > 0) await session.files.ensureDirectories(directories, signal);
  if (files.length > 0) {
    const writes = files.map(({ path, content, mode, owner, inPlace }) => ({
      path,
      content,
      mode,
      owner,
      inPlace,
    }));
    await session.files.write(writes, signal);
  }
  for (const { target, reason } of actions) {
    failures.forget(target);
    log.info('file written', { path: target, reason });
  }
}

const recordOf = (action: FileAction): readonly [string, string] =>
  action.kind === 'writeFile'
    ? [action.file.path, action.file.sha256]
    : [directoryKey(action.directory), directoryMark(action.directory)];

const restartsOf = (action: FileAction): readonly string[] =>
  action.kind === 'writeFile' ? action.restarts : [];

const isFileAction = (action: Action): action is FileAction =>
  action.kind === 'ensureDirectory' || action.kind === 'writeFile';

const isRegistry = (action: FileAction): boolean => action.kind === 'writeFile' && action.file.registry;
