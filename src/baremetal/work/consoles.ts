// Follows the serial consoles of machines that boot, and keeps their ends for whoever asks why nothing came of it.
import { stripVTControlCharacters } from 'node:util';
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import type { Logger } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Observer } from '../observe.ts';

/** As much as a person reads, and a ConfigMap holds without a thought. */
const mostKept = 16 * 1024;
const mostLines = 4;
const longestLine = 160;

export interface Consoles {
  /** Begins to follow, if it does not already. What BMC has no console for us is left alone. */
  follow(node: BareMetalNode): void;
  /** What was printed last; empty where nobody followed or nothing came. */
  log(uid: string): string;
  stop(uid: string): void;
}

interface Followed {
  readonly boot: string;
  readonly stop: AbortController;
  text: string;
}

export function createConsoles({
  observer,
  log,
}: {
  readonly observer: Pick<Observer, 'stream'>;
  readonly log: Logger;
}): Consoles {
  const followed = new Map<string, Followed>();

  const stop = (uid: string): void => {
    followed.get(uid)?.stop.abort();
    followed.delete(uid);
  };
  return {
    follow(node) {
      const { uid, name } = node.metadata;
      const boot = node.status?.work?.boot ?? '';
      if (followed.get(uid)?.boot === boot || !hasConsole(node)) return;
      stop(uid);
      const one: Followed = { boot, stop: new AbortController(), text: '' };
      followed.set(uid, one);
      const take = (text: string): void => {
        one.text = `${one.text}${text}`.slice(-mostKept);
      };
      observer
        .stream(node, one.stop.signal, (bmc, signal) => bmc.console(take, signal))
        .catch((error: unknown) => {
          if (!one.stop.signal.aborted) log.debug('No console', { node: name, error: messageOf(error) });
        });
    },
    log: (uid) => readable(followed.get(uid)?.text ?? ''),
    stop,
  };
}

/** Redfish has none that could be followed (bmc/redfish/redfish.ts). */
const hasConsole = ({ spec }: BareMetalNode): boolean => spec.bmc.address.startsWith('ipmi://');

/** Without what moves cursors and colours, which a terminal would obey. */
const readable = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll('\r', '')
    .replaceAll(/[^\n\t\x20-\x7e]/g, '');

/** The end of a console's log, for a sentence: "… | Kernel panic - not syncing". */
export function tailOf(log: string): string | undefined {
  const lines = log
    .split('\n')
    .map((line) => line.trim().slice(0, longestLine))
    .filter((line) => line !== '');
  return lines.length === 0 ? undefined : lines.slice(-mostLines).join(' | ');
}
