// Asks and waits for the answer, over a network that loses packets: sends again, ever less often.
import type { Clock, Timer } from '../../../kernel/clock.ts';

/** How long to wait for an answer after sending, and how often to send in all. */
export interface Patience {
  readonly firstMs: number;
  /** Each wait is longer than the one before by `growth`, up to this. */
  readonly mostMs: number;
  readonly times: number;
}
const growth = 1.3;
/** Up to this part of a wait is added at random, so that many that begin together do not stay together. */
const jitter = 0.1;

/** About 12 s: where 30 % of packets are lost each way, 1 in 800 exchanges fails. */
export const patient: Patience = { firstMs: 500, mostMs: 1500, times: 10 };
/** About 3 s, for where there is something else to be done after silence. */
export const brief: Patience = { firstMs: 500, mostMs: 1500, times: 4 };

export interface Asking<In, Out> {
  /** Sends it, for the first time or again. What it throws ends the exchange. */
  send(): void;
  /** What `input` says; undefined: it is not the answer. */
  read(input: In): Out | undefined;
  readonly patience: Patience;
}

/** One exchange at a time. */
export interface Exchanger<In> {
  /** Undefined: silence. Throws what `send` throws or `fail` is given, and the signal's reason. */
  ask<Out>(asking: Asking<In, Out>, signal: AbortSignal): Promise<Out | undefined>;
  /** Something came in. */
  offer(input: In): void;
  /** Ends the exchange that is under way, if one is. */
  fail(error: Error): void;
}

/** `random` yields [0, 1). */
export function createExchanger<In>(clock: Clock, random: () => number): Exchanger<In> {
  let current: { readonly offer: (input: In) => void; readonly fail: (error: Error) => void } | undefined;
  return {
    ask: ({ send, read, patience }, signal) =>
      new Promise((resolve, reject) => {
        let timer: Timer | undefined;
        let open = true;
        let sent = 0;
        let wait = patience.firstMs;
        const finish = (settle: () => void) => {
          open = false;
          current = undefined;
          timer?.cancel();
          signal.removeEventListener('abort', onAbort);
          settle();
        };
        const onAbort = () => finish(() => reject(signal.reason as Error));
        const attempt = () => {
          if (sent === patience.times) {
            finish(() => resolve(undefined));
            return;
          }
          sent += 1;
          try {
            send();
          } catch (error) {
            finish(() => reject(asError(error)));
          }
          if (open) timer = clock.schedule(wait * (1 + jitter * random()), attempt);
          wait = Math.min(wait * growth, patience.mostMs);
        };
        current = {
          offer(input) {
            const answer = read(input);
            if (answer !== undefined) finish(() => resolve(answer));
          },
          fail: (error) => finish(() => reject(error)),
        };
        if (signal.aborted) return onAbort();
        signal.addEventListener('abort', onAbort, { once: true });
        attempt();
      }),
    offer: (input) => current?.offer(input),
    fail: (error) => current?.fail(error),
  };
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
