// HTTP as a simulated machine speaks it: from its own address, and without looking at certificates (ipa-insecure=1).
import { createHash } from 'node:crypto';
import { Agent, request } from 'undici';

export interface WebAnswer {
  readonly status: number;
  readonly text: string;
}

export interface MachineWeb {
  /** Throws when nobody answers, and when `signal` aborts. */
  call(
    method: 'GET' | 'POST',
    url: string,
    options: {
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly signal: AbortSignal;
    },
  ): Promise<WebAnswer>;
  /** Without keeping it. */
  download(
    url: string,
    algorithm: string,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly bytes: number; readonly digest: string }>;
  /** What stands between `begin` and `end` of a body, read no further than that; undefined: it has it not. */
  find(
    url: string,
    begin: string,
    length: number,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string | undefined }>;
  close(): Promise<void>;
}

export function createMachineWeb(address: string): MachineWeb {
  const dispatcher = new Agent({ localAddress: address, connect: { rejectUnauthorized: false } });
  return {
    async call(method, url, { body, headers = {}, signal }) {
      const reply = await request(url, {
        method,
        dispatcher,
        signal,
        headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
        body: body === undefined ? null : JSON.stringify(body),
      });
      return { status: reply.statusCode, text: await reply.body.text() };
    },
    async download(url, algorithm, signal) {
      const reply = await request(url, { dispatcher, signal });
      const hash = createHash(algorithm);
      let bytes = 0;
      for await (const chunk of reply.body as AsyncIterable<Buffer>) {
        hash.update(chunk);
        bytes += chunk.length;
      }
      return { status: reply.statusCode, bytes, digest: hash.digest('hex') };
    },
    async find(url, begin, length, signal) {
      const reply = await request(url, { dispatcher, signal });
      const status = reply.statusCode;
      let held = '';
      for await (const chunk of reply.body as AsyncIterable<Buffer>) {
        held += chunk.toString('latin1');
        const at = held.indexOf(begin);
        if (at >= 0 && held.length >= at + length) return { status, text: held.slice(at, at + length) };
        // What cannot be the beginning any more is forgotten: an ISO has hundreds of megabytes.
        if (at < 0) held = held.slice(-begin.length);
      }
      return { status, text: undefined };
    },
    close: () => dispatcher.destroy(),
  };
}
