// What is to be said of a file: problems that stop the import, and remarks that do not.
import { terminal } from '../../kernel/errors.ts';

const mostNames = 5;

/** Where something was found: a node of the file. */
export interface Findings {
  /** Stops the import. `text` goes on after the key: "is missing"; where the key is '', after the node. */
  problem(key: string, text: string): void;
  /** Printed once for all nodes it is said of. */
  remark(kind: 'note' | 'warning', text: string): void;
}

export interface Collected {
  /** Findings of one node; `label` says which: "node 3 (ctrl03)". */
  of(label: string): Findings;
  /** A line for each problem, in the order of the file. */
  problems(): readonly string[];
  /** Throws terminal ImportRefused with those. */
  refuseProblems(): void;
  /** A line for each remark: "warning: …: node 1 (ctrl01), node 2 (ctrl02)". */
  remarks(): readonly string[];
}

/** `file`: its name, for messages. */
export function collectFindings(file: string): Collected {
  /** By node, so that what is found later about one stands beside what was found first. */
  const problems: string[][] = [];
  const remarked = new Map<string, Set<string>>();
  return {
    of(label) {
      const own: string[] = [];
      problems.push(own);
      return {
        problem: (key, text) => own.push(`${file}: ${label}${key === '' ? '' : `: ${key}`} ${text}`),
        remark(kind, text) {
          const line = `${kind}: ${text}`;
          remarked.set(line, (remarked.get(line) ?? new Set()).add(label));
        },
      };
    },
    problems: () => problems.flat(),
    refuseProblems() {
      if (problems.flat().length > 0) throw terminal('ImportRefused', problems.flat().join('\n'));
    },
    remarks: () => [...remarked].map(([line, labels]) => `${line} (${listed([...labels])})`),
  };
}

function listed(labels: readonly string[]): string {
  const more = labels.length - mostNames;
  const first = labels.slice(0, mostNames).join(', ');
  return more > 0 ? `${first} and ${more} more` : first;
}
