// What people read in a Host's events: one sentence for each thing that was done, and why. Pure.
import type { Action } from '../plan/types.ts';
import type { Note } from './context.ts';

const mostFields = 3;

/** Undefined for what is not worth an event. `healing`: it had been in place before. */
export function noteOf(action: Action, healing: boolean): Note | undefined {
  const { target, reason } = action;
  switch (action.kind) {
    case 'create':
      return healing
        ? warning('ContainerRemoved', 'Create', `${target} was removed by hand; created again`)
        : normal('ContainerCreated', 'Create', `${target} created from ${action.container.spec.image}`);
    case 'start':
      return healing
        ? warning('ContainerStopped', 'Start', `${target} ${reason}; started again`)
        : normal('ContainerStarted', 'Start', `${target} ${reason}; started`);
    case 'restart':
      return normal('ContainerRestarted', 'Restart', `${target}: ${reason}; restarted`);
    case 'replace':
      return normal('ContainerReplaced', 'Replace', `${target}: ${reason}; replaced${changes(action)}`);
    case 'remove':
      return normal('ContainerDropped', 'Remove', `${target}: ${reason}; removed`);
    case 'removeFile':
      return normal('FileDropped', 'Remove', `${target}: ${reason}; removed`);
    case 'writeFile':
      return reason === 'was changed by hand'
        ? warning('FileChanged', 'Write', `${target} ${reason}; written again`)
        : undefined;
    case 'runJob':
      return normal('JobSucceeded', 'Run', `job ${target} succeeded`);
    case 'ensureDirectory':
    case 'discard':
    case 'putBack':
      return undefined;
  }
}

export function failureNote(action: Action, message: string): Note {
  switch (action.kind) {
    case 'runJob':
      return warning('JobFailed', 'Run', `job ${action.target} ${message}`);
    case 'putBack':
      return warning('ReplaceFailed', 'PutBack', `${action.target} ${message}`);
    default:
      return warning('ActionFailed', capitalised(action.kind), `${action.target} ${message}`);
  }
}

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** People know images by their tags: with both at hand, the digest is left out. */
function changes(action: Action): string {
  const tagged = action.fields.some(({ field }) => field === 'image');
  const fields = action.fields.filter(({ field }) => !tagged || field !== 'digest');
  if (fields.length === 0) return '';
  const shown = fields
    .slice(0, mostFields)
    .map(({ field, current, desired }) => `${field} ${current} → ${desired}`);
  const more = fields.length > mostFields ? `, and ${fields.length - mostFields} more` : '';
  return ` (${shown.join(', ')}${more})`;
}

const normal = (reason: string, action: string, note: string): Note => ({
  type: 'Normal',
  reason,
  action,
  note,
});
const warning = (reason: string, action: string, note: string): Note => ({
  type: 'Warning',
  reason,
  action,
  note,
});
