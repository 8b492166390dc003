// Asks the helper and matches its answers: requests go out as they come, answers are found again by their id.
import type { ClientChannel } from 'ssh2';
import type { Clock } from '../../kernel/clock.ts';
import { OperatorError } from '../../kernel/errors.ts';
import { FencedError, HelperEnded } from './errors.ts';
import type { HelperAnswer, HelperError, HelperOperations } from './helper-protocol.ts';

/** Longer than any file operation takes on a host that is alive. */
const answerMs = 60_000;
/** How much of its standard error is kept, in characters. */
const complaintLimit = 500;

export interface HelperClient {
  /** Throws what the helper answers, or HelperEnded; an aborted request is still carried out. */
  request<O extends keyof HelperOperations>(
    op: O,
    args: HelperOperations[O]['args'],
    signal: AbortSignal,
  ): Promise<HelperOperations[O]['result']>;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * Speaks on `channel`, where the helper runs. `name` begins every message. `onEnded` is called once, when the
 * helper is gone or does not answer any more; everything pending fails with the same error.
 */
export function createHelperClient(options: {
  readonly channel: ClientChannel;
  readonly name: string;
  readonly clock: Clock;
  readonly onEnded: (reason: HelperEnded) => void;
}): HelperClient {
  const { channel, name, clock } = options;
  const pending = new Map<number, Pending>();
  let ended: HelperEnded | undefined;
  let lastId = 0;

  const end = (why: string, code?: number) => {
    if (ended !== undefined) return;
    ended = new HelperEnded(`${name}: ${why}`, code);
    for (const asked of pending.values()) asked.reject(ended);
    pending.clear();
    options.onEnded(ended);
  };
  const answer = (line: string) => {
    const message = parseAnswer(line);
    if (message === undefined) {
      const remedy = 'a login shell must print nothing when it runs a command';
      end(`the host says ${JSON.stringify(line.slice(0, 80))} in place of the helper: ${remedy}`);
      return;
    }
    const asked = pending.get(message.id);
    pending.delete(message.id);
    if (message.ok) asked?.resolve(message.result);
    else asked?.reject(helperError(name, message.error));
  };

  listen(channel, answer, end);
  return {
    request(op, args, signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        if (ended !== undefined) throw ended;
        lastId += 1;
        const id = lastId;
        const deadline = clock.schedule(answerMs, () => end(`the helper did not answer ${op} in time`));
        const onAbort = () => {
          reject(signal.reason as Error);
        };
        const settle = () => {
          deadline.cancel();
          signal.removeEventListener('abort', onAbort);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        pending.set(id, {
          resolve(result) {
            settle();
            resolve(result as HelperOperations[typeof op]['result']);
          },
          reject(error) {
            settle();
            reject(error);
          },
        });
        channel.write(`${JSON.stringify({ id, op, args })}\n`);
      });
    },
  };
}

/** Cuts what comes into lines, and tells once when no more will come, and why. */
function listen(
  channel: ClientChannel,
  onLine: (line: string) => void,
  onEnd: (why: string, code?: number) => void,
): void {
  let unfinished: string[] = [];
  let complaint = '';
  channel.setEncoding('utf8');
  channel.on('data', (text: string) => {
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      onLine([...unfinished, line].join(''));
      unfinished = [];
    }
    if (rest !== '') unfinished.push(rest);
  });
  channel.stderr.setEncoding('utf8');
  channel.stderr.on('data', (text: string) => {
    complaint = (complaint + text).slice(-complaintLimit);
  });
  channel.on('error', (error: Error) => onEnd(`the helper's channel failed: ${error.message}`));
  channel.on('close', (code: number | null = null, signal?: string) => {
    const how = signal ?? (code === null ? 'connection lost' : `exit status ${code}`);
    const said = complaint.trim().replaceAll(/\s+/g, ' ');
    onEnd(`the helper ended (${how})${said === '' ? '' : `: ${said}`}`, code ?? undefined);
  });
}

function parseAnswer(line: string): HelperAnswer | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    const isAnswer = typeof parsed === 'object' && parsed !== null && 'id' in parsed && 'ok' in parsed;
    return isAnswer ? (parsed as HelperAnswer) : undefined;
  } catch {
    return undefined;
  }
}

function helperError(name: string, error: HelperError): OperatorError {
  const message = `${name}: ${error.message}`;
  if (error.reason === 'Fenced' && error.epoch !== undefined) return new FencedError(message, error.epoch);
  return new OperatorError(error.kind, error.reason, message);
}
