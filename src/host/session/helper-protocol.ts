// What can be asked of helper.py: one line of JSON each way, {id, op, args} and {id, ok, result | error}.
import type { ErrorKind } from '../../kernel/errors.ts';
import type { FileState, FileWrite, HostFacts } from '../ports.ts';

/**
 * Arguments and result of each operation. The answers have these shapes: the helper is our own file, checked
 * by its hash.
 */
export interface HelperOperations {
  /** First and once: takes the fence, opens the way to the engine's socket. */
  readonly hello: Operation<
    { readonly epoch: number; readonly owner: string; readonly engine: string },
    HostFacts & {
      /** The socket on the host that leads to the engine. */
      readonly door: string;
    }
  >;
  readonly stat: Operation<{ readonly paths: readonly string[] }, readonly FileState[]>;
  /** The text of one file, empty when it is not there. */
  readonly read: Operation<{ readonly path: string }, string>;
  readonly write: Operation<{ readonly files: readonly EncodedFile[] }, null>;
  readonly ensureDirectories: Operation<
    {
      readonly directories: readonly {
        readonly path: string;
        readonly mode: string;
        readonly owner: string;
      }[];
    },
    null
  >;
  /** Files, links and empty directories. */
  readonly remove: Operation<{ readonly paths: readonly string[] }, null>;
  /** Has the engine's systemd service read its configuration again, if it runs. */
  readonly reloadEngine: Operation<{ readonly service: string }, null>;
}

interface Operation<Args, Result> {
  readonly args: Args;
  readonly result: Result;
}

/** A FileWrite with its content in base64. */
export interface EncodedFile extends Omit<FileWrite, 'content'> {
  readonly content: string;
}

export type HelperAnswer =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: HelperError };

export interface HelperError {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly message: string;
  /** With reason Fenced: the epoch that is in charge. */
  readonly epoch?: number;
}
