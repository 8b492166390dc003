// Accepts what a set proposes: shows it, asks or compares the id that was given, then annotates the set.
import { containerImageSets, type ContainerImageSet } from '../../api/containerimageset.gen.ts';
import { annotations, group } from '../../api/names.ts';
import { terminal } from '../../kernel/errors.ts';
import type { Cluster } from '../cluster.ts';
import type { Outside } from '../outside/port.ts';
import { proposedTable } from './tables.ts';

const fieldManager = 'undercloud-accept';

/** `id`: what the command line names. Throws terminal NothingProposed, ProposalChanged and NotAccepted, and as Cluster does. */
export async function accept(
  cluster: Cluster,
  set: ContainerImageSet,
  id: string | undefined,
  dryRun: boolean,
  outside: Outside,
): Promise<void> {
  const { metadata, status } = set;
  const { name, namespace } = metadata;
  const proposed = status?.proposed;
  if (proposed === undefined) {
    const why = `the registry has nothing newer since it was looked up last`;
    throw terminal('NothingProposed', `ContainerImageSet ${namespace}/${name} proposes nothing: ${why}`);
  }
  if (id !== undefined && id !== proposed.id) {
    const now = `it proposes ${proposed.id} by now: look with kubectl undercloud images ${name} -o wide`;
    throw terminal(
      'ProposalChanged',
      `ContainerImageSet ${namespace}/${name} does not propose ${id}, ${now}`,
    );
  }
  outside.out(proposedTable(set));
  if (id === undefined && !dryRun) await confirm(outside, proposed.id, name);
  const draft = {
    apiVersion: `${group}/${containerImageSets.version}`,
    kind: containerImageSets.kind,
    metadata: { name, namespace, annotations: { [annotations.accept]: proposed.id } },
  };
  // Whoever accepted an earlier one does not own this word.
  await cluster.apply(containerImageSets, draft, { fieldManager, dryRun, force: true });
  outside.out(`${name}: ${dryRun ? 'would accept' : 'accepted'} ${proposed.id}\n`);
}

async function confirm(outside: Outside, id: string, name: string): Promise<void> {
  const answer = await outside.ask(`accept ${id}? The clouds of ${name} roll to it. [y/N] `);
  if (answer === undefined) {
    throw terminal(
      'NotAccepted',
      `nobody is there to ask: name it, as kubectl undercloud images ${name} --accept ${id}`,
    );
  }
  if (!/^y(es)?$/i.test(answer.trim()))
    throw terminal('NotAccepted', `${id} is not accepted: nothing was written`);
}
