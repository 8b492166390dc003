// Compares what a container was made from (its config_data label) with what it should be made from: the fields that differ.
import { canonicalJson } from '../../api/canonical.ts';
import { containerLabels } from '../../api/names.ts';
import type { FieldChange } from './types.ts';

type Labels = Readonly<Record<string, string>>;

const longestValue = 160;
const mostFields = 20;

/** Empty only when both labels say the same; a label that cannot be read is one difference. */
export function differences(current: Labels, desired: Labels): readonly FieldChange[] {
  const before = parsed(current[containerLabels.configData]);
  const after = parsed(desired[containerLabels.configData]);
  if (before === undefined || after === undefined) {
    return [{ field: containerLabels.configData, current: 'unreadable', desired: 'readable' }];
  }
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const changed = fields.filter((field) => canonicalJson(before[field]) !== canonicalJson(after[field]));
  // The tag may change while the image stays the same: only a new digest makes it worth a word.
  const worthAWord = changed.filter((field) => field !== 'image' || changed.includes('digest'));
  return worthAWord.flatMap((field) => fieldChanges(field, before[field], after[field])).slice(0, mostFields);
}

/** `image changed`, or the fields by name. */
export function replaceReason(fields: readonly FieldChange[]): string {
  const names = fields.map(({ field }) => field);
  if (names.includes('digest')) return names.length > 2 ? 'image and settings changed' : 'image changed';
  return names.length === 0 ? 'settings changed' : `${names.join(', ')} changed`;
}

function parsed(label: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(label ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // made by hand with our owner label: it is replaced, and the reason says that it was unreadable
  }
}

/** One change for each member of a map (`environment.DEBUG`), one for everything else. */
function fieldChanges(field: string, current: unknown, desired: unknown): readonly FieldChange[] {
  if (!isMap(current) || !isMap(desired))
    return [{ field, current: shown(current), desired: shown(desired) }];
  return [...new Set([...Object.keys(current), ...Object.keys(desired)])]
    .sort()
    .filter((member) => canonicalJson(current[member]) !== canonicalJson(desired[member]))
    .map((member) => ({
      field: `${field}.${member}`,
      current: shown(current[member]),
      desired: shown(desired[member]),
    }));
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function shown(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : canonicalJson(value);
  return text.length > longestValue ? `${text.slice(0, longestValue - 1)}…` : text;
}
