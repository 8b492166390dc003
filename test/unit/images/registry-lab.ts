// Fake registries and clients for one test file, with a clock on which waiting takes no time; all is closed after each test.
import { createAddressGuard } from '../../../src/images/registry/address.ts';
import { createRegistryClient } from '../../../src/images/registry/client.ts';
import type { BlobReader, Registry, RegistryAccess } from '../../../src/images/registry/port.ts';
import { systemClock, type Clock } from '../../../src/kernel/clock.ts';
import type { OperatorError } from '../../../src/kernel/errors.ts';
import {
  digestOf,
  startFakeRegistry,
  type FakeRegistry,
  type FakeRegistryOptions,
} from '../../fakes/registry.ts';

export const repository = 'rhosp12/openstack-nova-api';
export const login = { username: 'lab', password: 'not-a-secret' };
export const never = new AbortController().signal;

export interface RegistryLab {
  readonly clock: Clock;
  readonly fake: (options?: FakeRegistryOptions) => Promise<FakeRegistry>;
  /** Plain HTTP is allowed unless `access` says otherwise. */
  readonly clientOf: (host: string, access?: Partial<RegistryAccess>, timeoutMs?: number) => Registry;
  /** Milliseconds that somebody would have waited, one by one. */
  readonly waits: () => readonly number[];
  readonly pass: (ms: number) => void;
}

const guard = createAddressGuard({ allowLocal: true });

/** To be called within a `describe`. */
export function registryLab(): RegistryLab {
  let closing: (() => Promise<void>)[] = [];
  let waits: number[] = [];
  let elapsed = 0;
  const clock: Clock = {
    ...systemClock,
    monotonic: () => elapsed,
    sleep: (ms) => {
      waits.push(ms);
      elapsed += ms;
      return Promise.resolve();
    },
  };

  beforeEach(() => {
    waits = [];
    elapsed = 0;
  });
  afterEach(async () => {
    await Promise.all(closing.map((close) => close()));
    closing = [];
  });

  return {
    clock,
    fake: async (options) => {
      const registry = await startFakeRegistry(options);
      closing.push(() => registry.close());
      return registry;
    },
    clientOf: (host, access = {}, timeoutMs = 5_000) => {
      const deps = { clock, random: () => 0, timeoutMs, guard };
      const client = createRegistryClient({ host, insecure: true, ...access }, deps);
      closing.push(() => client.close());
      return client;
    },
    waits: () => waits,
    pass: (ms) => void (elapsed += ms),
  };
}

/** All bytes of what `readBlob` yields. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** A blob's content that differs from place to place. */
export const noise = (bytes: number, seed = 1): Buffer => {
  const content = Buffer.alloc(bytes);
  let value = seed;
  for (let at = 0; at < bytes; at += 1) {
    value = (value * 1_103_515_245 + 12_345) & 0x7fffffff;
    content[at] = value >> 16;
  }
  return content;
};

const sampleContent = noise(300_000);
/** A blob for uploads. */
export const sample = {
  content: sampleContent,
  blob: { digest: digestOf(sampleContent), size: sampleContent.length },
};

interface Source {
  readonly read: BlobReader;
  /** At which it was asked to begin. */
  readonly offsets: readonly number[];
}

/** Reads from memory, and keeps the offsets at which it was asked to begin. */
export function memory(bytes: Buffer = sample.content): Source {
  const offsets: number[] = [];
  const read: BlobReader = (from) => {
    offsets.push(from);
    return Promise.resolve(pieces(bytes, from));
  };
  return { read, offsets };
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* pieces(bytes: Buffer, from: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
}

/** The first time it yields what is given and then nothing until it is told to stop; after that as `memory`. */
export function stuck(first: Buffer): Source & { readonly ended: () => number } {
  const { read: readAll, offsets } = memory();
  let ended = 0;
  const read: BlobReader = async (from, signal) => {
    const all = await readAll(from, signal);
    if (offsets.length > 1) return all;
    return (async function* () {
      yield* pieces(first, from);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      ended += 1;
    })();
  };
  return { read, offsets, ended: () => ended };
}

/** What a promise rejects with; fails the test when it does not. */
export async function failure(promise: Promise<unknown>): Promise<OperatorError> {
  try {
    await promise;
  } catch (error) {
    return error as OperatorError;
  }
  throw new Error('it succeeded');
}
