// Where the hardware rules are: a ConfigMap of the node's namespace, read from the cache and parsed once per version.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import { asOperatorError } from '../kernel/errors.ts';
import type { Cache } from '../kube/client.ts';
import { configMaps, type ConfigMap } from '../kube/objects.ts';
import type { Inventory } from './bmc/port.ts';
import { summaryOf } from './inventory.ts';
import { applyRules, parseRules, rulesConfigMap, rulesKey, type Rule, type RuleResult } from './rules.ts';

const parsed = new WeakMap<ConfigMap, readonly Rule[] | string>();

/** What the rules say of the machine with `inventory`, or with what its status knows. Rules that cannot be read refuse it. */
export function rulesFor(cache: Cache, node: BareMetalNode, inventory: Inventory | undefined): RuleResult {
  const { namespace } = node.metadata;
  const configMap = cache.store(configMaps).get({ namespace, name: rulesConfigMap });
  if (configMap === undefined) return {};
  const rules = rulesIn(configMap);
  // Fail closed: a typo must not let machines through that the rules were written to keep out.
  if (typeof rules === 'string') return { refused: rules.slice(0, 512) };
  const hardware = inventory === undefined ? node.status?.hardware : summaryOf(inventory).hardware;
  return applyRules(rules, hardware);
}

function rulesIn(configMap: ConfigMap): readonly Rule[] | string {
  const known = parsed.get(configMap);
  if (known !== undefined) return known;
  const rules = read(configMap.data?.[rulesKey] ?? '');
  parsed.set(configMap, rules);
  return rules;
}

function read(text: string): readonly Rule[] | string {
  try {
    return parseRules(text);
  } catch (error) {
    return asOperatorError(error).message;
  }
}
