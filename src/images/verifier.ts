// Remembers which images carry the signature that a set asks for, so that each is verified once.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { asOperatorError, type OperatorError } from '../kernel/errors.ts';
import { hashOf } from '../api/canonical.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Limiter } from '../kernel/limiter.ts';
import { keyOf, keyText, type ObjectKey } from '../kube/objects.ts';
import type { Registries } from './access.ts';
import { createLimiterByHost } from './by-host.ts';
import type { FoundImage } from './lookup.ts';
import type { WantedImage } from './resolve.ts';
import { readVerificationKey, type VerificationKey } from './verify/key.ts';
import { verifyImage } from './verify/verify.ts';

const atOnce = 4;
/** What failed is tried again so long after. */
const retryMs = 30_000;

export interface Candidate {
  readonly image: WantedImage;
  readonly found: FoundImage;
}

export interface Verdict {
  /** By the image's name: why it may not be used. */
  readonly refused: ReadonlyMap<string, OperatorError>;
  /** Milliseconds until another look may find better; undefined when all are verified. */
  readonly againInMs: number | undefined;
}

export interface Verifier {
  /** `key.pem` is undefined where the ConfigMap or its key is missing. Throws only the signal's reason. */
  run(
    set: ContainerImageSet,
    candidates: readonly Candidate[],
    key: { readonly configMap: string; readonly pem: string | undefined },
    signal: AbortSignal,
  ): Promise<Verdict>;
  forget(key: ObjectKey): void;
}

interface Hands {
  readonly registries: Registries;
  readonly limiterFor: (host: string) => Limiter;
}

interface Memory {
  /** The public key, and where the set looks: with another of these all are verified anew. */
  readonly of: string;
  readonly verified: Set<string>;
  readonly refused: Map<string, OperatorError>;
  tryAgainAt: number;
}

export function createVerifier(deps: { readonly registries: Registries; readonly clock: Clock }): Verifier {
  const { registries, clock } = deps;
  const memories = new Map<string, Memory>();
  const limiterFor = createLimiterByHost(atOnce);

  const recall = (set: ContainerImageSet, pem: string | undefined): Memory => {
    const id = keyText(keyOf(set));
    const of = hashOf([set.metadata.uid, set.spec.source, pem]);
    const known = memories.get(id);
    if (known?.of === of) return known;
    const memory: Memory = { of, verified: new Set(), refused: new Map(), tryAgainAt: 0 };
    memories.set(id, memory);
    return memory;
  };

  return {
    async run(set, candidates, { configMap, pem }, signal) {
      const memory = recall(set, pem);
      const open = candidates.filter((candidate) => !memory.verified.has(subjectOf(candidate)));
      const fresh = open.some((candidate) => !memory.refused.has(subjectOf(candidate)));
      if (open.length > 0 && (fresh || clock.monotonic() >= memory.tryAgainAt)) {
        const refused = await verifyAll(
          { registries, limiterFor },
          set,
          { memory, open },
          () => readVerificationKey(pem, configMap),
          signal,
        );
        memory.refused.clear();
        for (const candidate of open) {
          const error = refused.get(candidate);
          if (error !== undefined) memory.refused.set(subjectOf(candidate), error);
        }
        memory.tryAgainAt = clock.monotonic() + retryMs;
      }
      const refused = candidates.flatMap((candidate) => {
        const error = memory.refused.get(subjectOf(candidate));
        return error === undefined ? [] : [[candidate.image.name, error] as const];
      });
      return {
        refused: new Map(refused),
        againInMs: refused.length === 0 ? undefined : Math.max(memory.tryAgainAt - clock.monotonic(), 0),
      };
    },
    forget: (key) => void memories.delete(keyText(key)),
  };
}

/** Yields why it may not be used, for each that may not. */
async function verifyAll(
  { registries, limiterFor }: Hands,
  set: ContainerImageSet,
  { memory, open }: { readonly memory: Memory; readonly open: readonly Candidate[] },
  key: () => VerificationKey,
  signal: AbortSignal,
): Promise<ReadonlyMap<Candidate, OperatorError>> {
  const refused = new Map<Candidate, OperatorError>();
  const limiter = limiterFor(set.spec.source.registry);
  const failed = (candidate: Candidate) => (thrown: unknown) => {
    signal.throwIfAborted();
    refused.set(candidate, asOperatorError(thrown));
  };
  try {
    const held = key();
    const registry = await registries.open(set, 'source', signal);
    const verifyOne = (candidate: Candidate) =>
      limiter
        .run(signal, () =>
          verifyImage(registry, candidate.image.source.path, candidate.found.digest, held, signal),
        )
        // Noted at once: what was verified counts, also when time runs out for the rest.
        .then(() => memory.verified.add(subjectOf(candidate)))
        .catch(failed(candidate));
    await Promise.all(open.map(verifyOne));
  } catch (thrown) {
    for (const candidate of open) failed(candidate)(thrown);
  }
  return refused;
}

const subjectOf = ({ image, found }: Candidate): string => `${image.source.repository}@${found.digest}`;
