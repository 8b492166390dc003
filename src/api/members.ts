// Reads the maps of a document that people write in YAML, and collects what is wrong with it. Pure.

const longestShown = 60;

/** What the document has of a member, as raw YAML. */
export type Raw = Readonly<Record<string, unknown>>;

/** Collects every problem with its path, so that a person can correct all of them at once. */
export type Report = (path: string, problem: string) => void;

/** The members of a map; with `known`, any other key is a problem. */
export function membersOf(
  value: unknown,
  path: string,
  known: readonly string[] | undefined,
  report: Report,
): Raw {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(path, 'must be a map');
    return {};
  }
  for (const key of Object.keys(value)) {
    if (known?.includes(key) === false) {
      report(path, `has the unknown key ${shown(key)}, it knows ${known.join(', ')}`);
    }
  }
  return value as Raw;
}

/** A text of the document as a message may show it: on one line, and cut. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > longestShown ? `${text.slice(0, longestShown).toWellFormed()}…` : text);
