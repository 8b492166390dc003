// The jobs' ledger as the API server keeps it: ConfigMap `<overcloud>-jobs`, one key per job, JSON in it.
import { canonicalJson } from '../api/canonical.ts';
import type { Overcloud } from '../api/overcloud.gen.ts';
import type { KubeClient } from '../kube/client.ts';
import { configMaps, type ConfigMap } from '../kube/objects.ts';
import { fieldManager, metadataFor } from './host-object.ts';
import type { Ledger, LedgerEntry } from './jobs.ts';

export const ledgerName = (overcloud: string): string => `${overcloud}-jobs`;

/** What cannot be read counts as not done. */
export function readLedger(configMap: ConfigMap | undefined): Ledger {
  const entries = Object.entries(configMap?.data ?? {}).flatMap(([key, text]) => {
    const entry = parseEntry(text);
    return entry === undefined ? [] : [[key, entry] as const];
  });
  return new Map(entries);
}

/** Entries that are not in `before`, or other than there. */
export const newEntries = (before: Ledger, after: Ledger): Ledger =>
  new Map([...after].filter(([key, entry]) => canonicalJson(before.get(key)) !== canonicalJson(entry)));

/** Adds `entries` to what the ledger holds now. Read live: what is lost here would be run again. */
export async function recordJobs(
  client: KubeClient,
  overcloud: Overcloud,
  entries: Ledger,
  signal: AbortSignal,
): Promise<void> {
  if (entries.size === 0) return;
  const name = ledgerName(overcloud.metadata.name);
  const { namespace } = overcloud.metadata;
  const present = readLedger(await client.get(configMaps, { namespace, name }, signal));
  const data = Object.fromEntries(
    [...present, ...entries].map(([key, entry]) => [key, canonicalJson(entry)]),
  );
  const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadataFor(overcloud, name), data };
  await client.apply(configMaps, manifest, fieldManager, signal);
}

function parseEntry(text: string): LedgerEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('hash' in value)) return undefined;
  const { hash, host, exitCode, finishedAt, revision } = value as Partial<LedgerEntry>;
  return {
    hash: String(hash),
    host: host ?? '',
    exitCode: exitCode ?? 0,
    finishedAt: finishedAt ?? '',
    revision: revision ?? 0,
  };
}
