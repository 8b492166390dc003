// How a machine's kernel arguments reach the boot medium: the region of the ISO that is replaced, and the URL that carries them.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { terminal } from '../kernel/errors.ts';

/**
 * The file of the ISO that its boot loader sources, `undercloud.cfg`: 4,096 bytes that begin with the marker. The media server
 * replaces it by one of the same length that sets the arguments (hack/agent-ramdisk makes the ISO).
 */
export const argumentRegion = { marker: '#undercloud-boot-arguments\n', length: 4096 } as const;

/** COMMAND_LINE_SIZE of x86 (arch/x86/include/asm/setup.h), with the zero byte at its end. */
const longestLine = 2047;
/**
 * What the text is compressed against, most frequent last (RFC 1951 has no dictionary of its own; zlib.h, deflateSetDictionary).
 * A URL names the version: a new dictionary is a new version beside this one, never a change to it.
 */
const version = '1';
const dictionary = Buffer.from(
  'BOOTIF=01-52-54-00- systemd.journald.forward_to_console=yes nofb nomodeset vga=normal selinux=0 console=tty0 ' +
    'console=ttyS1,115200n8 console=ttyS0,115200n8 ipa-debug=1 ipa-collect-lldp=1 ipa-inspection-collectors=default,logs ' +
    'undercloud.network=52:54:00:,10.0.0.,172.16.0.,192.168.0./24, undercloud.ca=sha256: ' +
    'ipa-insecure=1 ipa-inspection-collectors=default ipa-api-url=https://172.16.0.1:6385 ipa-api-url=https://10.0.0.1:6385 ',
);

/**
 * Undefined when `text` can stand as it is in a line of an iPXE script (core/exec.c of iPXE: tokens end at white space, and nothing
 * is quoted) and between GRUB's double quotes (GRUB manual, "Quoting"), else what is wrong with it.
 */
export function argumentsProblem(text: string): string | undefined {
  if (text.length > longestLine) {
    return `they have ${text.length} characters, the kernel takes ${longestLine}: shorten them`;
  }
  const strange = /[^ -~]|["'`\\$]/.exec(text)?.[0];
  if (strange !== undefined) {
    return `they have the character ${JSON.stringify(strange)}, which boot loaders would take for their own: leave it out`;
  }
  const word = text.split(' ').find((item) => item.startsWith('#') || ['||', '&&', ';'].includes(item));
  return word === undefined
    ? undefined
    : `they have the word ${word}, which iPXE would take for its own: leave it out`;
}

/**
 * Kernel arguments as one segment of a path: base64url of the deflated text after the dictionary's version. Throws terminal
 * UnusableArguments when they cannot be given to a boot loader.
 */
export function encodeArguments(text: string): string {
  const problem = argumentsProblem(text);
  if (problem !== undefined)
    throw terminal('UnusableArguments', `kernel arguments cannot be used: ${problem}`);
  return `${version}${deflateRawSync(text, { dictionary, level: 9 }).toString('base64url')}`;
}

/** What `encodeArguments` made; undefined for anything that it cannot have made. */
export function decodeArguments(segment: string): string | undefined {
  if (!segment.startsWith(version) || !/^[A-Za-z0-9_-]+$/.test(segment)) return undefined;
  const text = inflate(Buffer.from(segment.slice(version.length), 'base64url'));
  return text === undefined || argumentsProblem(text) !== undefined ? undefined : text;
}

function inflate(bytes: Buffer): string | undefined {
  try {
    return inflateRawSync(bytes, { dictionary, maxOutputLength: longestLine }).toString('latin1');
  } catch {
    return undefined; // Not deflated, or too long: to the caller one and the same.
  }
}

/** The bytes that replace the region. `text` is one that `argumentsProblem` has nothing against. */
export function argumentBytes(text: string): Buffer {
  const script = `${argumentRegion.marker}set undercloud_args="${text}"\n`;
  const padding = `${'#'.repeat(63)}\n`.repeat(argumentRegion.length / 64);
  return Buffer.from(`${script}${padding}`.slice(0, argumentRegion.length), 'latin1');
}

/** Where the media server has `iso` with these arguments in it, relative to the directory in which it has the ISO itself. */
export const mediaPath = (iso: string, text: string): string => `media/${encodeArguments(text)}/${iso}`;
