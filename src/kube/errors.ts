// What the API server's refusals mean: its Status objects as our errors, with its sentence and never a body or a header.
import { isAbort, OperatorError, terminal, transient } from '../kernel/errors.ts';

const longestMessage = 600;

/** metav1.Status, as far as we read it. */
export interface ApiStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string }[] };
}

/** `what`: the request in words, as `apply Host lab/lab-ctrl0`. */
export function errorOf(what: string, code: number, status: ApiStatus): OperatorError {
  const text = `cannot ${what}: ${sentence(status.message) ?? `the API server answers HTTP ${code}`}`;
  switch (code) {
    case 401:
      return transient('Unauthorized', text);
    case 403: {
      const terminating =
        status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false;
      return terminal(terminating ? 'NamespaceTerminating' : 'Forbidden', text);
    }
    case 404:
      // Only the API server says that an object is gone. Whoever answers without that (a proxy, or the API server for a kind
      // that is not installed) must not make anybody believe it.
      return status.reason === 'NotFound'
        ? transient('NotFound', text)
        : transient('Unavailable', `${text}: is its kind installed there (kubectl apply -k crds)?`);
    case 409:
      return transient(status.reason === 'AlreadyExists' ? 'AlreadyExists' : 'Conflict', text);
    case 410:
      return transient('Expired', text);
    case 429:
      return transient('Throttled', text);
    default:
      return isOurFault(code, status) ? terminal('Invalid', text) : transient('Unavailable', text);
  }
}

/** A request that got no answer. What our own side aborted is passed on as it is. */
export function connectionError(what: string, server: string, thrown: unknown): Error {
  if (isAbort(thrown) || thrown instanceof OperatorError) return thrown as Error;
  return transient('Unavailable', `cannot ${what}: no answer from ${server}: ${causeOf(thrown)}`, thrown);
}

/** Server-side apply answers 500, not 422, to an object that its schema does not allow. */
function isOurFault(code: number, status: ApiStatus): boolean {
  const notOfItsSchema = status.message?.includes('failed to create typed patch object') ?? false;
  return (code >= 400 && code < 500) || notOfItsSchema;
}

/** The innermost cause says most: `fetch failed` says nothing. */
function causeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.cause !== undefined) return causeOf(thrown.cause);
  const { code } = thrown as { readonly code?: unknown };
  return thrown.message || (typeof code === 'string' ? code : thrown.name);
}

function sentence(message: string | undefined): string | undefined {
  const line = message?.replaceAll(/\s+/g, ' ').trim();
  if (line === undefined || line === '') return undefined;
  return line.length > longestMessage ? `${line.slice(0, longestMessage - 1).toWellFormed()}…` : line;
}
