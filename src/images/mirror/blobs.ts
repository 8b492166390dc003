// Brings one blob to every repository that needs it: it is sent at most once, and mounted from there into the others.
import { asOperatorError, type OperatorError } from '../../kernel/errors.ts';
import type { Descriptor, Registry } from '../registry/port.ts';
import { every, unlessFailed, type Lanes } from './lanes.ts';
import type { BlobPlace, BlobPlan } from './plan.ts';
import type { MirrorTally } from './progress.ts';

/** Why a blob did not come to a repository, by repository; empty when all went well. */
export type BlobFailures = ReadonlyMap<string, OperatorError>;

export interface BlobMoverDeps {
  readonly from: Registry;
  readonly to: Registry;
  readonly lanes: Lanes;
  readonly tally: MirrorTally;
  /** Another repository of the destination that ought to have the blob; asked only for blobs that would be sent otherwise. */
  readonly homeOf: (blob: BlobPlan) => Promise<string | undefined>;
}

export interface BlobMover {
  /** Throws only the signal's reason. */
  place(blob: BlobPlan): Promise<BlobFailures>;
}

interface Carrier {
  has(repository: string, blob: Descriptor): Promise<boolean>;
  /** Uploads the blob from `path` in `origin`. */
  send(blob: Descriptor, into: string, origin: Registry, path: string): Promise<void>;
  /** Gets the blob from a repository of the destination that has it into another one. */
  spread(blob: Descriptor, into: string, home: string): Promise<void>;
}

function createCarrier({ to, lanes, tally }: Pick<BlobMoverDeps, 'to' | 'lanes' | 'tally'>): Carrier {
  const { signal } = lanes;
  const has: Carrier['has'] = (repository, blob) =>
    unlessFailed(
      lanes.ask(() => to.hasBlob(repository, blob.digest, signal)),
      false,
    );

  /** Bytes that were handed on in vain come on top of those that are to be sent. */
  const send: Carrier['send'] = async (blob, into, origin, path) => {
    let handed = 0;
    const onBytes = (bytes: number): void => {
      handed += bytes;
      tally.bytes += bytes;
      if (handed > blob.size) tally.totalBytes += Math.min(bytes, handed - blob.size);
    };
    const upload = (): Promise<void> =>
      to.uploadBlob(into, blob, (at, inner) => origin.readBlob(path, blob, at, inner), onBytes, signal);
    const probe = async (): Promise<void> => {
      await origin.hasBlob(path, blob.digest, signal);
      await to.hasBlob(into, blob.digest, signal);
    };
    try {
      await lanes.transfer(upload, probe);
      tally.copied += 1;
    } catch (thrown) {
      tally.totalBytes += Math.min(handed, blob.size);
      throw thrown;
    }
  };

  const mount = async (blob: Descriptor, into: string, home: string): Promise<boolean> => {
    try {
      return await lanes.ask(() => to.mountBlob(into, blob.digest, home, signal));
    } catch (thrown) {
      signal.throwIfAborted();
      // No right to read `home` is a refusal like others; if it is worse than that, the upload says so.
      const { kind, reason } = asOperatorError(thrown);
      if (kind === 'transient' && reason !== 'RegistryFailed') throw thrown;
      return false;
    }
  };

  /**
   * A registry that does not mount (the specification leaves it free to) is sent the blob from its own other repository: that is
   * certainly there, and costs the source neither bytes nor one of the pulls that it may count.
   */
  const spread: Carrier['spread'] = async (blob, into, home) => {
    if (await mount(blob, into, home)) {
      tally.mounted += 1;
    } else if (await has(into, blob)) {
      tally.skipped += 1;
    } else {
      tally.totalBytes += blob.size;
      await send(blob, into, to, home);
    }
  };

  return { has, send, spread };
}

export function createBlobMover({ from, to, lanes, tally, homeOf }: BlobMoverDeps): BlobMover {
  const { signal } = lanes;
  const { has, send, spread } = createCarrier({ to, lanes, tally });

  /** Undefined also where that cannot be told: then it is sent. */
  const findHome = async (blob: BlobPlan): Promise<string | undefined> => {
    try {
      const home = await homeOf(blob);
      return home !== undefined && (await has(home, blob)) ? home : undefined;
    } catch {
      // If the registry is away altogether, sending does not even begin, and says the same.
      signal.throwIfAborted();
      return undefined;
    }
  };

  /** Undefined: it failed, and `failures` says so. */
  const attempt = async <T>(
    failures: Map<string, OperatorError>,
    repository: string,
    work: () => Promise<T>,
  ): Promise<T | undefined> => {
    try {
      return await work();
    } catch (thrown) {
      signal.throwIfAborted();
      failures.set(repository, asOperatorError(thrown));
      return undefined;
    }
  };

  /** A repository that may not be written to, or lacks the blob at the source, is no reason for the others to go without it. */
  const sendToOne = async (
    blob: BlobPlan,
    places: readonly BlobPlace[],
    failures: Map<string, OperatorError>,
  ): Promise<string | undefined> => {
    for (const { repository, source } of places) {
      await attempt(failures, repository, () => send(blob, repository, from, source));
      const error = failures.get(repository);
      if (error === undefined) return repository;
      if (isOfOnePlace(error)) continue;
      for (const place of places) failures.set(place.repository, failures.get(place.repository) ?? error);
      return undefined;
    }
    return undefined;
  };

  return {
    async place(blob) {
      const failures = new Map<string, OperatorError>();
      const asked = await every(signal, blob.places, async (place) => ({
        place,
        there: await attempt(failures, place.repository, () => has(place.repository, blob)),
      }));
      const [first, ...others] = asked.filter(({ there }) => there === true);
      const missing = asked.flatMap(({ place, there }) => (there === false ? [place] : []));
      if (first !== undefined) tally.skipped += others.length + 1;
      const known = first?.place.repository ?? (await findHome(blob));
      if (known !== undefined) tally.totalBytes -= blob.size;
      const home = known ?? (await sendToOne(blob, missing, failures));
      if (home === undefined) return failures;
      const waiting = missing.filter(({ repository }) => repository !== home && !failures.has(repository));
      await every(signal, waiting, ({ repository }) =>
        attempt(failures, repository, () => spread(blob, repository, home)),
      );
      return failures;
    },
  };
}

/** Another repository may do better; but bytes that are wrong in one are wrong in all, and a line that breaks, breaks for all. */
const isOfOnePlace = ({ kind, reason }: OperatorError): boolean =>
  kind !== 'transient' && reason !== 'DigestMismatch';
