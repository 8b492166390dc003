// Reads Redfish documents: JSON of which nothing is certain, walked by names, with undefined for what is not as it should be.

/** What is at `path` below `document`. */
export function at(document: unknown, ...path: readonly string[]): unknown {
  let here = document;
  for (const name of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Readonly<Record<string, unknown>>)[name];
  }
  return here;
}

/** A text that is not blank. */
export function textAt(document: unknown, ...path: readonly string[]): string | undefined {
  const value = at(document, ...path);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** A number that is not negative. */
export function numberAt(document: unknown, ...path: readonly string[]): number | undefined {
  const value = at(document, ...path);
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

export function flagAt(document: unknown, ...path: readonly string[]): boolean | undefined {
  const value = at(document, ...path);
  return typeof value === 'boolean' ? value : undefined;
}

/** The members of the object at `path`. */
export function entriesAt(document: unknown, ...path: readonly string[]): readonly [string, unknown][] {
  const value = at(document, ...path);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

export function listAt(document: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = at(document, ...path);
  return Array.isArray(value) ? value : [];
}

/** The texts of the list at `path`. */
export const textsAt = (document: unknown, ...path: readonly string[]): readonly string[] =>
  listAt(document, ...path).filter((item) => typeof item === 'string');

/** Where the link at `path` leads (DSP0266 section 8.2.2: the `@odata.id` of a reference). */
export const linkAt = (document: unknown, ...path: readonly string[]): string | undefined =>
  textAt(document, ...path, '@odata.id');

/** Where the links of a collection or an array lead. */
export const linksAt = (document: unknown, ...path: readonly string[]): readonly string[] =>
  listAt(document, ...path).flatMap((item) => linkAt(item) ?? []);

/** The worst of what an error response says (DSP0266 section 8.6), as `MessageId: Message`. */
export function errorTextIn(document: unknown): string | undefined {
  const rank = (info: unknown) =>
    ['Critical', 'Warning'].indexOf(textAt(info, 'MessageSeverity') ?? textAt(info, 'Severity') ?? '');
  const details = listAt(document, 'error', '@Message.ExtendedInfo').toSorted(
    (a, b) => ((rank(a) + 3) % 3) - ((rank(b) + 3) % 3),
  );
  const [worst] = details;
  const parts = [
    textAt(worst, 'MessageId') ?? textAt(document, 'error', 'code'),
    textAt(worst, 'Message') ?? textAt(document, 'error', 'message'),
  ];
  return (
    parts
      .filter((part) => part !== undefined)
      .join(': ')
      .slice(0, 300) || undefined
  );
}
