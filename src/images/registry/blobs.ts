// Blobs of a registry: read from an offset on, small ones whole and verified, looked for.
import { terminal, type OperatorError } from '../../kernel/errors.ts';
import { digestOf } from './digest.ts';
import type { Registry, RegistryAccess } from './port.ts';
import { blobPath, nameOf, pullOf } from './reference.ts';
import { refusal, refused } from './refusal.ts';
import type { RegistrySession } from './session.ts';
import { headerOf, type RegistryResponse } from './exchange.ts';

/** Configurations and signatures are kilobytes; a manifest, which holds as much, has the same bound. */
const largestSmallBlob = 4 * 1024 * 1024;

export function createBlobs(
  access: RegistryAccess,
  session: RegistrySession,
): Pick<Registry, 'smallBlob' | 'readBlob' | 'hasBlob'> {
  const readBlob: Registry['readBlob'] = async (repository, blob, from, signal) => {
    if (from >= blob.size) return nothing();
    const name = nameOf(access, repository, blob.digest);
    const response = await session.ask(
      {
        method: 'GET',
        target: blobPath(repository, blob.digest),
        headers: from === 0 ? {} : { range: `bytes=${from}-` },
        scopes: [pullOf(repository)],
        patience: 'silence',
      },
      signal,
    );
    if (response.status === 404) {
      await response.discard();
      throw terminal(
        'ImageNotFound',
        `${name} is not in registry ${access.host}: push its image there again`,
      );
    }
    const start = startOf(response, from);
    if (start === undefined) throw refusal(access, await session.heard(response), name);
    const announced = headerOf(response.headers, 'content-length');
    if (announced !== undefined && start + Number(announced) !== blob.size) {
      await response.discard();
      throw damaged(access, name, `of ${start + Number(announced)} bytes instead of ${blob.size}`);
    }
    return exactly(response.stream(), { start, from, size: blob.size }, (what) =>
      damaged(access, name, what),
    );
  };

  return {
    readBlob,
    async smallBlob(repository, blob, signal) {
      const name = nameOf(access, repository, blob.digest);
      if (blob.size > largestSmallBlob) {
        throw refused(
          access,
          `has ${name} with ${blob.size} bytes, more than such a thing has: is it an image's?`,
        );
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of await readBlob(repository, blob, 0, signal)) chunks.push(chunk);
      const content = Buffer.concat(chunks);
      const digest = digestOf(content, blob.digest);
      if (digest !== blob.digest) throw damaged(access, name, `of digest ${digest}`);
      return content;
    },
    async hasBlob(repository, digest, signal) {
      const target = blobPath(repository, digest);
      const response = await session.ask({ method: 'HEAD', target, scopes: [pullOf(repository)] }, signal);
      if (response.status !== 200 && response.status !== 404) {
        throw refusal(access, await session.heard(response), nameOf(access, repository, digest));
      }
      await response.discard();
      return response.status === 200;
    },
  };
}

/** The offset at which the body starts; undefined for no answer to what was asked (RFC 9110, 14.4, 15.3.7). */
function startOf({ status, headers }: RegistryResponse, from: number): number | undefined {
  // Range is a wish: 200 comes with all of it.
  if (status === 200) return 0;
  const range = /^bytes (\d+)-/.exec(headerOf(headers, 'content-range') ?? '');
  return status === 206 && Number(range?.[1]) === from ? from : undefined;
}

/** What comes from `from` on, of a body that begins at `start`; a blob that is longer or shorter than `size` is another. */
async function* exactly(
  body: AsyncIterable<Uint8Array>,
  { start, from, size }: { readonly start: number; readonly from: number; readonly size: number },
  wrong: (what: string) => OperatorError,
): AsyncGenerator<Uint8Array> {
  let at = start;
  for await (const chunk of body) {
    const begin = at;
    at += chunk.length;
    if (at > size) throw wrong(`of more than ${size} bytes`);
    if (at > from) yield begin >= from ? chunk : chunk.subarray(from - begin);
  }
  if (at < size) throw wrong(`of ${at} bytes instead of ${size}`);
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // An iteration of no pieces.
}

const damaged = ({ host }: RegistryAccess, name: string, what: string): OperatorError =>
  terminal(
    'DigestMismatch',
    `what registry ${host} sends as ${name} is ${what}: something between here and there changes it, or its storage is damaged`,
  );
