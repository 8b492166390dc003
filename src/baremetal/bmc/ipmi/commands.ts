// The commands that everything else is made of: refusals become errors, effects are permitted before each packet.
import { refused } from '../errors.ts';
import type { Connection, Effect } from './connection.ts';
import type { Reply, Request } from './message.ts';
import { completionText } from './status.ts';

export interface Commands {
  /** Whatever the completion code. */
  ask(request: Request, signal: AbortSignal, effect?: Effect): Promise<Reply>;
  /** The data of a reply with completion code 0; else throws terminal BMCRefused, with `what` was asked. */
  get(what: string, request: Request, signal: AbortSignal, effect?: Effect): Promise<Buffer>;
}

export function createCommands(address: string, connection: Connection): Commands {
  return {
    ask: connection.send,
    async get(what, request, signal, effect) {
      const reply = await connection.send(request, signal, effect);
      if (reply.completion === 0) return reply.data;
      throw refused(address, `${what}, with ${completionText(reply.completion)}`);
    },
  };
}

/** An effect that does no harm when it happens twice. */
export const effect = (permit: () => void): Effect => ({ permit, repeatable: true });
