// overcloud_images.yaml and local_registry_images.yaml, alone or together, as one plan.
import type { Findings } from '../findings.ts';
import type { Parameter } from './environment.ts';
import { planTable, type TableEntry } from './plan.ts';
import { isWrong, type Place, placeText, readPlace, type Reference } from './reference.ts';
import type { Plan } from './set.ts';
import type { Uploads } from './uploads.ts';
import type { PushChoice } from './merge.ts';

/** `findings`: of both files together. At least one of the two has images. */
export function planFiles(
  parameters: readonly Parameter[],
  uploads: Uploads | undefined,
  choice: PushChoice,
  findings: Findings,
): Plan {
  const destination = destinationOf(parameters, uploads, choice, findings);
  const entries =
    uploads === undefined ? entriesOf(parameters) : joined(parameters, uploads, destination, findings);
  const plan = { ...planTable(entries, findings), destination };
  if (destination === undefined) {
    const more = uploads === undefined ? 'import local_registry_images.yaml with it, or ' : '';
    findings.remark(
      'note',
      `hosts pull from ${plan.base.registry}: to mirror its images, ${more}name another registry with --destination`,
    );
  }
  return plan;
}

/** Parameters that share an image give one entry. */
function entriesOf(parameters: readonly Parameter[]): readonly TableEntry[] {
  return [...Map.groupBy(parameters, ({ text }) => text).values()].flatMap((same) => {
    const [first] = same;
    return first === undefined
      ? []
      : [{ reference: first.reference, parameters: same.map(({ name }) => name) }];
  });
}

/** The images as they are at the source, each with the parameters that name its copy. */
function joined(
  parameters: readonly Parameter[],
  uploads: Uploads,
  destination: Place | undefined,
  findings: Findings,
): readonly TableEntry[] {
  const at = destination === undefined ? undefined : placeText(destination);
  const named = new Set<Parameter>();
  const byText = new Map<string, TableEntry>();
  for (const { reference, below } of uploads.images) {
    const source = textOf(reference);
    const same = parameters.filter(({ text }) => text === source || text === `${at ?? ''}/${below}`);
    for (const parameter of same) named.add(parameter);
    byText.set(source, { reference, parameters: same.map(({ name }) => name) });
  }
  const rest = parameters.filter((parameter) => !named.has(parameter));
  const [upload] = uploads.images;
  if (rest.length > 0 && uploads.images.length > 0) {
    const names = rest.map(({ name }) => name).join(', ');
    findings.remark('warning', `not in the list of uploads, so taken to be at the source: ${names}`);
  }
  // What hosts pull from the destination came from the source, by way of an upload that the list has no more.
  const moved = rest.map((parameter) =>
    upload === undefined || parameter.reference.registry !== destination?.registry
      ? parameter
      : { ...parameter, reference: backAt(upload.reference, parameter.reference, destination) },
  );
  return [...byText.values(), ...entriesOf(moved)];
}

function backAt(source: Reference, copy: Reference, destination: Place): Reference {
  const inside = destination.namespace === '' ? '' : `${destination.namespace}/`;
  const namespace = `${copy.namespace}/`.startsWith(inside)
    ? copy.namespace.slice(inside.length)
    : copy.namespace;
  return { ...copy, registry: source.registry, namespace };
}

/** What the command line says, else what the uploads say, else the registry that the parameters name beside them. */
function destinationOf(
  parameters: readonly Parameter[],
  uploads: Uploads | undefined,
  { destination, ofUndercloud }: PushChoice,
  findings: Findings,
): Place | undefined {
  if (destination !== undefined || uploads === undefined) return destination;
  const named = uploads.destination === true ? ofUndercloud : uploads.destination;
  if (named !== undefined) return named;
  const found = copiesAt(parameters, uploads);
  if (found === undefined && uploads.destination === true) {
    findings.problem(
      'push_destination',
      'is true, the registry of an undercloud: give its address with --destination',
    );
  }
  return found;
}

/** Where the parameters have an upload's path and tag behind another host. */
function copiesAt(parameters: readonly Parameter[], { images }: Uploads): Place | undefined {
  for (const { reference, below } of images) {
    const copy = parameters.find(({ text }) => text.endsWith(`/${below}`) && text !== textOf(reference));
    const place = copy === undefined ? undefined : readPlace(copy.text.slice(0, -below.length - 1));
    if (place !== undefined && !isWrong(place)) return place;
  }
  return undefined;
}

const textOf = (reference: Reference): string => `${placeText(reference)}/${reference.name}:${reference.tag}`;
