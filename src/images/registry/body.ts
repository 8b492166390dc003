// Bodies on their way, in both directions, under a watchdog's eyes.
import type { OperatorError } from '../../kernel/errors.ts';
import type { RegistryAccess } from './port.ts';
import { refused } from './refusal.ts';
import { commitFactor, type Watchdog } from './watchdog.ts';

/** What can be done with a response's body: one of these, once. */
export interface Readers {
  /** All of it. Throws as Transport.send does, and terminal RegistryRefused for more than `mostBytes`. */
  read(mostBytes: number): Promise<Uint8Array>;
  /** Piece by piece, as fast as they are taken. Throws as Transport.send does. */
  stream(): AsyncIterable<Uint8Array>;
  /** Lets go of it, so that the connection can be used again. */
  discard(): Promise<void>;
}

/** A request's body. The other side's time runs from when a piece was handed over until the next one is asked for. */
export async function* watched(
  body: AsyncIterable<Uint8Array>,
  dog: Watchdog,
  timeoutMs: number,
): AsyncGenerator<Uint8Array> {
  dog.rest();
  for await (const chunk of body) {
    dog.wait(timeoutMs);
    yield chunk;
    dog.rest(chunk.length);
  }
  dog.wait(timeoutMs * commitFactor);
}

export function readers({
  body,
  dog,
  access,
  waitMs,
  inWords,
}: {
  readonly body: AsyncIterable<Uint8Array> & { dump(): Promise<void> };
  readonly dog: Watchdog;
  readonly access: RegistryAccess;
  /** Between two pieces; undefined where the deadline is for all of them. */
  readonly waitMs: number | undefined;
  readonly inWords: (thrown: unknown) => OperatorError;
}): Readers {
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      if (waitMs !== undefined) dog.wait(waitMs);
      for await (const chunk of body) {
        if (waitMs !== undefined) dog.rest(chunk.length);
        yield chunk;
        if (waitMs !== undefined) dog.wait(waitMs);
      }
    } catch (thrown) {
      throw inWords(thrown);
    } finally {
      dog.end();
    }
  }
  return {
    stream,
    async read(mostBytes) {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of stream()) {
        bytes += chunk.length;
        if (bytes > mostBytes) {
          throw refused(access, `answers with more than ${mostBytes} bytes: is it a registry?`);
        }
        chunks.push(chunk);
      }
      return Buffer.concat(chunks, bytes);
    },
    async discard() {
      try {
        await body.dump();
      } catch (thrown) {
        throw inWords(thrown);
      } finally {
        dog.end();
      }
    },
  };
}
