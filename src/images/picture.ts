// What is known of each image of a set, from all that looked: where it should be, what it is, and what keeps it from being
// used. Pure.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import type { OperatorError } from '../kernel/errors.ts';
import type { FoundImage } from './lookup.ts';
import type { Proposal } from './pins.ts';
import type { Moved } from './proposal.ts';
import { referenceOf, type WantedImage } from './resolve.ts';
import type { Known } from './search.ts';
import type { TransferView } from './transfer.ts';
import type { Verdict } from './verifier.ts';

export interface ImageProblem {
  readonly state: 'Searching' | 'Copying' | 'Failed';
  readonly message: string;
  /** Undefined while it is on its way. */
  readonly error: OperatorError | undefined;
}

export interface ImageState {
  readonly name: string;
  /** Empty where not even that could be told. */
  readonly reference: string;
  readonly wanted: WantedImage | undefined;
  readonly found: FoundImage | undefined;
  /** How environment files call it. */
  readonly parameters: readonly string[];
  /** Undefined: hosts may run it. */
  readonly problem: ImageProblem | undefined;
}

export interface Picture {
  readonly needed: number;
  readonly images: readonly ImageState[];
  /** Hosts may run all of it. */
  readonly complete: boolean;
  readonly moved: readonly Moved[] | undefined;
  readonly proposal: Proposal | undefined;
  readonly lookupError: OperatorError | undefined;
  /** Undefined where no signature is asked for. */
  readonly verdict: Verdict | undefined;
  /** Undefined without a destination. */
  readonly transfer: TransferView | undefined;
  /** What is odd about the spec, and keeps nobody from anything. */
  readonly warnings: readonly string[];
}

export interface Located {
  readonly name: string;
  readonly wanted: WantedImage | undefined;
  /** Why it cannot be located. */
  readonly error: OperatorError | undefined;
  readonly parameters: readonly string[];
}

export interface Looks {
  readonly located: readonly Located[];
  readonly known: Known;
  /** Undefined where no signature is asked for. */
  readonly verdict: Verdict | undefined;
  readonly transfer: TransferView | undefined;
  readonly warnings: readonly string[];
}

export function pictureOf({ spec }: ContainerImageSet, looks: Looks): Picture {
  const { located, known, verdict, transfer, warnings } = looks;
  const images = located.map(({ name, wanted, error, parameters }): ImageState => {
    const found = known.found.get(name);
    return {
      name,
      reference: wanted === undefined ? '' : referenceOf(wanted),
      wanted,
      found,
      parameters,
      problem: error === undefined ? problemOf(name, found, looks) : failed(error),
    };
  });
  return {
    needed: located.length,
    images,
    complete: images.every(({ problem }) => problem === undefined),
    moved: known.moved,
    proposal: known.proposal,
    lookupError: known.lookupError,
    verdict,
    transfer: spec.destination === undefined ? undefined : transfer,
    warnings,
  };
}

function problemOf(
  name: string,
  found: FoundImage | undefined,
  { known, verdict, transfer }: Looks,
): ImageProblem | undefined {
  if (found === undefined) {
    const error = known.failed.get(name);
    return error === undefined ? underWay('Searching', 'is being looked for') : failed(error);
  }
  const refused = verdict?.refused.get(name);
  if (refused !== undefined) return failed(refused);
  if (transfer === undefined || transfer.mirrored.has(name)) return undefined;
  const error = transfer.failed.get(name);
  return error === undefined ? underWay('Copying', 'is being copied to the destination') : failed(error);
}

const failed = (error: OperatorError): ImageProblem => ({ state: 'Failed', message: error.message, error });

const underWay = (state: 'Searching' | 'Copying', message: string): ImageProblem => ({
  state,
  message,
  error: undefined,
});
