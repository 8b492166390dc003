// What a registry says with a status that was not hoped for, in its own words and in ours.
import { terminal, transient, type OperatorError } from '../../kernel/errors.ts';
import { listOf, recordOf } from './document.ts';
import type { RegistryAccess } from './port.ts';

/** A registry's own words, as far as they are shown. */
const mostWords = 200;

/** The body of an error (distribution-spec, "Error Codes"). */
export interface Said {
  readonly status: number;
  /** Codes, messages and details on one line; empty where there are none. */
  readonly words: string;
  readonly codes: readonly string[];
  /** It has no room. */
  readonly full: boolean;
}

/**
 * A body in another form says nothing. What holds one of `secrets` is not shown, however it is spelled there: a proxy may send a
 * request back as it was.
 */
export function parseRefusal(status: number, body: string, secrets: readonly string[]): Said {
  const { errors, strings } = read(body);
  const words = errors
    .map(({ code, message, detail }) => [code, message, detail].map(textOf).filter(Boolean).join(' '))
    .join('; ')
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim();
  return {
    status,
    words: holdsSecret([body, words, ...strings], secrets) ? '' : words,
    codes: errors.map(({ code }) => textOf(code)),
    full: isFull(status, words),
  };
}

/** Of a quoted request each may stand there as it is, as JSON has it, or as a URL has it. */
const holdsSecret = (texts: readonly string[], secrets: readonly string[]): boolean =>
  secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret.toWellFormed()),
    ])
    .some((spelled) => texts.some((text) => text.includes(spelled)));

interface RegistryError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly detail?: unknown;
}

/** `strings`: all that JSON spells out in any way, names of fields too. */
function read(body: string): {
  readonly errors: readonly RegistryError[];
  readonly strings: readonly string[];
} {
  const strings: string[] = [];
  try {
    const { errors } = recordOf(
      JSON.parse(body, (name, value: unknown) => {
        strings.push(name, ...(typeof value === 'string' ? [value] : []));
        return value;
      }),
    );
    return { errors: listOf(errors).slice(0, 10).map(recordOf), strings };
  } catch {
    // An HTML page of a proxy, mostly.
    return { errors: [], strings: [] };
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

/**
 * The refusal as an error; `what` is the request or the image, `right` what the login must allow. Transient
 * RegistryUnreachable, RegistryFailed and RegistryFull, terminal RegistryAuthFailed and RegistryRefused.
 */
export function refusal(
  access: RegistryAccess,
  said: Said,
  what: string,
  right: 'pull' | 'push' = 'pull',
): OperatorError {
  const { status } = said;
  const answer = `(${wordsOf(said)})`;
  if (right === 'push' && said.full) {
    return transient(
      'RegistryFull',
      `registry ${access.host} has no room for ${what} ${answer}: make room, raise its quota, or collect its garbage`,
    );
  }
  if (status === 401 || status === 403) return loginRefusal(access, what, answer, right);
  if (status === 429) {
    return transient(
      'RegistryThrottled',
      `registry ${access.host} keeps answering 429 (too many requests) to ${what}: wait, or raise its limit`,
    );
  }
  if (status >= 500) {
    // A 500 speaks of what was asked for: a file that its storage lost, say. What stands before it says 502, 503 and 504.
    const reason = status === 500 ? 'RegistryFailed' : 'RegistryUnreachable';
    return transient(reason, `registry ${access.host} fails on ${what} ${answer}: look at its log`);
  }
  if (status === 413) {
    return refused(
      access,
      `takes nothing as large as ${what} ${answer}: raise the limit of the proxy before it`,
    );
  }
  return refused(
    access,
    `answers ${status} to ${what}${quoted(said)}: check that it is a registry (OCI distribution, API version 2)`,
  );
}

/** `404: NAME_UNKNOWN …`, or the status alone. */
export const wordsOf = (said: Said): string => `${said.status}${quoted(said)}`;

function quoted({ words }: Said): string {
  if (words === '') return '';
  return `: ${words.length <= mostWords ? words : `${words.slice(0, mostWords).toWellFormed()}…`}`;
}

/** It answers, but not as a registry should. */
export const refused = (access: RegistryAccess, message: string): OperatorError =>
  terminal('RegistryRefused', `registry ${access.host} ${message}`);

function loginRefusal(
  { host, credentials }: RegistryAccess,
  what: string,
  answer: string,
  right: 'pull' | 'push',
): OperatorError {
  // No user name: that comes from a Secret, and with some registries it is the token itself.
  const who =
    credentials === undefined
      ? `without a login ${answer}: name a Secret in credentialsName whose user may ${right}`
      : `with the login of credentialsName ${answer}: check the Secret that it names, and that its user may ${right}`;
  return terminal('RegistryAuthFailed', `registry ${host} refuses ${what} ${who}`);
}

/**
 * 507 (RFC 4918, 11.5), or an error of any status whose words say so: the distribution project's registry answers 500 with what the file
 * system said, or 28 for ENOSPC (registry/storage/driver/storagedriver.go); Harbor and Quay name the quota.
 */
const isFull = (status: number, words: string): boolean =>
  status === 507 ||
  (status !== 429 &&
    /no space left|"Err":28\b|quota|insufficient storage|exceeds? the (configured )?(upper |storage )?limit/i.test(
      words,
    ));
