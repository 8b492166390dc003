// Hardware rules: what a machine's inventory makes of it (profile, class, capabilities), or why it is refused. Pure.
import { load } from 'js-yaml';
import type { BareMetalNodeStatusHardware } from '../api/baremetalnode.gen.ts';
import { messageOf, terminal } from '../kernel/errors.ts';

/** The namespace's ConfigMap, and its key. */
export const rulesConfigMap = 'undercloud-hardware-rules';
export const rulesKey = 'rules.yaml';

export interface Rule {
  readonly name: string;
  /** All of them have to hold; none: always. */
  readonly when: readonly Test[];
  readonly set: Pick<RuleResult, 'profile' | 'resourceClass' | 'capabilities'>;
  /** Why a machine of this kind is not wanted. */
  readonly refuse: string | undefined;
}

export interface Test {
  readonly field: string;
  readonly op: 'equals' | 'like' | 'atLeast' | 'atMost';
  readonly value: string | number;
}

export interface RuleResult {
  readonly profile?: string;
  readonly resourceClass?: string;
  readonly capabilities?: Readonly<Record<string, string>>;
  readonly refused?: string;
}

type Value = string | number | undefined;
type Hardware = BareMetalNodeStatusHardware;

const sizes = ({ disks = [] }: Hardware): readonly number[] =>
  disks.flatMap(({ sizeBytes }) => (sizeBytes === undefined ? [] : [sizeBytes]));
const largest = (numbers: readonly number[]): Value =>
  numbers.length > 0 ? Math.max(...numbers) : undefined;

/** What a test can look at. A machine that does not tell a field passes no test of it. */
const fields: Readonly<Record<string, (hardware: Hardware) => Value>> = {
  vendor: ({ vendor }) => vendor,
  model: ({ model }) => model,
  serial: ({ serial }) => serial,
  biosVersion: ({ biosVersion }) => biosVersion,
  memoryMebibytes: ({ memoryMebibytes }) => memoryMebibytes,
  'cpu.model': ({ cpu }) => cpu?.model,
  'cpu.architecture': ({ cpu }) => cpu?.architecture,
  'cpu.sockets': ({ cpu }) => cpu?.sockets,
  'cpu.cores': ({ cpu }) => cpu?.cores,
  'cpu.threads': ({ cpu }) => cpu?.threads,
  'disks.count': ({ disks = [] }) => disks.length,
  'disks.largestBytes': (hardware) => largest(sizes(hardware)),
  'disks.totalBytes': (hardware) => sizes(hardware).reduce((sum, size) => sum + size, 0),
  'nics.count': ({ nics = [] }) => nics.length,
  'nics.fastestMbps': ({ nics = [] }) =>
    largest(nics.flatMap(({ speedMbps }) => (speedMbps === undefined ? [] : [speedMbps]))),
};
const ops: readonly Test['op'][] = ['equals', 'like', 'atLeast', 'atMost'];
const mostRules = 200;

/** What the rules make of `hardware`: the first that sets a thing, or refuses, counts. */
export function applyRules(rules: readonly Rule[], hardware: Hardware | undefined): RuleResult {
  if (hardware === undefined) return {};
  const matching = rules.filter(({ when }) => when.every((test) => holds(test, hardware)));
  const first = <T>(pick: (rule: Rule) => T | undefined): T | undefined =>
    matching.map(pick).find((value) => value !== undefined);
  const profile = first(({ set }) => set.profile);
  const resourceClass = first(({ set }) => set.resourceClass);
  const refused = first(({ refuse, name }) => refuse && `${refuse} (rule ${name})`);
  // Earlier rules last, so that they win.
  const capabilities = Object.assign(
    {},
    ...matching.toReversed().map(({ set }) => set.capabilities ?? {}),
  ) as Record<string, string>;
  return {
    ...(profile !== undefined && { profile }),
    ...(resourceClass !== undefined && { resourceClass }),
    ...(Object.keys(capabilities).length > 0 && { capabilities }),
    ...(refused !== undefined && { refused: refused.slice(0, 512) }),
  };
}

function holds({ field, op, value }: Test, hardware: Hardware): boolean {
  const found = fields[field]?.(hardware);
  if (found === undefined) return false;
  switch (op) {
    case 'equals':
      return String(found) === String(value);
    case 'like':
      return isLike(String(found).toLowerCase(), String(value).toLowerCase().split('*'));
    case 'atLeast':
      return Number(found) >= Number(value);
    case 'atMost':
      return Number(found) <= Number(value);
  }
}

/** `parts` are what stands between the stars, in order. No regular expression: a rule must not be able to stop the operator. */
function isLike(text: string, parts: readonly string[]): boolean {
  const [head = '', ...rest] = parts;
  const tail = rest.pop();
  if (tail === undefined) return text === head;
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false;
  let at = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > text.length - tail.length) return false;
    at = found + part.length;
  }
  return true;
}

/** Throws terminal InvalidHardwareRules, whose message lists every problem with its path. */
export function parseRules(text: string): readonly Rule[] {
  const problems: string[] = [];
  const parsed = parse(text, problems);
  if (problems.length === 0) return parsed;
  const where = `ConfigMap ${rulesConfigMap}, key ${rulesKey}`;
  throw terminal('InvalidHardwareRules', `${where} cannot be used, correct ${problems.join('; ')}`);
}

type Raw = Readonly<Record<string, unknown>>;
const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(text: string, problems: string[]): readonly Rule[] {
  let document: unknown;
  try {
    document = load(text);
  } catch (error) {
    problems.push(messageOf(error));
    return [];
  }
  const list = isRaw(document) ? document.rules : undefined;
  if (!Array.isArray(list) || list.length > mostRules) {
    problems.push(`rules: must be a list of at most ${mostRules}`);
    return [];
  }
  return list.map((raw: unknown, index) => ruleOf(isRaw(raw) ? raw : {}, `rules[${index}]`, problems));
}

function ruleOf(raw: Raw, path: string, problems: string[]): Rule {
  const { name, when = [], set = {}, refuse, ...unknown } = raw;
  for (const key of Object.keys(unknown)) problems.push(`${path}.${key}: is no field of a rule`);
  if (typeof name !== 'string' || name === '') problems.push(`${path}.name: is required`);
  if (!Array.isArray(when)) problems.push(`${path}.when: must be a list`);
  if (refuse !== undefined && typeof refuse !== 'string') problems.push(`${path}.refuse: must be a text`);
  const tests: readonly unknown[] = Array.isArray(when) ? when : [];
  return {
    name: String(name),
    when: tests.map((test, index) => testOf(isRaw(test) ? test : {}, `${path}.when[${index}]`, problems)),
    set: setOf(isRaw(set) ? set : {}, `${path}.set`, problems),
    refuse: typeof refuse === 'string' ? refuse : undefined,
  };
}

function testOf({ field, op, value }: Raw, path: string, problems: string[]): Test {
  const known = ops.find((candidate) => candidate === op);
  if (typeof field !== 'string' || !Object.hasOwn(fields, field))
    problems.push(`${path}.field: must be one of ${Object.keys(fields).join(', ')}`);
  if (known === undefined) problems.push(`${path}.op: must be one of ${ops.join(', ')}`);
  const usable = typeof value === 'string' || typeof value === 'number';
  if (!usable) problems.push(`${path}.value: must be a text or a number`);
  if (known?.startsWith('at') === true && typeof value !== 'number')
    problems.push(`${path}.value: must be a number with ${known}`);
  return { field: String(field), op: known ?? 'equals', value: usable ? value : '' };
}

const label = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

function setOf(raw: Raw, path: string, problems: string[]): Rule['set'] {
  const { profile, resourceClass, capabilities = {}, ...unknown } = raw;
  for (const key of Object.keys(unknown)) problems.push(`${path}.${key}: cannot be set by a rule`);
  const word = (value: unknown, name: string): string | undefined => {
    if (value === undefined || (typeof value === 'string' && label.test(value))) return value;
    problems.push(`${path}.${name}: must be a word of at most 63 letters, digits, '.', '_' and '-'`);
    return undefined;
  };
  const given = isRaw(capabilities) ? Object.entries(capabilities) : [];
  if (given.length > 32) problems.push(`${path}.capabilities: are more than 32`);
  const texts = given.map(([key, value]) => [key, String(value).slice(0, 253)] as const);
  const [kind, group] = [word(profile, 'profile'), word(resourceClass, 'resourceClass')];
  return {
    ...(kind !== undefined && { profile: kind }),
    ...(group !== undefined && { resourceClass: group }),
    ...(texts.length > 0 && { capabilities: Object.fromEntries(texts) }),
  };
}
