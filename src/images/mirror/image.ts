// What is asked of a copy, and what becomes of it, image by image.
import type { OperatorError } from '../../kernel/errors.ts';

/** An image to be copied, byte for byte. */
export interface MirrorImage {
  /** For people. */
  readonly name: string;
  readonly source: { readonly path: string; readonly digest: string };
  readonly destination: { readonly path: string; readonly tag: string };
  /** Tags in the source repository that are copied beside the image where they exist: signatures. */
  readonly attachments?: readonly string[];
}

/** What became of an image: the destination has it under its tag, or why not. */
export type MirrorOutcome =
  | {
      readonly image: MirrorImage;
      readonly digest: string;
      /** Bytes that a host pulls. Absent for an index, and where nobody read the manifest as the destination had it already. */
      readonly size?: number;
    }
  | { readonly image: MirrorImage; readonly error: OperatorError };
