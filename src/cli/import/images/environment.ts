// parameter_defaults of an environment file: which parameters name images, which say how registries are reached.
import { isMap, type RawNode } from '../document.ts';
import type { Collected, Findings } from '../findings.ts';
import { hintFor, nearestTo } from '../keys.ts';
import { isRegistry, isWrong, type Place, readPlace, readReference, type Reference } from './reference.ts';
import type { Login } from './set.ts';
import { mapOf, truthOf } from './values.ts';

export interface Parameter {
  readonly name: string;
  readonly reference: Reference;
  /** As it stands in the file. */
  readonly text: string;
}

export interface Environment {
  /** The value of ContainerImagePrepare, as it stands; undefined when it is not there. */
  readonly prepare: unknown;
  readonly parameters: readonly Parameter[];
  readonly logins: ReadonlyMap<string, Login>;
  readonly insecure: readonly string[];
  /** The registry of the undercloud, where LocalContainerRegistry says its address. */
  readonly ofUndercloud: Place | undefined;
}

const heatKeys = [
  'resource_registry',
  'parameters',
  'event_sinks',
  'encrypted_param_names',
  'parameter_merge_strategies',
];
const used = [
  ...['ContainerImagePrepare', 'ContainerImageRegistryCredentials', 'ContainerImageRegistryLogin'],
  ...['DockerInsecureRegistryAddress', 'LocalContainerRegistry'],
];
const passedOver = [
  ...[
    'AdditionalArchitectures',
    'ContainerCli',
    'ContainerImagePrepareDebug',
    'ContainerImagePrepareLogFile',
  ],
  ...['DockerRegistryMirror', 'NeutronMechanismDrivers', 'PushDestination'],
];
/** DockerNovaApiImage, ContainerNovaApiImage; PrometheusContainerImage. */
const imageParameter = /^((Docker|Container)[A-Za-z0-9]+Image|[A-Za-z0-9]+ContainerImage)$/;
const registryPort = 8787;
const mostShown = 5;

/** Problems are reported. */
export function readEnvironment(document: RawNode, collected: Collected): Environment {
  const findings = collected.of('parameter_defaults');
  checkDocument(document, collected);
  const defaults = mapOf(document, 'parameter_defaults', findings) ?? {};
  const keys = Object.keys(defaults);
  const parameters = keys.filter((key) => imageParameter.test(key));
  checkOthers(
    keys.filter((key) => !parameters.includes(key) && !used.includes(key)),
    findings,
  );
  if (truthOf(defaults.ContainerImageRegistryLogin) !== undefined) {
    findings.remark('note', 'ContainerImageRegistryLogin is ignored: who has credentials logs in');
  }
  return {
    prepare: defaults.ContainerImagePrepare ?? undefined,
    parameters: parameters.flatMap((name) => readParameter(name, defaults[name], findings) ?? []),
    logins: readLogins(defaults, findings),
    insecure: readInsecure(defaults.DockerInsecureRegistryAddress, findings),
    ofUndercloud: readUndercloud(defaults.LocalContainerRegistry, findings),
  };
}

function checkDocument(document: RawNode, collected: Collected): void {
  const findings = collected.of('document');
  for (const key of Object.keys(document)) {
    if (key === 'parameter_defaults') continue;
    if (heatKeys.includes(key)) findings.remark('note', `${key} is ignored: it names no images`);
    else findings.problem(key, `is unknown${hintFor(key, ['parameter_defaults', ...heatKeys])}`);
  }
}

/** An environment file may hold parameters of anything: only what looks like a slip is a problem. */
function checkOthers(keys: readonly string[], findings: Findings): void {
  const others: string[] = [];
  for (const key of keys) {
    const nearest = nearestTo(key, used);
    if (key.endsWith('ContainerImagePrepare')) {
      const remedy =
        'import its list as a file of its own with --name, and name that set in Overcloud.spec.roles[].images';
      findings.problem(key, `is about one role: ${remedy}`);
    } else if (nearest !== undefined && !passedOver.includes(key)) {
      findings.problem(key, `is unknown: is ${nearest} meant?`);
    } else others.push(key);
  }
  if (others.length === 0) return;
  const more = others.length - mostShown;
  const shown = `${others.slice(0, mostShown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  findings.remark('note', `ignored, they name no images: ${shown}`);
  if (others.includes('DockerRegistryMirror')) {
    findings.remark(
      'warning',
      'DockerRegistryMirror is not known here: give the mirror as the registry in set.namespace',
    );
  }
}

function readParameter(name: string, value: unknown, findings: Findings): Parameter | undefined {
  const reference = typeof value === 'string' ? readReference(value) : { wrong: 'must be text' };
  if (!isWrong(reference)) return { name, reference, text: String(value) };
  findings.problem(name, reference.wrong);
  return undefined;
}

/** `{registry: {user: password}}`; digits alone must stand in quotes (validate_registry_credentials in image_uploader.py). */
function readLogins(defaults: RawNode, findings: Findings): ReadonlyMap<string, Login> {
  const key = 'ContainerImageRegistryCredentials';
  const logins = new Map<string, Login>();
  for (const [registry, account] of Object.entries(mapOf(defaults, key, findings) ?? {})) {
    if (!isRegistry(registry)) {
      findings.problem(key, 'has a key that is no registry: HOST[:PORT], without scheme, login and path');
      continue;
    }
    const pairs = isMap(account) ? Object.entries(account) : [];
    const [pair] = pairs;
    if (pair === undefined || pairs.length > 1) {
      findings.problem(`${key}.${registry}`, 'must be {user: password}, one user');
    } else if (typeof pair[1] !== 'string' || pair[1] === '' || pair[0] === '') {
      findings.problem(
        `${key}.${registry}`,
        'must have a user and a password that are text: put them in quotes',
      );
    } else logins.set(registry, { username: pair[0], password: pair[1] });
  }
  return logins;
}

function readInsecure(value: unknown, findings: Findings): readonly string[] {
  if (value === undefined || value === null || value === '') return [];
  const list: readonly unknown[] = typeof value === 'string' ? value.split(/[\s,]+/) : [value].flat();
  const registries = list.filter((item) => typeof item === 'string' && isRegistry(item)) as readonly string[];
  if (registries.length < list.length)
    findings.problem('DockerInsecureRegistryAddress', 'must be a list of registries, each HOST[:PORT]');
  return registries;
}

function readUndercloud(value: unknown, findings: Findings): Place | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const host = typeof value === 'string' && value.includes(':') ? `[${value}]` : value;
  const place = typeof host === 'string' ? readPlace(`${host}:${registryPort}`) : { wrong: 'must be text' };
  if (!isWrong(place)) return place;
  findings.problem('LocalContainerRegistry', 'must be an address');
  return undefined;
}
