// kubectl undercloud images: the container images of a set, as TripleO's files or as a table, and accepting what is proposed.
import { dump } from 'js-yaml';
import {
  containerImageSets,
  type ContainerImageSet,
  type ContainerImageSetStatusResolved,
} from '../../api/containerimageset.gen.ts';
import { terminal } from '../../kernel/errors.ts';
import { keyOf, keyText } from '../../kube/objects.ts';
import type { Cluster } from '../cluster.ts';
import type { Outside } from '../outside/port.ts';
import { accept } from './accept.ts';
import { type Asked, type Format, help, name, readAsked } from './asked.ts';
import { parameterFile, type Prefix } from './parameters.ts';
import { pushFile } from './push.ts';
import { imageTables, oneLine, readyOf, setTable } from './tables.ts';

export async function images(args: readonly string[], outside: Outside): Promise<void> {
  const asked = readAsked(args);
  if (asked.help) {
    outside.out(help);
    return;
  }
  const cluster = outside.connect(asked.kubeconfig);
  try {
    const namespace = asked.namespace ?? cluster.namespace ?? 'default';
    if (asked.set === undefined) await showSets(cluster, namespace, asked.format, outside);
    else await showSet(cluster, await readSet(cluster, namespace, asked.set), asked, outside);
  } finally {
    await cluster.close();
  }
}

/** Throws terminal ImageSetNotFound. */
async function readSet(cluster: Cluster, namespace: string, set: string): Promise<ContainerImageSet> {
  const found = await cluster.get(containerImageSets, { namespace, name: set });
  if (found !== undefined) return found;
  const all = await cluster.list(containerImageSets, namespace);
  const names = all.map(({ metadata }) => metadata.name).join(', ');
  throw terminal(
    'ImageSetNotFound',
    `there is no ContainerImageSet ${namespace}/${set}: there is ${names || 'none'}`,
  );
}

async function showSets(
  cluster: Cluster,
  namespace: string,
  format: Format | undefined,
  outside: Outside,
): Promise<void> {
  const sets = await cluster.list(containerImageSets, namespace);
  if (format === 'json' || format === 'yaml') outside.out(rendered(sets.map(plain), format));
  else if (sets.length > 0) outside.out(setTable(sets));
  else outside.err(`no image sets in namespace ${namespace}: see kubectl undercloud import --help\n`);
}

async function showSet(
  cluster: Cluster,
  set: ContainerImageSet,
  asked: Asked,
  outside: Outside,
): Promise<void> {
  if (asked.accept !== undefined) {
    await accept(cluster, set, asked.accept.id, asked.dryRun, outside);
    return;
  }
  const { format = 'env' } = asked;
  const resolved = set.status?.resolved;
  // Most of all of a set that is not resolved one wants to see what is missing.
  if (format === 'wide' || format === 'table') outside.out(imageTables(set));
  if (resolved === undefined) throw notResolved(set);
  if (resolved.generation !== set.metadata.generation) {
    outside.err(
      `note: ${set.metadata.name} was changed since, these are its images from before the change\n`,
    );
  }
  switch (format) {
    case 'env':
      printParameters(set, resolved, asked.prefix, outside);
      return;
    case 'push':
      printPushes(resolved, outside);
      return;
    case 'json':
    case 'yaml':
      outside.out(rendered(plain(set), format));
      return;
    case 'wide':
    case 'table':
  }
}

type Resolved = ContainerImageSetStatusResolved;

function printParameters(
  set: ContainerImageSet,
  { tag, images: found }: Resolved,
  prefix: Prefix | undefined,
  outside: Outside,
): void {
  const { text, derived } = parameterFile(set, found, prefix);
  if (derived.length > 0) {
    const why = 'no catalog has any for them (spec.catalogName)';
    outside.err(`note: parameters made of names, ${why}: ${derived.join(', ')}\n`);
  }
  outside.out(`# ContainerImageSet ${keyText(keyOf(set))}, tag ${tag}\n\n${text}`);
}

function printPushes({ images: found }: Resolved, outside: Outside): void {
  const { text, renamed } = pushFile(found);
  if (renamed.length > 0) {
    const why = 'called otherwise at the destination, which this file cannot say';
    outside.err(`warning: without push_destination, ${why}: ${renamed.join(', ')}\n`);
  }
  outside.out(text);
}

function notResolved({ metadata, status }: ContainerImageSet): Error {
  const { name: set, namespace } = metadata;
  const ready = readyOf(status);
  const why = ready === undefined ? 'the operator has not looked at it' : oneLine(ready.message);
  const look = `look with ${name} ${set} -n ${namespace} -o wide`;
  return terminal(
    'ImageSetNotResolved',
    `ContainerImageSet ${namespace}/${set} has nothing that hosts may pull yet: ${why}; ${look}`,
  );
}

function plain({ metadata, status }: ContainerImageSet): object {
  const { tag, images = [] } = status?.resolved ?? {};
  return {
    ...{ name: metadata.name, namespace: metadata.namespace, tag: tag ?? null, images },
    ...{ unresolved: status?.unresolved ?? [], proposed: status?.proposed ?? null },
  };
}

const rendered = (value: object, format: 'json' | 'yaml'): string =>
  format === 'json'
    ? `${JSON.stringify(value, undefined, 2)}\n`
    : dump(value, { lineWidth: -1, noRefs: true });
