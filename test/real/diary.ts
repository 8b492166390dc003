// What happens, with the time, for the person who watches for half an hour.
import type { BareMetalNode } from '../../src/api/baremetalnode.gen.ts';

export interface Diary {
  say(text: string): void;
  /** From now on prints a node's state, phase and reason whenever they change. */
  follow(look: () => BareMetalNode | undefined): void;
  close(): void;
}

export function startDiary(): Diary {
  const begun = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const say = (text: string): void => {
    const seconds = Math.round((performance.now() - begun) / 1000);
    const clock = `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`;
    console.log(`      ${clock}  ${text}`);
  };
  return {
    say,
    follow(look) {
      let last = '';
      timer = setInterval(() => {
        const { status } = look() ?? {};
        const now = [status?.state, status?.work?.phase, status?.stateReason]
          .filter((part) => part !== undefined)
          .join(' · ');
        if (now !== last && now !== '') say(now);
        last = now;
      }, 500);
    },
    close: () => clearInterval(timer),
  };
}
