// Reads a blob from its source to the end: where that breaks off it is read again, from there on.
import { createBackoff } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import { asOperatorError, transient } from '../../kernel/errors.ts';
import { isSlowLine } from './network-error.ts';
import type { BlobReader } from './port.ts';

/** While the source is away the connection to the destination waits. */
const mostBreaks = 5;
/** After so many bytes a break is the first again: some proxies end every connection after a minute. */
export const worthAnother = 1024 * 1024;
/** Between attempts, for sources and destinations alike. */
export const delays = { baseMs: 500, maxMs: 8_000 };

/**
 * Yields the bytes from `offset` to `size`, or more than that where the source has more. Throws what `read` throws when trying again does
 * not help, and transient RegistryUnreachable for a source that always ends early.
 */
export function createSource(deps: {
  /** Of the blob at its destination, for messages. */
  readonly name: string;
  readonly size: number;
  readonly read: BlobReader;
  readonly clock: Clock;
  readonly random: () => number;
}): (offset: number, signal: AbortSignal) => AsyncIterable<Uint8Array> {
  const { name, size, read, clock, random } = deps;
  return async function* bytes(offset, signal) {
    const backoff = createBackoff({ ...delays, random });
    let at = offset;
    let broke = offset;
    for (let breaks = 0; at < size; breaks += 1) {
      try {
        for await (const chunk of await read(at, signal)) {
          at += chunk.length;
          yield chunk;
        }
        if (at >= size) return;
        throw transient(
          'RegistryUnreachable',
          `the source of ${name} breaks off after ${at} of ${size} bytes: look at its log`,
        );
      } catch (thrown) {
        signal.throwIfAborted();
        if (at - broke >= worthAnother && !isSlowLine(thrown)) {
          breaks = 0;
          backoff.reset('');
        }
        broke = at;
        if (breaks === mostBreaks || asOperatorError(thrown).kind !== 'transient') throw thrown;
        await clock.sleep(backoff.next(''), signal);
      }
    }
  };
}
