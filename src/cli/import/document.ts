// The file as it stands: JSON or YAML with a list of nodes. No message quotes the file, because it is full of passwords.
import { load, YAMLException } from 'js-yaml';
import { terminal } from '../../kernel/errors.ts';

/** One node as the file has it, with TripleO's keys. */
export type RawNode = Readonly<Record<string, unknown>>;

/** `{"nodes": [...]}`, or the list alone. Throws terminal ImportRefused. */
export function readDocument(text: string, file: string): readonly RawNode[] {
  const document = parse(text, file);
  const nodes = isMap(document) ? document.nodes : document;
  if (isMap(document)) {
    const others = Object.keys(document).filter((key) => key !== 'nodes' && key !== '_comment');
    if (others.length > 0) {
      throw refused(file, `has the unknown keys ${others.join(', ')}: only 'nodes' belongs beside them`);
    }
  }
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw refused(file, 'has no nodes: they are a list under the key nodes, as in {"nodes": [{"name": …}]}');
  }
  const wrong = nodes.findIndex((node) => !isMap(node));
  if (wrong === -1) return nodes as readonly RawNode[];
  throw refused(file, `node ${wrong + 1} must be a map of keys as name, pm_type and pm_addr`);
}

/** JSON is read as the YAML that it is. Throws terminal ImportRefused, also for more than `maxAliases` aliases; -1: any number. */
export function parse(text: string, file: string, maxAliases = -1): unknown {
  if (text.trim() === '') throw refused(file, 'is empty');
  try {
    return load(text, { maxAliases });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { line, column } = error.mark ?? { line: 0, column: 0 };
    if (error.reason.startsWith('aliases ')) {
      throw refused(
        file,
        `has an alias (*NAME) in line ${line + 1}, which is not followed: write out what it is for`,
      );
    }
    // What comes after the plain words is taken from the file.
    const [why = ''] = /^[A-Za-z ,-]*/.exec(error.reason) ?? [];
    throw refused(file, `is neither JSON nor YAML: line ${line + 1}, column ${column + 1}: ${why.trim()}`);
  }
}

export const isMap = (value: unknown): value is RawNode =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const refused = (file: string, why: string) => terminal('ImportRefused', `${file}: ${why}`);
