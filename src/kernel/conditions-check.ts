// Lints a status, so that tests of every room can ask whether tools that read it will understand it (after Flux's
// runtime/conditions/check, and what API conventions and DESIGN.md ask for).
import type { Condition, KubeObject } from '../kube/objects.ts';

const reasonPattern = /^[A-Z][A-Za-z0-9]*$/;
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const longestMessage = 1024;
const longestList = 50;
const largestStatus = 32 * 1024;
const leading = ['Ready', 'Reconciling', 'Stalled'];

interface StatusShape {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

/** Everything that is wrong with the status of an object, one sentence each; empty when all is well. */
export function checkStatus(object: KubeObject): readonly string[] {
  const status = (object as { readonly status?: unknown }).status ?? {};
  const { observedGeneration, conditions = [] } = status as StatusShape;
  const { generation } = object.metadata;
  return [
    ...when(observedGeneration === undefined, 'observedGeneration is missing'),
    ...when((observedGeneration ?? 0) > generation, 'observedGeneration is ahead of generation'),
    ...checkSummary(conditions),
    ...checkOrder(conditions),
    ...conditions.flatMap((condition) => checkCondition(condition, generation)),
    ...longLists(status, 'status'),
    ...when(JSON.stringify(status).length > largestStatus, `status is larger than ${largestStatus} bytes`),
  ];
}

/** kstatus takes Reconciling before Stalled before Ready: together they must not say two things. */
function checkSummary(conditions: readonly Condition[]): readonly string[] {
  const value = (type: string) => conditions.find((condition) => condition.type === type)?.status;
  const abnormal = ['Reconciling', 'Stalled'].filter((type) => value(type) !== undefined);
  return [
    ...when(value('Ready') === undefined, 'Ready is missing'),
    ...when(abnormal.length === 2, 'Reconciling and Stalled are both there'),
    ...abnormal.flatMap((type) => when(value(type) !== 'True', `${type} is there without being True`)),
    ...abnormal.flatMap((type) => when(value('Ready') === 'True', `Ready and ${type} are both True`)),
  ];
}

function checkOrder(conditions: readonly Condition[]): readonly string[] {
  const types = conditions.map(({ type }) => type);
  const others = types.filter((type) => !leading.includes(type));
  const expected = [...leading.filter((type) => types.includes(type)), ...others.sort()];
  return [
    ...when(new Set(types).size !== types.length, 'a condition type is there twice'),
    ...when(types.join() !== expected.join(), `conditions are not in order: ${types.join()}`),
  ];
}

function checkCondition(condition: Condition, generation: number): readonly string[] {
  const { type, reason, message, observedGeneration = 0, lastTransitionTime } = condition;
  return [
    ...when(!reasonPattern.test(reason), `${type}: reason '${reason}' is not CamelCase`),
    ...when(message === '', `${type}: message is empty`),
    ...when(message.length > longestMessage, `${type}: message is longer than ${longestMessage} characters`),
    ...when(observedGeneration > generation, `${type}: observedGeneration is ahead of generation`),
    ...when(!timePattern.test(lastTransitionTime), `${type}: lastTransitionTime is not in whole seconds`),
  ];
}

function longLists(value: unknown, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = when(
    Array.isArray(value) && value.length > longestList,
    `${path} has more than ${longestList} items`,
  );
  return [...own, ...Object.entries(value).flatMap(([name, member]) => longLists(member, `${path}.${name}`))];
}

const when = (wrong: boolean, sentence: string): readonly string[] => (wrong ? [sentence] : []);
