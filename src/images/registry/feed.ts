// A blob's bytes on their way into an upload: hashed as they pass, counted, and ended when nobody wants them any more.
import { createHash } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { asOperatorError, terminal, type OperatorError } from '../../kernel/errors.ts';
import type { BlobReader, Descriptor } from './port.ts';
import { algorithmOf } from './reference.ts';
import { createSource } from './source.ts';

export interface Feed {
  /**
   * Runs `send` with a body: the bytes from `offset` on. Reading ends when `send` does. Throws what `send` throws, or what ended the
   * body, where the source did that.
   */
  into<T>(
    offset: number,
    signal: AbortSignal,
    send: (body: AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T>;
  /** True when the source made `into` fail. */
  failed(): boolean;
  /** So many bytes from the start have been handed on at least once. */
  passed(): number;
  /** All is read again from the start. */
  restart(): void;
  /** What is wrong with the bytes that passed, once all of them have. */
  mismatch(): OperatorError | undefined;
}

interface FeedDeps {
  /** Of the blob at its destination, for messages. */
  readonly name: string;
  readonly blob: Descriptor;
  readonly read: BlobReader;
  /** Hears of each new piece: what is sent again is not counted again. */
  readonly onBytes: (bytes: number) => void;
  readonly clock: Clock;
  readonly random: () => number;
}

export function createFeed({ name, blob, read, onBytes, clock, random }: FeedDeps): Feed {
  const source = createSource({ name, size: blob.size, read, clock, random });
  const tally = createTally(blob, onBytes);
  let failure: unknown;
  /** The source has more than there should be. */
  let excess = false;

  /** Notes what ends it: HTTP clients put an error of their own in its place. */
  async function* body(offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let at = offset;
    try {
      for await (const chunk of source(offset, signal)) {
        // Whoever wanted it has gone on without us.
        signal.throwIfAborted();
        // A chunk that breaks off leaves something in some registries for good: what is too much ends as what is wrong.
        const piece = chunk.subarray(0, blob.size - at);
        if (piece.length < chunk.length) excess = true;
        tally.take(piece, at);
        at += piece.length;
        if (piece.length > 0) yield piece;
        tally.tell(at);
        if (excess) return;
      }
    } catch (thrown) {
      if (!signal.aborted) failure = thrown;
      throw thrown;
    }
  }

  return {
    async into(offset, signal, send) {
      signal.throwIfAborted();
      const inner = new AbortController();
      const onAbort = () => inner.abort(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        return await send(body(offset, inner.signal));
      } catch (thrown) {
        signal.throwIfAborted();
        throw failure === undefined ? thrown : asOperatorError(failure);
      } finally {
        signal.removeEventListener('abort', onAbort);
        inner.abort(new Error('nobody wants the rest'));
      }
    },
    failed: () => failure !== undefined,
    passed: tally.passed,
    restart() {
      tally.restart();
      excess = false;
    },
    mismatch() {
      if (excess) return sourceLies(name, `more than ${blob.size} bytes`);
      const digest = tally.digest();
      return digest === blob.digest ? undefined : sourceLies(name, `bytes of digest ${digest}`);
    },
  };
}

/** Hashes and counts each byte once, though some pass twice. */
function createTally({ digest }: Descriptor, onBytes: (bytes: number) => void) {
  const algorithm = algorithmOf(digest);
  let hash = createHash(algorithm);
  let hashed = 0;
  let told = 0;
  return {
    take(piece: Uint8Array, at: number): void {
      const end = at + piece.length;
      if (end <= hashed) return;
      hash.update(at >= hashed ? piece : piece.subarray(hashed - at));
      hashed = end;
    },
    tell(end: number): void {
      if (end <= told) return;
      onBytes(end - told);
      told = end;
    },
    /** So many bytes from the start are in the hash. */
    passed: () => hashed,
    restart(): void {
      hash = createHash(algorithm);
      hashed = 0;
    },
    digest: () => `${algorithm}:${hash.copy().digest('hex')}`,
  };
}

const sourceLies = (name: string, what: string): OperatorError =>
  terminal(
    'DigestMismatch',
    `the source of ${name} sends ${what} for it: its storage is damaged, or something between there and here changes it; nothing was kept`,
  );
