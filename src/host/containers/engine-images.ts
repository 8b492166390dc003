// Images on the engine: what is here, pulling by digest, tagging.
import type Docker from 'dockerode';
import { terminal, transient } from '../../kernel/errors.ts';
import type { OperatorError } from '../../kernel/errors.ts';
import type { Engine, RegistryAuth } from '../ports.ts';
import { statusOf, wordsOf } from './engine-calls.ts';
import type { EngineCalls } from './engine-calls.ts';
import { jsonLines } from './engine-output.ts';

const callMs = 60_000;

/** `streams` is for the pull, whose answer stays open. */
export function createEngineImages(
  name: string,
  calls: Docker,
  streams: Docker,
  run: EngineCalls['run'],
): Pick<Engine, 'imageId' | 'pull' | 'tag'> {
  const imageId: Engine['imageId'] = (reference, signal) =>
    run(`look for image ${reference}`, signal, callMs, async () => {
      try {
        return fullImageId((await calls.getImage(reference).inspect()).Id);
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });
  return {
    imageId,
    async pull(repository, digest, auth, signal) {
      const reference = `${repository}@${digest}`;
      await run(`pull ${reference}`, signal, Infinity, async (abortSignal) => {
        try {
          await readProgress(await streams.pull(reference, { abortSignal, ...credentials(auth) }));
        } catch (error) {
          if (statusOf(error) === undefined && !(error instanceof PullFailure)) throw error;
          throw pullError(name, reference, wordsOf(error));
        }
      });
      // The engine checked the content against the digest; that it is here under that name is the proof.
      if ((await imageId(reference, signal)) !== undefined) return;
      throw transient(
        'ImagePullFailed',
        `${name}: ${reference} is not here though the pull ended without an error`,
      );
    },
    tag: (source, repository, tag, signal) =>
      run(`tag ${source}`, signal, callMs, async (abortSignal) => {
        await calls.getImage(source).tag({ repo: repository, tag, abortSignal });
      }),
  };
}

/** Docker writes `sha256:` before an image's ID, Podman 4.3 does not. */
export function fullImageId(id: string): string {
  return id.startsWith('sha256:') ? id : `sha256:${id}`;
}

function credentials(auth: RegistryAuth | undefined): object {
  return auth === undefined ? {} : { authconfig: { username: auth.username, password: auth.password } };
}

/** What the engine says in the middle of a pull. */
class PullFailure extends Error {}

/**
 * A pull may answer 200 before it begins: how it ended stands in one of the lines then (docker-modem issue
 * 146).
 */
async function readProgress(stream: NodeJS.ReadableStream): Promise<void> {
  for await (const line of jsonLines(stream)) {
    if (typeof line === 'object' && line !== null && 'error' in line && line.error !== '') {
      throw new PullFailure(String(line.error));
    }
  }
}

/** What stays as it is until somebody changes the registry, the reference or the credentials. */
const hopeless =
  /unauthorized|denied|authentication required|manifest unknown|not found|name unknown|invalid/i;

function pullError(name: string, reference: string, words: string): OperatorError {
  const message = `${name}: cannot pull ${reference}: ${words}`;
  return hopeless.test(words) ? terminal('EngineRefused', message) : transient('ImagePullFailed', message);
}
