// Network errors put into words: what could not be reached, why, and what to do.
import { messageOf, OperatorError, terminal, transient } from '../../kernel/errors.ts';
import type { RegistryAccess } from './port.ts';
import { leastRate } from './watchdog.ts';

/** Transient RegistryUnreachable or terminal RegistryCertificateInvalid; an OperatorError as it is. */
export function networkError(thrown: unknown, access: RegistryAccess, url: URL): OperatorError {
  if (thrown instanceof OperatorError) return thrown;
  const code = codeOf(thrown);
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code)) {
    return terminal(
      'RegistryCertificateInvalid',
      `${serverOf(access, url)} shows a certificate that is not trusted (${code}): name a ConfigMap with its CA in caName, or set insecure: true`,
      thrown,
    );
  }
  if (/^ERR_SSL_|^EPROTO$/.test(code)) {
    return terminal(
      'RegistryCertificateInvalid',
      `${serverOf(access, url)} does not speak TLS as it should (${code}): if it is meant to speak plain HTTP set insecure: true`,
      thrown,
    );
  }
  return unreachable(
    access,
    url,
    code === 'UND_ERR_CONNECT_TIMEOUT' ? 'no connection in time' : code || messageOf(thrown),
    thrown,
  );
}

export const lateAnswer = (access: RegistryAccess, url: URL, ms: number): OperatorError =>
  unreachable(access, url, `no answer in ${ms / 1000} s`);

/** The cause of all that `slowLine` yields. */
const slowness = new Error('bytes come too slowly');

export const slowLine = (access: RegistryAccess, url: URL, bytesPerSecond: number): OperatorError =>
  transient(
    'RegistryUnreachable',
    `${serverOf(access, url)} moved only ${bytesPerSecond} bytes a second for minutes at ${url.origin}, and ${leastRate} is the least: look at what keeps it busy, and at the way to it`,
    slowness,
  );

/** True for what `slowLine` yields: bytes that came so are no progress. */
export const isSlowLine = (thrown: unknown): boolean =>
  thrown instanceof OperatorError && thrown.cause === slowness;

/** Node's and undici's errors carry a code, at times only in one of the errors that they are made of. */
export function codeOf(thrown: unknown): string {
  const { code, cause } = thrown as { readonly code?: unknown; readonly cause?: unknown };
  if (typeof code === 'string') return code;
  return cause instanceof Error ? codeOf(cause) : '';
}

const unreachable = (access: RegistryAccess, url: URL, cause: string, thrown?: unknown): OperatorError =>
  transient(
    'RegistryUnreachable',
    `${serverOf(access, url)} cannot be reached at ${url.origin}: ${cause}; check its address, that it runs, and the way to it`,
    thrown,
  );

const serverOf = ({ host }: RegistryAccess, url: URL): string =>
  url.host === host ? `registry ${host}` : `${url.host} (for registry ${host})`;
