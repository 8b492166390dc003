// Keeps secrets out of what is logged: by the look of a field's name, and by the values that adapters make known.

/** Fields whose value is never shown; `credentialsName` and the like are names of objects, not secrets. */
const secretNames = /(password|passphrase|secret|token|authorization|privatekey|credentials|cookie)$/i;
/** A shorter value would tear holes into ordinary words. */
const shortestSecret = 4;
const deepest = 6;
const blank = '[redacted]';

export interface Redactor {
  /** From now on `value` is blanked out wherever it turns up. */
  register(value: string): void;
  /** `value` ready to be written: without secrets, errors as their messages, not too deep. */
  clean(value: unknown): unknown;
}

export function createRedactor(): Redactor {
  const secrets = new Set<string>();

  const cleanText = (text: string): string => {
    let cleaned = text;
    for (const secret of secrets) cleaned = cleaned.replaceAll(secret, blank);
    return cleaned;
  };
  const clean = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return cleanText(value);
    if (value instanceof Error) return cleanText(value.message);
    if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
    if (depth > deepest) return '[…]';
    if (Array.isArray(value)) return value.map((element) => clean(element, depth + 1));
    const members = Object.entries(value).map(([name, member]) => [
      name,
      secretNames.test(name) && member !== undefined ? blank : clean(member, depth + 1),
    ]);
    return Object.fromEntries(members) as unknown;
  };

  return {
    register(value) {
      if (value.length >= shortestSecret) secrets.add(value);
    },
    clean: (value) => clean(value, 0),
  };
}
