// Files and directories: what is missing, what differs, which running containers have to be restarted for it. Pure.
import { sha256 } from '../../api/canonical.ts';
import { isMounted } from '../manifest/paths.ts';
import type { Manifest, ManifestDirectory, ManifestFile } from '../manifest/types.ts';
import type { FileState, Ledger } from '../ports.ts';
import { isOurs } from './ours.ts';
import type { Action, Drift, FieldChange, Hold, Observation, PlanInput } from './types.ts';

/** Files come before everything of step 1. */
const place = { step: 1, startOrder: 0 } as const;
const last = { step: 5, startOrder: 0 } as const;

/** All paths whose state the plan wants to know. */
export const pathsOf = (manifest: Manifest, ledger: Ledger): readonly string[] => [
  ...new Set([
    ...manifest.directories.map(({ path }) => path),
    ...manifest.files.map(({ path }) => path),
    ...Object.keys(ledger.files).filter((path) => !path.endsWith('/')),
  ]),
];

/** In the ledger a directory's path ends in a slash, and stands for the mode and owner that it was made with. */
export const directoryKey = (directory: ManifestDirectory): string => `${directory.path}/`;
export const directoryMark = ({ mode, owner }: ManifestDirectory): string => sha256(`${mode} ${owner}`);

export interface FilePlan {
  readonly actions: readonly Action[];
  readonly removals: readonly Action[];
  readonly holds: readonly Hold[];
  readonly drift: readonly Drift[];
  readonly recorded: Readonly<Record<string, string>>;
}

export function planFiles(input: PlanInput): FilePlan {
  const { manifest, observed } = input;
  const later = (path: string) => refusedBefore(path, input);
  const directories = manifest.directories.map(
    (directory) => later(directory.path) ?? planDirectory(directory, observed),
  );
  const files = manifest.files.map((file) => later(file.path) ?? planFile(file, input));
  const all = [...directories, ...files];
  return {
    actions: all.flatMap(({ action }) => (action === undefined ? [] : [action])),
    removals: staleFiles(input),
    holds: all.flatMap(({ hold }) => (hold === undefined ? [] : [hold])),
    drift: files.flatMap(({ drift }) => (drift === undefined ? [] : [drift])),
    recorded: recordedFiles(manifest, observed),
  };
}

interface Verdict {
  readonly action?: Action;
  readonly hold?: Hold;
  readonly drift?: Drift;
}

/** What the host refused not long ago (an owner that it does not know, say) is not tried in every pass. */
function refusedBefore(path: string, { failures }: PlanInput): Verdict | undefined {
  const remembered = failures.get(path);
  if (remembered === undefined || remembered.again) return undefined;
  const { reason, message } = remembered.failure;
  return { hold: { ...place, on: 'file', target: path, reason, message, stalled: true } };
}

/**
 * A directory's owner is mended only when its spec changed: what runs in containers may give its data away on purpose (kolla's
 * `permissions`), and a link that a person put there leads to where the data is.
 */
function planDirectory(directory: ManifestDirectory, { files, ledger }: Observation): Verdict {
  const { path, mode, owner } = directory;
  const state = files.get(path);
  const action = (reason: string, fields: readonly FieldChange[]): Verdict => ({
    action: { kind: 'ensureDirectory', target: path, reason, fields, directory, ...place },
  });
  if (state === undefined || state.type === 'missing') return action('is missing', []);
  if (state.type === 'symlink') return {};
  if (state.type !== 'directory') return { hold: inTheWay(state, 'directory') };
  const settled = ledger.files[directoryKey(directory)] === directoryMark(directory);
  const fields = settled ? [] : attributeChanges(state, mode, owner);
  return fields.length === 0 ? {} : action('mode or owner changed', fields);
}

function planFile(file: ManifestFile, input: PlanInput): Verdict {
  const { path } = file;
  const { files, ledger } = input.observed;
  const state = files.get(path);
  const known = ledger.files[path];
  const drift: Drift = { kind: 'File', what: path };
  const write = (reason: string, fields: readonly FieldChange[], restarts: readonly string[]): Action => ({
    kind: 'writeFile',
    target: path,
    reason,
    fields,
    file,
    restarts,
    ...place,
  });
  if (state === undefined || state.type === 'missing') {
    const action = write('is missing', [], runningWith(file, input));
    return known === undefined ? { action } : { action, drift };
  }
  if (state.type !== 'file') return { hold: inTheWay(state, 'file') };
  if (state.sha256 !== file.sha256) {
    const byHand = known !== undefined && known !== state.sha256;
    const reason = byHand ? 'was changed by hand' : 'content changed';
    const action = write(reason, [], runningWith(file, input));
    return byHand ? { action, drift } : { action };
  }
  const fields = attributeChanges(state, file.mode, file.owner);
  return fields.length === 0 ? {} : { action: write('mode or owner changed', fields, []) };
}

/** The containers of ours that run with this file's former content, whatever their step. */
function runningWith(file: ManifestFile, { manifest, observed }: PlanInput): readonly string[] {
  if (!file.restarts) return [];
  const running = new Set(
    observed.containers
      .filter((container) => container.state === 'running' && isOurs(container, manifest.owner))
      .map(({ name }) => name),
  );
  return manifest.containers
    .filter(({ name, spec }) => running.has(name) && isMounted(file.path, spec.volumes))
    .map(({ name }) => name);
}

/** Files that we wrote and that nobody wants any more, unless somebody has made them his own since. */
function staleFiles({ manifest, observed, step }: PlanInput): readonly Action[] {
  if (step < 5) return [];
  const wanted = new Set(manifest.files.map(({ path }) => path));
  return Object.entries(observed.ledger.files)
    .filter(([path, sha]) => !wanted.has(path) && observed.files.get(path)?.sha256 === sha)
    .map(([path]) => ({
      kind: 'removeFile',
      target: path,
      reason: 'no service has it any more',
      fields: [],
      ...last,
    }));
}

/** The ledger's files as they are to be recorded before anything is done. */
function recordedFiles(manifest: Manifest, { files, ledger }: Observation): Readonly<Record<string, string>> {
  const asWanted = manifest.files.filter(({ path, sha256: wanted }) => files.get(path)?.sha256 === wanted);
  const made = manifest.directories.filter((directory) => {
    const state = files.get(directory.path);
    return (
      state?.type === 'directory' && attributeChanges(state, directory.mode, directory.owner).length === 0
    );
  });
  return {
    ...ledger.files,
    ...Object.fromEntries(asWanted.map((file) => [file.path, file.sha256])),
    ...Object.fromEntries(made.map((directory) => [directoryKey(directory), directoryMark(directory)])),
  };
}

function attributeChanges(state: FileState, mode: string, owner: string): readonly FieldChange[] {
  return [
    ...(state.mode === mode ? [] : [{ field: 'mode', current: state.mode, desired: mode }]),
    ...(isSameOwner(state.owner, owner) ? [] : [{ field: 'owner', current: state.owner, desired: owner }]),
  ];
}

/** The host names owners where it can: whether its `nova` is our `42436` cannot be told, and counts as the same. */
function isSameOwner(observed: string, wanted: string): boolean {
  const seen = observed.split(':');
  return wanted.split(':').every((part, index) => {
    const other = seen[index] ?? '';
    if (part === other || (part === '0' && other === 'root')) return true;
    return part !== '0' && isNumber(part) && !isNumber(other) && other !== 'root';
  });
}

const isNumber = (text: string): boolean => /^[0-9]+$/.test(text);

const inTheWay = (state: FileState, wanted: string): Hold => ({
  ...place,
  on: 'file',
  target: state.path,
  reason: 'PathTaken',
  message: `is no ${wanted} but something else (${state.type}): move it away`,
  stalled: true,
});
