// What keeps a cloud, or a part of it, from being as its spec says.

export interface Problem {
  /** CamelCase, for the condition. */
  readonly reason: string;
  /** A sentence: what, where, and what to do. */
  readonly message: string;
  /** True when only a person can mend it; false when it is expected to mend by itself. */
  readonly needsPerson: boolean;
}

export const problem = (reason: string, message: string): Problem => ({ reason, message, needsPerson: true });

/** Several sentences in one. */
export const together = (problems: readonly { readonly message: string }[]): string =>
  problems.map(({ message }) => message).join('; ');

/** Names for a sentence: at most `most`, then how many more there are. */
export function listed(names: readonly string[], most = 5): string {
  if (names.length === 0) return 'none';
  return names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most).join(', ')} and ${String(names.length - most)} more`;
}
