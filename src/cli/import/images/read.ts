// The files of one import about images, together: ContainerImageSets, the logins they need, and what is to be said.
import { terminal } from '../../../kernel/errors.ts';
import { isMap, parse } from '../document.ts';
import { type Collected, collectFindings, type Findings } from '../findings.ts';
import { type Environment, type Parameter, readEnvironment } from './environment.ts';
import { isOfCeph, specialImages } from './known.ts';
import { planPrepare, type PushChoice } from './merge.ts';
import { type Place, placeText } from './reference.ts';
import { cephSuffix, type ImportedSet, type Login, type Logins, type Plan, setsOf } from './set.ts';
import { planFiles } from './table.ts';
import { readUploads, type Uploads } from './uploads.ts';

export interface ImagesFile {
  /** For messages. */
  readonly file: string;
  readonly text: string;
}

export interface ImportedImages {
  readonly name: string;
  readonly sets: readonly ImportedSet[];
  /** Those that the sets' registries need; empty: no Secret. */
  readonly logins: Logins;
  readonly remarks: readonly string[];
}

/** Whether the document is about images and not about nodes. */
export const isOfImages = (document: unknown): boolean =>
  isMap(document) && ('parameter_defaults' in document || 'container_images' in document);

/**
 * `name`: of the set. `destination`: what the command line says; wins over the files. Throws terminal ImportRefused with a line
 * for each problem.
 */
export function readImages(
  files: readonly ImagesFile[],
  name: string,
  destination: Place | undefined,
): ImportedImages {
  const read = files.map(readOne);
  const [first] = read;
  if (first === undefined) throw terminal('ImportRefused', 'there is no file');
  const together = first.collected.of('images');
  const environments = read.flatMap(({ environment }) => environment ?? []);
  const { prepare, parameters, logins, insecure, ofUndercloud } = merged(environments);
  const lists = read.flatMap(({ uploads }) => uploads ?? []);
  if (lists.length > 1) together.problem('container_images', 'are in more than one file: put them into one');
  const choice: PushChoice = { destination, ofUndercloud };
  const plan = planOf({ prepare, parameters, uploads: lists[0] }, choice, first.collected, together);
  if (plan !== undefined) checkRegistries(plan, together);
  const problems = read.flatMap(({ collected }) => collected.problems());
  if (problems.length > 0 || plan === undefined) throw terminal('ImportRefused', problems.join('\n'));
  remarkOnPath(plan, together);
  const sets = setsOf(plan, name, { logins, insecure: new Set(insecure) });
  const used = usedLogins(logins, sets);
  remark({ sets, name, isTable: prepare === undefined, unused: unusedOf(logins, used), insecure }, together);
  return { name, sets, logins: used, remarks: read.flatMap(({ collected }) => collected.remarks()) };
}

interface Read {
  readonly collected: Collected;
  readonly environment?: Environment;
  readonly uploads?: Uploads;
}

function readOne({ file, text }: ImagesFile): Read {
  const document = parse(text, file, 0);
  const collected = collectFindings(file);
  if (isMap(document) && 'container_images' in document) {
    return { collected, uploads: readUploads(document, collected) };
  }
  if (isMap(document) && 'parameter_defaults' in document) {
    return { collected, environment: readEnvironment(document, collected) };
  }
  const remedy = 'import a file of nodes by itself';
  throw terminal('ImportRefused', `${file}: has neither parameter_defaults nor container_images: ${remedy}`);
}

/** As Heat merges environment files: a later one wins. */
function merged(environments: readonly Environment[]): Environment {
  const parameters = environments.flatMap((environment) => environment.parameters);
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const last = <K extends keyof Environment>(key: K): Environment[K] | undefined =>
    environments.findLast((environment) => environment[key] !== undefined)?.[key];
  return {
    prepare: last('prepare'),
    parameters: [...byName.values()],
    logins: new Map<string, Login>(environments.flatMap(({ logins }) => [...logins])),
    insecure: environments.flatMap(({ insecure }) => insecure),
    ofUndercloud: last('ofUndercloud'),
  };
}

interface Named {
  readonly prepare: unknown;
  readonly parameters: readonly Parameter[];
  readonly uploads: Uploads | undefined;
}

/** Undefined after problems were reported. */
function planOf(
  { prepare, parameters, uploads }: Named,
  choice: PushChoice,
  first: Collected,
  together: Findings,
): Plan | undefined {
  if (prepare !== undefined) {
    const others = [
      ...parameters.map(({ name }) => name),
      ...(uploads === undefined ? [] : ['container_images']),
    ];
    if (others.length === 0) return planPrepare(prepare, first, choice);
    const remedy = 'import them one after the other, each with its own --name';
    together.problem('ContainerImagePrepare', `and ${others[0] ?? ''} both say which images: ${remedy}`);
    return undefined;
  }
  if (parameters.length > 0 || (uploads?.images.length ?? 0) > 0) {
    return planFiles(parameters, uploads, choice, together);
  }
  const known = 'ContainerImagePrepare, Docker…Image, Container…Image or container_images';
  if (first.problems().length === 0) together.problem('', `are named nowhere: there is no ${known}`);
  return undefined;
}

/** One set has one source; Ceph's images get a set of their own. */
function checkRegistries({ base, images }: Plan, findings: Findings): void {
  const elsewhere = images.filter(({ registry }) => registry !== base.registry);
  const ofCeph = elsewhere.find(({ image }) => isOfCeph(image))?.registry;
  for (const { image, registry } of elsewhere) {
    if (isOfCeph(image) && registry === ofCeph) continue;
    const why = `is in ${registry}, the others in ${base.registry}, and a set has one source`;
    const key = specialImages.find((special) => special.image === image)?.key;
    const away = key === undefined ? '' : `remove set.${key}_* if no host runs it, or `;
    const remedy =
      'import it as a file of its own with --name, and name that set in Overcloud.spec.roles[].images';
    findings.problem(image, `${why}: ${away}${remedy}`);
  }
}

/** An override says the same of the source and the destination. */
function remarkOnPath({ base, images, destination }: Plan, findings: Findings): void {
  const own = images.filter(
    ({ registry, namespace }) => registry === base.registry && namespace !== base.namespace,
  );
  if (destination === undefined || destination.namespace === '' || own.length === 0) return;
  const names = own.map(({ image }) => image).join(', ');
  const where = `${destination.registry}, not below ${placeText(destination)}`;
  findings.remark('note', `with a path of their own they are mirrored to it in ${where}: ${names}`);
}

function usedLogins(logins: Logins, sets: readonly ImportedSet[]): Logins {
  const registries = new Set(
    sets.flatMap(({ spec }) => [spec.source.registry, spec.destination?.registry ?? []].flat()),
  );
  return new Map([...logins].filter(([registry]) => registries.has(registry)));
}

const unusedOf = (logins: Logins, used: Logins): readonly string[] =>
  [...logins.keys()].filter((registry) => !used.has(registry));

interface Said {
  readonly sets: readonly ImportedSet[];
  readonly name: string;
  /** From resolved names, not from rules. */
  readonly isTable: boolean;
  /** Registries whose login nothing needs. */
  readonly unused: readonly string[];
  readonly insecure: readonly string[];
}

function remark({ sets, name, isTable, unused, insecure }: Said, findings: Findings): void {
  if (unused.length > 0)
    findings.remark('note', `credentials that no image needs are left out: ${unused.join(', ')}`);
  if (sets.length > 1) {
    const entry = `{name: ceph-daemon, imageSetName: ${name}${cephSuffix}}`;
    const remedy = `name it where hosts run Ceph, in Overcloud.spec.roles[].images: ${entry}`;
    findings.remark(
      'note',
      `Ceph's images are in another registry, so they are a set of their own: ${remedy}`,
    );
  }
  const destination = sets[0]?.spec.destination?.registry;
  if (destination !== undefined && !insecure.includes(destination)) {
    findings.remark('note', `${destination} is taken to speak HTTPS: if not, set spec.destination.insecure`);
  }
  if (isTable) {
    const remedy = 'make a ConfigMap of examples/images/catalog.yaml and name it in spec.catalogName';
    findings.remark(
      'note',
      `a set knows no parameters: for kubectl undercloud images to print them all, ${remedy}`,
    );
  }
}
