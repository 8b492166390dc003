// Uploads blobs: opens an upload, streams into it, closes it; and goes on where the registry says it is when something breaks.
import { createBackoff } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import { OperatorError } from '../../kernel/errors.ts';
import { createFeed, type Feed } from './feed.ts';
import { isSlowLine } from './network-error.ts';
import type { Registry, RegistryAccess } from './port.ts';
import { nameOf } from './reference.ts';
import { delays, worthAnother } from './source.ts';
import type { Parcel, Upload, UploadRequests } from './upload-requests.ts';

/** A restart of the registry is over by then; whoever wants the blob tries again later anyway. */
const mostResumptions = 5;

/** One blob on its way. */
interface Passage extends Parcel {
  readonly feed: Feed;
  upload: Upload | undefined;
  /** Something broke: what the registry has of it has to be found out. */
  broken: boolean;
  /** It may be there as a whole, though we have not heard so. */
  closing: boolean;
}

interface UploadsDeps {
  readonly access: RegistryAccess;
  readonly requests: UploadRequests;
  readonly hasBlob: Registry['hasBlob'];
  readonly clock: Clock;
  readonly random: () => number;
}

export function createUploads(deps: UploadsDeps): Pick<Registry, 'uploadBlob'> {
  const { access, requests, clock, random } = deps;

  /** Undefined when the blob is there; else why it is not. */
  const attempt = async (passage: Passage): Promise<OperatorError | undefined> => {
    const { blob, feed, signal } = passage;
    if (passage.broken && (await recover(passage, deps))) return undefined;
    let upload = (passage.upload ??= await requests.open(passage));
    if (upload.offset < blob.size) {
      const before = upload;
      const sent = await feed.into(before.offset, signal, (body) => requests.append(passage, before, body));
      if ('interrupted' in sent) return sent.interrupted;
      upload = passage.upload = sent;
    }
    const wrong = feed.mismatch();
    if (wrong !== undefined) throw wrong;
    passage.closing = true;
    return (await requests.close(passage, upload))?.interrupted;
  };

  const advance = async (passage: Passage): Promise<OperatorError | undefined> => {
    try {
      return await attempt(passage);
    } catch (thrown) {
      if (passage.feed.failed() || !isUnreachable(thrown)) throw thrown;
      return thrown;
    }
  };

  const pass = async (passage: Passage): Promise<void> => {
    const backoff = createBackoff({ ...delays, random });
    let best = 0;
    for (let resumptions = 0; ; resumptions += 1) {
      const why = await advance(passage);
      if (why === undefined) return;
      const offset = passage.upload?.offset ?? 0;
      if (offset - best >= worthAnother && !isSlowLine(why)) {
        best = offset;
        resumptions = 0;
        backoff.reset('');
      }
      if (resumptions === mostResumptions) throw why;
      passage.broken = true;
      await clock.sleep(backoff.next(''), passage.signal);
    }
  };

  return {
    async uploadBlob(repository, blob, read, onBytes, signal) {
      const name = nameOf(access, repository, blob.digest);
      const feed = createFeed({ name, blob, read, onBytes, clock, random });
      const state = { upload: undefined, broken: false, closing: false };
      const passage: Passage = { repository, blob, signal, feed, ...state };
      try {
        await pass(passage);
      } catch (thrown) {
        // When we are told to stop there is no time for that.
        if (!signal.aborted) await requests.abandon(repository, passage.upload?.location);
        throw thrown;
      }
    },
  };
}

/** Finds out what the registry has. True: the blob is there after all. */
async function recover(passage: Passage, { requests, hasBlob }: UploadsDeps): Promise<boolean> {
  const { repository, blob, signal, feed, upload } = passage;
  if (passage.closing && (await hasBlob(repository, blob.digest, signal))) return true;
  let known = upload && (await requests.progress(passage, upload));
  // More than it was sent is nothing to build on.
  if (known !== undefined && known.offset > feed.passed()) known = undefined;
  if (known === undefined) {
    await requests.abandon(repository, upload?.location);
    feed.restart();
  }
  passage.upload = known;
  passage.closing = false;
  passage.broken = false;
  return false;
}

const isUnreachable = (thrown: unknown): thrown is OperatorError =>
  thrown instanceof OperatorError &&
  (thrown.reason === 'RegistryUnreachable' || thrown.reason === 'RegistryFailed');
