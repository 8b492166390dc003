// Applies what the file says: all of it as a dry run first, so that one refusal leaves everything as it was.
import { bareMetalNodes } from '../../api/baremetalnode.gen.ts';
import { messageOf, OperatorError, terminal } from '../../kernel/errors.ts';
import { createLimiter } from '../../kernel/limiter.ts';
import { type ObjectKey, secrets } from '../../kube/objects.ts';
import type { Cluster } from '../cluster.ts';
import { type Change, changeOf } from './change.ts';
import { draftsOf } from './manifests.ts';
import type { Matched } from './match.ts';

/** Owns the fields that come from a file, so that a later import can take back what the file no longer says. */
export const importManager = 'undercloud-import';
/** Enough to hide the way to the server and back, and far below its own limits (400 by default). */
const mostAtOnce = 8;

/** A node with what applying does to it. */
export interface Tried {
  readonly matched: Matched;
  readonly change: Change;
}

export interface WriteDeps {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly force: boolean;
  progress(line: string): void;
}

/** What applying would change; writes nothing. Throws terminal ImportRefused with a line for each node that is refused. */
export async function tryNodes(deps: WriteDeps, nodes: readonly Matched[]): Promise<readonly Tried[]> {
  return forEach(deps, 'checked', nodes, async (matched) => {
    const { secret, node } = draftsOf(matched.imported, matched.name, deps.namespace);
    const key: ObjectKey = secret.metadata;
    const options = { fieldManager: importManager, dryRun: true, force: deps.force };
    const before = await deps.cluster.get(secrets, key);
    const after = await deps.cluster.apply(secrets, secret, options);
    const change = changeOf(
      { before: matched.existing, after: await deps.cluster.apply(bareMetalNodes, node, options) },
      { before, after },
    );
    return { matched, change };
  });
}

/** Writes what has a change for good. Throws terminal ImportIncomplete with a line for each node that was refused after all. */
export async function writeNodes(deps: WriteDeps, tried: readonly Tried[]): Promise<void> {
  const nodes = tried.filter(({ change }) => change.kind !== 'unchanged').map(({ matched }) => matched);
  await forEach(deps, 'written', nodes, async ({ imported, name }) => {
    const { secret, node } = draftsOf(imported, name, deps.namespace);
    const options = { fieldManager: importManager, dryRun: false, force: deps.force };
    // First the account: the operator tries it as soon as it sees the node.
    await deps.cluster.apply(secrets, secret, options);
    await deps.cluster.apply(bareMetalNodes, node, options);
  });
}

async function forEach<T>(
  { progress }: WriteDeps,
  verb: 'checked' | 'written',
  nodes: readonly Matched[],
  work: (matched: Matched) => Promise<T>,
): Promise<readonly T[]> {
  const limiter = createLimiter(mostAtOnce);
  const { signal } = new AbortController();
  let done = 0;
  const one = async (matched: Matched): Promise<{ readonly result: T } | { readonly problem: string }> => {
    try {
      return { result: await work(matched) };
    } catch (error) {
      return { problem: problemOf(matched, error) };
    } finally {
      done += 1;
      progress(`${done} of ${nodes.length} ${verb}`);
    }
  };
  const outcomes = await Promise.all(nodes.map((matched) => limiter.run(signal, () => one(matched))));
  progress('');
  const problems = outcomes.flatMap((outcome) => ('problem' in outcome ? outcome.problem : []));
  if (problems.length === 0)
    return outcomes.flatMap((outcome) => ('result' in outcome ? outcome.result : []));
  if (verb === 'checked') throw terminal('ImportRefused', [...problems, 'nothing was written'].join('\n'));
  const written = `${nodes.length - problems.length} of ${nodes.length} nodes were written: run it again`;
  throw terminal('ImportIncomplete', [...problems, written].join('\n'));
}

function problemOf({ imported }: Matched, error: unknown): string {
  if (!(error instanceof OperatorError)) throw error;
  const isConflict = error.reason === 'Conflict';
  const remedy = isConflict ? '; let the file say the same, or take the fields over with --force' : '';
  return `${imported.label}: ${messageOf(error)}${remedy}`;
}
