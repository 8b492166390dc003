// Reads what the engine streams: container output in Docker's framing, and lines of JSON.

/** Keeps the last `limit` bytes of what it is given. */
export interface Tail {
  add(chunk: Buffer): void;
  text(): string;
}

export function createTail(limit: number): Tail {
  let chunks: Buffer[] = [];
  let size = 0;
  return {
    add(chunk) {
      chunks.push(chunk);
      size += chunk.length;
      if (size < 2 * limit) return;
      chunks = [Buffer.concat(chunks).subarray(-limit)];
      size = limit;
    },
    // A character that was cut in two at the front is dropped.
    text: () =>
      Buffer.concat(chunks)
        .subarray(-limit)
        .toString('utf8')
        .replace(/^\uFFFD+/, ''),
  };
}

const headerLength = 8;

/**
 * Takes stdout and stderr out of Docker's frames (a byte for the stream, three of nothing, four for the
 * length, then the content) and gives `out` the content of both, in order. What is not framed, the output of
 * a terminal, goes through as it is.
 */
export function createDemultiplexer(out: (content: Buffer) => void): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  let left = 0;
  let framed: boolean | undefined;
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      if (left === 0) {
        if (pending.length < headerLength) return;
        framed ??= pending.readUInt32BE(0) % 0x01000000 === 0 && pending.readUInt8(0) <= 2;
        left = framed ? pending.readUInt32BE(4) : Infinity;
        if (framed) pending = pending.subarray(headerLength);
      }
      if (pending.length === 0) return;
      const content = pending.subarray(0, left);
      pending = pending.subarray(content.length);
      left -= content.length;
      out(content);
    }
  };
}

/** Every line of JSON in a stream, parsed. Throws when one is longer than a megabyte. */
export async function* jsonLines(stream: NodeJS.ReadableStream): AsyncGenerator {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const text of stream) {
    const lines = (rest + text.toString()).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > 1_000_000) throw new Error('the engine sent a line without an end');
    for (const line of lines) {
      if (line.trim() !== '') yield JSON.parse(line) as unknown;
    }
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as unknown;
}
