// The host's ledger while a session lives: read once, kept in memory, written before anything relies on it.
import { canonicalJson } from '../api/canonical.ts';
import type { HostSession, Ledger } from './ports.ts';

export interface LedgerKeeper {
  current(): Ledger;
  /** Resolves when the change is on the host. Changes that come while one is written are written together. */
  update(change: (ledger: Ledger) => Ledger, signal: AbortSignal): Promise<void>;
}

/** Only the session's owner may write the ledger: the fence sees to that. */
export async function openLedger(session: HostSession, signal: AbortSignal): Promise<LedgerKeeper> {
  let current = await session.readLedger(signal);
  let written = current;
  let writing: Promise<void> = Promise.resolve();

  const write = async (wanted: AbortSignal) => {
    const next = current;
    if (canonicalJson(next) === canonicalJson(written)) return;
    await session.writeLedger(next, wanted);
    written = next;
  };

  return {
    current: () => current,
    update(change, wanted) {
      current = change(current);
      // A write that failed has told its own caller; what it did not get done is tried again by the next.
      writing = writing.catch(() => undefined).then(() => write(wanted));
      return writing;
    },
  };
}

export const withoutKey = <T>(
  record: Readonly<Record<string, T>>,
  key: string,
): Readonly<Record<string, T>> => Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));

/** A container has just started: it has read its files, and owes no restart for them. */
export const withoutRestart = (ledger: Ledger, name: string): Ledger => ({
  ...ledger,
  pendingRestarts: ledger.pendingRestarts.filter((pending) => pending !== name),
});
