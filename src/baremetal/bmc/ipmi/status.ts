// The numbers by which BMCs say no, in words.

/** IPMI v2.0 rev 1.1 section 13.24. */
const statusWords: Readonly<Record<number, string>> = {
  0x01: 'it has no session free',
  0x02: 'invalid session ID',
  0x03: 'invalid payload type',
  0x04: 'invalid authentication algorithm',
  0x05: 'invalid integrity algorithm',
  0x06: 'no matching authentication payload',
  0x07: 'no matching integrity payload',
  0x08: 'inactive session ID',
  0x09: 'invalid role',
  0x0a: 'unauthorized role or privilege level',
  0x0b: 'it has no session free for this role',
  0x0c: 'invalid name length',
  0x0d: 'unauthorized name',
  0x0e: 'unauthorized GUID',
  0x0f: 'invalid integrity check value',
  0x10: 'invalid confidentiality algorithm',
  0x11: 'no cipher suite match',
  0x12: 'illegal or unrecognized parameter',
};

/**
 * What a login's refusal means for what to do: `suite` and `role` try the next cipher suite (a BMC may allow administrators
 * some and not others), `restart` begins again.
 */
export type LoginRefusal = 'suite' | 'role' | 'busy' | 'user' | 'restart' | 'other';

const refusals: readonly (readonly [LoginRefusal, readonly number[]])[] = [
  ['suite', [0x04, 0x05, 0x06, 0x07, 0x10, 0x11, 0x12]],
  ['role', [0x09, 0x0a]],
  ['busy', [0x01, 0x0b]],
  ['user', [0x0c, 0x0d]],
  ['restart', [0x02, 0x08]],
];

export const refusalOf = (status: number): LoginRefusal =>
  refusals.find(([, statuses]) => statuses.includes(status))?.[0] ?? 'other';

const hex = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`;

export const statusText = (status: number): string =>
  `RMCP+ status ${hex(status)}${suffix(statusWords[status])}`;

/** Completion codes (section 5.2, table 5-2). */
const completionWords: Readonly<Record<number, string>> = {
  0xc0: 'node busy',
  0xc1: 'invalid command',
  0xc2: 'command invalid for this LUN',
  0xc3: 'timeout while processing',
  0xc4: 'out of space',
  0xc7: 'request data length invalid',
  0xc9: 'parameter out of range',
  0xcb: 'not present',
  0xcc: 'invalid data field',
  0xce: 'response could not be provided',
  0xd1: 'in firmware update mode',
  0xd2: 'BMC initialization in progress',
  0xd3: 'destination unavailable',
  0xd4: 'insufficient privilege',
  0xd5: 'not supported in the present state',
  0xd6: 'command disabled',
  0xff: 'unspecified error',
};

export const completionText = (completion: number): string =>
  `completion code ${hex(completion)}${suffix(completionWords[completion])}`;

/** Those that pass. */
export const isBusy = (completion: number): boolean => [0xc0, 0xc3, 0xc4, 0xd1, 0xd2].includes(completion);

/** "Cannot execute duplicated request": the first copy is still being worked on, and its answer is yet to come. */
export const duplicated = 0xcf;
export const wrongState = 0xd5;

const suffix = (words: string | undefined): string => (words === undefined ? '' : ` (${words})`);
