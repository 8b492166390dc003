// The ledger's format on the host: what we wrote there, which jobs ran. It outlives every status.
import { hostPaths } from '../../api/names.ts';
import { messageOf, terminal } from '../../kernel/errors.ts';
import type { FileWrite, Ledger } from '../ports.ts';

const emptyLedger: Ledger = { version: 1, files: {}, jobs: {}, pendingRestarts: [], replaced: {} };

/**
 * Reads a ledger; no text is an empty one. Throws terminal LedgerUnreadable: going on without it could run a
 * job again that must run once. `name` begins the message.
 */
export function parseLedger(text: string, name: string): Ledger {
  if (text === '') return emptyLedger;
  const parsed = parse(text, name);
  if (parsed.version !== 1) throw unreadable(name, `its version is ${String(parsed.version)}, we know 1`);
  return { ...emptyLedger, ...parsed, version: 1 };
}

/**
 * The file that holds it: readable by root only, since a job's name and end may tell more than people should
 * see.
 */
export function ledgerFile(ledger: Ledger): FileWrite {
  const content = new TextEncoder().encode(`${JSON.stringify(ledger, undefined, 1)}\n`);
  return { path: hostPaths.ledger, content, mode: '0600', owner: 'root:root', inPlace: false };
}

function parse(
  text: string,
  name: string,
): Partial<Omit<Ledger, 'version'>> & { readonly version?: unknown } {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch (error) {
    throw unreadable(name, messageOf(error));
  }
  throw unreadable(name, 'it is no JSON object');
}

function unreadable(name: string, why: string): Error {
  const remedy = 'bring it back from a backup, or remove it: then every job whose end it knew may run again';
  return terminal('LedgerUnreadable', `${name}: cannot read ${hostPaths.ledger}: ${why}; ${remedy}`);
}
