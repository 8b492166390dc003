// Requests that change something: with If-Match where there is an ETag, again after a refusal that passes, tasks followed.
import { succeeded } from './answer.ts';
import type { Command } from './exchange.ts';
import type { Reply, Sent } from './http.ts';
import { problem } from './problem.ts';
import { pausesAfter, type Purpose } from './quirks.ts';
import type { Document } from './session.ts';
import { followTask, type Patience, type TaskDeps } from './task.ts';

export interface Effect {
  /** For messages: what is being done. */
  readonly what: string;
  readonly purpose?: Purpose;
  /** `end` unless told. */
  readonly patience?: Patience;
}

export interface Effects {
  /** The last reply whatever its status; a task that it began has gone as far as `effect` says. */
  tryPost(link: string, sent: Sent, effect: Effect, command: Command): Promise<Reply>;
  /** Changes the resource that `document` is. As tryPost. */
  tryPatch(document: Document, body: object, effect: Effect, command: Command): Promise<Reply>;
  /** As tryPatch; throws what a reply means that is no success. */
  patch(document: Document, body: object, effect: Effect, command: Command): Promise<void>;
}

export function createEffects(deps: TaskDeps): Effects {
  const { address, session, clock } = deps;

  const settle = async (effect: Effect, command: Command, send: () => Promise<Reply>): Promise<Reply> => {
    let reply = await send();
    for (let tried = 0; ; tried += 1) {
      const pause = pausesAfter(reply, effect.purpose ?? 'other')[tried];
      if (pause === undefined) break;
      await clock.sleep(pause, command.signal);
      reply = await send();
    }
    if (reply.status === 202) {
      await followTask(deps, effect.what, reply, effect.patience ?? 'end', command.signal);
    }
    return reply;
  };
  const tryPatch: Effects['tryPatch'] = (document, body, effect, command) =>
    settle(effect, command, async () => {
      const send = (etag: string | undefined) =>
        session.send('PATCH', document.link, { body, headers: ifMatch(etag) }, command);
      let reply = await send(document.etag);
      if (reply.status !== 412 && reply.status !== 428) return reply;
      // It may have changed since it was read. If it still does not match, quirks `strongEtagWanted`, `noEtagWanted`.
      const { etag } = await session.get(document.link, command.signal);
      const others = [etag, etag === undefined ? undefined : reversed(etag), undefined];
      for (const other of new Set(others.slice(etag === document.etag ? 1 : 0))) {
        reply = await send(other);
        if (reply.status !== 412 && reply.status !== 428) break;
      }
      return reply;
    });

  return {
    tryPost: (link, sent, effect, command) =>
      settle(effect, command, () => session.send('POST', link, sent, command)),
    tryPatch,
    async patch(document, body, effect, command) {
      const reply = await tryPatch(document, body, effect, command);
      if (!succeeded(reply)) throw problem(address, effect.what, reply);
    },
  };
}

export const ifMatch = (etag: string | undefined): Record<string, string> =>
  etag === undefined ? {} : { 'if-match': etag };

/** A weak ETag as the strong one, and the other way round (RFC 9110 8.8.3). */
const reversed = (etag: string): string => (etag.startsWith('W/') ? etag.slice(2) : `W/${etag}`);
